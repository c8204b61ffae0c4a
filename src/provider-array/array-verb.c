/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Script Is Asked
 */

#include "provider-array/array-verb.h"

#include <assert.h>
#include <stdbool.h>

#include <vsserror.h>

#include "base/macro.h"

/* umbrad gives the whole window ten seconds, and those who ask whether a volume is supported twenty. */
#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)

typedef struct Verb {
        const char *name;
        usec_t timeout;
        HRESULT if_undone;
} Verb;

static const Verb verbs[_ARRAY_VERB_MAX] = {
        [ARRAY_ON_LOAD] =             { "on-load",             5 * USEC_PER_SEC,  S_OK                                   },
        [ARRAY_ARE_LUNS_SUPPORTED] =  { "are-luns-supported",  10 * USEC_PER_SEC, S_FALSE                                },
        [ARRAY_BEGIN_PREPARE] =       { "begin-prepare",       MINUTE,            VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER },
        [ARRAY_END_PREPARE] =         { "end-prepare",         12 * HOUR,         S_OK                                   },
        [ARRAY_PRE_COMMIT] =          { "pre-commit",          8 * USEC_PER_SEC,  S_OK                                   },
        [ARRAY_COMMIT] =              { "commit",              8 * USEC_PER_SEC,  VSS_E_PROVIDER_VETO                    },
        [ARRAY_POST_COMMIT] =         { "post-commit",         8 * USEC_PER_SEC,  S_OK                                   },
        [ARRAY_PRE_FINAL_COMMIT] =    { "pre-final-commit",    MINUTE,            S_OK                                   },
        [ARRAY_GET_TARGET_LUNS] =     { "get-target-luns",     MINUTE,            VSS_E_PROVIDER_VETO                    },
        [ARRAY_LOCATE_LUNS] =         { "locate-luns",         MINUTE,            VSS_E_PROVIDER_VETO                    },
        [ARRAY_FILL_IN_LUN_INFO] =    { "fill-in-lun-info",    10 * USEC_PER_SEC, S_FALSE                                },
        [ARRAY_POST_FINAL_COMMIT] =   { "post-final-commit",   4 * MINUTE,        S_OK                                   },
        [ARRAY_ABORT] =               { "abort",               4 * MINUTE,        S_OK                                   },
        [ARRAY_ON_LUN_EMPTY] =        { "on-lun-empty",        4 * MINUTE,        VSS_E_PROVIDER_VETO                    },
        [ARRAY_ON_LUN_STATE_CHANGE] = { "on-lun-state-change", 4 * MINUTE,        S_FALSE                                },
        [ARRAY_RESYNC_LUNS] =         { "resync-luns",         7 * 24 * HOUR,     VSS_E_PROVIDER_VETO                    },
        [ARRAY_ON_UNLOAD] =           { "on-unload",           5 * USEC_PER_SEC,  S_OK                                   },
};

static bool is_verb(ArrayVerb v) {
        return v >= 0 && v < _ARRAY_VERB_MAX;
}

const char *array_verb_to_string(ArrayVerb v) {
        return is_verb(v) ? verbs[v].name : NULL;
}

usec_t array_verb_timeout(ArrayVerb v) {
        assert(is_verb(v));
        return verbs[v].timeout;
}

HRESULT array_verb_if_undone(ArrayVerb v) {
        assert(is_verb(v));
        return verbs[v].if_undone;
}

HRESULT array_status_to_result(ArrayVerb v, int status) {
        switch (status) {
        case ARRAY_STATUS_DONE:
                return S_OK;
        case ARRAY_STATUS_NO:
                return array_verb_if_undone(v);
        case ARRAY_STATUS_NO_ROOM:
                return VSS_E_INSUFFICIENT_STORAGE;
        case ARRAY_STATUS_TOO_MANY:
                return VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED;
        case ARRAY_STATUS_NOT_FOUND:
                return VSS_E_OBJECT_NOT_FOUND;
        default:
                /* A shell says so of what a signal has killed in it. */
                return status < 0 || status > 128 ? VSS_E_UNEXPECTED_PROVIDER_ERROR : VSS_E_PROVIDER_VETO;
        }
}
