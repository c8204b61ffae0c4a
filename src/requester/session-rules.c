/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Order of Calls
 *
 * [MS: overview-of-backup-initialization and the pages that follow it; reference preconditions.tsv,
 * requesters.md]
 */

#include "requester/session-rules.h"

#include "base/string-table.h"
#include "wire/last-error.h"

/* clang-format off */
static const char *const session_state_table[_SESSION_STATE_MAX] = {
        [SESSION_NEW] = "new",
        [SESSION_BACKUP] = "backup",
        [SESSION_SET] = "set",
        [SESSION_PREPARED] = "prepared",
        [SESSION_CREATED] = "created",
        [SESSION_COMPLETE] = "complete",
        [SESSION_ABORTED] = "aborted",
        [SESSION_RESTORE] = "restore",
        [SESSION_RESTORING] = "restoring",
        [SESSION_RESTORED] = "restored",
};
/* clang-format on */

DEFINE_STRING_TABLE(session_state, SessionState)

#define IN(state) (1U << SESSION_##state)
#define IN_BACKUP (IN(BACKUP) | IN(SET) | IN(PREPARED) | IN(CREATED) | IN(COMPLETE) | IN(ABORTED))
#define IN_RESTORE (IN(RESTORE) | IN(RESTORING) | IN(RESTORED))
#define ALWAYS (IN(NEW) | IN_BACKUP | IN_RESTORE)

static const unsigned session_may_become[_SESSION_STATE_MAX] = {
        [SESSION_NEW] = IN(BACKUP) | IN(RESTORE),
        [SESSION_BACKUP] = IN(SET),
        [SESSION_SET] = IN(PREPARED) | IN(CREATED) | IN(ABORTED),
        [SESSION_PREPARED] = IN(CREATED) | IN(COMPLETE) | IN(ABORTED),
        [SESSION_CREATED] = IN(COMPLETE) | IN(ABORTED),
        [SESSION_COMPLETE] = 0,
        [SESSION_ABORTED] = 0,
        [SESSION_RESTORE] = IN(RESTORING),
        [SESSION_RESTORING] = IN(RESTORED),
        [SESSION_RESTORED] = 0,
};

/* What a call needs beside the right state. */
/* clang-format off */
typedef enum Need {
        NEED_WRITERS = 1U << 0,       /* the context must have writers */
        NEED_NO_OPERATION = 1U << 1,  /* nothing may run: it begins something, or works on the document */
        NEED_GATHERED = 1U << 2,      /* GatherWriterMetadata() */
        NEED_NOT_GATHERED = 1U << 3,  /* it may be called once */
        NEED_METADATA = 1U << 4,      /* ... and its result still be there */
        NEED_STATUS = 1U << 5,        /* GatherWriterStatus() and no FreeWriterStatus() since */
        NEED_BACKUP_STATE = 1U << 6,  /* SetBackupState() */
        NEED_NO_CONTEXT = 1U << 7,    /* SetContext() may succeed once */
        NEED_ONE_CONTEXT = 1U << 8,   /* VSS_CTX_ALL is for queries only */
        NEED_PREPARED_IF_WRITERS = 1U << 9, /* PrepareForBackup(), unless the context has no writers */
} Need;
/* clang-format on */

