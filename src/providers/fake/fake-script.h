/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Goes Wrong, and When
 *
 * A script says which of the fake provider's functions fail. It is the text of $UMBRA_FAKE_SCRIPT and of the
 * file <state_dir>/fake.script; a line (or what stands between semicolons) is
 *
 *         FUNCTION[.N] = ACTION [after]
 *
 * FUNCTION is probe, usage, plan, prepare, pre_commit, commit, surface, unseal, seal, discard, expose, unexpose,
 * may_revert, revert, break_off or import. With N it is the N-th call in this worker process (the first is 1), else every
 * call. ACTION is
 *
 *         fail ERRNO      return this error, ENOSPC say
 *         kill            the worker gets SIGKILL
 *         hang            never return
 *         sleep MSEC      take that much longer
 *         linger          take as long as the script says so
 *
 * and happens before the function does anything, or after it has done everything. Further lines say what
 * probe() answers:
 *
 *         flags = wants-hold forbids-hold wants-suspend pre-commit
 *         consistency = 1 2       without a hold and with one
 *
 * and what usage() does:
 *
 *         used = BYTES            instead of what the copies really take; "unknown"
 *
 * and how a revert goes that may wait:
 *
 *         reverted = waits        it does, as long as the script says so; then it is done
 *         reverted = with-all     it uses the snapshot up
 */

#include <stdint.h>

#include "provider/provider.h"

typedef enum FakeFunction {
        FAKE_PROBE,
        FAKE_USAGE,
        FAKE_PLAN,
        FAKE_PREPARE,
        FAKE_PRE_COMMIT,
        FAKE_COMMIT,
        FAKE_SURFACE,
        FAKE_DISCARD,
        FAKE_UNSEAL,
        FAKE_SEAL,
        FAKE_EXPOSE,
        FAKE_UNEXPOSE,
        FAKE_MAY_REVERT,
        FAKE_REVERT,
        FAKE_BREAK_OFF,
        FAKE_IMPORT,
        _FAKE_FUNCTION_MAX,
        _FAKE_FUNCTION_INVALID = -22,
} FakeFunction;

/* Called once per call of @f, first. Remembers in *@ret_call which call it is, for fake_script_after(). */
int fake_script_before(const ProviderEnv *env, FakeFunction f, unsigned *ret_call);
int fake_script_after(const ProviderEnv *env, FakeFunction f, unsigned call);

/* Changes what the script has an opinion of. -EINVAL when the script cannot be read. */
int fake_script_probe(const ProviderEnv *env, ProviderProbe *probe);
int fake_script_usage(const ProviderEnv *env, ProviderUsage *usage);
/* 0 (PROVIDER_REVERTED) where the script says nothing; or a negative errno. */
int fake_script_reverted(const ProviderEnv *env);
