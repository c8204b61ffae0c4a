/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What writers may do to the copies while they have PostSnapshot, who gets to do it, and that nobody can any
 * more afterwards, whoever fails or dies meanwhile.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

extern "C" {
#include <cmocka.h>
}

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <umbra.h>
#include <vsbackup.h>

#include "api/recovery/recoverer.h"
#include "api/writer/backup.h"

extern "C" {
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"
}

static World *world;

static int setup(void **) {
        world = world_new();
        return 0;
}

static int teardown(void **) {
        world = world_free(world);
        return 0;
}

static std::wstring wide(const std::string &text) {
        return std::wstring(text.begin(), text.end());
}

static std::string text_of(const std::string &dir, const char *name) {
        char *text = read_file(dir.c_str(), name);
        std::string found = text ? text : "(nothing)";

        free(text);
        return found;
}

static const char original[] = "the one thing to save\n";

/* 0, or the errno of the first thing that failed. */
static int overwrite(const std::string &path) {
        int fd = open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC), r = 0;

        if (fd < 0 || write(fd, "recovered\n", 10) != 10)
                r = errno;
        if (fd >= 0)
                close(fd);
        return r;
}

static void prepare(Recoverer *w) {
        w->volume = wide(world->volume) + L"/";
}

static LONG attributes_of(Backup *b) {
        VSS_SNAPSHOT_PROP prop;
        LONG attributes;

        assert_int_equal(b->api->GetSnapshotProperties(b->snapshot, &prop), S_OK);
        attributes = prop.m_lSnapshotAttributes;
        VssFreeSnapshotProperties(&prop);
        return attributes;
}

static void delete_set(Backup *b) {
        VSS_ID nondeleted;
        LONG deleted;

        assert_int_equal(b->api->DeleteSnapshots(b->set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted, &nondeleted),
                         S_OK);
}

