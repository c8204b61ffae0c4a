/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Rules of Events
 *
 * tests/reference/events.tsv is the table of this test: the order of events, what a handler that is missing
 * means, what may be called in which, what a failure does, and where a writer is after each. A row of it that
 * the test does not understand fails it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/event-calls.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

static World *world;

/* The table */

enum { EVENT, HANDLER, TRIGGER, ORDER, DEFAULT, ALLOWED, FAILURE, _COLUMNS };

typedef struct Row {
        char *fields[_COLUMNS];
} Row;

static char *table_text;
static Row rows[32];
static size_t n_rows;

static void read_table(void) {
        const char *path = getenv("UMBRA_EVENTS_TABLE");
        char *save_line = NULL;

        assert_non_null(path);
        assert_int_equal(file_read_text(path, 1U << 20, &table_text), 0);
        for (char *line = strtok_r(table_text, "\n", &save_line); line;
             line = strtok_r(NULL, "\n", &save_line)) {
                Row *row = &rows[n_rows];
                char *field;

                assert_true(n_rows < ELEMENTSOF(rows));
                for (size_t i = 0; i < _COLUMNS; ++i) {
                        field = strsep(&line, "\t");
                        if (!field)
                                fail_msg("row %zu has %zu columns", n_rows, i);
                        row->fields[i] = field;
                }
                if (strcmp(row->fields[EVENT], "event") != 0)
                        ++n_rows;
        }
        assert_in_range(n_rows, 19, ELEMENTSOF(rows));
}

/* The row of an event that goes over the wire, or NULL. */
static WireEvent wire_event_of(const char *event) {
        static const struct {
                const char *name;
                WireEvent event;
        } names[] = {
                { "Identify",           WIRE_EVENT_IDENTIFY         },
                { "PrepareForBackup",   WIRE_EVENT_PREPARE_BACKUP   },
                { "PrepareForSnapshot", WIRE_EVENT_PREPARE_SNAPSHOT },
                { "Freeze",             WIRE_EVENT_FREEZE           },
                { "Thaw",               WIRE_EVENT_THAW             },
                { "PostSnapshot",       WIRE_EVENT_POST_SNAPSHOT    },
                { "BackupComplete",     WIRE_EVENT_BACKUP_COMPLETE  },
                { "BackupShutdown",     WIRE_EVENT_BACKUP_SHUTDOWN  },
                { "Abort",              WIRE_EVENT_ABORT            },
                { "PreRestore",         WIRE_EVENT_PRE_RESTORE      },
                { "PostRestore",        WIRE_EVENT_POST_RESTORE     },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                if (strcmp(names[i].name, event) == 0)
                        return names[i].event;
        return _WIRE_EVENT_INVALID;
}

static const Row *row_of(const char *event) {
        for (size_t i = 0; i < n_rows; ++i)
                if (strcmp(rows[i].fields[EVENT], event) == 0)
                        return &rows[i];
        fail_msg("there is no row '%s'", event);
        abort(); /* for compilers that do not know that fail_msg() does not return */
}

static int setup(void **state) {
        read_table();
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        free(table_text);
        return 0;
}

/* The restore of what a backup saved; a step that fails only stops what follows it. */
static void restore(const wchar_t *document, const char *status) {
        Backup *b = backup_new_for_restore(document);

        assert_int_equal(IVssBackupComponents_SetRestoreState(b->api, VSS_RTYPE_BY_COPY), S_OK);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b->api, puppet_writer_id,
                                                                    VSS_CT_FILEGROUP, NULL, L"data", true),
                         S_OK);
        for (unsigned i = 0; i < 2; ++i) {
                IVssAsync *async = NULL;
                HRESULT hr = i == 0 ? IVssBackupComponents_PreRestore(b->api, &async) :
                                      IVssBackupComponents_PostRestore(b->api, &async);

                assert_int_equal(settle(hr, async), S_OK);
        }
        backup_expect_status(b, L"walker", status);
        backup_free(b);
}

static BSTR back_up(void) {
        Backup *b = backup_new();
        BSTR document;

        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        document = backup_document(b);
        backup_free(b);
        journal_await("walker backup-shutdown");
        return document;
}

/* Order */

