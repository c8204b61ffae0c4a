/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HRESULT
 *
 * Codes are for programs, sentences for people: what a tool prints after "failed:" comes from here. The
 * sentences start small and have no full stop, so that they fit behind a colon.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vsserror.h>

#include "base/hresult.h"
#include "base/macro.h"

typedef struct HResult {
        HRESULT value;
        const char *name;
        const char *sentence;
} HResult;

#define HRESULT_ENTRY(code, sentence) { (code), #code, (sentence) }

/* clang-format off */
static const HResult hresults[] = {
        HRESULT_ENTRY(S_OK,    "success"),
        HRESULT_ENTRY(S_FALSE, "there is no such value, or no more of them"),

        HRESULT_ENTRY(E_NOTIMPL,      "this is not implemented"),
        HRESULT_ENTRY(E_NOINTERFACE,  "the object does not have this interface"),
        HRESULT_ENTRY(E_POINTER,      "a required pointer is missing"),
        HRESULT_ENTRY(E_ABORT,        "the operation was aborted"),
        HRESULT_ENTRY(E_FAIL,         "an internal error occurred"),
        HRESULT_ENTRY(E_UNEXPECTED,   "an unexpected error occurred"),
        HRESULT_ENTRY(E_ACCESSDENIED, "you are not allowed to do this"),
        HRESULT_ENTRY(E_OUTOFMEMORY,  "there is not enough memory"),
        HRESULT_ENTRY(E_INVALIDARG,   "an argument is not valid"),

        HRESULT_ENTRY(REGDB_E_CLASSNOTREG,   "there is no such class"),
        HRESULT_ENTRY(CLASS_E_NOAGGREGATION, "objects of this class cannot be part of another one"),
        HRESULT_ENTRY(CO_E_CLASSSTRING,      "the text is not a GUID"),

        HRESULT_ENTRY(VSS_E_BAD_STATE,                   "the call was made in the wrong state or order"),
        HRESULT_ENTRY(VSS_E_UNEXPECTED,
                      "an unexpected error occurred; the log of umbrad says more"),
        HRESULT_ENTRY(VSS_E_PROVIDER_ALREADY_REGISTERED, "the provider is registered already"),
        HRESULT_ENTRY(VSS_E_PROVIDER_NOT_REGISTERED,     "there is no provider with this id"),
        HRESULT_ENTRY(VSS_E_PROVIDER_VETO,               "the provider refused; the log of umbrad says why"),
        HRESULT_ENTRY(VSS_E_PROVIDER_IN_USE,             "the provider is in use"),
        HRESULT_ENTRY(VSS_E_OBJECT_NOT_FOUND,
                      "there is no such shadow copy, set, volume, component or writer"),

        HRESULT_ENTRY(VSS_S_ASYNC_PENDING,   "the operation is still running"),
        HRESULT_ENTRY(VSS_S_ASYNC_FINISHED,  "the operation has finished"),
        HRESULT_ENTRY(VSS_S_ASYNC_CANCELLED, "the operation was cancelled"),

        HRESULT_ENTRY(VSS_E_VOLUME_NOT_SUPPORTED,
                      "no provider can make a shadow copy of this volume"),
        HRESULT_ENTRY(VSS_E_OBJECT_ALREADY_EXISTS,            "it exists already"),
        HRESULT_ENTRY(VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER,
                      "the chosen provider cannot make a shadow copy of this volume"),
        HRESULT_ENTRY(VSS_E_UNEXPECTED_PROVIDER_ERROR,        "the provider failed in a way it may not"),
        HRESULT_ENTRY(VSS_E_CORRUPT_XML_DOCUMENT,             "the document is not well-formed XML"),
        HRESULT_ENTRY(VSS_E_INVALID_XML_DOCUMENT,
                      "the document does not say what such a document says"),
        HRESULT_ENTRY(VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED, "the shadow copy set holds too many volumes"),
        HRESULT_ENTRY(VSS_E_FLUSH_WRITES_TIMEOUT,             "writing out the volume took too long"),
        HRESULT_ENTRY(VSS_E_HOLD_WRITES_TIMEOUT,
                      "writes were held for too long and had to be released"),
        HRESULT_ENTRY(VSS_E_UNEXPECTED_WRITER_ERROR,          "talking to a writer failed unexpectedly"),
        HRESULT_ENTRY(VSS_E_SNAPSHOT_SET_IN_PROGRESS,         "another shadow copy set is being created"),
        HRESULT_ENTRY(VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED, "the volume has too many shadow copies"),
        HRESULT_ENTRY(VSS_E_WRITER_INFRASTRUCTURE,            "writers cannot be reached"),
        HRESULT_ENTRY(VSS_E_WRITER_NOT_RESPONDING,            "the writer does not answer"),
        HRESULT_ENTRY(VSS_E_WRITER_ALREADY_SUBSCRIBED,        "the writer is subscribed already"),
        HRESULT_ENTRY(VSS_E_UNSUPPORTED_CONTEXT,              "this cannot be done in this kind of backup"),
        HRESULT_ENTRY(VSS_E_VOLUME_IN_USE,                    "the volume is in use"),
        HRESULT_ENTRY(VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED, "there are too many storage areas"),
        HRESULT_ENTRY(VSS_E_INSUFFICIENT_STORAGE,             "there is not enough space"),
        HRESULT_ENTRY(VSS_E_NO_SNAPSHOTS_IMPORTED,            "no shadow copy could be imported"),
        HRESULT_ENTRY(VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED,      "some shadow copies were not imported"),
        HRESULT_ENTRY(VSS_E_SOME_SNAPSHOTS_NOT_IMPORTED,      "some shadow copies could not be imported"),
        HRESULT_ENTRY(VSS_E_MAXIMUM_NUMBER_OF_REMOTE_MACHINES_REACHED,
                      "too many remote machines are involved"),
        HRESULT_ENTRY(VSS_E_REMOTE_SERVER_UNAVAILABLE,        "the remote server cannot be reached"),
        HRESULT_ENTRY(VSS_E_REMOTE_SERVER_UNSUPPORTED,
                      "the remote server cannot make such shadow copies"),
        HRESULT_ENTRY(VSS_E_REVERT_IN_PROGRESS,               "the volume is being reverted"),
        HRESULT_ENTRY(VSS_E_REVERT_VOLUME_LOST,               "the volume was lost while it was reverted"),
        HRESULT_ENTRY(VSS_E_REBOOT_REQUIRED,                  "the machine has to be restarted first"),
        HRESULT_ENTRY(VSS_E_TRANSACTION_FREEZE_TIMEOUT,       "transactions did not come to rest in time"),
        HRESULT_ENTRY(VSS_E_TRANSACTION_THAW_TIMEOUT,         "transactions did not continue in time"),
        HRESULT_ENTRY(VSS_E_UNSELECTED_VOLUME,
                      "the disk also holds a volume that was not chosen"),
        HRESULT_ENTRY(VSS_E_SNAPSHOT_NOT_IN_SET,              "the shadow copy is not part of this set"),
        HRESULT_ENTRY(VSS_E_NESTED_VOLUME_LIMIT,              "the volume is nested too deeply"),
        HRESULT_ENTRY(VSS_E_VOLUME_NOT_LOCAL,                 "the volume is not mounted on this machine"),
        HRESULT_ENTRY(VSS_E_CLUSTER_TIMEOUT,                  "the cluster took too long"),
        HRESULT_ENTRY(VSS_E_NOT_SUPPORTED,                    "this is not supported"),

        HRESULT_ENTRY(VSS_E_WRITERERROR_PARTIAL_FAILURE,
                      "the writer failed for some of its components"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT,
                      "the set lacks volumes that the writer's data needs"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_OUTOFRESOURCES,
                      "the writer ran out of memory or other resources"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_TIMEOUT,
                      "the writer could not stay frozen for so long"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_RETRYABLE,
                      "the writer failed; it may well work next time"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_NONRETRYABLE,         "the writer failed, and would fail again"),
        HRESULT_ENTRY(VSS_E_WRITERERROR_RECOVERY_FAILED,
                      "the writer could not recover its data in the shadow copy"),

        HRESULT_ENTRY(VSS_E_BREAK_REVERT_ID_FAILED,  "the disk could not get its identity back"),
        HRESULT_ENTRY(VSS_E_LEGACY_PROVIDER,         "the provider is too old for this"),
        HRESULT_ENTRY(VSS_E_MISSING_DISK,            "an expected disk did not arrive"),
        HRESULT_ENTRY(VSS_E_MISSING_HIDDEN_VOLUME,   "an expected hidden volume did not arrive"),
        HRESULT_ENTRY(VSS_E_MISSING_VOLUME,          "an expected volume did not arrive"),
        HRESULT_ENTRY(VSS_E_AUTORECOVERY_FAILED,     "recovering data in the shadow copy failed"),
        HRESULT_ENTRY(VSS_E_DYNAMIC_DISK_ERROR,      "working on a dynamic disk failed"),
        HRESULT_ENTRY(VSS_E_NONTRANSPORTABLE_BCD,    "the boot configuration does not fit another machine"),
        HRESULT_ENTRY(VSS_E_CANNOT_REVERT_DISKID,    "the disk's signature could not be set"),
        HRESULT_ENTRY(VSS_E_RESYNC_IN_PROGRESS,      "the disk is being resynchronised"),
        HRESULT_ENTRY(VSS_E_CLUSTER_ERROR,           "the cluster failed"),

        HRESULT_ENTRY(VSS_E_ASRERROR_DISK_ASSIGNMENT_FAILED,      "disks could not be assigned"),
        HRESULT_ENTRY(VSS_E_ASRERROR_DISK_RECREATION_FAILED,      "disks could not be created again"),
        HRESULT_ENTRY(VSS_E_ASRERROR_NO_ARCPATH,                  "a disk has no ARC path"),
        HRESULT_ENTRY(VSS_E_ASRERROR_MISSING_DYNDISK,             "a dynamic disk is missing"),
        HRESULT_ENTRY(VSS_E_ASRERROR_SHARED_CRIDISK,              "a critical disk is shared"),
        HRESULT_ENTRY(VSS_E_ASRERROR_DATADISK_RDISK0,             "disk 0 holds data only"),
        HRESULT_ENTRY(VSS_E_ASRERROR_RDISK0_TOOSMALL,             "disk 0 is too small"),
        HRESULT_ENTRY(VSS_E_ASRERROR_CRITICAL_DISKS_TOO_SMALL,    "the critical disks are too small"),
        HRESULT_ENTRY(VSS_E_WRITER_STATUS_NOT_AVAILABLE,          "the writer's status is not available"),
        HRESULT_ENTRY(VSS_E_ASRERROR_DYNAMIC_VHD_NOT_SUPPORTED,   "dynamic virtual disks are not supported"),
        HRESULT_ENTRY(VSS_E_CRITICAL_VOLUME_ON_INVALID_DISK,
                      "a critical volume is on a disk that cannot hold it"),
        HRESULT_ENTRY(VSS_E_ASRERROR_RDISK_FOR_SYSTEM_DISK_NOT_FOUND, "there is no disk for the system"),
        HRESULT_ENTRY(VSS_E_ASRERROR_NO_PHYSICAL_DISK_AVAILABLE,  "there is no physical disk"),
        HRESULT_ENTRY(VSS_E_ASRERROR_FIXED_PHYSICAL_DISK_AVAILABLE_AFTER_DISK_EXCLUSION,
                      "without the excluded disks there is no fixed one left"),
        HRESULT_ENTRY(VSS_E_ASRERROR_CRITICAL_DISK_CANNOT_BE_EXCLUDED, "a critical disk cannot be excluded"),
        HRESULT_ENTRY(VSS_E_ASRERROR_SYSTEM_PARTITION_HIDDEN,     "the system partition is hidden"),
        HRESULT_ENTRY(VSS_E_FSS_TIMEOUT,                          "the file server took too long"),
};

