/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of calls: what is refused, what is let through, and that the sentence says what is missing.
 */

#include <string.h>
#include <vsserror.h>

#include "lib/test-util.h"
#include "requester/session-rules.h"
#include "wire/last-error.h"

#define IN(state) (1U << SESSION_##state)
#define BACKUP_STATES (IN(BACKUP) | IN(SET) | IN(PREPARED) | IN(CREATED) | IN(COMPLETE) | IN(ABORTED))
#define RESTORE_STATES (IN(RESTORE) | IN(RESTORING) | IN(RESTORED))
#define ANY_STATE (IN(NEW) | BACKUP_STATES | RESTORE_STATES)

/* Nothing is missing but the right state. */
static SessionRules rules_in(SessionState state) {
        return (SessionRules){
                .state = state,
                .context = VSS_CTX_BACKUP,
                .has_state = true,
                .gathered = true,
                .has_metadata = true,
                .has_status = true,
        };
}

static void test_that_each_call_is_taken_in_its_states_only(void **state) {
        /* clang-format off */
        static const struct {
                SessionCall call;
                unsigned states;
        } cases[] = {
                { CALL_INITIALIZE_FOR_BACKUP,   IN(NEW) },
                { CALL_INITIALIZE_FOR_RESTORE,  IN(NEW) },
                { CALL_SET_CONTEXT,             IN(NEW) | IN(BACKUP) },
                { CALL_SET_BACKUP_STATE,        IN(BACKUP) | IN(SET) }, /* ShadowSpawn: late */
                { CALL_SET_RESTORE_STATE,       IN(RESTORE) },
                { CALL_SELECT_WRITERS,          BACKUP_STATES }, /* no effect later */
                { CALL_GATHER_WRITER_METADATA,  0 }, /* once per object */
                { CALL_GET_WRITER_METADATA,     BACKUP_STATES | RESTORE_STATES },
                { CALL_FREE_WRITER_METADATA,    BACKUP_STATES | RESTORE_STATES },
                { CALL_GATHER_WRITER_STATUS,    BACKUP_STATES | RESTORE_STATES }, /* again and again */
                { CALL_GET_WRITER_STATUS,       BACKUP_STATES | RESTORE_STATES },
                { CALL_FREE_WRITER_STATUS,      BACKUP_STATES | RESTORE_STATES },
                { CALL_GET_WRITER_COMPONENTS,   BACKUP_STATES | RESTORE_STATES },
                { CALL_SAVE_AS_XML,             BACKUP_STATES | RESTORE_STATES },
                { CALL_ADD_COMPONENT,           IN(BACKUP) | IN(SET) }, /* ShadowSpawn: late */
                { CALL_CONFIGURE_BACKUP,        IN(BACKUP) | IN(SET) },
                { CALL_SET_BACKUP_SUCCEEDED,    IN(PREPARED) | IN(CREATED) },
                { CALL_CONFIGURE_RESTORE,       IN(RESTORE) },
                { CALL_REPORT_RESTORE,          IN(RESTORE) | IN(RESTORING) },
                { CALL_SET_FILE_RESTORE_STATUS, IN(RESTORING) },
                { CALL_START_SNAPSHOT_SET,      IN(BACKUP) },
                { CALL_ADD_TO_SNAPSHOT_SET,     IN(SET) | IN(PREPARED) },
                { CALL_PREPARE_FOR_BACKUP,      IN(SET) },
                { CALL_DO_SNAPSHOT_SET,         IN(PREPARED) },
                { CALL_BACKUP_COMPLETE,         IN(PREPARED) | IN(CREATED) },
                { CALL_ABORT_BACKUP,            BACKUP_STATES }, /* harmless */
                { CALL_PRE_RESTORE,             IN(RESTORE) },
                { CALL_POST_RESTORE,            IN(RESTORING) },
                { CALL_QUERY,                   BACKUP_STATES },
                { CALL_DELETE,                  ANY_STATE },
                { CALL_EXPOSE,                  BACKUP_STATES },
                { CALL_REVERT,                  ANY_STATE },
                { CALL_QUERY_REVERT,            ANY_STATE },
                { CALL_IMPORT,                  IN(BACKUP) },
                { CALL_BREAK,                   ANY_STATE },
                { CALL_BREAK_EX,                ANY_STATE },
                { CALL_RECOVER,                 IN(RESTORE) | IN(RESTORING) },
                { CALL_GET_ROOT,                ANY_STATE },
        };
        /* clang-format on */

        assert_int_equal(ELEMENTSOF(cases), _SESSION_CALL_MAX);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                for (SessionState s = 0; s < _SESSION_STATE_MAX; ++s) {
                        SessionRules rules = rules_in(s);
                        HRESULT expected = cases[i].states & 1U << s ? S_OK : VSS_E_BAD_STATE;

                        if (session_rules_check(&rules, cases[i].call, "It") != expected)
                                fail_msg("case %zu in state '%s'", i, session_state_to_string(s));
                }
}

