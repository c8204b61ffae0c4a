/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How Far an Object Has Come
 */

#include "api/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/utf.h"
#include "doc/writer-doc.h"

#define INSTANCE "aaaaaaaa-0001-0002-0102-030405060708"
#define WRITER "bbbbbbbb-0001-0002-0102-030405060708"

const GUID stage_instance = { 0xAAAAAAAA, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
const GUID stage_writer = { 0xBBBBBBBB, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
const GUID stage_second = { 0xDDDDDDDD, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
const GUID stage_other = { 0xCCCCCCCC, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };

#define ALL_SCHEMAS                                                                                         \
        (VSS_BS_WRITER_SUPPORTS_NEW_TARGET | VSS_BS_ROLLFORWARD_RESTORE | VSS_BS_RESTORE_RENAME |           \
         VSS_BS_AUTHORITATIVE_RESTORE | VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE)

FakeUmbrad *stage_umbrad;

static char *writer_xml(const GUID *id, const char *name, uint32_t schema) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        WriterDocComponent *c;
        char *text;
        size_t size;

        assert_int_equal(writer_doc_new(&doc), 0);
        doc->instance_id = *id;
        doc->writer_id = stage_writer;
        doc->friendly_name = strdup("Writer");
        doc->instance_name = strdup(name);
        doc->usage = VSS_UT_USERDATA;
        doc->source = VSS_ST_TRANSACTEDDB;
        doc->has_backup_schema = true;
        doc->backup_schema = schema;
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_DATABASE, "path", "db", &c), S_OK);
        c->selectable = true;
        assert_int_equal(doc_filespecs_add(&c->database_files, "/srv/db", "*.db", false, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_DATABASE, "path\\db", "table", &c), S_OK);
        c->selectable_for_restore = true;
        assert_int_equal(doc_filespecs_add(&c->database_files, "/srv/tables", "*.t", true, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_DATABASE, "path\\db", "hidden", &c), S_OK);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_FILEGROUP, NULL, "files", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->files, "/srv/files", "*", true, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_FILEGROUP, "\\", "odd <&>\"\\ \t", &c), S_OK);
        assert_int_equal(writer_doc_write(doc, &text, &size), S_OK);
        return text;
}

char *stage_writer_xml(void) {
        return writer_xml(&stage_instance, "One", ALL_SCHEMAS);
}

void stage_add_second(FakeUmbrad *f) {
        _cleanup_(freep) char *xml = writer_xml(&stage_second, "Two", 0);

        fake_umbrad_add_writer(f, &stage_second, &stage_writer, "Writer", xml);
}

FakeUmbrad *stage_start(void) {
        return stage_start_with(ALL_SCHEMAS);
}

FakeUmbrad *stage_start_with(uint32_t schema) {
        _cleanup_(freep) char *xml = writer_xml(&stage_instance, "One", schema);
        FakeUmbrad *f = fake_umbrad_start();

        fake_umbrad_add_writer(f, &stage_instance, &stage_writer, "Writer", xml);
        fake_umbrad_add_writer(f, &stage_other, &stage_other, "Nonsense", "<nonsense/>");
        return f;
}

int stage_setup(void **state) {
        stage_umbrad = stage_start();
        return 0;
}

int stage_teardown(void **state) {
        assert_true(fake_umbrad_await_connections(stage_umbrad, 0));
        fake_umbrad_stop(stage_umbrad);
        return 0;
}

/* The component is there with one partial file. */
static BSTR document(Damage damage) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;

        assert_int_equal(
                format_to(
                        &text,
                        "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\"%s>"
                        "<WRITER_COMPONENTS instanceId=\"" INSTANCE "\" writerId=\"" WRITER
                        "\" instanceName=\"One\" backupSchema=\"%s\">"
                        "<COMPONENT logicalPath=\"path\" componentName=\"db\" componentType=\"database\"%s>"
                        "<PARTIAL_FILE path=\"/srv/db\" filename=\"a.db\" ranges=\"0:1\" metadata=\"\"/>"
                        "</COMPONENT></WRITER_COMPONENTS></BACKUP_COMPONENTS>",
                        damage == DAMAGE_HEAD ? " selectComponents=\"perhaps\"" : "",
                        damage == DAMAGE_WRITER ? "many" : "0",
                        damage == DAMAGE_COMPONENT ? " backupSucceeded=\"perhaps\"" : ""),
                0);
        assert_int_equal(wide_from_utf8(text, &wide), 0);
        return SysAllocString(wide);
}

HRESULT stage_settle(HRESULT hr, IVssAsync *async) {
        HRESULT status;

        if (FAILED(hr)) {
                assert_null(async);
                return hr;
        }
        hr = IVssAsync_Wait(async, INFINITE);
        status = stage_status(async);
        assert_int_equal(FAILED(status) ? status : S_OK, hr);
        IVssAsync_Release(async);
        return status;
}

