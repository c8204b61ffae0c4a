/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Chain Writer
 *
 * A writer for tests of incremental backups, on the public headers only: chain-writer DIR STATE [second]. With the
 * third argument it is another writer, of another class.
 *
 *      component          kind, selectable   files                         taken incrementally
 *      store              database, yes      DIR/store/big.bin             ranges as a text, at PrepareForBackup
 *                                            DIR/store/huge.bin            a ranges file, at PostSnapshot
 *                                            DIR/store/logs/ *.log (logs)  whole
 *      store\docs         files, no          DIR/docs/ *, recursive        those modified since (differenced)
 *                                            DIR/new/ *, in no file set    the same, whenever modified
 *      settings           files, no          DIR/settings/ *               whole
 *      other              files, yes         DIR/other/ *                  whole
 *
 * Whoever tests changes the files as he likes. For each backup stamp it gave, which is a number, the writer
 * keeps copies of big.bin and huge.bin in STATE and finds the ranges by comparing, byte by byte, with those
 * of the stamp that comes back as the previous one. What happens to it stands in STATE/events, one line each:
 *
 *      prepare type=2 partial=1 store previous=1 options=
 *      post-snapshot store stamp=2
 *      complete store succeeded=1
 *      pre-restore store additional=1
 *      post-restore store additional=0 status=2
 *
 * With STATE/special there is one more component:
 *
 *      special            files, yes         DIR/live/ *                   read live: no shadow copy required
 *                                            DIR/where/ *, recursive       which really are in DIR/really/
 *
 * Then DIR/live/after is written at PostSnapshot, DIR/live/ *.tmp are excluded, and DIR/other/ *.cache from shadow copies.
 * STATE/late is a directory below DIR whose files are differenced ones of store as of PostSnapshot, when it is late for that.
 * STATE/partial ("DIRECTORY NAME RANGES", below DIR) is one more partial file of store in any backup.
 *
 * STATE/schema (a number) is its backup schema if it is there; STATE/fail-prepare and STATE/fail-post hold the
 * name of a component that fails by itself in that event; STATE/fail-all is "prepare" or "freeze", where the whole writer fails; STATE/depends adds a dependency of store on a
 * component of the other class (two lines: logical path and name) when it describes itself.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <umbra.h>
#include <unistd.h>
#include <wchar.h>

static const VSS_ID ids[] = { /* two classes; a dependency of one is on the other */
        { 0x6d3b1c52, 0x0f4e, 0x4c8a, { 0x9b, 0x21, 0x63, 0x68, 0x61, 0x69, 0x6e, 0x77 } },
        { 0x6d3b1c52, 0x0f4e, 0x4c8a, { 0x9b, 0x21, 0x63, 0x68, 0x61, 0x69, 0x6e, 0x32 } },
};
static bool second;

static char *dir, *state;
static wchar_t dirs[5][4096]; /* of the file sets */
enum { STORE, LOGS, DOCS, NEW, SETTINGS };
static wchar_t other[4096];

static UmbraWriter *writer;
static unsigned stamp; /* of the backup that is going on */

static void die(const char *what) {
        fprintf(stderr, "chain-writer: %s: %s\n", what, strerror(errno));
        exit(1);
}

static FILE *open_state(const char *name, const char *mode) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s", state, name);
        return fopen(path, mode);
}

/* The first line of a file in STATE; false if it is not there. */
static bool read_state(const char *name, char line[static 256]) {
        FILE *f = open_state(name, "r");
        bool there = f && fgets(line, 256, f);

        if (there)
                line[strcspn(line, "\n")] = '\0';
        if (f)
                fclose(f);
        return there;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
        FILE *f = open_state("events", "a");
        va_list ap;

        if (!f)
                die("events");
        va_start(ap, format);
        vfprintf(f, format, ap);
        va_end(ap);
        fputc('\n', f);
        fclose(f);
}

static void set_path(wchar_t path[static 4096], const char *below) {
        char text[4096];

        snprintf(text, sizeof(text), "%s/%s", dir, below);
        if (mbstowcs(path, text, 4095) == (size_t) -1)
                die(text);
}

/* Files and copies */

