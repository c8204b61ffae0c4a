/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Writer Hears
 *
 * Each event in its order, with what the writer may ask and set in it, as events.tsv has it; and who hears
 * nothing.
 */

#include <wchar.h>

#include <oleauto.h>
#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/facts.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        facts_begin(NULL);
        world = world_free(world);
        return 0;
}

/* A writer in C that asks everything. */

static void tell(UmbraWriter *w, const char *event) {
        Facts f = {
                .event = event,
                .volumes = umbra_writer_get_volume_array(w),
                .n_volumes = umbra_writer_get_volume_count(w),
                .set_id = umbra_writer_get_snapshot_set_id(w),
                .context = umbra_writer_get_context(w),
                .level = umbra_writer_get_level(w),
                .inside = umbra_writer_is_path_affected(w, facts_inside()),
                .outside = umbra_writer_is_path_affected(w, L"/dev/null"),
                .bootable = umbra_writer_is_bootable_system_state_backed_up(w),
                .selected = umbra_writer_are_components_selected(w),
                .partial = umbra_writer_is_partial_file_support_enabled(w),
                .backup_type = umbra_writer_get_backup_type(w),
                .restore_type = umbra_writer_get_restore_type(w),
                .device = L"?",
                .identity = (void *) &f,
        };

        f.device_hr = umbra_writer_get_snapshot_device_name(w, facts_volume(), &f.device);
        f.identity_hr = umbra_writer_get_identify_information(w, &f.identity);
        f.session_hr = umbra_writer_get_session_id(w, &f.session_id);
        facts_tell(&f);
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        UmbraWriter *w = *(UmbraWriter **) userdata;
        HRESULT hr;

        if (umbra_writer_set_failure(w, VSS_E_WRITERERROR_RETRYABLE) != VSS_E_BAD_STATE) /* [MS: pitfall 30] */
                journal_say("OnIdentify may fail with a reason");
        tell(w, "Identify");
        hr = IVssCreateWriterMetadataEx_SetBackupSchema(metadata, VSS_BS_WRITER_SUPPORTS_NEW_TARGET);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_SetRestoreMethod(metadata, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL, VSS_WRE_ALWAYS,
                                                                 false);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_AddComponent(metadata, VSS_CT_FILEGROUP, NULL, L"data", NULL, NULL, 0, true, true,
                                                             true, true, 0);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_AddFilesToFileGroup(metadata, NULL, L"data", facts_volume(), L"*", true, NULL, 0xF0F);
        if (FAILED(hr))
                journal_say("OnIdentify: 0x%x", (unsigned) hr);
        return SUCCEEDED(hr);
}

#define ON_PLAIN(event)                                        \
        static bool on_##event(void *userdata) {               \
                tell(*(UmbraWriter **) userdata, #event);      \
                return true;                                   \
        }
#define ON_COMPONENTS(event)                                                       \
        static bool on_##event(void *userdata, IVssWriterComponents *components) { \
                tell(*(UmbraWriter **) userdata, #event);                          \
                facts_set(#event, components);                                     \
                return true;                                                       \
        }

ON_COMPONENTS(PrepareBackup)
ON_PLAIN(PrepareSnapshot)
ON_PLAIN(Freeze)
ON_PLAIN(Thaw)
ON_PLAIN(Abort)
ON_COMPONENTS(PostSnapshot)
ON_COMPONENTS(BackupComplete)
ON_COMPONENTS(PreRestore)
ON_COMPONENTS(PostRestore)

static bool on_BackupShutdown(void *userdata, VSS_ID set_id) {
        VSS_ID expected = facts_set_id();

        tell(*(UmbraWriter **) userdata, "BackupShutdown");
        if (!guid_equal(&set_id, &expected))
                journal_say("BackupShutdown is about another set");
        journal_say("over");
        return true;
}

static UmbraWriter *asking; /* not on the stack: a test that fails leaves it running */

static void facts_writer(UmbraWriter **w) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnIdentify = on_identify,
                .OnPrepareBackup = on_PrepareBackup,
                .OnPrepareSnapshot = on_PrepareSnapshot,
                .OnFreeze = on_Freeze,
                .OnThaw = on_Thaw,
                .OnAbort = on_Abort,
                .OnPostSnapshot = on_PostSnapshot,
                .OnBackupComplete = on_BackupComplete,
                .OnBackupShutdown = on_BackupShutdown,
                .OnPreRestore = on_PreRestore,
                .OnPostRestore = on_PostRestore,
        };

        assert_int_equal(umbra_writer_new(&callbacks, w, w), S_OK);
        assert_int_equal(umbra_writer_initialize(*w, puppet_writer_id, L"facts", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER,
                                                 VSS_APP_FRONT_END, 60000, VSS_AWS_NO_ALTERNATE_WRITER, false, NULL),
                         S_OK);
        assert_int_equal(umbra_writer_subscribe(*w, INFINITE, UMBRA_WRITER_EVENTS), S_OK);
}