typedef struct Exchange {
        int error;
        HRESULT hr;
} Exchange;

static const Exchange both_ways[] = {
        { ENOMEM,      E_OUTOFMEMORY                  },
        { EINVAL,      E_INVALIDARG                   },
        { EACCES,      E_ACCESSDENIED                 },
        { ENOENT,      VSS_E_OBJECT_NOT_FOUND         },
        { EEXIST,      VSS_E_OBJECT_ALREADY_EXISTS    },
        { ENOSPC,      VSS_E_INSUFFICIENT_STORAGE     },
        { EOPNOTSUPP,  VSS_E_VOLUME_NOT_SUPPORTED     },
        { EBUSY,       VSS_E_VOLUME_IN_USE            },
        { ENOSYS,      E_NOTIMPL                      },
        { ECANCELED,   E_ABORT                        },
        { EBADFD,      VSS_E_BAD_STATE                },
        { EINPROGRESS, VSS_E_SNAPSHOT_SET_IN_PROGRESS },
};

/* Where several errors are one to the caller. */
static const Exchange from_errno[] = {
        { EPERM,        E_ACCESSDENIED             },
        { EILSEQ,       E_INVALIDARG               },
        { ENAMETOOLONG, E_INVALIDARG               },
        { ENOTDIR,      VSS_E_OBJECT_NOT_FOUND     },
        { EDQUOT,       VSS_E_INSUFFICIENT_STORAGE },
};

