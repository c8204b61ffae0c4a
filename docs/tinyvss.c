/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest backup program: it saves what all writers have into a directory, and puts it back from there.
 *
 *     cc tinyvss.c $(pkg-config --cflags --libs vssapi) -o tinyvss
 *     mkdir /backup/monday && ./tinyvss backup /backup/monday
 *     ./tinyvss restore /backup/monday
 *
 * What it leaves out, as exclusions and other places to restore to, is in umbra-betest(1).
 */

#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <umbra.h>
#include <unistd.h>
#include <vsbackup.h>
#include <wchar.h>

static IVssBackupComponents *vss; /* one object is one backup, or one restore */
static struct component { VSS_ID instance, writer; VSS_COMPONENT_TYPE type; BSTR path, name; } chosen[1000];
static struct set { BSTR path, pattern; bool recursive; VSS_ID snapshot; } sets[1000];
static unsigned n_chosen, n_sets;

/* Whoever ends without BackupComplete() has given the backup up: the writers wake, the shadow copies go. */
static void check(const char *what, HRESULT hr) {
        if (FAILED(hr))
                errx(1, "%s: 0x%08x %s", what, (unsigned) hr, umbra_last_error());
}

#define TRY(method, ...) check(#method, IVssBackupComponents_##method(vss, __VA_ARGS__))

/* What takes its time has only begun when it returns; then one can wait for it, and ask how it ended. */
#define TRY_AND_WAIT(method) ({ IVssAsync *async_; TRY(method, &async_); wait_for(#method, async_); })

static void wait_for(const char *what, IVssAsync *async) {
        HRESULT hr;

        check(what, IVssAsync_Wait(async, INFINITE));
        check(what, IVssAsync_QueryStatus(async, &hr, NULL));
        check(what, hr);
        IVssAsync_Release(async);
}

/* A writer that fails need not fail the call: it is for us to ask, and to decide. */
static void check_writers(void) {
        VSS_ID instance, writer;
        VSS_WRITER_STATE state;
        HRESULT hr;
        BSTR name;

        TRY_AND_WAIT(GatherWriterStatus);
        for (UINT i = 0; SUCCEEDED(IVssBackupComponents_GetWriterStatus(vss, i, &instance, &writer, &name, &state, &hr)); ++i) {
                check("a writer failed", hr);
                SysFreeString(name);
        }
}

/* Copies the files in $FROM that match; cp knows all about owners, holes and attributes. */
static void copy(const char *from, const char *to, const char *pattern, bool recursive) {
        if (setenv("FROM", from, 1) < 0 || setenv("TO", to, 1) < 0 || setenv("PATTERN", pattern, 1) < 0 ||
            setenv("DEPTH", recursive ? "999" : "1", 1) < 0 ||
            system("mkdir -p \"$TO\" && TO=$(realpath \"$TO\") && cd \"$FROM\" && find . -maxdepth $DEPTH -type f"
                   " -name \"$PATTERN\" -exec cp -a --parents -t \"$TO\" {} +") != 0)
                errx(1, "cannot copy from '%s' to '%s'", from, to);
}

/* Files are a directory, a pattern, and whether to go deeper. Here each such directory is a volume. */
static void add_set(IVssWMFiledesc *f) {
        struct set *s = &sets[n_sets++], *same = sets;

        check("too many files", n_sets == 1000 ? E_FAIL : S_OK);
        check("GetPath", IVssWMFiledesc_GetPath(f, &s->path));
        check("GetFilespec", IVssWMFiledesc_GetFilespec(f, &s->pattern));
        check("GetRecursive", IVssWMFiledesc_GetRecursive(f, &s->recursive));
        IVssWMFiledesc_Release(f);
        while (wcscmp(same->path, s->path) != 0)
                ++same;
        if (same == s)
                TRY(AddToSnapshotSet, s->path, GUID_NULL, &s->snapshot);
        s->snapshot = same->snapshot;
}