static const struct {
        unsigned states, needs;
        /* clang-format off */
} rules_of_calls[_SESSION_CALL_MAX] = {
        [CALL_INITIALIZE_FOR_BACKUP] = { IN(NEW), NEED_NO_OPERATION },
        [CALL_INITIALIZE_FOR_RESTORE] = { IN(NEW), NEED_NO_OPERATION },
        [CALL_SET_CONTEXT] = { IN(NEW) | IN(BACKUP), NEED_NO_CONTEXT },
        [CALL_SET_BACKUP_STATE] = { IN(BACKUP) | IN(SET), NEED_NO_OPERATION },
        [CALL_SET_RESTORE_STATE] = { IN(RESTORE), NEED_NO_OPERATION },
        [CALL_SELECT_WRITERS] = { IN_BACKUP, 0 },
        [CALL_GATHER_WRITER_METADATA] = { IN(BACKUP) | IN(SET) | IN(RESTORE),
                                          NEED_NO_OPERATION | NEED_NOT_GATHERED },
        [CALL_GET_WRITER_METADATA] = { IN_BACKUP | IN_RESTORE, NEED_GATHERED | NEED_METADATA },
        [CALL_FREE_WRITER_METADATA] = { IN_BACKUP | IN_RESTORE, NEED_GATHERED },
        [CALL_GATHER_WRITER_STATUS] = { IN_BACKUP | IN_RESTORE, NEED_NO_OPERATION | NEED_GATHERED },
        [CALL_GET_WRITER_STATUS] = { IN_BACKUP | IN_RESTORE, NEED_STATUS },
        [CALL_FREE_WRITER_STATUS] = { IN_BACKUP | IN_RESTORE, 0 },
        [CALL_GET_WRITER_COMPONENTS] = { IN_BACKUP | IN_RESTORE, NEED_NO_OPERATION },
        [CALL_SAVE_AS_XML] = { IN_BACKUP | IN_RESTORE, NEED_NO_OPERATION },
        [CALL_ADD_COMPONENT] = { IN(BACKUP) | IN(SET), NEED_NO_OPERATION | NEED_WRITERS | NEED_GATHERED },
        [CALL_CONFIGURE_BACKUP] = { IN(BACKUP) | IN(SET), NEED_NO_OPERATION },
        [CALL_SET_BACKUP_SUCCEEDED] = { IN(PREPARED) | IN(CREATED), NEED_NO_OPERATION },
        [CALL_CONFIGURE_RESTORE] = { IN(RESTORE), NEED_NO_OPERATION | NEED_GATHERED },
        [CALL_REPORT_RESTORE] = { IN(RESTORE) | IN(RESTORING), NEED_NO_OPERATION },
        [CALL_SET_FILE_RESTORE_STATUS] = { IN(RESTORING), NEED_NO_OPERATION },
        [CALL_START_SNAPSHOT_SET] = { IN(BACKUP), NEED_NO_OPERATION | NEED_ONE_CONTEXT },
        [CALL_ADD_TO_SNAPSHOT_SET] = { IN(SET) | IN(PREPARED), NEED_NO_OPERATION },
        [CALL_PREPARE_FOR_BACKUP] = { IN(SET),
                                      NEED_NO_OPERATION | NEED_WRITERS | NEED_GATHERED | NEED_BACKUP_STATE },
        [CALL_DO_SNAPSHOT_SET] = { IN(SET) | IN(PREPARED), NEED_NO_OPERATION | NEED_PREPARED_IF_WRITERS },
        [CALL_BACKUP_COMPLETE] = { IN(PREPARED) | IN(CREATED), NEED_NO_OPERATION | NEED_WRITERS },
        [CALL_ABORT_BACKUP] = { IN_BACKUP, 0 },
        [CALL_PRE_RESTORE] = { IN(RESTORE), NEED_NO_OPERATION | NEED_GATHERED },
        [CALL_POST_RESTORE] = { IN(RESTORING), NEED_NO_OPERATION },
        [CALL_QUERY] = { IN_BACKUP, 0 },
        [CALL_EXPOSE] = { IN_BACKUP, 0 },
        /* The pages of these know no VSS_E_BAD_STATE. */
        [CALL_DELETE] = { ALWAYS, 0 },
        [CALL_REVERT] = { ALWAYS, 0 },
        [CALL_QUERY_REVERT] = { ALWAYS, NEED_NO_OPERATION },
        [CALL_BREAK] = { ALWAYS, 0 },
        [CALL_BREAK_EX] = { ALWAYS, NEED_NO_OPERATION },
        [CALL_GET_ROOT] = { ALWAYS, 0 },
        [CALL_IMPORT] = { IN(BACKUP), NEED_NO_OPERATION },
        [CALL_RECOVER] = { IN(RESTORE) | IN(RESTORING), NEED_NO_OPERATION },
};
/* clang-format on */

void session_rules_init(SessionRules *rules) {
        *rules = (SessionRules){ .state = SESSION_NEW, .context = VSS_CTX_BACKUP };
}

bool session_rules_has_writers(const SessionRules *rules) {
        return !(rules->context & VSS_VOLSNAP_ATTR_NO_WRITERS);
}

bool session_call_outlives_umbrad(SessionCall call) {
        return call == CALL_SAVE_AS_XML || call == CALL_FREE_WRITER_METADATA ||
               call == CALL_FREE_WRITER_STATUS;
}

/* Why the state alone forbids the call, as an answer to "what did I do wrong?". */
static HRESULT refuse_state(const SessionRules *rules, SessionCall call, const char *name) {
        unsigned states = rules_of_calls[call].states;

        if (rules->state == SESSION_NEW)
                return last_error_set(VSS_E_BAD_STATE, "%s() was called before %s().", name,
                                      states & IN_BACKUP ? "InitializeForBackup" : "InitializeForRestore");
        if (states == IN(NEW))
                return last_error_set(VSS_E_BAD_STATE,
                                      "%s() was called a second time; one object is for one backup "
                                      "or restore.",
                                      name);
        if (!(states & IN_RESTORE) && IN_RESTORE & 1U << rules->state)
                return last_error_set(VSS_E_BAD_STATE, "%s() was called in a restore.", name);
        if (!(states & IN_BACKUP) && IN_BACKUP & 1U << rules->state)
                return last_error_set(VSS_E_BAD_STATE, "%s() was called in a backup.", name);

        return last_error_set(VSS_E_BAD_STATE,
                              "%s() was called out of order: the session is in the state '%s'.", name,
                              session_state_to_string(rules->state));
}

