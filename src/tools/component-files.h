/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which Files Are a Component's
 *
 * Out of a writer's metadata: its components, which of them are explicit choices and which follow another one (implicit subcomponents), and the file sets of
 * a choice with all that follows it. [MS: working-with-selectability-and-logical-paths; pitfall 39]
 */

#include <uthash.h>
#include <vsbackup.h>

#include "base/macro.h"
#include "tools/file-set.h"

typedef struct Component {
        VSS_COMPONENT_TYPE type;
        char *logical_path, *name;
        char *full; /* logical path, backslash, name: what people and --component say */
        bool selectable;
        DWORD flags;  /* VSS_COMPONENT_FLAGS */
        size_t index; /* in the metadata */
        UT_hash_handle hh;
} Component;

typedef struct WriterMetadata {
        GUID instance_id, writer_id;
        char *name, *instance_name;
        VSS_USAGE_TYPE usage;
        DWORD schema; /* VSS_BACKUP_SCHEMA bits */
        IVssExamineWriterMetadata *metadata;
        VSS_RESTOREMETHOD_ENUM restore_method; /* VSS_RME_UNDEFINED: none */
        Component *components;
        size_t n_components;
        Component *by_name;  /* a hash, by full names */
        Component **by_path; /* those that follow another one stand together */
} WriterMetadata;

/* Takes a reference on @metadata. */
HRESULT writer_metadata_read(IVssExamineWriterMetadata *metadata, WriterMetadata *ret);
void writer_metadata_clear(WriterMetadata *w);

const Component *writer_metadata_find(const WriterMetadata *w, const char *logical_path, const char *name);
/* Its name, its instance name, or one of its ids? */
bool writer_is_called(const WriterMetadata *w, const char *name);

/* Does @c follow @parent, because its logical path begins with the parent's full one? */
bool component_follows(const Component *c, const Component *parent);
/* The selectable component that @c comes along with: of several the one that they all follow. NULL: none, so @c is
 * only in a backup if it is added itself. */
const Component *component_set_of(const WriterMetadata *w, const Component *c);
/* Is @c @top itself, or does it come along with it? */
bool component_is_member(const Component *c, const Component *top);
/* Those that come along with @top: so many of @w->by_path, from *@ret_first on. */
size_t component_members(const WriterMetadata *w, const Component *top, size_t *ret_first);
/* The component of which @c is a part at level @level, the uppermost being 0, if there is one; *@ret_more is whether there are
 * deeper levels. */
const Component *component_ancestor(const WriterMetadata *w, const Component *c, size_t level, bool *ret_more);

/* One file set of a component. */
typedef struct ComponentFiles {
        const Component *component;
        char *path, *spec;
        char *alternate; /* where to back up from instead; NULL: from @path */
        bool recursive;
        bool is_log; /* the log files of a database */
        DWORD mask;  /* VSS_FILE_SPEC_BACKUP_TYPE bits */
} ComponentFiles;

/* Calls @f for each file set of @c and of all that come along with it; a failure ends it. */
HRESULT component_for_each_files(const WriterMetadata *w,
                                 const Component *c,
                                 HRESULT (*f)(const ComponentFiles *files, void *userdata),
                                 void *userdata);
/* Calls @f for each component that @c itself depends on. */
HRESULT component_for_each_dependency(const WriterMetadata *w,
                                      const Component *c,
                                      HRESULT (*f)(const GUID *writer_id, const char *logical_path, const char *name, void *userdata),
                                      void *userdata);

/* Adds the file sets of @c and of all that come along with it, less what the writer excludes, also from shadow copies. If @c is
 * itself part of a set of components, as it may be in a restore, all that follow it are parts of it. */
HRESULT component_add_files(const WriterMetadata *w, const Component *c, FileSet *set);
/* The same, but only those whose mask has a bit of @mask (VSS_FILE_SPEC_BACKUP_TYPE). */
HRESULT component_add_files_of(const WriterMetadata *w, const Component *c, DWORD mask, FileSet *set);
/* The same, but only those that some backup may read live, and so also if they are kept out of shadow copies. */
HRESULT component_add_live_files(const WriterMetadata *w, const Component *c, FileSet *set);
/* Takes out what the writer excludes; @snapshot: also what it keeps out of shadow copies. */
HRESULT writer_exclude_files(const WriterMetadata *w, bool snapshot, FileSet *set);