HRESULT stage_status(IVssAsync *async) {
        HRESULT status = E_FAIL;

        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        return status;
}

#define OK(hr)                                                                                              \
        ({                                                                                                  \
                HRESULT _ok = (hr);                                                                         \
                if (FAILED(_ok))                                                                            \
                        fail_msg("%s: 0x%08x %s", #hr, (unsigned) _ok, umbra_last_error());                 \
        })

static void initialize_for_backup(IVssBackupComponentsEx4 *b, Damage damage) {
        BSTR xml = damage != DAMAGE_NONE ? document(damage) : NULL;

        OK(IVssBackupComponents_InitializeForBackup(b, xml));
        SysFreeString(xml);
}

static void choose(IVssBackupComponentsEx4 *b, Damage damage) {
        WCHAR volume[] = L"\\srv\\data\\";
        VSS_ID id;

        if (damage == DAMAGE_NONE)
                OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                     L"path", L"db"));
        OK(IVssBackupComponents_StartSnapshotSet(b, &id));
        assert_memory_equal(&id, &fake_set_id, sizeof(id));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        assert_memory_equal(&id, &fake_snapshot_id, sizeof(id));
}

static void advance(IVssBackupComponentsEx4 *b, Stage to, Damage damage) {
        BSTR xml;

        switch (to) {
        case STAGE_BACKUP:
                initialize_for_backup(b, damage);
                return;
        case STAGE_GATHERED:
                if (damage != DAMAGE_HEAD)
                        OK(IVssBackupComponents_SetBackupState(b, true, true, VSS_BT_FULL, false));
                OK(STAGE_RUN(b, GatherWriterMetadata));
                return;
        case STAGE_SET:
                choose(b, damage);
                return;
        case STAGE_PREPARED:
                OK(STAGE_RUN(b, PrepareForBackup));
                return;
        case STAGE_CREATED:
                OK(STAGE_RUN(b, DoSnapshotSet));
                return;
        case STAGE_STATUS:
                OK(STAGE_RUN(b, GatherWriterStatus));
                return;
        case STAGE_COMPLETE:
                OK(STAGE_RUN(b, BackupComplete));
                return;
        case STAGE_LOADED:
                xml = document(damage);
                OK(IVssBackupComponents_InitializeForRestore(b, xml));
                SysFreeString(xml);
                return;
        case STAGE_RESTORE:
                OK(STAGE_RUN(b, GatherWriterMetadata));
                return;
        case STAGE_SELECTED:
                if (damage == DAMAGE_NONE)
                        OK(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                      L"path", L"db", true));
                return;
        case STAGE_RESTORING:
                OK(STAGE_RUN(b, PreRestore));
                return;
        default:
                fail_msg("there is no way to stage %d", (int) to);
        }
}

IVssBackupComponentsEx4 *stage_new(Stage stage, Damage damage) {
        Stage first = stage >= STAGE_LOADED ? STAGE_LOADED : STAGE_BACKUP;
        IVssBackupComponents *b = NULL;

        OK(CreateVssBackupComponents(&b));
        for (Stage to = first; stage != STAGE_NEW && to <= stage; ++to)
                advance((IVssBackupComponentsEx4 *) b, to, damage);

        return (IVssBackupComponentsEx4 *) b;
}

void stage_release(IVssBackupComponentsEx4 *b) {
        assert_int_equal(IVssBackupComponents_Release(b), 0);
}

HRESULT stage_finish(HRESULT hr, IVssAsync *async) {
        if (FAILED(hr))
                return hr;

        OK(IVssAsync_Wait(async, INFINITE));
        assert_int_equal(stage_status(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssAsync_Release(async), 0);
        return hr;
}

BackupDoc *stage_document(IVssBackupComponentsEx4 *b) {
        _cleanup_(bstr_freep) BSTR xml = NULL;
        _cleanup_(freep) char *text = NULL;
        BackupDoc *doc = NULL;

        OK(IVssBackupComponents_SaveAsXML(b, &xml));
        assert_int_equal(utf8_from_bstr(xml, &text), 0);
        assert_int_equal(backup_doc_read(text, strlen(text), &doc), S_OK);
        return doc;
}

IVssComponent *stage_component(IVssBackupComponentsEx4 *b, UINT i) {
        IVssWriterComponentsExt *writer = NULL;
        IVssComponent *c = NULL;

        OK(IVssBackupComponents_GetWriterComponents(b, i, &writer));
        OK(IVssWriterComponents_GetComponent(&writer->components, 0, &c));
        assert_int_equal(IVssWriterComponentsExt_Release(writer), 0);
        return c;
}

bool stage_says(HRESULT hr, BSTR text, const WCHAR *expected) {
        bool same = hr == S_OK && text && wcscmp(text, expected) == 0;

        SysFreeString(text);
        return same;
}