static void test_that_a_copy_is_writable_for_writers_and_then_for_nobody(void **) {
        Recoverer w;
        Backup *b;

        prepare(&w);
        w.flags = VSS_CF_BACKUP_RECOVERY;
        w.in_the_copy = [](Recoverer *, const std::string &device) { return overwrite(device + "/data/file") == 0; };
        assert_int_equal(w.Start(L"recovers"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"recovers", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");

        assert_string_equal(text_of(w.device, "data/file").c_str(), "recovered\n");
        assert_string_equal(text_of(world->volume, "data/file").c_str(), original);
        assert_true(w.context & VSS_VOLSNAP_ATTR_AUTORECOVER);
        assert_true(attributes_of(b) & VSS_VOLSNAP_ATTR_AUTORECOVER);
        REACHES_RULE(CVssWriter, "OnPostSnapshot", "auto-recovery of the shadow copy happens here");
        if (geteuid() == 0) {
                assert_int_equal(overwrite(w.device + "/data/file"), EROFS);
                assert_string_equal(text_of(w.device, "data/file").c_str(), "recovered\n");
        }
        backup_free(b);
        assert_int_equal(w.Unsubscribe(), S_OK);
        world_assert_clean(world);
}

static void test_that_it_is_writable_where_somebody_asks_for_it_only(void **) {
        static const struct {
                DWORD flags;
                bool excludes;
                LONG context;
                bool writable;
        } cases[] = {
                { 0, false, VSS_CTX_BACKUP, false },
                { VSS_CF_NOT_SYSTEM_STATE, false, VSS_CTX_BACKUP, false },
                { VSS_CF_BACKUP_RECOVERY, false, VSS_CTX_BACKUP, true },
                { VSS_CF_BACKUP_RECOVERY, false, VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_TXF_RECOVERY, true },
                { VSS_CF_BACKUP_RECOVERY, false, VSS_CTX_CLIENT_ACCESSIBLE_WRITERS, true },
                { VSS_CF_BACKUP_RECOVERY, false, VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY, false },
                { VSS_CF_BACKUP_RECOVERY, false, VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_TRANSPORTABLE, false },
                { VSS_CF_APP_ROLLBACK_RECOVERY, false, VSS_CTX_BACKUP, false },
                { VSS_CF_APP_ROLLBACK_RECOVERY, false, VSS_CTX_APP_ROLLBACK, false },
                { VSS_CF_APP_ROLLBACK_RECOVERY, false, VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY, true },
                { 0, true, VSS_CTX_BACKUP, true },
                { 0, true, VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY, false },
        };

        skip_unless_root();
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
                Recoverer w;
                Backup *b = backup_new_in(cases[i].context, true);
                int r = -1;

                prepare(&w);
                w.flags = cases[i].flags;
                if (cases[i].excludes)
                        w.excluded.push_back({ w.volume + L"data", L"*.tmp", false });
                w.in_the_copy = [&r](Recoverer *, const std::string &device) {
                        r = overwrite(device + "/data/file");
                        return true;
                };
                assert_int_equal(w.Start(L"recovers"), S_OK);
                assert_int_equal(backup_run(b, world->volume), S_OK);
                if (r != (cases[i].writable ? 0 : EROFS) ||
                    !(w.context & VSS_VOLSNAP_ATTR_AUTORECOVER) != !cases[i].writable)
                        fail_msg("case %zu: %s, context 0x%x", i, strerror(r), static_cast<unsigned>(w.context));
                delete_set(b);
                backup_free(b);
                assert_int_equal(w.Unsubscribe(), S_OK);
        }
        world_assert_clean(world);
}

static void test_that_who_takes_no_part_does_not_count(void **) {
        Recoverer idle, busy;
        Backup *b = backup_new();
        int r = -1;

        skip_unless_root();
        prepare(&idle);
        idle.flags = VSS_CF_BACKUP_RECOVERY;
        assert_int_equal(idle.Start(L"idle"), S_OK);
        prepare(&busy);
        busy.in_the_copy = [&r](Recoverer *, const std::string &device) {
                r = overwrite(device + "/data/file");
                return true;
        };
        assert_int_equal(busy.Start(L"busy"), S_OK);
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(r, EROFS);
        backup_free(b);
        assert_int_equal(busy.Unsubscribe(), S_OK);
        assert_int_equal(idle.Unsubscribe(), S_OK);
}

/* Files by name; those with a plus are to stay in the copy. */
static const char *const tree[] = {
        "+data/file",       "data/a.tmp",     "data/b.tmp",      "+data/a.tmp2",        "+data/deep/a.tmp",
        "cache/one",        "cache/two/x",    "cache/two/y.tmp", "cache/two/three/last", "+cache2/one",
        "env/page",         "+env/page.keep", "+outside/a.tmp",  "real/linked.tmp",
};

static void make_tree(void) {
        for (const char *name : tree)
                write_file(world->volume, name + (*name == '+'), original);
        assert_int_equal(symlink("../outside", (std::string(world->volume) + "/cache/way-out").c_str()), 0);
        assert_int_equal(symlink("real", (std::string(world->volume) + "/alias").c_str()), 0);
        assert_int_equal(setenv("RECOVERY_TEST_DIR", (std::string(world->volume) + "/env").c_str(), 1), 0);
}

static void exclude_from_tree(Recoverer *w) {
        w->excluded = {
                { w->volume + L"data", L"*.tmp", false },
                { w->volume + L"cache", L"*", true },
                { L"%RECOVERY_TEST_DIR%", L"pag?", false },
                { w->volume + L"alias", L"*.tmp", false },
                { w->volume + L"nowhere", L"*", true },
        };
}

static void assert_tree(const std::string &copy, bool excluded) {
        for (const char *name : tree) {
                bool stays = *name == '+' || !excluded;

                if (file_exists(copy.c_str(), name + (*name == '+')) != stays)
                        fail_msg("%s is%s in the copy", name, stays ? " not" : "");
                assert_string_equal(text_of(world->volume, name + (*name == '+')).c_str(), original);
        }
}

static void test_that_excluded_files_are_not_in_the_copy(void **) {
        Recoverer w;
        Backup *b;

        make_tree();
        prepare(&w);
        exclude_from_tree(&w);
        assert_int_equal(w.Start(L"excludes"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"excludes", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        assert_tree(w.device, true);
        REACHES_RULE(IVssCreateWriterMetadataEx, "AddExcludeFilesFromSnapshot", "writer itself deletes the files from the shadow copy");
        backup_free(b);

        /* The requester wants the copy as it is. */
        b = backup_new_in(VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY, true);
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_tree(w.device, false);
        REACHES_RULE(IVssCreateWriterMetadataEx, "AddExcludeFilesFromSnapshot", "deletion impossible when auto-recovery is disabled");
        backup_free(b);
        assert_int_equal(w.Unsubscribe(), S_OK);
        world_assert_clean(world);
}

static void test_that_a_writer_that_cannot_recover_is_recorded(void **) {
        Recoverer w;
        Backup *b;

        prepare(&w);
        w.flags = VSS_CF_BACKUP_RECOVERY;
        w.in_the_copy = [](Recoverer *self, const std::string &) { return self->Fail(VSS_E_WRITERERROR_RECOVERY_FAILED); };
        assert_int_equal(w.Start(L"recovers"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"recovers", "FAILED_AT_POST_SNAPSHOT VSS_E_WRITERERROR_RECOVERY_FAILED 0x0 ");
        backup_free(b);
        assert_int_equal(w.Unsubscribe(), S_OK);
        world_assert_clean(world);
}

static void test_that_what_nobody_could_seal_is_gone(void **) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "unseal = fail EIO", VSS_E_PROVIDER_VETO },
                { "unseal = kill after", VSS_E_UNEXPECTED_PROVIDER_ERROR },
                { "seal = fail EIO", VSS_E_PROVIDER_VETO },
                { "seal = fail ENOSPC", VSS_E_INSUFFICIENT_STORAGE },
                { "seal = kill", VSS_E_UNEXPECTED_PROVIDER_ERROR },
                { "seal = kill after", VSS_E_UNEXPECTED_PROVIDER_ERROR },
        };
        Recoverer w;

        prepare(&w);
        w.flags = VSS_CF_BACKUP_RECOVERY;
        assert_int_equal(w.Start(L"recovers"), S_OK);
        for (const auto &c : cases) {
                Backup *b = backup_new_in(VSS_CTX_APP_ROLLBACK, true);
                HRESULT hr;

                world_script(world, c.script);
                hr = backup_run(b, world->volume);
                if (hr != c.hr)
                        fail_msg("%s: 0x%08x %s", c.script, static_cast<unsigned>(hr), umbra_last_error());
                backup_free(b);
                world_assert_clean(world);
        }
        world_script(world, nullptr);
        assert_int_equal(w.Unsubscribe(), S_OK);
}

static void test_that_a_copy_is_not_used_while_a_writer_still_writes_to_it(void **) {
        Recoverer w;
        Backup *b;
        int fd = -1;

        skip_unless_root();
        prepare(&w);
        w.flags = VSS_CF_BACKUP_RECOVERY;
        w.in_the_copy = [&fd](Recoverer *, const std::string &device) {
                fd = open((device + "/data/file").c_str(), O_RDWR | O_CLOEXEC);
                return fd >= 0;
        };
        assert_int_equal(w.Start(L"holds on"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), VSS_E_AUTORECOVERY_FAILED);
        close(fd);
        backup_free(b);
        assert_int_equal(w.Unsubscribe(), S_OK);
        world_assert_clean(world);
}

static void test_that_a_copy_is_gone_when_umbrad_dies_before_it_is_sealed(void **) {
        int to_test[2], go[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(to_test, O_CLOEXEC), 0);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                Recoverer w;

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                prepare(&w);
                w.flags = VSS_CF_BACKUP_RECOVERY;
                w.in_the_copy = [&](Recoverer *, const std::string &device) {
                        char said = overwrite(device + "/data/file") == 0 ? 'y' : 'n';

                        return write(to_test[1], &said, 1) == 1 && read(go[0], &said, 1) >= 0;
                };
                if (FAILED(w.Start(L"recovers")))
                        _exit(3);
                _exit(FAILED(backup_run(backup_new_in(VSS_CTX_APP_ROLLBACK, true), world->volume)) ? 0 : 4);
        }

        assert_int_equal(read(to_test[0], &byte, 1), 1);
        assert_int_equal(byte, 'y');
        world_kill_umbrad(world);
        world_start_umbrad(world);
        world_assert_clean(world);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, nullptr, 0), pid);
        for (int fd : { to_test[0], to_test[1], go[0], go[1] })
                close(fd);
}