static void test_that_a_writer_in_c_hears_every_event_and_is_told_what_it_asks(void **state) {
        _cleanup_(freep) char *device = NULL;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID set_id;
        Backup *b;
        BSTR document;

        journal_clear();
        facts_begin(world->volume);
        facts_writer(&asking);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        facts_check_backup(backup_component(b, L"facts"));
        set_id = facts_set_id();
        assert_true(guid_equal(&set_id, &b->set));
        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b->api, b->snapshot, &prop), S_OK);
        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        assert_string_equal(device, facts_device());
        VssFreeSnapshotProperties(&prop);
        backup_expect_status(b, L"facts", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        assert_int_equal(backup_complete(b), S_OK);
        backup_expect_status(b, L"facts", "STABLE S_OK 0x0 ");
        document = backup_document(b);
        backup_free(b);
        journal_await("over");
        facts_expect_backup(true, true);

        journal_clear();
        facts_begin(world->volume);
        restore_from(document, puppet_writer_id, L"facts");
        facts_expect_restore(true, true);
        REACHES_RULE(IVssWriterComponents, "GetComponent", "requester side (IVssWriterComponentsExt): during restore call it");
        SysFreeString(document);
        asking = umbra_writer_free(asking);
}

static void test_that_nothing_is_told_outside_of_a_handler(void **state) {
        Puppet *p = puppet_new("stage", world->volume, NULL);
        UmbraWriter *w = p->writer;
        IVssExamineWriterMetadata *metadata = (void *) p;
        LPCWSTR device = L"";
        VSS_ID id = puppet_writer_id;

        for (unsigned round = 0; round < 2; ++round) { /* also after it has unsubscribed */
                assert_null(umbra_writer_get_volume_array(w));
                assert_int_equal(umbra_writer_get_volume_count(w), 0);
                id = umbra_writer_get_snapshot_set_id(w);
                assert_true(guid_is_null(&id));
                assert_int_equal(umbra_writer_get_context(w), 0);
                assert_int_equal(umbra_writer_get_level(w), VSS_APP_FRONT_END);
                assert_false(umbra_writer_is_path_affected(w, L"/"));
                assert_false(umbra_writer_are_components_selected(w));
                assert_int_equal(umbra_writer_get_backup_type(w), VSS_BT_UNDEFINED);
                assert_int_equal(umbra_writer_get_restore_type(w), VSS_RTYPE_UNDEFINED);
                assert_int_equal(umbra_writer_get_snapshot_device_name(w, L"/", &device), VSS_E_BAD_STATE);
                assert_null(device);
                assert_int_equal(umbra_writer_get_identify_information(w, &metadata), VSS_E_BAD_STATE);
                assert_null(metadata);
                assert_int_equal(umbra_writer_get_session_id(w, &id), VSS_E_BAD_STATE);
                assert_true(guid_is_null(&id));
                assert_int_equal(umbra_writer_set_failure(w, VSS_E_WRITERERROR_RETRYABLE), VSS_E_BAD_STATE);
                assert_int_equal(umbra_writer_is_shutting_down(w), round == 1);
                assert_int_equal(umbra_writer_unsubscribe(w), S_OK);
        }
        puppet_free(p);
}

static void ask_for_devices(Puppet *p, IVssWriterComponents *components) {
        LPCWSTR device = L"";

        journal_say("%s %x %x %x", p->name, (unsigned) umbra_writer_get_snapshot_device_name(p->writer, L"/not/in/the/set/", &device),
                    (unsigned) umbra_writer_get_snapshot_device_name(p->writer, NULL, &device),
                    (unsigned) umbra_writer_get_snapshot_device_name(p->writer, L"/", NULL));
}

static void test_that_a_volume_outside_of_the_set_has_no_device(void **state) {
        Puppet *p = puppet_new("asks", world->volume, NULL);
        _cleanup_(freep) char *expected = NULL;
        Backup *b = backup_new();

        journal_clear();
        p->acts[WIRE_EVENT_POST_SNAPSHOT].does = ask_for_devices;
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(format_to(&expected, "asks %x %x %x", (unsigned) VSS_E_OBJECT_NOT_FOUND, (unsigned) E_INVALIDARG,
                                   (unsigned) E_INVALIDARG),
                         0);
        journal_await(expected);
        backup_free(b);
        puppet_free(p);
}

