/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Scene for a Requester
 *
 * Each program in this folder replays what one backup program in use does, call by call, against a private
 * umbrad. What is checked is what its users rely on: that every call is answered as the program expects, and
 * that the writers hear the right events, in the right order, about the right components.
 *
 * There are two writers. "database" has
 *
 *     server\db        selectable: *.db and, as logs, *.log in the volume's db/
 *     server\db\index  not selectable, in db/index/
 *
 * and depends on "files", which has the file group "files" (selectable, everything in files/).
 */

#include <stdbool.h>
#include <vsbackup.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Scene {
        struct Fixture *fixture;
        struct SceneWriter *database, *files, *second;
        WCHAR *volume; /* as a program from Windows names it, \srv\data\ */
        WCHAR *nested; /* a mount point below it; without privilege, a directory */
} Scene;

extern const VSS_ID scene_database_id, scene_files_id, scene_fake_provider;

Scene *scene_open(void);
Scene *scene_close(Scene *s); /* NULL */

/* An empty directory beside the volume, "/.../name"; free() it. */
WCHAR *scene_make_directory(Scene *s, const char *name);
/* What was broken off the fake provider comes back to it, as by a storage network. */
void scene_carry_back(Scene *s, VSS_ID snapshot);
/* What the fake provider is to do from its next worker on; see providers/fake/fake-script.h. */
void scene_script(Scene *s, const char *script);
/* The event of this name fails from now on in the writer "database". */
void scene_fail(Scene *s, const char *event, HRESULT hr);
/* A second instance of the class of "database", which keeps to itself. One at a time. */
VSS_ID scene_add_second(Scene *s);
void scene_drop_second(Scene *s);
/* "database" ends: its process has. */
void scene_end_database(Scene *s);
/* It is started again, and is another instance, which has heard nothing yet. */
void scene_restart_database(Scene *s);
/* The session that "database" heard of last. */
VSS_ID scene_session_id(Scene *s);
/* Waits until both writers have had BackupShutdown; then fails the test unless they heard exactly this, an
 * event a line:
 *
 *     Identify
 *     PrepareBackup full selected: server\db
 *     ...
 *     BackupComplete: server\db=yes
 *
 * and forgets it. */
void scene_expect(Scene *s, const char *database, const char *files);
/* The same, without waiting, while the session goes on. */
void scene_expect_so_far(Scene *s, const char *database, const char *files);

/* The test fails unless the call succeeds; the sentence of umbra_last_error() is shown. */
#define CHECK(call) scene_check((call), #call, __FILE__, __LINE__)
HRESULT scene_check(HRESULT hr, const char *call, const char *file, int line);
/* It gives exactly this. */
#define EXPECT(call, expected) scene_expect_hr((call), (expected), #call, __FILE__, __LINE__)
void scene_expect_hr(HRESULT hr, HRESULT expected, const char *call, const char *file, int line);
/* A truth. */
#define MUST(condition) scene_must((condition), #condition, __FILE__, __LINE__)
void scene_must(bool condition, const char *what, const char *file, int line);

/* Wait() without an end, QueryStatus(), Release(): how most programs do it. */
void scene_wait(IVssAsync *async);
/* The file below what a wide name names says so. */
bool scene_reads(LPCWSTR root, const char *name, const char *text);
bool scene_exists(LPCWSTR path);

/* Runs one test, the program. */
int scene_run(const char *name, void (*test)(void **state));

#ifdef __cplusplus
}

/* Begins an operation and waits for it. */
static inline void scene_await(IVssBackupComponents *backup,
                               HRESULT (IVssBackupComponents::*begin)(IVssAsync **)) {
        IVssAsync *async = nullptr;

        CHECK((backup->*begin)(&async));
        scene_wait(async);
}

#define AWAIT(backup, Method) scene_await((backup), &IVssBackupComponents::Method)
#endif