/* A process that sees everything as most services do: through a mount namespace of its own, into which mounts
 * come and go as they do here. */
static pid_t start_service(int *ret_namespace) {
        char path[64];
        int ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (unshare(CLONE_NEWNS) < 0 || mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0 || write(ready[1], "r", 1) != 1)
                        _exit(3);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/mnt", static_cast<int>(pid));
        *ret_namespace = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(*ret_namespace >= 0);
        return pid;
}

static int overwrite_in(int name_space, const std::string &path) {
        int r = -1;

        std::thread([&] {
                if (unshare(CLONE_FS) < 0 || setns(name_space, CLONE_NEWNS) < 0)
                        r = errno;
                else
                        r = overwrite(path);
        }).join();
        return r;
}

static void test_that_services_with_namespaces_of_their_own_are_let_in_and_out(void **) {
        int name_space, r = -1;
        Recoverer w;
        Backup *b;
        pid_t pid;

        skip_unless_root();
        assert_int_equal(mount(world->runtime, world->runtime, nullptr, MS_BIND, nullptr), 0);
        assert_int_equal(mount(nullptr, world->runtime, nullptr, MS_SHARED, nullptr), 0);
        pid = start_service(&name_space);
        prepare(&w);
        w.flags = VSS_CF_BACKUP_RECOVERY;
        w.in_the_copy = [&](Recoverer *, const std::string &device) {
                r = overwrite_in(name_space, device + "/data/file");
                return true;
        };
        assert_int_equal(w.Start(L"service"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(r, 0);
        assert_string_equal(text_of(w.device, "data/file").c_str(), "recovered\n");
        assert_int_equal(overwrite_in(name_space, w.device + "/data/file"), EROFS);
        backup_free(b);
        assert_int_equal(w.Unsubscribe(), S_OK);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, nullptr, 0), pid);
        close(name_space);
        assert_int_equal(umount2(world->runtime, MNT_DETACH), 0);
        world_assert_clean(world);
}

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_copy_is_writable_for_writers_and_then_for_nobody),
                cmocka_unit_test(test_that_it_is_writable_where_somebody_asks_for_it_only),
                cmocka_unit_test(test_that_who_takes_no_part_does_not_count),
                cmocka_unit_test(test_that_excluded_files_are_not_in_the_copy),
                cmocka_unit_test(test_that_a_writer_that_cannot_recover_is_recorded),
                cmocka_unit_test(test_that_what_nobody_could_seal_is_gone),
                cmocka_unit_test(test_that_a_copy_is_not_used_while_a_writer_still_writes_to_it),
                cmocka_unit_test(test_that_a_copy_is_gone_when_umbrad_dies_before_it_is_sealed),
                cmocka_unit_test(test_that_services_with_namespaces_of_their_own_are_let_in_and_out),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