static void test_that_a_writer_without_components_hears_prepare_for_backup_and_nothing_more(void **state) {
        Puppet *busy = puppet_new("busy", world->volume, NULL);
        Puppet *idle = puppet_new("idle", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        backup_expect_status(b, L"idle", "STABLE S_OK 0x0 ");
        backup_free(b);
        journal_await("busy backup-shutdown");
        puppet_free(idle); /* after this, what it was sent it has heard */
        puppet_free(busy);
        assert_true(journal_has("idle prepare-backup"));
        assert_int_equal(journal_count("idle prepare-snapshot") + journal_count("idle freeze") + journal_count("idle thaw") +
                                 journal_count("idle abort") + journal_count("idle post-snapshot") +
                                 journal_count("idle backup-complete") + journal_count("idle backup-shutdown"),
                         0);
}

static void test_that_all_writers_take_part_where_no_components_are_selected(void **state) {
        Puppet *idle = puppet_new("idle", world->volume, NULL);
        Backup *b = backup_new_in(VSS_CTX_BACKUP, false);

        journal_clear();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        journal_await("idle backup-shutdown");
        journal_expect("idle identify\n"
                       "idle prepare-backup\n"
                       "idle prepare-snapshot\n"
                       "idle freeze\n"
                       "idle thaw\n"
                       "idle post-snapshot\n"
                       "idle backup-complete\n"
                       "idle backup-shutdown\n");
        puppet_free(idle);
}

static void test_that_a_context_without_writers_sends_them_nothing(void **state) {
        static const LONG contexts[] = { VSS_CTX_FILE_SHARE_BACKUP, VSS_CTX_NAS_ROLLBACK, VSS_CTX_CLIENT_ACCESSIBLE };
        Puppet *p = puppet_new("unasked", world->volume, NULL);

        journal_clear();
        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i) {
                Backup *b = backup_new_in(contexts[i], false);
                _cleanup_(freep) WCHAR *volume = NULL;
                HRESULT hr;

                assert_int_equal(wide_from_utf8(world->volume, &volume), 0);
                assert_int_equal(IVssBackupComponents_StartSnapshotSet(b->api, &b->set), S_OK);
                assert_int_equal(IVssBackupComponents_AddToSnapshotSet(
                                         b->api, volume,
                                         ((GUID){ 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } }),
                                         &b->snapshot),
                                 S_OK);
                hr = backup_create(b);
                if (hr != S_OK)
                        fail_msg("context 0x%x: 0x%x %s", (unsigned) contexts[i], (unsigned) hr, umbra_last_error());
                if (contexts[i] != VSS_CTX_FILE_SHARE_BACKUP) { /* those are persistent */
                        LONG deleted = 0;
                        VSS_ID kept;

                        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b->api, b->snapshot, VSS_OBJECT_SNAPSHOT, true, &deleted,
                                                                              &kept),
                                         S_OK);
                }
                backup_free(b);
        }
        puppet_free(p);
        journal_expect("");
}

static void test_that_the_front_end_freezes_first_and_thaws_last(void **state) {
        static const struct {
                const char *name;
                VSS_APPLICATION_LEVEL level;
        } writers[] = { /* in the order of Freeze, but subscribed the other way round */
                { "front one",     VSS_APP_FRONT_END },
                { "front two",     VSS_APP_FRONT_END },
                { "back",          VSS_APP_BACK_END  },
                { "system",        VSS_APP_SYSTEM    },
                { "system rm",     VSS_APP_SYSTEM_RM },
        };
        Puppet *puppets[ELEMENTSOF(writers)];
        Backup *b = backup_new();

        for (size_t i = ELEMENTSOF(writers); i-- > 0;)
                puppets[i] = puppet_new(writers[i].name, world->volume, &(PuppetOptions){ .level = writers[i].level });
        journal_clear();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        for (size_t i = 1; i < ELEMENTSOF(writers); ++i) {
                _cleanup_(freep) char *freeze = NULL, *next_freeze = NULL, *thaw = NULL, *next_thaw = NULL;

                if (writers[i].level == writers[i - 1].level)
                        continue; /* at once */
                assert_true(format_to(&freeze, "%s freeze", writers[i - 1].name) >= 0);
                assert_true(format_to(&next_freeze, "%s freeze", writers[i].name) >= 0);
                assert_true(format_to(&thaw, "%s thaw", writers[i - 1].name) >= 0);
                assert_true(format_to(&next_thaw, "%s thaw", writers[i].name) >= 0);
                assert_true(journal_position(freeze) < journal_position(next_freeze));
                assert_true(journal_position(thaw) > journal_position(next_thaw));
                assert_true(journal_position(next_thaw) > journal_position("system rm freeze"));
        }
        backup_free(b);
        for (size_t i = 0; i < ELEMENTSOF(writers); ++i)
                puppet_free(puppets[i]);
}

static void test_that_a_writer_that_fails_identify_is_not_there(void **state) {
        Puppet *p = puppet_new("shy", world->volume, NULL), *other = puppet_new("other", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        p->acts[WIRE_EVENT_IDENTIFY].fails = true;
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_writer_count(b), 1);
        assert_null(backup_status(b, L"shy"));
        backup_free(b);
        puppet_free(p);
        puppet_free(other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_in_c_hears_every_event_and_is_told_what_it_asks),
                cmocka_unit_test(test_that_nothing_is_told_outside_of_a_handler),
                cmocka_unit_test(test_that_a_volume_outside_of_the_set_has_no_device),
                cmocka_unit_test(test_that_a_writer_without_components_hears_prepare_for_backup_and_nothing_more),
                cmocka_unit_test(test_that_all_writers_take_part_where_no_components_are_selected),
                cmocka_unit_test(test_that_a_context_without_writers_sends_them_nothing),
                cmocka_unit_test(test_that_the_front_end_freezes_first_and_thaws_last),
                cmocka_unit_test(test_that_a_writer_that_fails_identify_is_not_there),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