static unsigned position_of(const char *event) {
        _cleanup_(freep) char *line = NULL;
        WireEvent e = wire_event_of(event);

        assert_true(e >= 0);
        assert_int_equal(format_to(&line, "walker %s", wire_event_to_string(e)), 0);
        return journal_position(line);
}

static void test_that_events_come_in_the_order_of_the_table(void **state) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        unsigned checked = 0;
        BSTR document;

        journal_clear();
        document = back_up();
        restore(document, "STABLE S_OK 0x0 ");
        SysFreeString(document);
        for (size_t i = 0; i < n_rows; ++i)
                for (size_t k = 0; k < n_rows; ++k) {
                        const char *a = rows[i].fields[ORDER], *b = rows[k].fields[ORDER];
                        int na, nb;

                        if ((sscanf(a, "backup %d", &na) == 1 && sscanf(b, "backup %d", &nb) == 1) ||
                            (sscanf(a, "restore %d", &na) == 1 && sscanf(b, "restore %d", &nb) == 1)) {
                                if (na >= nb)
                                        continue;
                                assert_true(position_of(rows[i].fields[EVENT]) <
                                            position_of(rows[k].fields[EVENT]));
                                ++checked;
                        } else if (strncmp(a, "0:", 2) == 0 && sscanf(b, "backup %d", &nb) == 1) {
                                assert_true(position_of(rows[i].fields[EVENT]) <
                                            position_of(rows[k].fields[EVENT]));
                                ++checked;
                        }
                }
        assert_int_equal(checked, 7 * 6 / 2 + 1 + 7);
        assert_false(journal_has("walker abort"));
        puppet_free(p);
}

/* What is not overridden */

static bool say_true(void *userdata) {
        return true;
}

/* A table of four, and what else @offset wants to be NULL. */
static HRESULT writer_without(size_t offset) {
        UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnPrepareSnapshot = say_true,
                .OnFreeze = say_true,
                .OnThaw = say_true,
                .OnAbort = say_true,
        };
        UmbraWriter *w = NULL;
        HRESULT hr;

        memset((char *) &callbacks + offset, 0, sizeof(void *));
        hr = umbra_writer_new(&callbacks, NULL, &w);
        umbra_writer_free(w);
        return hr;
}

static size_t offset_of_handler(const char *handler) {
#define HANDLER_OFFSET(name) { #name, offsetof(UmbraWriterCallbacks, name) }
        static const struct {
                const char *name;
                size_t offset;
        } handlers[] = {
                HANDLER_OFFSET(OnIdentify),
                HANDLER_OFFSET(OnPrepareBackup),
                HANDLER_OFFSET(OnPrepareSnapshot),
                HANDLER_OFFSET(OnFreeze),
                HANDLER_OFFSET(OnThaw),
                HANDLER_OFFSET(OnAbort),
                HANDLER_OFFSET(OnPostSnapshot),
                HANDLER_OFFSET(OnBackupComplete),
                HANDLER_OFFSET(OnBackupShutdown),
                HANDLER_OFFSET(OnPreRestore),
                HANDLER_OFFSET(OnPostRestore),
                HANDLER_OFFSET(OnBackOffIOOnVolume),
                HANDLER_OFFSET(OnContinueIOOnVolume),
                HANDLER_OFFSET(OnVSSShutdown),
                HANDLER_OFFSET(OnVSSApplicationStartup),
        };
        const char *name = strstr(handler, "::");

        assert_non_null(name);
        name += 2;
        for (size_t i = 0; i < ELEMENTSOF(handlers); ++i)
                if (strncmp(name, handlers[i].name, strlen(handlers[i].name)) == 0 &&
                    strcspn(name, " ") == strlen(handlers[i].name))
                        return handlers[i].offset;
        fail_msg("there is no handler '%s'", name);
        return 0;
}