/* What is not selectable follows the component above it, or stands on top and must be chosen as well. */
static void add_component(VSS_ID instance, VSS_ID writer, IVssWMComponent *c, bool saving) {
        PVSSCOMPONENTINFO info;
        IVssWMFiledesc *f;

        check("too many components", n_chosen == 1000 ? E_FAIL : S_OK);
        check("GetComponentInfo", IVssWMComponent_GetComponentInfo(c, &info));
        if (info->bSelectable || !info->bstrLogicalPath)
                chosen[n_chosen++] = (struct component){ instance, writer, info->type, SysAllocString(info->bstrLogicalPath),
                                                         SysAllocString(info->bstrComponentName) };
        IVssWMComponent_FreeComponentInfo(c, info);
        for (UINT i = 0; saving && SUCCEEDED(IVssWMComponent_GetFile(c, i, &f)); ++i)
                add_set(f);
        for (UINT i = 0; saving && SUCCEEDED(IVssWMComponent_GetDatabaseFile(c, i, &f)); ++i)
                add_set(f);
        for (UINT i = 0; saving && SUCCEEDED(IVssWMComponent_GetDatabaseLogFile(c, i, &f)); ++i)
                add_set(f);
        IVssWMComponent_Release(c);
}

static void add_everything(bool saving) {
        IVssExamineWriterMetadata *metadata;
        VSS_ID instance, writer;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        IVssWMComponent *c;
        BSTR name;

        for (UINT w = 0; SUCCEEDED(IVssBackupComponents_GetWriterMetadata(vss, w, &instance, &metadata)); ++w) {
                check("GetIdentity", IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &writer, &name, &usage, &source));
                for (UINT i = 0; SUCCEEDED(IVssExamineWriterMetadata_GetComponent(metadata, i, &c)); ++i)
                        add_component(instance, writer, c, saving);
                IVssExamineWriterMetadata_Release(metadata);
                SysFreeString(name);
        }
}

#define FOR_EACH_CHOSEN(c) for (struct component *c = chosen; c < chosen + n_chosen; ++c)

static void backup(FILE *document) {
        char path[4096], pattern[1024], device[4096];
        VSS_SNAPSHOT_PROP snapshot;
        VSS_ID set;
        BSTR xml;

        TRY(InitializeForBackup, NULL);
        TRY(SetContext, VSS_CTX_BACKUP);
        TRY(SetBackupState, true, false, VSS_BT_COPY, false);
        TRY_AND_WAIT(GatherWriterMetadata);
        TRY(StartSnapshotSet, &set);
        add_everything(true);
        FOR_EACH_CHOSEN(c)
                TRY(AddComponent, c->instance, c->writer, c->type, c->path, c->name);
        TRY_AND_WAIT(PrepareForBackup);
        TRY_AND_WAIT(DoSnapshotSet);
        check_writers();
        for (struct set *s = sets; s < sets + n_sets; ++s) {
                TRY(GetSnapshotProperties, s->snapshot, &snapshot);
                snprintf(device, sizeof(device), "%ls", snapshot.m_pwszSnapshotDeviceObject);
                snprintf(path, sizeof(path), "files%ls", s->path);
                snprintf(pattern, sizeof(pattern), "%ls", s->pattern);
                copy(device, path, pattern, s->recursive);
                VssFreeSnapshotProperties(&snapshot);
        }
        FOR_EACH_CHOSEN(c)
                TRY(SetBackupSucceeded, c->instance, c->writer, c->type, c->path, c->name, true);
        TRY_AND_WAIT(BackupComplete);
        TRY(SaveAsXML, &xml);
        check("backup.xml", fputws(xml, document) < 0 || fclose(document) != 0 ? E_FAIL : S_OK);
        SysFreeString(xml);
}

static void restore(FILE *document) {
        static WCHAR text[1 << 22];
        BSTR xml = SysAllocString(fgetws(text, 1 << 22, document));

        TRY(InitializeForRestore, xml);
        SysFreeString(xml);
        TRY_AND_WAIT(GatherWriterMetadata);
        add_everything(false);
        FOR_EACH_CHOSEN(c)
                TRY(SetSelectedForRestore, c->writer, c->type, c->path, c->name, true);
        TRY_AND_WAIT(PreRestore);
        check_writers();
        copy("files", "/", "*", true);
        FOR_EACH_CHOSEN(c)
                TRY(SetFileRestoreStatus, c->writer, c->type, c->path, c->name, VSS_RS_ALL);
        TRY_AND_WAIT(PostRestore);
        check_writers();
}

int main(int argc, char *argv[]) {
        bool saving = argc == 3 && argv[1][0] == 'b';
        FILE *document;

        if (argc != 3 || !setlocale(LC_ALL, "C.UTF-8"))
                errx(2, "usage: tinyvss backup|restore DIRECTORY");
        if (chdir(argv[2]) < 0 || !(document = fopen("backup.xml", saving ? "w" : "r")))
                err(1, "%s", argv[2]);
        check("CreateVssBackupComponents", CreateVssBackupComponents(&vss));
        (saving ? backup : restore)(document);
        IVssBackupComponents_Release(vss);
        return 0;
}