static char *read_all(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "r");
        char *bytes = NULL;
        struct stat st;

        *ret_size = 0;
        if (!f)
                return NULL;
        if (fstat(fileno(f), &st) == 0 && (bytes = malloc((size_t) st.st_size + 1)))
                *ret_size = fread(bytes, 1, (size_t) st.st_size, f);
        fclose(f);
        return bytes;
}

static void keep_copy(const char *name) {
        char path[4096], copy[64];
        size_t size;
        char *bytes;
        FILE *f;

        snprintf(path, sizeof(path), "%s/store/%s", dir, name);
        snprintf(copy, sizeof(copy), "%s.%u", name, stamp);
        bytes = read_all(path, &size);
        f = open_state(copy, "w");
        if (!f || (bytes && fwrite(bytes, 1, size, f) != size) || fclose(f) != 0)
                die(copy);
        free(bytes);
}

typedef struct Ranges {
        uint64_t (*list)[2];
        size_t n;
} Ranges;

static Ranges changes_since(const char *name, const char *previous) {
        char path[4096], old_path[4096];
        size_t size, old_size = 0;
        char *bytes, *old;
        Ranges r = { 0 };

        snprintf(path, sizeof(path), "%s/store/%s", dir, name);
        snprintf(old_path, sizeof(old_path), "%s/%s.%s", state, name, previous);
        bytes = read_all(path, &size);
        old = read_all(old_path, &old_size);
        for (size_t i = 0; i < size; ++i) {
                bool differs = !old || i >= old_size || bytes[i] != old[i];

                if (differs && r.n > 0 && r.list[r.n - 1][0] + r.list[r.n - 1][1] == i)
                        ++r.list[r.n - 1][1];
                else if (differs) {
                        r.list = reallocarray(r.list, r.n + 1, sizeof(*r.list));
                        if (!r.list)
                                die("ranges");
                        r.list[r.n][0] = i;
                        r.list[r.n++][1] = 1;
                }
        }
        free(bytes);
        free(old);
        return r;
}

static bool add_partial(IVssComponent *c, const wchar_t *name, const wchar_t *ranges) {
        HRESULT hr = IVssComponent_AddPartialFile(c, dirs[STORE], name, ranges, L"from the chain writer");

        if (FAILED(hr))
                say("add-partial %08x", (unsigned) hr);
        return SUCCEEDED(hr);
}

/* "offset:length, 0xoffset:length": both spellings of a number. */
static bool add_ranges_text(IVssComponent *c, const char *previous) {
        Ranges r = changes_since("big.bin", previous);
        wchar_t *text = calloc(r.n * 48 + 8, sizeof(*text)), *p = text;
        bool ok;

        if (!text)
                die("ranges");
        wcscpy(text, L"0:0");
        for (size_t i = 0; i < r.n; ++i)
                p += swprintf(p, 48, i % 2 ? L"%ls%#lx:%lu" : L"%ls%lu:%lu", i ? L", " : L"", (unsigned long) r.list[i][0],
                              (unsigned long) r.list[i][1]);
        ok = add_partial(c, L"big.bin", text);
        free(text);
        free(r.list);
        return ok;
}

static bool add_ranges_file(IVssComponent *c, const char *previous) {
        Ranges r = changes_since("huge.bin", previous);
        uint64_t n = htole64(r.n);
        wchar_t path[4096];
        char name[64];
        FILE *f;
        bool ok;

        snprintf(name, sizeof(name), "huge.%u.ranges", stamp);
        f = open_state(name, "w");
        if (!f || fwrite(&n, sizeof(n), 1, f) != 1)
                die(name);
        for (size_t i = 0; i < r.n; ++i) {
                uint64_t pair[2] = { htole64(r.list[i][0]), htole64(r.list[i][1]) };

                if (fwrite(pair, sizeof(pair), 1, f) != 1)
                        die(name);
        }
        if (fclose(f) != 0)
                die(name);
        swprintf(path, 4096, L"File=%s/%s", state, name);
        ok = add_partial(c, L"huge.bin", path);
        free(r.list);
        return ok;
}

/* When the stamp was given: 100 ns since 1601, as Windows counts. */
static FILETIME time_of(const char *previous) {
        char path[4096];
        struct stat st;
        uint64_t ticks;

        snprintf(path, sizeof(path), "%s/big.bin.%s", state, previous);
        if (stat(path, &st) < 0)
                return (FILETIME){ 0 };
        ticks = ((uint64_t) st.st_mtim.tv_sec + 11644473600U) * 10000000U + (uint64_t) st.st_mtim.tv_nsec / 100U;
        return (FILETIME){ (DWORD) ticks, (DWORD) (ticks >> 32) };
}