static void test_that_a_handler_that_is_missing_means_what_the_table_says(void **state) {
        unsigned required = 0, optional = 0;

        for (size_t i = 0; i < n_rows; ++i) {
                const char *missing = rows[i].fields[DEFAULT];

                if (strcmp(rows[i].fields[HANDLER], "-") == 0)
                        continue;
                if (strcmp(missing, "none: pure virtual") == 0) {
                        assert_int_equal(writer_without(offset_of_handler(rows[i].fields[HANDLER])),
                                         E_INVALIDARG);
                        ++required;
                } else if (strncmp(missing, "returns true", 12) == 0 ||
                           strcmp(missing, "base implementation") == 0) {
                        assert_int_equal(writer_without(offset_of_handler(rows[i].fields[HANDLER])), S_OK);
                        ++optional;
                } else
                        fail_msg("'%s' is not understood", missing);
        }
        assert_int_equal(required, 4);
        assert_int_equal(optional, 11);
}

static void test_that_handlers_that_are_missing_succeed(void **state) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnPrepareSnapshot = say_true,
                .OnFreeze = say_true,
                .OnThaw = say_true,
                .OnAbort = say_true,
        };
        UmbraWriter *w = NULL;
        Backup *b;

        assert_int_equal(umbra_writer_new(&callbacks, NULL, &w), S_OK);
        assert_int_equal(umbra_writer_initialize(w, puppet_writer_id, L"idle", 1, 0, VSS_UT_USERDATA,
                                                 VSS_ST_OTHER, VSS_APP_FRONT_END, 60000,
                                                 VSS_AWS_NO_ALTERNATE_WRITER, false, NULL),
                         S_OK);
        assert_int_equal(umbra_writer_subscribe(w, INFINITE, UMBRA_WRITER_EVENTS), S_OK);
        b = backup_new_in(VSS_CTX_BACKUP, false);
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"idle", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        assert_int_equal(backup_complete(b), S_OK);
        backup_expect_status(b, L"idle", "STABLE S_OK 0x0 ");
        backup_free(b);
        umbra_writer_free(w);
}

/* Calls */

static struct {
        bool handled;
        HRESULT hr[EVENT_CALLS];
} results[_WIRE_EVENT_MAX];

static void probe(Puppet *p, IVssWriterComponents *components, WireEvent event) {
        IVssComponent *c = NULL;

        if (components && IVssWriterComponents_GetComponent(components, 0, &c) != S_OK)
                journal_say("no component in %s", wire_event_to_string(event));
        for (size_t i = 0; i < EVENT_CALLS; ++i)
                results[event].hr[i] =
                        event_calls[i].of_component && !c ? E_NOINTERFACE : event_calls[i].call(p, c);
        results[event].handled = true;
        if (c)
                IVssComponent_Release(c);
}

#define PROBE(name, event)                                                  \
        static void name(Puppet *p, IVssWriterComponents *components) {     \
                probe(p, components, event);                                \
        }
PROBE(probe_identify, WIRE_EVENT_IDENTIFY)
PROBE(probe_prepare_backup, WIRE_EVENT_PREPARE_BACKUP)
PROBE(probe_prepare_snapshot, WIRE_EVENT_PREPARE_SNAPSHOT)
PROBE(probe_freeze, WIRE_EVENT_FREEZE)
PROBE(probe_thaw, WIRE_EVENT_THAW)
PROBE(probe_post_snapshot, WIRE_EVENT_POST_SNAPSHOT)
PROBE(probe_backup_complete, WIRE_EVENT_BACKUP_COMPLETE)
PROBE(probe_backup_shutdown, WIRE_EVENT_BACKUP_SHUTDOWN)
PROBE(probe_abort, WIRE_EVENT_ABORT)
PROBE(probe_pre_restore, WIRE_EVENT_PRE_RESTORE)
PROBE(probe_post_restore, WIRE_EVENT_POST_RESTORE)

static const PuppetDoes probes[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_IDENTIFY] = probe_identify,
        [WIRE_EVENT_PREPARE_BACKUP] = probe_prepare_backup,
        [WIRE_EVENT_PREPARE_SNAPSHOT] = probe_prepare_snapshot,
        [WIRE_EVENT_FREEZE] = probe_freeze,
        [WIRE_EVENT_THAW] = probe_thaw,
        [WIRE_EVENT_POST_SNAPSHOT] = probe_post_snapshot,
        [WIRE_EVENT_BACKUP_COMPLETE] = probe_backup_complete,
        [WIRE_EVENT_BACKUP_SHUTDOWN] = probe_backup_shutdown,
        [WIRE_EVENT_ABORT] = probe_abort,
        [WIRE_EVENT_PRE_RESTORE] = probe_pre_restore,
        [WIRE_EVENT_POST_RESTORE] = probe_post_restore,
};

