/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing Names
 *
 * Linux says that a name is any bytes but NUL and a path any bytes with slashes. The input is three of
 * them with NULs in between: a directory, a name in it, and a text. Each goes the way it goes in a backup:
 * as wide text into the API, through the document as it is saved and loaded, out of the API again, and is
 * the same bytes then.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <vsbackup.h>
#include <vswriter.h>

#include "base/bstr.h"
#include "base/macro.h"
#include "base/utf.h"
#include "doc/backup-doc.h"
#include "doc/filespec.h"
#include "doc/writer-doc.h"
#include "view/create-metadata.h"
#include "view/examine-metadata.h"
#include "view/view-owner.h"
#include "view/writer-components.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true) {
        if (!is_true)
                abort();
}

typedef struct Names {
        char *bytes[3];
        WCHAR *wide[3];
} Names;

enum { DIRECTORY, NAME, TEXT };

static void names_clear(Names *n) {
        for (size_t i = 0; i < ELEMENTSOF(n->bytes); ++i) {
                free(n->bytes[i]);
                free(n->wide[i]);
        }
}

static void names_init(Names *n, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(n->bytes); ++i) {
                size_t length = strnlen((const char *) data, size);

                n->bytes[i] = strndup((const char *) data, length);
                check(n->bytes[i]);
                check(wide_from_utf8(n->bytes[i], &n->wide[i]) == 0);

                length += length < size;
                data += length;
                size -= length;
        }
}

/* And frees it. */
static void check_bstr(BSTR s, const char *expected) {
        _cleanup_(freep) char *text = NULL;

        check(utf8_from_bstr(s, &text) == 0);
        check(text && strcmp(text, expected) == 0);
        bstr_free(s);
}

static BSTR saved_metadata(const Names *n) {
        _cleanup_(create_metadata_freep) CreateMetadata *m = NULL;
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        IVssCreateWriterMetadata *w;
        BSTR xml = NULL;

        check(writer_doc_new(&doc) == 0);
        check(create_metadata_new(doc, &m) == S_OK);
        w = (IVssCreateWriterMetadata *) create_metadata_iface(m);

        check(IVssCreateWriterMetadata_AddComponent(w, VSS_CT_FILEGROUP, n->wide[DIRECTORY], L"c",
                                                    n->wide[TEXT], NULL, 0, false, false, true, true,
                                                    0) == S_OK);
        check(IVssCreateWriterMetadata_AddFilesToFileGroup(w, n->wide[DIRECTORY], L"c", n->wide[DIRECTORY],
                                                           n->wide[NAME], true, n->wide[TEXT],
                                                           VSS_FSBT_FULL_BACKUP_REQUIRED) == S_OK);
        check(IVssCreateWriterMetadata_SaveAsXML(w, &xml) == S_OK);
        return xml;
}

/* What a writer said, as a requester sees it. */
static void check_metadata(const Names *n) {
        IVssExamineWriterMetadataEx2 *m = NULL;
        const VSS_COMPONENTINFO *info = NULL;
        IVssWMComponent *c = NULL;
        IVssWMFiledesc *f = NULL;
        BSTR xml, again, s;

        xml = saved_metadata(n);
        check(examine_metadata_from_xml(xml, &m) == S_OK);
        check(IVssExamineWriterMetadataEx2_SaveAsXML(m, &again) == S_OK);
        check(bstr_length(xml) == bstr_length(again));
        check(memcmp(xml, again, bstr_length(xml) * sizeof(WCHAR)) == 0);

        check(IVssExamineWriterMetadataEx2_GetComponent(m, 0, &c) == S_OK);
        check(IVssWMComponent_GetComponentInfo(c, &info) == S_OK);
        check(wcscmp(info->bstrCaption, n->wide[TEXT]) == 0);
        check(wcscmp(info->bstrLogicalPath, n->wide[DIRECTORY]) == 0);
        check(IVssWMComponent_FreeComponentInfo(c, info) == S_OK);

        check(IVssWMComponent_GetFile(c, 0, &f) == S_OK);
        check(IVssWMFiledesc_GetPath(f, &s) == S_OK);
        check_bstr(s, n->bytes[DIRECTORY]);
        check(IVssWMFiledesc_GetFilespec(f, &s) == S_OK);
        check_bstr(s, n->bytes[NAME]);
        check(IVssWMFiledesc_GetAlternateLocation(f, &s) == (*n->bytes[TEXT] ? S_OK : S_FALSE));
        if (*n->bytes[TEXT])
                check_bstr(s, n->bytes[TEXT]);

        (void) IVssWMFiledesc_Release(f);
        (void) IVssWMComponent_Release(c);
        (void) IVssExamineWriterMetadataEx2_Release(m);
        bstr_free(xml);
        bstr_free(again);
}