/* Where the result says more than errno can: what took too long, which document is broken. */
static const Exchange from_hresult[] = {
        { EFAULT,     E_POINTER                              },
        { EPERM,      VSS_E_PROVIDER_VETO                    },
        { EOPNOTSUPP, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER },
        { EOPNOTSUPP, VSS_E_NOT_SUPPORTED                    },
        { EOPNOTSUPP, VSS_E_UNSUPPORTED_CONTEXT              },
        { EBUSY,      VSS_E_PROVIDER_IN_USE                  },
        { EBUSY,      VSS_E_REVERT_IN_PROGRESS               },
        { EEXIST,     VSS_E_PROVIDER_ALREADY_REGISTERED      },
        { ENOENT,     VSS_E_PROVIDER_NOT_REGISTERED          },
        { ENOMEM,     VSS_E_WRITERERROR_OUTOFRESOURCES       },
        { EBADMSG,    VSS_E_CORRUPT_XML_DOCUMENT             },
        { EBADMSG,    VSS_E_INVALID_XML_DOCUMENT             },
        { ETIMEDOUT,  VSS_E_FLUSH_WRITES_TIMEOUT             },
        { ETIMEDOUT,  VSS_E_HOLD_WRITES_TIMEOUT              },
        { ETIMEDOUT,  VSS_E_WRITERERROR_TIMEOUT              },
        { ETIMEDOUT,  VSS_E_WRITER_NOT_RESPONDING            },
};
/* clang-format on */