typedef enum Verdict { UNNAMED, NAMED, DENIED } Verdict;

/* "…, no SetWriterFailure(Ex), …" and "do not call GetCurrentSnapshotSetId" deny. */
static Verdict verdict_of(const char *allowed, const char *call) {
        const char *at = strstr(allowed, call);
        size_t n = strlen(call);

        while (at && ((at > allowed && (at[-1] >= 'A' && at[-1] <= 'z')) || (at[n] >= 'a' && at[n] <= 'z')))
                at = strstr(at + 1, call); /* part of a longer name */
        if (!at)
                return UNNAMED;
        if ((at - allowed >= 3 && strncmp(at - 3, "no ", 3) == 0) ||
            (at - allowed >= 9 && strncmp(at - 9, "not call ", 9) == 0))
                return DENIED;
        return NAMED;
}

static void check_call(const Row *row, WireEvent event, size_t i) {
        HRESULT hr = results[event].hr[i];
        bool right;

        if (hr == E_NOINTERFACE)
                return; /* the event has no components */
        switch (verdict_of(row->fields[ALLOWED], event_calls[i].name)) {
        case NAMED:
                /* Once there, metadata stays. */
                right = SUCCEEDED(hr) && (hr == S_OK || event_calls[i].of_component);
                right = right || (hr == VSS_E_OBJECT_ALREADY_EXISTS &&
                                  strcmp(event_calls[i].name, "SetBackupMetadata") == 0);
                break;
        case DENIED:
                right = hr == VSS_E_BAD_STATE || hr == S_FALSE;
                break;
        default:
                if (event_calls[i].else_ == NOWHERE && event_calls[i].also != 1 + (int) event)
                        right = hr == VSS_E_BAD_STATE;
                else
                        right = SUCCEEDED(hr) || (event_calls[i].of_component &&
                                                  hr == VSS_E_BAD_STATE); /* of the other life */
                break;
        }
        if (!right)
                fail_msg("%s in %s: %s", event_calls[i].name, row->fields[EVENT], hresult_name(hr));
}

static void test_that_each_call_works_where_the_table_names_it_and_nowhere_else(void **state) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        unsigned named = 0;
        BSTR document;
        Backup *b;

        journal_clear();
        for (WireEvent e = 0; e < _WIRE_EVENT_MAX; ++e)
                p->acts[e].does = probes[e];
        b = backup_new_in(VSS_CTX_APP_ROLLBACK, true);
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        document = backup_document(b);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b->api, b->set, VSS_OBJECT_SNAPSHOT_SET, true,
                                                              &(LONG){ 0 }, &(VSS_ID){ 0 }),
                         S_OK);
        backup_free(b);
        journal_await("walker backup-shutdown");
        restore(document, "STABLE S_OK 0x0 ");
        SysFreeString(document);

        b = backup_new_in(VSS_CTX_APP_ROLLBACK, true); /* and one that is given up */
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(IVssBackupComponents_AbortBackup(b->api), S_OK);
        backup_free(b);
        assert_int_equal(puppet_unsubscribe(p), S_OK);

        assert_false(journal_has("no component in prepare-backup"));
        for (size_t r = 0; r < n_rows; ++r) {
                WireEvent e = wire_event_of(rows[r].fields[EVENT]);

                if (e < 0)
                        continue;
                assert_true(results[e].handled);
                for (size_t i = 0; i < EVENT_CALLS; ++i) {
                        check_call(&rows[r], e, i);
                        named += verdict_of(rows[r].fields[ALLOWED], event_calls[i].name) == NAMED;
                }
        }
        assert_in_range(named, 40, 100); /* the table was understood */
        REACHES_RULE(CVssWriter, "OnIdentify",
                     "GetSessionId may be called only in the handler's own thread");
        REACHES_RULE(CVssWriter, "OnIdentify", "never call SetWriterFailure");
        REACHES_RULE(CVssWriter, "OnPrepareBackup", "last chance to change the Backup Components Document");
        REACHES_RULE(CVssWriter, "OnPrepareBackup", "page mentions SetRestoreMetadata here");
        REACHES_RULE(CVssWriter, "OnPostSnapshot", "last document updates");
        REACHES_RULE(CVssWriter, "OnBackupComplete", "document is read-only");
        REACHES_RULE(CVssWriter, "OnBackupShutdown",
                     "raised by the VSS infrastructure, not by the requester");
        REACHES_RULE(CVssWriter, "OnPreRestore", "writer may modify the document");
        REACHES_RULE(CVssWriter, "OnPostRestore", "document is read-only per the page");
        REACHES_RULE(CVssWriter, "GetCurrentSnapshotSetId", "only meaningful inside event handlers");
        REACHES_RULE(CVssWriter, "GetCurrentVolumeCount", "protected getter; only meaningful inside");
        REACHES_RULE(CVssWriter, "GetSnapshotDeviceName", "only inside OnPostSnapshot");
        REACHES_RULE(CVssWriter, "AreComponentsSelected",
                     "protected; valid inside event handlers of a session");
        REACHES_RULE(CVssWriterEx, "GetIdentifyInformation",
                     "only inside OnPrepareBackup, OnPrepareSnapshot or OnPostSnapshot");
        puppet_free(p);
}

