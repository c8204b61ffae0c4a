/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Script Is Asked
 *
 * Each method of a provider of hardware is a word, the script's first argument; and each has its time. What the words
 * mean is in umbra-array-script(7).
 */

#include <errno.h>

#include <wintypes.h>

#include "base/time-util.h"

typedef enum ArrayVerb {
        ARRAY_ON_LOAD,
        ARRAY_ARE_LUNS_SUPPORTED,
        ARRAY_BEGIN_PREPARE,
        ARRAY_END_PREPARE,
        ARRAY_PRE_COMMIT,
        ARRAY_COMMIT,
        ARRAY_POST_COMMIT,
        ARRAY_PRE_FINAL_COMMIT,
        ARRAY_GET_TARGET_LUNS,
        ARRAY_LOCATE_LUNS,
        ARRAY_FILL_IN_LUN_INFO,
        ARRAY_POST_FINAL_COMMIT,
        ARRAY_ABORT,
        ARRAY_ON_LUN_EMPTY,
        ARRAY_ON_LUN_STATE_CHANGE,
        ARRAY_RESYNC_LUNS,
        ARRAY_ON_UNLOAD,
        _ARRAY_VERB_MAX,
        _ARRAY_VERB_INVALID = -EINVAL,
} ArrayVerb;

const char *array_verb_to_string(ArrayVerb v);
/* After so long the script is killed: always sooner than umbrad kills its provider. */
usec_t array_verb_timeout(ArrayVerb v);
/* What it means that a script does not do this (ARRAY_STATUS_NO). S_FALSE: it is an answer. */
HRESULT array_verb_if_undone(ArrayVerb v);

/* How a script may end. Whatever else it ends with is VSS_E_PROVIDER_VETO. */
typedef enum ArrayStatus {
        ARRAY_STATUS_DONE = 0,
        ARRAY_STATUS_NO = 3,        /* not mine; or a word that it does not know */
        ARRAY_STATUS_NO_ROOM = 4,   /* VSS_E_INSUFFICIENT_STORAGE */
        ARRAY_STATUS_TOO_MANY = 5,  /* VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED */
        ARRAY_STATUS_NOT_FOUND = 6, /* VSS_E_OBJECT_NOT_FOUND */
} ArrayStatus;

HRESULT array_status_to_result(ArrayVerb v, int status);
