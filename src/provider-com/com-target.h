/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Shadow Copy Is
 *
 * Which disk an array has made of which partition, and what kind of file system is on it: in
 * <state_dir>/luns/<snapshot id> from GetTargetLuns() until OnLunEmpty(), and as the same text in the document of who
 * carries the copy to another machine.
 */

#include "provider-com/com-lun.h"
#include "provider-com/com-module.h"
#include "provider/provider.h"

#define COM_SERIAL_MAX 3072U /* as a part of a note */

typedef struct ComTarget {
        char *serial, type[16];
        unsigned partition;
} ComTarget;

void com_target_clear(ComTarget *t);
#define _cleanup_target_ _cleanup_(com_target_clear)

/* "PARTITION TYPE SERIAL". -EUCLEAN: it is none. */
int com_target_parse(const char *text, ComTarget *ret);
int com_target_format(const ComTarget *t, char **ret);

int com_target_path(const ProviderEnv *env, const GUID *id, char **ret);
int com_target_read(const ProviderEnv *env, const GUID *id, ComTarget *ret); /* -ENOENT */
int com_target_write(const ProviderEnv *env, const GUID *id, const ComTarget *t);
int com_target_forget(const ProviderEnv *env, const GUID *id); /* 0 also when there was nothing */

/* Makes the array show the disk, and waits until the kernel has seen it. -ENODEV: it never does. */
int com_target_locate(ComModule *m, const ComTarget *t, ComDisk *ret);
/* Is it what the provider thinks it is? */
int com_target_check(ComModule *m, const ComTarget *t, ComDisk *d);