/* Failures */

/* "VSS_WS_FAILED_AT_FREEZE; …" → "FAILED_AT_FREEZE VSS_E_WRITERERROR_RETRYABLE 0x0 ". NULL: it names none. */
static char *failed_status(const Row *row) {
        static const char prefix[] = "VSS_WS_";
        const char *at = strstr(row->fields[FAILURE], "VSS_WS_FAILED_AT_");
        char *text = NULL;

        if (!at)
                return NULL;
        at += strlen(prefix);
        assert_int_equal(format_to(&text, "%.*s VSS_E_WRITERERROR_RETRYABLE 0x0 ",
                                   (int) strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), at),
                         0);
        return text;
}

static void fail_in_backup(const Row *row, WireEvent event) {
        const char *effect = row->fields[FAILURE];
        bool vetoes = strstr(effect, "vetoes") || strstr(effect, "Abort event follows");
        Puppet *p = puppet_new("walker", world->volume, NULL),
               *other = puppet_new("other", world->volume, NULL);
        _cleanup_(freep) char *status = failed_status(row);
        Backup *b = backup_new();
        HRESULT hr;

        journal_clear();
        p->acts[event] = (PuppetAct){ .hr = VSS_E_WRITERERROR_RETRYABLE, .fails = true };
        hr = backup_run(b, world->volume);
        if (hr != (vetoes ? VSS_E_UNEXPECTED_WRITER_ERROR : S_OK))
                fail_msg("%s: 0x%08x", row->fields[EVENT], (unsigned) hr);
        if (strstr(effect, "Abort event follows"))
                journal_await("other abort"); /* at once, for the writers */
        if (SUCCEEDED(hr))
                assert_int_equal(backup_complete(b), S_OK);
        if (status && event != WIRE_EVENT_BACKUP_SHUTDOWN) /* of which nobody is left who could ask */
                backup_expect_status(b, L"walker", status);
        backup_free(b);
        journal_await("walker backup-shutdown");
        if (strstr(effect, "no Abort") && !strstr(effect, "by itself"))
                assert_int_equal(journal_count("walker abort") + journal_count("other abort"), 0);
        if (!vetoes)
                assert_int_equal(journal_count("other abort"), 0);
        puppet_free(other);
        puppet_free(p);
}

static void fail_in_restore(const Row *row, WireEvent event, const wchar_t *document) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        _cleanup_(freep) char *status = failed_status(row);

        assert_non_null(status);
        p->acts[event] = (PuppetAct){ .hr = VSS_E_WRITERERROR_RETRYABLE, .fails = true };
        restore(document, status);
        puppet_free(p);
}

