/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Providers of Hardware
 *
 * IVssHardwareSnapshotProvider knows disks and not volumes. What is between the two is done here: which disk a volume
 * lies on, and showing the file system of the disk that the array has made. Which disk that is stands in
 * <state_dir>/luns/<snapshot id> from GetTargetLuns() until OnLunEmpty().
 */

#include "provider-com/com-module.h"
#include "provider/provider.h"

/* *ret: AreLunsSupported(). */
int com_hardware_is_supported(ComModule *m, int volume_fd, BOOL *ret);
int com_hardware_begin_prepare(ComModule *m, const ProviderSnapshot *s);
/* As ProviderOps.surface(). */
int com_hardware_surface(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device);
int com_hardware_describe(const ProviderEnv *env, const ProviderSnapshot *s, char **ret);
/* As ProviderOps.import(): is @storage what com_hardware_describe() says? LocateLuns() comes when it is shown. */
int com_hardware_import(const char *storage, char **ret_note);
/* As ProviderOps.break_off(): the array is told, and the disk is not looked for any more. */
int com_hardware_break(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags);
/* @aborted: what AbortSnapshots() said, if the set never came to be. */
int com_hardware_discard(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, int aborted);
