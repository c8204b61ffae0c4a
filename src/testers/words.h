/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Words
 *
 * How configurations and reports call the values of the API: as the documentation of the Windows tools does
 * where it shows a word, else the constant without its prefix.
 */

#include "testers/config-xml.h"

extern const ConfigWord usage_words[];             /* VSS_USAGE_TYPE */
extern const ConfigWord source_words[];            /* VSS_SOURCE_TYPE */
extern const ConfigWord level_words[];             /* VSS_APPLICATION_LEVEL */
extern const ConfigWord restore_method_words[];    /* VSS_RESTOREMETHOD_ENUM */
extern const ConfigWord writer_restore_words[];    /* VSS_WRITERRESTORE_ENUM */
extern const ConfigWord component_type_words[];    /* VSS_COMPONENT_TYPE */
extern const ConfigWord restore_target_words[];    /* VSS_RESTORE_TARGET */
extern const ConfigWord restore_status_words[];    /* VSS_FILE_RESTORE_STATUS */
extern const ConfigWord backup_type_words[];       /* VSS_BACKUP_TYPE */
extern const ConfigWord restore_type_words[];      /* VSS_RESTORE_TYPE */
extern const ConfigWord roll_forward_words[];      /* VSS_ROLLFORWARD_TYPE */
extern const ConfigWord writer_state_words[];      /* VSS_WRITER_STATE */
extern const ConfigWord context_words[];           /* VSS_SNAPSHOT_CONTEXT */

/* The word, or "undefined". */
const char *word_of(const ConfigWord *words, int value);