/* Components */

static char *take(BSTR s) {
        size_t size = s ? wcslen(s) * 4 + 1 : 1;
        char *text = calloc(size, 1);

        if (!text)
                die("text");
        if (s)
                wcstombs(text, s, size - 1);
        SysFreeString(s);
        return text;
}

static char *name_of(IVssComponent *c) {
        BSTR s = NULL;

        IVssComponent_GetComponentName(c, &s);
        return take(s);
}

static bool for_each(IVssWriterComponents *components, bool (*f)(IVssComponent *c, const char *name)) {
        UINT n = 0;
        bool ok = SUCCEEDED(IVssWriterComponents_GetComponentCount(components, &n));

        for (UINT i = 0; i < n; ++i) {
                IVssComponent *c = NULL;
                char *name;

                if (FAILED(IVssWriterComponents_GetComponent(components, i, &c)))
                        return false;
                name = name_of(c);
                ok = f(c, name) && ok;
                free(name);
                IVssComponent_Release(c);
        }
        return ok;
}

/* STATE/@file names a component: that one fails, the others may be good. */
static bool may_fail(IVssComponent *c, const char *name, const char *file) {
        IVssComponentEx2 *ex = NULL;
        char victim[256];

        if (!read_state(file, victim) || strcmp(victim, name) != 0)
                return true;
        if (SUCCEEDED(IVssComponent_QueryInterface(c, &IID_IVssComponentEx2, (void **) &ex))) {
                (void) IVssComponentEx2_SetFailure(ex, VSS_E_WRITERERROR_NONRETRYABLE, E_FAIL, L"it was told to fail", 0);
                IVssComponentEx2_Release(ex);
        }
        (void) umbra_writer_set_failure(writer, VSS_E_WRITERERROR_PARTIAL_FAILURE);
        return false;
}

static bool is_partial_backup(void) {
        VSS_BACKUP_TYPE type = umbra_writer_get_backup_type(writer);

        return type == VSS_BT_INCREMENTAL || type == VSS_BT_DIFFERENTIAL;
}

/* One that whoever tests thought of. */
static bool add_told_partial(IVssComponent *c) {
        char line[256], below[256], name[256], ranges[256];
        wchar_t path[4096], wide[2][256];

        if (!read_state("partial", line))
                return true;
        if (sscanf(line, "%255s %255s %255[^\n]", below, name, ranges) != 3)
                return false;
        set_path(path, below);
        mbstowcs(wide[0], name, 256);
        mbstowcs(wide[1], ranges, 256);
        return SUCCEEDED(IVssComponent_AddPartialFile(c, path, wide[0], wide[1], NULL));
}

static bool prepare_component(IVssComponent *c, const char *name) {
        BSTR before = NULL, options = NULL;
        char *previous, *told;
        bool ok = true;

        (void) IVssComponent_GetPreviousBackupStamp(c, &before);
        (void) IVssComponent_GetBackupOptions(c, &options);
        previous = take(before);
        told = take(options);
        say("prepare type=%d partial=%d %s previous=%s options=%s", (int) umbra_writer_get_backup_type(writer),
            umbra_writer_is_partial_file_support_enabled(writer), name, previous, told);
        if (strcmp(name, "store") == 0 && is_partial_backup()) {
                ok = add_ranges_text(c, previous);
                ok = SUCCEEDED(IVssComponent_AddDifferencedFilesByLastModifyTime(c, dirs[DOCS], L"*", true, time_of(previous))) && ok;
                ok = SUCCEEDED(IVssComponent_AddDifferencedFilesByLastModifyTime(c, dirs[NEW], L"*", true, (FILETIME){ 0 })) && ok;
        }
        free(previous);
        free(told);
        if (strcmp(name, "store") == 0)
                ok = add_told_partial(c) && ok;
        return may_fail(c, name, "fail-prepare") && ok;
}