static IVssComponent *component_of(ViewOwner *owner) {
        WriterComponents *components = NULL;
        IVssComponent *c = NULL;

        check(writer_components_new(owner, owner->doc->writers[0], &components) == S_OK);
        check(IVssWriterComponents_GetComponent(writer_components_iface(components), 0, &c) == S_OK);
        writer_components_free(components);
        return c;
}

/* What a writer says at an event: saved with the backup, and loaded again. */
static BackupDoc *saved_backup(const Names *n) {
        static const GUID id = { .Data1 = 1 };
        _cleanup_(view_owner_unrefp) ViewOwner *owner = NULL;
        _cleanup_(freep) char *text = NULL;
        BackupDoc *doc = NULL, *loaded = NULL;
        IVssComponent *c;
        BackupWriter *w;
        size_t size;

        check(backup_doc_new(&doc) == 0);
        check(backup_doc_add_writer(doc, &id, &id, n->bytes[TEXT], 0, &w) == S_OK);
        check(backup_writer_add_component(w, VSS_CT_FILEGROUP, n->bytes[DIRECTORY], n->bytes[NAME], NULL) ==
              S_OK);
        check(view_owner_new(doc, VIEW_POST_SNAPSHOT, &owner) == 0);

        c = component_of(owner);
        check(IVssComponent_SetBackupMetadata(c, n->wide[TEXT]) == S_OK);
        check(IVssComponent_AddPartialFile(c, n->wide[DIRECTORY], n->wide[NAME], L"0:1", n->wide[TEXT]) ==
              S_OK);
        (void) IVssComponent_Release(c);

        check(backup_doc_write(owner->doc, &text, &size) == S_OK);
        check(backup_doc_read(text, size, &loaded) == S_OK);
        return loaded;
}

static void check_backup(const Names *n) {
        _cleanup_(view_owner_unrefp) ViewOwner *owner = NULL;
        BSTR path, name, ranges, text;
        IVssComponent *c;

        check(view_owner_new(saved_backup(n), VIEW_READ_ONLY, &owner) == 0);
        c = component_of(owner);

        check(IVssComponent_GetLogicalPath(c, &path) == S_OK);
        check_bstr(path, n->bytes[DIRECTORY]);
        check(IVssComponent_GetComponentName(c, &name) == S_OK);
        check_bstr(name, n->bytes[NAME]);
        check(IVssComponent_GetBackupMetadata(c, &text) == S_OK);
        check_bstr(text, n->bytes[TEXT]);

        check(IVssComponent_GetPartialFile(c, 0, &path, &name, &ranges, &text) == S_OK);
        check_bstr(path, n->bytes[DIRECTORY]);
        check_bstr(name, n->bytes[NAME]);
        check_bstr(ranges, "0:1");
        check_bstr(text, n->bytes[TEXT]);
        (void) IVssComponent_Release(c);
}

/* A file is matched by its own name if that has no wildcard, and by any wildcard that stands for it. */
static void check_filespec(const Names *n) {
        _cleanup_(freep) char *normal = NULL, *file = NULL;
        DocFileSpec spec = { .path = n->bytes[DIRECTORY], .filespec = n->bytes[NAME] };

        if (path_normalise(n->bytes[DIRECTORY], &normal) < 0 || *normal != '/')
                return;

        check(path_is_below(normal, normal));
        check(asprintf(&file, "%s/%s", strcmp(normal, "/") == 0 ? "" : normal, n->bytes[NAME]) > 0);
        check(path_is_below(file, normal));
        check(filespec_matches(&spec, file) || strpbrk(n->bytes[NAME], "*?"));

        spec.filespec = (char[]){ "*" };
        check(filespec_matches(&spec, file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(names_clear) Names n = { 0 };

        names_init(&n, data, size);
        if (!*n.bytes[DIRECTORY] || !*n.bytes[NAME] || strchr(n.bytes[NAME], '/'))
                return 0;

        check_metadata(&n);
        check_backup(&n);
        check_filespec(&n);
        return 0;
}
