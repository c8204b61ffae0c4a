/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Coordinator's Types by Name
 *
 * Headers of this folder include this and what they embed, nothing else of the folder.
 */

typedef struct Config Config;
typedef struct Connection Connection;
typedef struct Deed Deed;
typedef struct DeedQueue DeedQueue;
typedef struct DiscardQueue DiscardQueue;
typedef struct ExpressRequest ExpressRequest;
typedef struct ForeignProvider ForeignProvider;
typedef struct Manager Manager;
typedef struct Operation Operation;
typedef struct ProviderInfo ProviderInfo;
typedef struct ProviderPool ProviderPool;
typedef struct ProbeJob ProbeJob;
typedef struct Recovery Recovery;
typedef struct Resurface Resurface;
typedef struct Session Session;
typedef struct SessionWriter SessionWriter;
typedef struct SetSnapshot SetSnapshot;
typedef struct SnapshotSet SnapshotSet;
typedef struct SnapshotWatch SnapshotWatch;
typedef struct WriterCall WriterCall;
typedef struct WriterProxy WriterProxy;
typedef struct WriterReply WriterReply;
typedef struct WriterRound WriterRound;