static void fail_to_abort(void) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        p->acts[WIRE_EVENT_FREEZE] = (PuppetAct){ .hr = VSS_E_WRITERERROR_OUTOFRESOURCES, .fails = true };
        p->acts[WIRE_EVENT_ABORT] = (PuppetAct){ .hr = VSS_E_WRITERERROR_RETRYABLE, .fails = true };
        assert_int_equal(backup_run(b, world->volume), VSS_E_UNEXPECTED_WRITER_ERROR);
        journal_await("walker abort");
        backup_expect_status(b, L"walker", "FAILED_AT_FREEZE VSS_E_WRITERERROR_OUTOFRESOURCES 0x0 ");
        backup_free(b);
        puppet_free(p);
}

static void fail_to_identify(void) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        Backup *b = backup_new();

        p->acts[WIRE_EVENT_IDENTIFY].fails = true;
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_writer_count(b), 0);
        assert_null(backup_status(b, L"walker"));
        backup_free(b);
        puppet_free(p);
}

static void test_that_a_failure_does_what_the_table_says(void **state) {
        Puppet *p = puppet_new("walker", world->volume, NULL);
        unsigned checked = 0;
        BSTR document;

        journal_clear();
        document = back_up();
        puppet_free(p);
        for (size_t i = 0; i < n_rows; ++i) {
                WireEvent e = wire_event_of(rows[i].fields[EVENT]);

                if (e < 0)
                        continue;
                if (e == WIRE_EVENT_IDENTIFY)
                        fail_to_identify();
                else if (e == WIRE_EVENT_ABORT)
                        fail_to_abort();
                else if (strncmp(rows[i].fields[ORDER], "restore", 7) == 0)
                        fail_in_restore(&rows[i], e, document);
                else
                        fail_in_backup(&rows[i], e);
                ++checked;
        }
        assert_int_equal(checked, _WIRE_EVENT_MAX);
        SysFreeString(document);
        REACHES_RULE(
                CVssWriter, "OnAbort",
                "failing PrepareForSnapshot or PostSnapshot does not raise Abort; failing Freeze or Thaw does");
        REACHES_RULE(CVssWriter, "OnAbort", "pure virtual; not called once OnPostSnapshot has been called");
        REACHES_RULE(CVssWriter, "OnFreeze", "pure virtual; keep short");
        REACHES_RULE(CVssWriter, "*", "veto = SetWriterFailure + return true");
}

/* The walk */

static char *states[_WIRE_EVENT_MAX]; /* of the walker, while it handles the event */

/* "waiting for post-snapshot" → WAITING_FOR_POST_SNAPSHOT */
static char *state_from_json(const char *json, const char *writer) {
        _cleanup_(freep) char *needle = NULL;
        const char *at, *end;
        char *state = NULL;

        assert_int_equal(format_to(&needle, "\"name\":\"%s\",\"state\":\"", writer), 0);
        at = strstr(json, needle);
        if (!at)
                return NULL;
        at += strlen(needle);
        end = strchr(at, '"');
        assert_non_null(end);
        assert_int_equal(format_to(&state, "%.*s", (int) (end - at), at), 0);
        for (char *c = state; *c; ++c)
                *c = (char) (*c == ' ' || *c == '-' ? '_' : *c - 'a' + 'A');
        return state;
}

static void note_state(WireEvent event) {
        char *json = NULL;

        if (FAILED(umbra_get_status(&json)))
                return;
        free(states[event]);
        states[event] = state_from_json(json, "walker");
        CoTaskMemFree(json);
}

#define NOTE(name, event)                                                   \
        static void name(Puppet *p, IVssWriterComponents *components) {     \
                note_state(event);                                          \
        }
NOTE(note_prepare_backup, WIRE_EVENT_PREPARE_BACKUP)
NOTE(note_prepare_snapshot, WIRE_EVENT_PREPARE_SNAPSHOT)
NOTE(note_freeze, WIRE_EVENT_FREEZE)
NOTE(note_thaw, WIRE_EVENT_THAW)
NOTE(note_post_snapshot, WIRE_EVENT_POST_SNAPSHOT)
NOTE(note_backup_complete, WIRE_EVENT_BACKUP_COMPLETE)

