/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Coordinator and Guard Say to Each Other
 *
 * umbra-guard DEADLINE KIND… is started with a SOCK_SEQPACKET socket as descriptor 3 and a directory of each file
 * system, in the order in which they are to be held, from descriptor 4 on. Each KIND says how: "freeze", "suspend"
 * or "watch" (see hold.h). DEADLINE is how long it may hold, in microseconds from the moment it is told to freeze.
 * Both ends are of one build and one machine, so what travels is a struct.
 *
 *      coordinator                 guard
 *                  <── READY       locked in memory, descriptors checked, file systems written out once
 *      FREEZE ──>
 *                  <── HELD        all are held
 *      THAW ──>                    … or this socket ends, the deadline passes, or one cannot be held
 *                  <── THAWING     the hold ends, and why
 *                  <── THAWED      all run again; the guard exits
 *
 * A guard holds once.
 */

#include <stdint.h>

#include "base/time-util.h"

#define GUARD_SOCKET_FD 3
#define GUARD_FIRST_FD 4
#define GUARD_FDS_MAX 64U
#define GUARD_DEADLINE_MAX (600 * USEC_PER_SEC)

typedef enum GuardCommand {
        GUARD_FREEZE = 1,
        GUARD_THAW = 2,
} GuardCommand;

typedef enum GuardReportKind {
        GUARD_SAYS_READY = 1,
        GUARD_SAYS_HELD,
        GUARD_SAYS_THAWING, /* with reason, index and error */
        GUARD_SAYS_THAWED,  /* with reason, held_usec, and in error why one could not be thawed */
} GuardReportKind;

/* Why a hold ends. */
typedef enum GuardReason {
        GUARD_TOLD,     /* by the coordinator */
        GUARD_DEADLINE, /* it was held, or being held (then error is ETIMEDOUT), for too long */
        GUARD_LOST,     /* the coordinator's end of the socket is closed */
        GUARD_REFUSED,  /* file system @index could not be held because of @error */
} GuardReason;

typedef struct GuardReport {
        uint32_t kind;
        uint32_t reason;
        uint32_t index;
        int32_t error; /* positive errno; 0: none */
        uint64_t held_usec;
} GuardReport;
