/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writer Metadata Document
 *
 * What a writer says of itself when it is asked to identify: who it is, what its components are and how they
 * are restored. A plain C model; view/ puts the COM faces over it, writer-doc-read.c and writer-doc-write.c
 * are its XML. All strings are UTF-8 as in base/utf.h, NULL where the API had NULL. [MS: vss-metadata,
 * reference xml.tsv]
 */

#include <stdbool.h>
#include <stdint.h>

#include <vss.h>
#include <vswriter.h>

#include "doc/doc-extra.h"

/* One path + pattern: a file set, an exclusion, or an alternate location mapping. */
typedef struct DocFileSpec {
        char *path;
        char *filespec;
        char *alternate;      /* alternate path of a file set; destination of a mapping; else NULL */
        uint32_t backup_type; /* VSS_FILE_SPEC_BACKUP_TYPE; 0 where it has no meaning */
        bool recursive;
        DocExtra *extra;
} DocFileSpec;

typedef struct DocFileSpecs {
        DocFileSpec *items;
        size_t n, capacity;
} DocFileSpecs;

typedef struct DocDependency {
        GUID writer_id;
        char *logical_path;
        char *component_name;
        DocExtra *extra;
} DocDependency;

typedef struct WriterDocComponent {
        VSS_COMPONENT_TYPE type;
        char *logical_path; /* NULL, or levels separated by backslashes */
        char *name;
        char *caption;
        uint8_t *icon;
        size_t icon_size;
        bool restore_metadata, notify_on_backup_complete, selectable, selectable_for_restore;
        uint32_t flags; /* VSS_COMPONENT_FLAGS */
        DocFileSpecs files, database_files, log_files;
        DocDependency *dependencies;
        size_t n_dependencies, dependencies_capacity;
        DocExtra *extra;
} WriterDocComponent;

typedef struct WriterDoc {
        char *version; /* document format; "1.2" unless read from elsewhere */
        GUID instance_id, writer_id;
        char *writer_id_text; /* as it was spelled, if read; NULL else */
        char *instance_name, *friendly_name;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        uint32_t major_version, minor_version;
        bool has_backup_schema;
        uint32_t backup_schema;

        bool has_restore_method;
        VSS_RESTOREMETHOD_ENUM restore_method;
        char *service, *user_procedure;
        VSS_WRITERRESTORE_ENUM writer_restore;
        bool reboot_required;
        DocFileSpecs mappings; /* alternate location mappings; .alternate is the destination */
        DocExtra *restore_method_extra;

        WriterDocComponent *components;
        size_t n_components, components_capacity;
        void *index; /* of the implementation */
        DocFileSpecs include_files, exclude_files, exclude_from_snapshot;
        DocExtra *extra, *identification_extra, *locations_extra;
} WriterDoc;

/* Can a document hold this text? It is bounded as it stands there, escaped. */
bool doc_text_fits(const char *s);

int writer_doc_new(WriterDoc **ret);
WriterDoc *writer_doc_free(WriterDoc *d);
DEFINE_CLEANUP(WriterDoc *, writer_doc_free)

/* Appends a copy; *ret (may be NULL) is valid until the next append. VSS_E_OBJECT_ALREADY_EXISTS,
 * E_OUTOFMEMORY. */
HRESULT writer_doc_add_component(WriterDoc *d,
                                 VSS_COMPONENT_TYPE type,
                                 const char *logical_path,
                                 const char *name,
                                 WriterDocComponent **ret);
/* Any @type when VSS_CT_UNDEFINED. A NULL and an empty logical path are the same. NULL when there is none.
 * Constant time on average (an index is kept by the implementation beside the array). */
WriterDocComponent *writer_doc_find_component(WriterDoc *d,
                                              VSS_COMPONENT_TYPE type,
                                              const char *logical_path,
                                              const char *name);
int doc_filespecs_add(DocFileSpecs *list,
                      const char *path,
                      const char *filespec,
                      bool recursive,
                      const char *alternate,
                      uint32_t backup_type);
void doc_filespecs_clear(DocFileSpecs *list);
int writer_doc_component_add_dependency(WriterDocComponent *c,
                                        const GUID *writer_id,
                                        const char *logical_path,
                                        const char *name);

/* @text need not be NUL-terminated. VSS_E_CORRUPT_XML_DOCUMENT: not well formed; VSS_E_INVALID_XML_DOCUMENT:
 * not ours, a DTD, over a limit, a value out of range. Nothing from outside the text is ever loaded. */
HRESULT writer_doc_read(const char *text, size_t size, WriterDoc **ret);
/* One line, no XML declaration, the same model always gives the same bytes. Caller frees. */
HRESULT writer_doc_write(const WriterDoc *d, char **ret_text, size_t *ret_size);
HRESULT writer_doc_copy(const WriterDoc *d, WriterDoc **ret);
