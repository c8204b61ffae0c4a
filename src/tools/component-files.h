/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which Files Are a Component's
 *
 * Out of a writer's metadata: its components, which of them are explicit choices and which follow another one (implicit subcomponents), and the file sets of
 * a choice with all that follows it. [MS: working-with-selectability-and-logical-paths; pitfall 39]
 */

#include <vsbackup.h>

#include "base/macro.h"
#include "tools/file-set.h"

typedef struct Component {
        VSS_COMPONENT_TYPE type;
        char *logical_path, *name;
        char *full; /* logical path, backslash, name: what people and --component say */
        bool selectable;
        size_t index; /* in the metadata */
} Component;

typedef struct WriterMetadata {
        GUID instance_id, writer_id;
        char *name, *instance_name;
        IVssExamineWriterMetadata *metadata;
        VSS_RESTOREMETHOD_ENUM restore_method; /* VSS_RME_UNDEFINED: none */
        Component *components;
        size_t n_components;
} WriterMetadata;

/* Takes a reference on @metadata. */
HRESULT writer_metadata_read(IVssExamineWriterMetadata *metadata, WriterMetadata *ret);
void writer_metadata_clear(WriterMetadata *w);

const Component *writer_metadata_find(const WriterMetadata *w, const char *logical_path, const char *name);
/* Does @c follow @parent, because its logical path begins with the parent's full one? */
bool component_follows(const Component *c, const Component *parent);
/* Adds the file sets of @c and of all that follow it, less what the writer excludes. */
HRESULT component_add_files(const WriterMetadata *w, const Component *c, FileSet *set);