static const char *missing_need(const SessionRules *rules, unsigned needs) {
        if (needs & NEED_WRITERS && !session_rules_has_writers(rules))
                return "the context that was chosen with SetContext() has no writers";
        if (needs & NEED_NOT_GATHERED && rules->gathered)
                return "writer metadata can be gathered once per object";
        if (needs & NEED_GATHERED && !rules->gathered)
                return "GatherWriterMetadata() has not finished";
        if (needs & NEED_METADATA && !rules->has_metadata)
                return "the writer metadata was freed with FreeWriterMetadata()";
        if (needs & NEED_STATUS && !rules->has_status)
                return "GatherWriterStatus() has not finished, or its result was freed";
        if (needs & NEED_BACKUP_STATE && !rules->has_state)
                return "SetBackupState() was not called";
        if (needs & NEED_NO_CONTEXT && rules->has_context)
                return "the context can be set once per object";
        if (needs & NEED_ONE_CONTEXT && rules->context == (LONG) VSS_CTX_ALL)
                return "VSS_CTX_ALL is for queries; shadow copies cannot be made in it";
        if (needs & NEED_PREPARED_IF_WRITERS && session_rules_has_writers(rules) &&
            rules->state != SESSION_PREPARED)
                return "PrepareForBackup() has not finished, and the context has writers";

        return NULL;
}

HRESULT session_rules_check(const SessionRules *rules, SessionCall call, const char *name) {
        unsigned needs = rules_of_calls[call].needs;
        const char *missing;

        if (!(rules_of_calls[call].states & 1U << rules->state))
                return refuse_state(rules, call, name);

        if (needs & NEED_NO_OPERATION && rules->running)
                return last_error_set(VSS_E_BAD_STATE,
                                      "%s() was called while %s() is still running: wait for its "
                                      "IVssAsync.",
                                      name, rules->running);

        missing = missing_need(rules, needs);
        if (missing)
                return last_error_set(VSS_E_BAD_STATE, "%s() cannot be called now: %s.", name, missing);

        return S_OK;
}

HRESULT session_rules_enter(SessionRules *rules, SessionState to) {
        if (!(session_may_become[rules->state] & 1U << to))
                return VSS_E_BAD_STATE;

        rules->state = to;
        return S_OK;
}

HRESULT session_context_check(LONG context) {
        /* What may be or'ed to a context. A transportable one is taken as well: whether a volume can be had
         * so is for its provider to say. [MS: ne-vss-vss_volume_snapshot_attributes] */
        const LONG optional = VSS_VOLSNAP_ATTR_NO_AUTORECOVERY | VSS_VOLSNAP_ATTR_TRANSPORTABLE |
                              VSS_VOLSNAP_ATTR_NOT_TRANSACTED | VSS_VOLSNAP_ATTR_DIFFERENTIAL |
                              VSS_VOLSNAP_ATTR_PLEX | VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY |
                              VSS_VOLSNAP_ATTR_TXF_RECOVERY;
        static const struct {
                LONG context;
                bool takes_attributes;
                /* clang-format off */
        } contexts[] = {
                { VSS_CTX_BACKUP,                    true  },
                { VSS_CTX_FILE_SHARE_BACKUP,         true  },
                { VSS_CTX_NAS_ROLLBACK,              true  },
                { VSS_CTX_APP_ROLLBACK,              true  },
                { VSS_CTX_CLIENT_ACCESSIBLE,         false },
                { VSS_CTX_CLIENT_ACCESSIBLE_WRITERS, false },
                { (LONG) VSS_CTX_ALL,                false },
        };
        /* clang-format on */
        bool known = false;

        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i)
                if ((contexts[i].takes_attributes ? context & ~optional : context) == contexts[i].context)
                        known = true;
        if (!known)
                return last_error_set(E_INVALIDARG, "0x%x is not a context of VSS_SNAPSHOT_CONTEXT.",
                                      (unsigned) context);

        if (context != (LONG) VSS_CTX_ALL && context & VSS_VOLSNAP_ATTR_DIFFERENTIAL &&
            context & VSS_VOLSNAP_ATTR_PLEX)
                return last_error_set(E_INVALIDARG,
                                      "A shadow copy cannot be both differential and a full copy.");

        return S_OK;
}
