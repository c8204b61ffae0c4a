/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of hardware copy a disk back: the volume goes away for so long, and is then what its shadow copy is.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "providers/puppeteer.h"

#define FACES "faces = hardware ex set notifications\n"

static Puppeteer *puppeteer;
static BSTR document;
static VSS_ID id;

static int setup(void **state) {
        puppeteer = puppeteer_new(VSS_PROV_HARDWARE);
        puppeteer_script(puppeteer, FACES);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static void tell(const char *what) {
        _cleanup_(freep) char *script = NULL;

        assert_int_equal(format_to(&script, FACES "%s", what), 0);
        puppeteer_script(puppeteer, script);
}

/* The volume changes after its backup. */
static void back_up(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);

        puppeteer_script(puppeteer, FACES);
        write_file(puppeteer->world->volume, "data/file", "the one thing to save\n");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);
        write_file(puppeteer->world->volume, "data/file", "changed since\n");
        free(puppeteer_take_calls(puppeteer));
}

static void forget_backup(void) {
        puppeteer_script(puppeteer, FACES);
        SysFreeString(document);
        document = NULL;
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
}

static HRESULT begin_recovery(IVssBackupComponentsEx4 *b, IVssAsync **ret) {
        assert_int_equal(IVssBackupComponentsEx4_InitializeForRestore(b, document), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, id, 0, NULL), S_OK);
        return IVssBackupComponentsEx4_RecoverSet(b, 0, ret);
}

static HRESULT recover(void) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = NULL;
        HRESULT hr;

        hr = begin_recovery(b, &async);
        if (hr == S_OK)
                hr = storage_end(async);
        storage_release(b);
        return hr == VSS_S_ASYNC_FINISHED ? S_OK : hr;
}

static bool volume_reads(const char *text) {
        return storage_is_mounted(puppeteer->world->volume) &&
               storage_reads(puppeteer->world->volume, "data/file", text);
}

/* How it is mounted; free() it. */
static char *mount_line(void) {
        _cleanup_(freep) char *mounts = NULL, *place = NULL;
        char *save = NULL, *found = NULL;

        assert_int_equal(file_read_text("/proc/self/mounts", 1U << 20, &mounts), 0);
        assert_int_equal(format_to(&place, " %s ", puppeteer->world->volume), 0);
        for (char *line = strtok_r(mounts, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save))
                if (strstr(line, place))
                        found = strdup(line);
        assert_non_null(found);
        return found;
}

static void test_that_an_array_copies_a_disk_back(void **state) {
        _cleanup_(freep) char *calls = NULL, *before = NULL, *after = NULL;
        const char *resync, *copy, *volume;

        skip_unless_root();
        back_up();
        before = mount_line();
        ASSERT_RETURNS(IVssHardwareSnapshotProviderEx, ResyncLuns, S_OK, recover());
        assert_true(volume_reads("the one thing to save\n"));
        after = mount_line();
        assert_string_equal(before, after);

        /* From the disk of the copy to that of the volume, each known by its own name; and whoever asks for it has said
         * that it restores. */
        calls = puppeteer_take_calls(puppeteer);
        resync = strstr(calls, "ResyncLuns 1 ");
        assert_non_null(resync);
        copy = strstr(resync, "/store/");
        volume = strstr(resync, "/fs.img\n");
        assert_true(copy && volume && copy < volume);
        REACHES_RULE(IVssHardwareSnapshotProviderEx, "ResyncLuns", "requester has called InitializeForRestore");

        write_file(puppeteer->world->volume, "data/file", "and it can be written to\n");
        assert_true(volume_reads("and it can be written to\n"));
        forget_backup();
}

static void test_that_each_documented_result_of_copying_back_has_its_consequence(void **state) {
        static const struct {
                const char *symbol;
                HRESULT hr;
        } cases[] = {
                { "E_OUTOFMEMORY",              E_OUTOFMEMORY              },
                { "VSS_E_PROVIDER_VETO",        VSS_E_PROVIDER_VETO        },
                { "VSS_E_INSUFFICIENT_STORAGE", VSS_E_INSUFFICIENT_STORAGE },
        };

        skip_unless_root();
        back_up();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *script = NULL;
                HRESULT hr;

                assert_int_equal(format_to(&script, "ResyncLuns = 0x%08x", (unsigned) cases[i].hr), 0);
                tell(script);
                hr = recover();
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x %s", cases[i].symbol, (unsigned) hr, umbra_last_error());
                reference_reach_return("IVssHardwareSnapshotProviderEx", "ResyncLuns", cases[i].symbol);
                assert_true(volume_reads("changed since\n"));
        }
        tell("ResyncLuns = lie"); /* no IVssAsync */
        assert_int_equal(recover(), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_true(storage_is_mounted(puppeteer->world->volume));
        tell("status = VSS_E_PROVIDER_VETO");
        assert_int_equal(recover(), VSS_E_PROVIDER_VETO);
        assert_true(storage_is_mounted(puppeteer->world->volume));
        forget_backup();
}

static void test_that_a_volume_in_use_stays(void **state) {
        _cleanup_(closep) int fd = -EBADF;

        skip_unless_root();
        back_up();
        fd = open(puppeteer->world->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(recover(), VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(umbra_last_error(), puppeteer->world->volume));
        assert_true(volume_reads("changed since\n"));
        fd = fd_close(fd);
        assert_int_equal(recover(), S_OK);
        forget_backup();
}

static void test_that_an_array_without_the_newer_interface_cannot(void **state) {
        skip_unless_root();
        back_up();
        puppeteer_script(puppeteer, "faces = hardware set notifications\n");
        ASSERT_RETURNS(IVssBackupComponentsEx3, RecoverSet, VSS_E_LEGACY_PROVIDER, recover());
        assert_true(volume_reads("changed since\n"));
        forget_backup();
}

/* The disk is held here, as a real one is there whatever happens to those who use it. */
static void test_that_copying_back_goes_on_after_a_crash(void **state) {
        _cleanup_(freep) char *line = NULL;
        _cleanup_(closep) int disk = -EBADF;
        IVssBackupComponentsEx4 *b;
        IVssAsync *async = NULL;

        skip_unless_root();
        back_up();
        line = mount_line();
        *strchr(line, ' ') = '\0';
        disk = open(line, O_RDONLY | O_CLOEXEC);
        assert_true(disk >= 0);
        tell("ResyncLuns = hang");
        b = storage_object();
        assert_int_equal(begin_recovery(b, &async), S_OK);
        assert_true(puppeteer_await_call(puppeteer, "ResyncLuns"));
        assert_false(storage_is_mounted(puppeteer->world->volume));
        world_kill_umbrad(puppeteer->world);
        assert_true(FAILED(storage_end(async)));
        storage_release(b);

        puppeteer_script(puppeteer, FACES);
        world_start_umbrad(puppeteer->world);
        world_await_status(puppeteer->world, "\"done\":true");
        assert_true(volume_reads("the one thing to save\n"));
        forget_backup();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_an_array_copies_a_disk_back),
                cmocka_unit_test(test_that_each_documented_result_of_copying_back_has_its_consequence),
                cmocka_unit_test(test_that_a_volume_in_use_stays),
                cmocka_unit_test(test_that_an_array_without_the_newer_interface_cannot),
                cmocka_unit_test(test_that_copying_back_goes_on_after_a_crash),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
