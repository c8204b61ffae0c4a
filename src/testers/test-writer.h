/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Test Writer
 *
 * A writer that does what its configuration says and checks what it gets. All of this but test_writer_new() and
 * test_writer_free() runs on the one thread on which the callbacks come.
 *
 *      test-writer.c             the callbacks: note, check, do, fail
 *      test-writer-identify.c    what it says about itself
 *      test-writer-components.c  which components a backup has, and whether they were chosen by the rules
 *      test-writer-leave.c       what it leaves in its components, failures as well
 *      test-writer-files.c       what it does with its files in a backup
 *      test-writer-restore.c     whether they came back
 */

#include <umbra.h>
#include <vsbackup.h>

#include "testers/event-order.h"
#include "testers/files.h"
#include "testers/report.h"
#include "testers/test-writer-config.h"

/* The components of one backup that is going on. */
typedef struct TestBackup {
        struct TestBackup *next;
        VSS_ID session_id;
        bool *included; /* by Component.index; explicitly or implicitly */
} TestBackup;

/* A file as it was when it was saved. */
typedef struct SavedFile {
        const Component *component;
        const DirectedTarget *directed; /* only what goes there; NULL: the file itself */
        char *path;
        char *ranges; /* of a partial file; NULL: all of it */
        FileDigest digest;
} SavedFile;

/* A file that no restore may touch, as it was before. */
typedef struct ExcludedFile {
        char *path;
        struct stat st;
} ExcludedFile;

typedef struct TestWriter {
        TestWriterConfig *config;
        Report *report;
        EventOrder *order;
        UmbraWriter *writer;
        int stop_fd;       /* becomes readable when the program is to end; delays end with it */
        WriterEvent event; /* the one that is going on */
        unsigned n_violations; /* what requesters did wrong */
        unsigned n_refused;    /* what umbra did not take of the configuration */
        TestBackup *backups;
        SavedFile *saved; /* of each component, at its latest backup */
        size_t n_saved, saved_capacity;
        ExcludedFile *excluded;
        size_t n_excluded, excluded_capacity;
} TestWriter;

/* @config and @report are borrowed. Not yet subscribed. */
HRESULT test_writer_new(TestWriterConfig *config, Report *report, int stop_fd, TestWriter **ret);
TestWriter *test_writer_free(TestWriter *t);

/* What the requester did wrong, what the configuration did wrong, and what else is worth a line. */
void test_writer_refused(TestWriter *t, const char *what, HRESULT hr);
void test_writer_violation(TestWriter *t, const char *format, ...) _printf_(2, 3);
void test_writer_note(TestWriter *t, Verbosity verbosity, const char *format, ...) _printf_(3, 4);

/* test-writer-identify.c */
/* *ret_at is the element that was not taken. */
HRESULT test_writer_identify(const TestWriterConfig *config,
                             IVssCreateWriterMetadataEx *metadata,
                             const ConfigNode **ret_at);

/* test-writer-components.c */
char *component_full_name(const Component *c); /* the caller frees it */
/* Calls @func for each component that the configuration knows. */
typedef void (*ComponentFunc)(TestWriter *t, IVssComponent *c, const Component *known, void *userdata);
void test_writer_foreach(TestWriter *t, IVssWriterComponents *components, ComponentFunc func, void *userdata);
void test_writer_describe_components(json_t *record, IVssWriterComponents *components);
void test_writer_check_components(TestWriter *t, IVssWriterComponents *components);
void test_writer_check_volumes(TestWriter *t);

void test_writer_note_backup(TestWriter *t, IVssWriterComponents *components);
TestBackup *test_writer_backup(TestWriter *t); /* of the session of this event; NULL: none is known */
void test_writer_forget_backup(TestWriter *t);
bool test_writer_saves_differences(TestWriter *t); /* an incremental or differential backup */

/* test-writer-leave.c */
void test_writer_leave(TestWriter *t, IVssWriterComponents *components);
/* Fails those that the configuration wants failed at this event. How many. */
unsigned test_writer_fail_components(TestWriter *t, IVssWriterComponents *components);

/* test-writer-files.c */
void test_writer_remember_files(TestWriter *t);       /* in PrepareForSnapshot */
void test_writer_spit_files(TestWriter *t);           /* in PrepareForSnapshot */
void test_writer_delete_files(TestWriter *t);         /* in PostSnapshot */
void test_writer_delete_from_snapshot(TestWriter *t); /* in PostSnapshot */

/* test-writer-restore.c */
void test_writer_remember_excluded(TestWriter *t);                               /* in PreRestore */
void test_writer_check_restore(TestWriter *t, IVssWriterComponents *components); /* in PostRestore */