static void write_after(void) {
        char path[4096];
        FILE *f;

        snprintf(path, sizeof(path), "%s/live/after", dir);
        f = fopen(path, "w");
        if (!f || fputs("after the snapshot", f) < 0 || fclose(f) != 0)
                die(path);
}

static bool snapshot_component(IVssComponent *c, const char *name) {
        char line[256];
        wchar_t text[16];
        bool ok = true;

        if (strcmp(name, "store") == 0 && is_partial_backup()) {
                BSTR before = NULL;
                char *previous;

                (void) IVssComponent_GetPreviousBackupStamp(c, &before);
                previous = take(before);
                ok = add_ranges_file(c, previous);
                free(previous);
        }
        swprintf(text, 16, L"%u", stamp);
        ok = SUCCEEDED(IVssComponent_SetBackupStamp(c, text)) && ok;
        say("post-snapshot %s stamp=%u", name, stamp);
        if (strcmp(name, "special") == 0)
                write_after();
        if (strcmp(name, "store") == 0 && read_state("late", line)) {
                wchar_t path[4096];

                set_path(path, line);
                ok = SUCCEEDED(IVssComponent_AddDifferencedFilesByLastModifyTime(c, path, L"*", false, (FILETIME){ 0 })) && ok;
        }
        return may_fail(c, name, "fail-post") && ok;
}

static bool complete_component(IVssComponent *c, const char *name) {
        bool succeeded = false;

        (void) IVssComponent_GetBackupSucceeded(c, &succeeded);
        say("complete %s succeeded=%d", name, succeeded);
        return true;
}

static bool pre_restore_component(IVssComponent *c, const char *name) {
        bool additional = false;

        (void) IVssComponent_GetAdditionalRestores(c, &additional);
        say("pre-restore %s additional=%d", name, additional);
        return true;
}

static bool post_restore_component(IVssComponent *c, const char *name) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        bool additional = false;

        (void) IVssComponent_GetAdditionalRestores(c, &additional);
        (void) IVssComponent_GetFileRestoreStatus(c, &status);
        say("post-restore %s additional=%d status=%d", name, additional, (int) status);
        return true;
}

/* Events */

static bool add_dependency(IVssCreateWriterMetadataEx *m) {
        FILE *f = open_state("depends", "r");
        char path[256], name[256];
        wchar_t wide[2][256];
        bool ok;

        if (!f)
                return true;
        ok = fgets(path, sizeof(path), f) && fgets(name, sizeof(name), f);
        fclose(f);
        if (!ok)
                return false;
        path[strcspn(path, "\n")] = name[strcspn(name, "\n")] = '\0';
        mbstowcs(wide[0], path, 256);
        mbstowcs(wide[1], name, 256);
        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponentDependency(m, NULL, L"store", ids[!second], wide[0], wide[1]));
}

#define LIVE VSS_FSBT_ALL_BACKUP_REQUIRED

/* What is read live, what is elsewhere, what is left out. */
static bool add_special(IVssCreateWriterMetadataEx *m) {
        wchar_t live[4096], where[4096], really[4096];
        char line[256];

        if (!read_state("special", line))
                return true;
        set_path(live, "live");
        set_path(where, "where");
        set_path(really, "really");
        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"special", NULL, NULL, 0, false, true, true,
                                                                 true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"special", live, L"*", false, NULL, LIVE)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"special", where, L"*", true, really,
                                                                        LIVE | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddExcludeFiles(m, live, L"*.tmp", false)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(m, other, L"*.cache", false));
}

#define IN_FULL (VSS_FSBT_FULL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)
#define IN_ALL (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)

static bool on_identify(void *app, IVssCreateWriterMetadataEx *m) {
        DWORD schema = VSS_BS_DIFFERENTIAL | VSS_BS_INCREMENTAL | VSS_BS_LOG | VSS_BS_COPY | VSS_BS_TIMESTAMPED | VSS_BS_LAST_MODIFY;
        char text[256];

        if (read_state("schema", text))
                schema = (DWORD) strtoul(text, NULL, 0);
        return SUCCEEDED(IVssCreateWriterMetadataEx_SetBackupSchema(m, schema)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL, VSS_WRE_ALWAYS,
                                                                     false)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_DATABASE, NULL, L"store", L"A store", NULL, 0, true, true,
                                                                 true, true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddDatabaseFiles(m, NULL, L"store", dirs[STORE], L"*.bin", IN_FULL)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddDatabaseLogFiles(m, NULL, L"store", dirs[LOGS], L"*.log", IN_ALL)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, L"store", L"docs", L"Documents", NULL, 0, false,
                                                                 false, false, false, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, L"store", L"docs", dirs[DOCS], L"*", true, NULL, IN_FULL)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"settings", L"Settings", NULL, 0, false,
                                                                 true, false, true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"settings", dirs[SETTINGS], L"*", false, NULL,
                                                                        IN_ALL)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"other", L"Other files", NULL, 0, false,
                                                                 true, true, true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"other", other, L"*", false, NULL, IN_ALL)) &&
               add_special(m) && add_dependency(m);
}