static void test_that_a_missing_step_is_named(void **state) {
        /* clang-format off */
        static const struct {
                SessionState state;
                SessionCall call;
                SessionRules rules;
                const char *says; /* NULL: let through */
        } cases[] = {
                { SESSION_NEW, CALL_START_SNAPSHOT_SET, { 0 }, "before InitializeForBackup()" },
                { SESSION_NEW, CALL_PRE_RESTORE, { 0 }, "before InitializeForRestore()" },
                { SESSION_BACKUP, CALL_INITIALIZE_FOR_BACKUP, { 0 }, "a second time" },
                { SESSION_RESTORE, CALL_START_SNAPSHOT_SET, { 0 }, "in a restore" },
                { SESSION_BACKUP, CALL_PRE_RESTORE, { 0 }, "in a backup" },
                { SESSION_CREATED, CALL_ADD_TO_SNAPSHOT_SET, { 0 }, "'created'" },
                { SESSION_BACKUP, CALL_GATHER_WRITER_METADATA, { 0 }, NULL },
                { SESSION_BACKUP, CALL_GATHER_WRITER_METADATA, { .gathered = true }, "once per object" },
                { SESSION_BACKUP, CALL_GET_WRITER_METADATA, { 0 }, "GatherWriterMetadata()" },
                { SESSION_BACKUP, CALL_GET_WRITER_METADATA, { .gathered = true }, "FreeWriterMetadata()" },
                { SESSION_BACKUP, CALL_ADD_COMPONENT, { 0 }, "GatherWriterMetadata()" },
                { SESSION_BACKUP, CALL_ADD_COMPONENT, { .gathered = true }, NULL }, /* though it was freed */
                { SESSION_BACKUP, CALL_ADD_COMPONENT,
                  { .gathered = true, .context = VSS_CTX_NAS_ROLLBACK }, "no writers" },
                { SESSION_SET, CALL_PREPARE_FOR_BACKUP, { .has_state = true }, "GatherWriterMetadata()" },
                { SESSION_SET, CALL_PREPARE_FOR_BACKUP, { .gathered = true }, "SetBackupState()" },
                { SESSION_SET, CALL_PREPARE_FOR_BACKUP, { .gathered = true, .has_state = true }, NULL },
                { SESSION_SET, CALL_PREPARE_FOR_BACKUP,
                  { .gathered = true, .has_state = true, .context = VSS_CTX_FILE_SHARE_BACKUP },
                  "no writers" },
                { SESSION_SET, CALL_DO_SNAPSHOT_SET, { .gathered = true }, "PrepareForBackup()" },
                { SESSION_SET, CALL_DO_SNAPSHOT_SET, { .context = VSS_CTX_FILE_SHARE_BACKUP }, NULL },
                { SESSION_SET, CALL_DO_SNAPSHOT_SET, { .context = VSS_CTX_NAS_ROLLBACK }, NULL },
                { SESSION_SET, CALL_DO_SNAPSHOT_SET, { .context = VSS_CTX_CLIENT_ACCESSIBLE }, NULL },
                { SESSION_SET, CALL_DO_SNAPSHOT_SET,
                  { .context = VSS_CTX_APP_ROLLBACK }, "PrepareForBackup()" },
                { SESSION_CREATED, CALL_BACKUP_COMPLETE, { .context = VSS_CTX_NAS_ROLLBACK }, "no writers" },
                { SESSION_BACKUP, CALL_START_SNAPSHOT_SET,
                  { .context = (LONG) VSS_CTX_ALL }, "VSS_CTX_ALL" },
                { SESSION_NEW, CALL_SET_CONTEXT, { .has_context = true }, "once per object" },
                { SESSION_CREATED, CALL_GATHER_WRITER_STATUS, { 0 }, "GatherWriterMetadata()" },
                { SESSION_CREATED, CALL_GET_WRITER_STATUS, { .gathered = true }, "GatherWriterStatus()" },
                { SESSION_CREATED, CALL_FREE_WRITER_STATUS, { 0 }, NULL },
                { SESSION_RESTORE, CALL_PRE_RESTORE, { 0 }, "GatherWriterMetadata()" },
                { SESSION_SET, CALL_SAVE_AS_XML, { .running = "PrepareForBackup" }, "PrepareForBackup()" },
                { SESSION_SET, CALL_ABORT_BACKUP, { .running = "PrepareForBackup" }, NULL },
                { SESSION_SET, CALL_GET_WRITER_STATUS,
                  { .gathered = true, .has_status = true, .running = "PrepareForBackup" }, NULL },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                SessionRules rules = cases[i].rules;
                HRESULT hr;

                rules.state = cases[i].state;
                hr = session_rules_check(&rules, cases[i].call, "TheMethod");
                if (hr != (cases[i].says ? VSS_E_BAD_STATE : S_OK))
                        fail_msg("case %zu: 0x%08x", i, (unsigned) hr);
                if (cases[i].says && (!strstr(last_error_get(), cases[i].says) ||
                                      strncmp(last_error_get(), "TheMethod()", strlen("TheMethod()")) != 0))
                        fail_msg("case %zu says: %s", i, last_error_get());
        }
}