/* "…; after Freeze WAITING_FOR_THAW; …": the state after @event, as the table has it. Caller frees. */
static char *walk_after(const char *event) {
        _cleanup_(freep) char *needle = NULL;
        const char *at;
        char *state = NULL;

        assert_int_equal(format_to(&needle, "after %s ", event), 0);
        at = strstr(row_of("(state walk)")->fields[ORDER], needle);
        if (!at)
                fail_msg("the walk has no '%s'", needle);
        assert_int_equal(
                format_to(&state, "%.*s", (int) strcspn(at + strlen(needle), ";"), at + strlen(needle)), 0);
        return state;
}

static void test_that_the_states_walk_as_the_table_says(void **state) {
        static const struct {
                const char *after;
                WireEvent seen_in; /* the next event, when the state is still that of the one before */
        } walk[] = {
                { "PrepareForSnapshot", WIRE_EVENT_FREEZE          },
                { "Freeze",             WIRE_EVENT_THAW            },
                { "Thaw",               WIRE_EVENT_POST_SNAPSHOT   },
                { "PostSnapshot",       WIRE_EVENT_BACKUP_COMPLETE },
        };
        Puppet *p = puppet_new("walker", world->volume, NULL);
        _cleanup_(freep) char *last = walk_after("BackupComplete"), *last_status = NULL;
        Backup *b = backup_new();

        p->acts[WIRE_EVENT_PREPARE_BACKUP].does = note_prepare_backup;
        p->acts[WIRE_EVENT_PREPARE_SNAPSHOT].does = note_prepare_snapshot;
        p->acts[WIRE_EVENT_FREEZE].does = note_freeze;
        p->acts[WIRE_EVENT_THAW].does = note_thaw;
        p->acts[WIRE_EVENT_POST_SNAPSHOT].does = note_post_snapshot;
        p->acts[WIRE_EVENT_BACKUP_COMPLETE].does = note_backup_complete;
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);

        assert_non_null(strstr(row_of("(state walk)")->fields[ORDER],
                               "idle and before PrepareForSnapshot VSS_WS_STABLE"));
        assert_string_equal(states[WIRE_EVENT_PREPARE_BACKUP], "STABLE");
        assert_string_equal(states[WIRE_EVENT_PREPARE_SNAPSHOT], "STABLE");
        for (size_t i = 0; i < ELEMENTSOF(walk); ++i) {
                _cleanup_(freep) char *expected = walk_after(walk[i].after);

                assert_non_null(states[walk[i].seen_in]);
                assert_string_equal(states[walk[i].seen_in], expected);
        }
        assert_int_equal(format_to(&last_status, "%s S_OK 0x0 ", last), 0);
        backup_expect_status(b, L"walker", last_status);
        backup_free(b);
        puppet_free(p);
        for (WireEvent e = 0; e < _WIRE_EVENT_MAX; ++e)
                free(TAKE_PTR(states[e]));
}

/* Rows that are about who hears nothing, and rows of what is never called. */
static void test_that_every_row_is_understood(void **state) {
        static const char *const others[] = {
                "(provider commit)",                  /* tests/phases */
                "(reserved) BackOffIOOnVolume",       /* test-writer-rules.cc */
                "(reserved) ContinueIOOnVolume",
                "(reserved) VSSShutdown",
                "(reserved) VSSApplicationStartup",
                "(state walk)",                       /* above */
                "(no components)",                    /* test-writer-events.c */
                "(writerless contexts)",
        };

        for (size_t i = 0; i < n_rows; ++i) {
                bool known = wire_event_of(rows[i].fields[EVENT]) >= 0;

                for (size_t k = 0; k < ELEMENTSOF(others); ++k)
                        known = known || strcmp(rows[i].fields[EVENT], others[k]) == 0;
                if (!known)
                        fail_msg("'%s' is a row that nobody looks at", rows[i].fields[EVENT]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_row_is_understood),
                cmocka_unit_test(test_that_events_come_in_the_order_of_the_table),
                cmocka_unit_test(test_that_a_handler_that_is_missing_means_what_the_table_says),
                cmocka_unit_test(test_that_handlers_that_are_missing_succeed),
                cmocka_unit_test(test_that_each_call_works_where_the_table_names_it_and_nowhere_else),
                cmocka_unit_test(test_that_a_failure_does_what_the_table_says),
                cmocka_unit_test(test_that_the_states_walk_as_the_table_says),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
