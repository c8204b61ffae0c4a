/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An umbrad of One's Own
 *
 * For tests that go all the way: umbrad on a private socket with directories of its own, a volume, and a
 * writer in the test's own process that remembers what happened to it. Programs are found by $UMBRAD and
 * $UMBRA_LIBEXECDIR, which meson sets.
 */

#include <stdbool.h>
#include <sys/types.h>
#include <umbra.h>
#include <vsbackup.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Fixture {
        char *dir, *socket, *state_dir, *runtime_dir, *config;
        char *volume; /* a directory with some files */
        WCHAR *wide;  /* its name as a program from Windows would write it: \srv\data\ */
        pid_t pid;
        int pidfd;
} Fixture;

/* Fails the test when umbrad does not come up. */
Fixture *fixture_new(void);
Fixture *fixture_free(Fixture *f);
/* umbrad dies, as by a crash. */
void fixture_kill(Fixture *f);
/* umbrad again, in the same directories, with this text in its umbra.conf; NULL: none. */
void fixture_restart(Fixture *f, const char *config);
/* Puts a file below the volume. */
void fixture_write(Fixture *f, const char *name, const char *text);
/* A file below @root, a directory as umbra named it, says @text. */
bool fixture_reads(const WCHAR *root, const char *name, const char *text);
/* The file (or directory) that a wide name names is there. */
bool fixture_exists(const WCHAR *path);

/*
 * A writer with one component, the files of the volume: type VSS_CT_FILEGROUP, no path, L"files". Its events
 * are kept in order, separated by blanks: "Identify PrepareBackup ...".
 */
typedef struct FixtureWriter FixtureWriter;

extern const VSS_ID fixture_writer_id;

FixtureWriter *fixture_writer_new(Fixture *f);
FixtureWriter *fixture_writer_free(FixtureWriter *w);
/* The event of this name fails from now on, NULL: none. */
void fixture_writer_fail(FixtureWriter *w, const char *event, HRESULT hr);
/* What happened since the last call; free() it. */
char *fixture_writer_take_events(FixtureWriter *w);
/* Waits until @event is among them. */
bool fixture_writer_await(FixtureWriter *w, const char *event);

#ifdef __cplusplus
}
#endif