static bool may_go_on(const char *event) {
        char line[256];

        if (!read_state("fail-all", line) || strcmp(line, event) != 0)
                return true;
        (void) umbra_writer_set_failure_ex(writer, VSS_E_WRITERERROR_RETRYABLE, E_FAIL, L"not today");
        return false;
}

static bool on_prepare_backup(void *app, IVssWriterComponents *components) {
        char last[256];
        FILE *f;

        /* A writer that was started again goes on counting. */
        stamp = (read_state("stamp", last) ? (unsigned) strtoul(last, NULL, 10) : 0) + 1;
        f = open_state("stamp", "w");
        if (!f || fprintf(f, "%u\n", stamp) < 0 || fclose(f) != 0)
                die("stamp");
        return may_go_on("prepare") && for_each(components, prepare_component);
}

static bool on_freeze(void *app) {
        if (!may_go_on("freeze"))
                return false;
        keep_copy("big.bin");
        keep_copy("huge.bin");
        return true;
}

static bool on_nothing(void *app) {
        return true;
}

static bool on_post_snapshot(void *app, IVssWriterComponents *components) {
        return for_each(components, snapshot_component);
}

static bool on_backup_complete(void *app, IVssWriterComponents *components) {
        return for_each(components, complete_component);
}

static bool on_pre_restore(void *app, IVssWriterComponents *components) {
        return for_each(components, pre_restore_component);
}

static bool on_post_restore(void *app, IVssWriterComponents *components) {
        return for_each(components, post_restore_component);
}

int main(int argc, char *argv[]) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnIdentify = on_identify,
                .OnPrepareBackup = on_prepare_backup,
                .OnPrepareSnapshot = on_nothing,
                .OnFreeze = on_freeze,
                .OnThaw = on_nothing,
                .OnAbort = on_nothing,
                .OnPostSnapshot = on_post_snapshot,
                .OnBackupComplete = on_backup_complete,
                .OnPreRestore = on_pre_restore,
                .OnPostRestore = on_post_restore,
        };
        sigset_t end;
        int number;

        if (argc != 3 && argc != 4) {
                fprintf(stderr, "chain-writer DIR STATE [second]\n");
                return 2;
        }
        second = argc == 4;
        dir = argv[1];
        state = argv[2];
        set_path(dirs[STORE], "store");
        set_path(dirs[LOGS], "store/logs");
        set_path(dirs[DOCS], "docs");
        set_path(dirs[NEW], "new");
        set_path(dirs[SETTINGS], "settings");
        set_path(other, "other");
        sigemptyset(&end);
        sigaddset(&end, SIGTERM);
        sigaddset(&end, SIGINT);
        sigprocmask(SIG_BLOCK, &end, NULL);

        if (FAILED(umbra_writer_new(&callbacks, NULL, &writer)) ||
            FAILED(umbra_writer_initialize(writer, ids[second], second ? L"Second" : L"Chain", 1, 0, VSS_UT_USERDATA, VSS_ST_TRANSACTEDDB, VSS_APP_FRONT_END,
                                           UMBRA_FREEZE_TIMEOUT_MSEC, VSS_AWS_NO_ALTERNATE_WRITER, false, second ? L"second" : L"chain")) ||
            FAILED(umbra_writer_subscribe(writer, INFINITE, UMBRA_WRITER_EVENTS))) {
                fprintf(stderr, "chain-writer: %s\n", umbra_last_error());
                return 1;
        }
        say("ready");
        sigwait(&end, &number);
        (void) umbra_writer_free(writer);
        return 0;
}