static void test_that_the_state_follows_the_picture_only(void **state) {
        static const unsigned arrows[_SESSION_STATE_MAX] = {
                [SESSION_NEW] = IN(BACKUP) | IN(RESTORE),
                [SESSION_BACKUP] = IN(SET),
                [SESSION_SET] = IN(PREPARED) | IN(CREATED) | IN(ABORTED),
                [SESSION_PREPARED] = IN(CREATED) | IN(COMPLETE) | IN(ABORTED),
                [SESSION_CREATED] = IN(COMPLETE) | IN(ABORTED),
                [SESSION_RESTORE] = IN(RESTORING),
                [SESSION_RESTORING] = IN(RESTORED),
        };

        for (SessionState from = 0; from < _SESSION_STATE_MAX; ++from)
                for (SessionState to = 0; to < _SESSION_STATE_MAX; ++to) {
                        SessionRules rules = rules_in(from);
                        bool may = arrows[from] & 1U << to;

                        assert_int_equal(session_rules_enter(&rules, to), may ? S_OK : VSS_E_BAD_STATE);
                        assert_int_equal(rules.state, may ? to : from);
                }
}

static void test_that_contexts_are_what_they_may_be(void **state) {
        /* clang-format off */
        static const struct {
                LONG context;
                HRESULT hr;
        } cases[] = {
                { VSS_CTX_BACKUP,                                                     S_OK         },
                { VSS_CTX_FILE_SHARE_BACKUP,                                          S_OK         },
                { VSS_CTX_NAS_ROLLBACK,                                               S_OK         },
                { VSS_CTX_APP_ROLLBACK,                                               S_OK         },
                { VSS_CTX_CLIENT_ACCESSIBLE,                                          S_OK         },
                { VSS_CTX_CLIENT_ACCESSIBLE_WRITERS,                                  S_OK         },
                { (LONG) VSS_CTX_ALL,                                                 S_OK         },
                /* qemu, XenServer */
                { VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_TRANSPORTABLE | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY |
                  VSS_VOLSNAP_ATTR_TXF_RECOVERY,                                      S_OK         },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_DIFFERENTIAL,                     S_OK         },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_PLEX,                             S_OK         },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_PLEX | VSS_VOLSNAP_ATTR_DIFFERENTIAL, E_INVALIDARG },
                { VSS_CTX_CLIENT_ACCESSIBLE | VSS_VOLSNAP_ATTR_DIFFERENTIAL,          E_INVALIDARG },
                { VSS_VOLSNAP_ATTR_PERSISTENT,                                        E_INVALIDARG },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_HARDWARE_ASSISTED,                E_INVALIDARG },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_AUTORECOVER,                      E_INVALIDARG },
                { VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                  E_INVALIDARG },
                { 0x40000000,                                                         E_INVALIDARG },
                { -2,                                                                 E_INVALIDARG },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(session_context_check(cases[i].context), cases[i].hr);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_each_call_is_taken_in_its_states_only),
                cmocka_unit_test(test_that_a_missing_step_is_named),
                cmocka_unit_test(test_that_the_state_follows_the_picture_only),
                cmocka_unit_test(test_that_contexts_are_what_they_may_be),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