static const HResult *hresult_find(HRESULT hr) {
        for (size_t i = 0; i < ELEMENTSOF(hresults); ++i)
                if (hresults[i].value == hr)
                        return &hresults[i];

        return NULL;
}

HRESULT hresult_from_errno(int r) {
        assert(r <= 0);

        if (r == 0)
                return S_OK;

        for (size_t i = 0; i < ELEMENTSOF(both_ways); ++i)
                if (both_ways[i].error == -r)
                        return both_ways[i].hr;

        for (size_t i = 0; i < ELEMENTSOF(from_errno); ++i)
                if (from_errno[i].error == -r)
                        return from_errno[i].hr;

        return VSS_E_UNEXPECTED;
}

int errno_from_hresult(HRESULT hr) {
        if (SUCCEEDED(hr))
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(both_ways); ++i)
                if (both_ways[i].hr == hr)
                        return -both_ways[i].error;

        for (size_t i = 0; i < ELEMENTSOF(from_hresult); ++i)
                if (from_hresult[i].hr == hr)
                        return -from_hresult[i].error;

        return -EIO;
}

const char *hresult_name(HRESULT hr) {
        static _Thread_local char number[sizeof("0x80042301")];
        const HResult *known = hresult_find(hr);

        if (known)
                return known->name;

        (void) snprintf(number, sizeof(number), "0x%08X", (unsigned) hr);
        return number;
}

int hresult_from_name(const char *name, HRESULT *ret) {
        for (size_t i = 0; i < ELEMENTSOF(hresults); ++i)
                if (strcmp(hresults[i].name, name) == 0) {
                        *ret = hresults[i].value;
                        return 0;
                }

        return -ENOENT;
}

const char *hresult_sentence(HRESULT hr) {
        const HResult *known = hresult_find(hr);

        if (known)
                return known->sentence;

        return SUCCEEDED(hr) ? "success of an unknown kind" : "an unknown error occurred";
}
