/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What umbrad takes from others at most, and how long it waits.
 */

#include "base/time-util.h"

#define WIRE_CONNECTIONS_MAX 4096U
#define WIRE_OPERATIONS_MAX 64U   /* of one connection that wait for their answers */
#define WIRE_UNREAD_MAX 256U      /* messages that the other end of a connection lets lie */
#define WIRE_TEXT_MAX 32768U      /* a path or name, escaped */
#define WIRE_VOLUMES_MAX 64U      /* in one set: VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED */
#define WIRE_SNAPSHOTS_MAX 512U   /* of one volume: VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED */
#define WIRE_PROVIDERS_MAX 256U   /* registered ones */
#define WIRE_AREAS_MAX 4096U      /* VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED */
#define WIRE_MESSAGE_MAX 4096U    /* a failure message of a writer */
#define WIRE_IDS_MAX 4096U        /* in SetWriterSelection */
#define WIRE_SELECTION_MAX 16384U /* of all of them together, by kind */
#define WIRE_EXPRESS_WRITERS_MAX 256U

#define WIRE_AUTH_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define WIRE_CALL_TIMEOUT_USEC (30 * USEC_PER_SEC)        /* calls that are answered at once */
#define WIRE_USAGE_TIMEOUT_USEC (600 * USEC_PER_SEC)      /* looking at every file of the copies */
#define WIRE_DELETE_TIMEOUT_USEC (600 * USEC_PER_SEC)
#define WIRE_IDENTIFY_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define WIRE_PREPARE_TIMEOUT_USEC (600 * USEC_PER_SEC)    /* PrepareForBackup, PostSnapshot … */
#define WIRE_FREEZE_DEFAULT_USEC (60 * USEC_PER_SEC)      /* [MS: timeouts, CVssWriter::Initialize] */
#define WIRE_FREEZE_MAX_USEC (600 * USEC_PER_SEC)
#define WIRE_HOLD_MAX_USEC (10 * USEC_PER_SEC)
