/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSSERROR_H
#define UMBRA_VSSERROR_H

/*
 * The Results of VSS
 *
 * Every HRESULT that the VSS API returns beside the general ones of wintypes.h. VSS_S_ codes are successes
 * and SUCCEEDED() says so, even to VSS_S_ASYNC_CANCELLED. VSS_E_WRITERERROR_ codes are what a writer says
 * about itself with SetWriterFailure() and what a requester reads with GetWriterStatus(). The
 * VSS_E_ASRERROR_ codes and those of clusters and dynamic disks never come from umbra; they are here because
 * programs have them in their tables.
 */

#include "wintypes.h"

/* Object not initialised or call made in the wrong state / order. */
#define VSS_E_BAD_STATE UMBRA_HRESULT(0x80042301)

/* Unexpected error; the log of umbrad says more. */
#define VSS_E_UNEXPECTED UMBRA_HRESULT(0x80042302)

/* Provider is already registered. */
#define VSS_E_PROVIDER_ALREADY_REGISTERED UMBRA_HRESULT(0x80042303)

/* Provider id is not registered. */
#define VSS_E_PROVIDER_NOT_REGISTERED UMBRA_HRESULT(0x80042304)

/* Provider refused with an expected, logged error. */
#define VSS_E_PROVIDER_VETO UMBRA_HRESULT(0x80042306)

/* Provider in use, cannot be unregistered. */
#define VSS_E_PROVIDER_IN_USE UMBRA_HRESULT(0x80042307)

/* Shadow copy, set, volume, component, writer or list item not found. */
#define VSS_E_OBJECT_NOT_FOUND UMBRA_HRESULT(0x80042308)

/* Asynchronous operation still running (success code). */
#define VSS_S_ASYNC_PENDING UMBRA_HRESULT(0x00042309)

/* Asynchronous operation finished successfully (success code). */
#define VSS_S_ASYNC_FINISHED UMBRA_HRESULT(0x0004230A)

/* Asynchronous operation was cancelled (a success code). */
#define VSS_S_ASYNC_CANCELLED UMBRA_HRESULT(0x0004230B)

/* No provider supports the volume. */
#define VSS_E_VOLUME_NOT_SUPPORTED UMBRA_HRESULT(0x8004230C)

/* Object (component, metadata, association, express writer) exists already. */
#define VSS_E_OBJECT_ALREADY_EXISTS UMBRA_HRESULT(0x8004230D)

/* The named provider does not support the volume. */
#define VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER UMBRA_HRESULT(0x8004230E)

/* Provider returned a code outside the permitted list. */
#define VSS_E_UNEXPECTED_PROVIDER_ERROR UMBRA_HRESULT(0x8004230F)

/* XML document is corrupt. */
#define VSS_E_CORRUPT_XML_DOCUMENT UMBRA_HRESULT(0x80042310)

/* XML document is not valid / not schema conformant. */
#define VSS_E_INVALID_XML_DOCUMENT UMBRA_HRESULT(0x80042311)

/* Shadow copy set holds the maximum number of volumes. */
#define VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED UMBRA_HRESULT(0x80042312)

/* Flushing the volumes timed out. */
#define VSS_E_FLUSH_WRITES_TIMEOUT UMBRA_HRESULT(0x80042313)

/* Holding writes on the volumes timed out. */
#define VSS_E_HOLD_WRITES_TIMEOUT UMBRA_HRESULT(0x80042314)

/* Unexpected error talking to writers. */
#define VSS_E_UNEXPECTED_WRITER_ERROR UMBRA_HRESULT(0x80042315)

/* Another shadow copy set is being created. */
#define VSS_E_SNAPSHOT_SET_IN_PROGRESS UMBRA_HRESULT(0x80042316)

/* Volume has the maximum number of shadow copies. */
#define VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED UMBRA_HRESULT(0x80042317)

/* Writer infrastructure (event system or VSS service) not working. */
#define VSS_E_WRITER_INFRASTRUCTURE UMBRA_HRESULT(0x80042318)

/* Writer did not answer GatherWriterStatus (set by VSS). */
#define VSS_E_WRITER_NOT_RESPONDING UMBRA_HRESULT(0x80042319)

/* Writer called Subscribe twice. */
#define VSS_E_WRITER_ALREADY_SUBSCRIBED UMBRA_HRESULT(0x8004231A)

/* Shadow copy context not supported for this call. */
#define VSS_E_UNSUPPORTED_CONTEXT UMBRA_HRESULT(0x8004231B)

/* Volume is in use / could not be locked. */
#define VSS_E_VOLUME_IN_USE UMBRA_HRESULT(0x8004231D)

/* No more storage area associations possible. */
#define VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED UMBRA_HRESULT(0x8004231E)

/* Not enough storage space. */
#define VSS_E_INSUFFICIENT_STORAGE UMBRA_HRESULT(0x8004231F)

/* Import: no shadow copy could be imported. */
#define VSS_E_NO_SNAPSHOTS_IMPORTED UMBRA_HRESULT(0x80042320)

/* Import: some shadow copies not imported (success code). */
#define VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED UMBRA_HRESULT(0x00042321)

/* Import: some shadow copies not imported (error form, same low word as the S_ form). */
#define VSS_E_SOME_SNAPSHOTS_NOT_IMPORTED UMBRA_HRESULT(0x80042321)

/* Too many remote machines in one set. */
#define VSS_E_MAXIMUM_NUMBER_OF_REMOTE_MACHINES_REACHED UMBRA_HRESULT(0x80042322)

/* Remote server not reachable. */
#define VSS_E_REMOTE_SERVER_UNAVAILABLE UMBRA_HRESULT(0x80042323)

/* Remote server does not support file share shadow copies of this kind. */
#define VSS_E_REMOTE_SERVER_UNSUPPORTED UMBRA_HRESULT(0x80042324)

/* A revert of the volume is running. */
#define VSS_E_REVERT_IN_PROGRESS UMBRA_HRESULT(0x80042325)

/* Volume lost during revert. */
#define VSS_E_REVERT_VOLUME_LOST UMBRA_HRESULT(0x80042326)

/* Restart of the machine needed. */
#define VSS_E_REBOOT_REQUIRED UMBRA_HRESULT(0x80042327)

/* Transaction manager (DTC / KTM) could not be frozen in time. */
#define VSS_E_TRANSACTION_FREEZE_TIMEOUT UMBRA_HRESULT(0x80042328)

/* Transaction manager (DTC / KTM) could not be thawed in time. */
#define VSS_E_TRANSACTION_THAW_TIMEOUT UMBRA_HRESULT(0x80042329)

/* Resync destination holds a volume not selected. */
#define VSS_E_UNSELECTED_VOLUME UMBRA_HRESULT(0x8004232A)

/* Shadow copy is not in the recovery set / Backup Components Document. */
#define VSS_E_SNAPSHOT_NOT_IN_SET UMBRA_HRESULT(0x8004232B)

/* Volume nested too deeply (VHD in VHD). */
#define VSS_E_NESTED_VOLUME_LIMIT UMBRA_HRESULT(0x8004232C)

/* Volume is not mounted on the local host. */
#define VSS_E_VOLUME_NOT_LOCAL UMBRA_HRESULT(0x8004232D)

/* Cluster operation timed out. */
#define VSS_E_CLUSTER_TIMEOUT UMBRA_HRESULT(0x8004232E)

/* Request not supported (for example express writer limits). */
#define VSS_E_NOT_SUPPORTED UMBRA_HRESULT(0x8004232F)

/* Writer: failed for at least one component, see IVssComponentEx2::GetFailure. */
#define VSS_E_WRITERERROR_PARTIAL_FAILURE UMBRA_HRESULT(0x80042336)

/* Writer: set lacks volumes needed for consistent data. */
#define VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT UMBRA_HRESULT(0x800423F0)

/* Writer: out of memory or resources. */
#define VSS_E_WRITERERROR_OUTOFRESOURCES UMBRA_HRESULT(0x800423F1)

/* Writer: Freeze-to-Thaw time-out. */
#define VSS_E_WRITERERROR_TIMEOUT UMBRA_HRESULT(0x800423F2)

/* Writer: transient error, retry the whole operation. */
#define VSS_E_WRITERERROR_RETRYABLE UMBRA_HRESULT(0x800423F3)

/* Writer: permanent error. */
#define VSS_E_WRITERERROR_NONRETRYABLE UMBRA_HRESULT(0x800423F4)

/* Writer: auto-recovery of the shadow copy failed. */
#define VSS_E_WRITERERROR_RECOVERY_FAILED UMBRA_HRESULT(0x800423F5)

/* Break: disk identity could not be reverted. */
#define VSS_E_BREAK_REVERT_ID_FAILED UMBRA_HRESULT(0x800423F6)

/* Hardware provider too old for the operation. */
#define VSS_E_LEGACY_PROVIDER UMBRA_HRESULT(0x800423F7)

/* Expected disk did not arrive. */
#define VSS_E_MISSING_DISK UMBRA_HRESULT(0x800423F8)

/* Expected hidden volume did not arrive. */
#define VSS_E_MISSING_HIDDEN_VOLUME UMBRA_HRESULT(0x800423F9)

/* Expected volume did not arrive. */
#define VSS_E_MISSING_VOLUME UMBRA_HRESULT(0x800423FA)

/* Auto-recovery failed to complete. */
#define VSS_E_AUTORECOVERY_FAILED UMBRA_HRESULT(0x800423FB)

/* Dynamic disk processing failed. */
#define VSS_E_DYNAMIC_DISK_ERROR UMBRA_HRESULT(0x800423FC)

/* BCD not in a form that permits a bootable transport. */
#define VSS_E_NONTRANSPORTABLE_BCD UMBRA_HRESULT(0x800423FD)

/* MBR signature or GPT id could not be set to the wanted value. */
#define VSS_E_CANNOT_REVERT_DISKID UMBRA_HRESULT(0x800423FE)

/* LUN resynchronisation in progress. */
#define VSS_E_RESYNC_IN_PROGRESS UMBRA_HRESULT(0x800423FF)

/* Cluster operation failed. */
#define VSS_E_CLUSTER_ERROR UMBRA_HRESULT(0x80042400)

/* ASR writer (bare metal recovery): disk assignment failed. */
#define VSS_E_ASRERROR_DISK_ASSIGNMENT_FAILED UMBRA_HRESULT(0x80042401)

/* ASR writer (bare metal recovery): disk recreation failed. */
#define VSS_E_ASRERROR_DISK_RECREATION_FAILED UMBRA_HRESULT(0x80042402)

/* ASR writer (bare metal recovery): no arcpath. */
#define VSS_E_ASRERROR_NO_ARCPATH UMBRA_HRESULT(0x80042403)

/* ASR writer (bare metal recovery): missing dyndisk. */
#define VSS_E_ASRERROR_MISSING_DYNDISK UMBRA_HRESULT(0x80042404)

/* ASR writer (bare metal recovery): shared cridisk. */
#define VSS_E_ASRERROR_SHARED_CRIDISK UMBRA_HRESULT(0x80042405)

/* ASR writer (bare metal recovery): datadisk rdisk0. */
#define VSS_E_ASRERROR_DATADISK_RDISK0 UMBRA_HRESULT(0x80042406)

/* ASR writer (bare metal recovery): rdisk0 toosmall. */
#define VSS_E_ASRERROR_RDISK0_TOOSMALL UMBRA_HRESULT(0x80042407)

/* ASR writer (bare metal recovery): critical disks too small. */
#define VSS_E_ASRERROR_CRITICAL_DISKS_TOO_SMALL UMBRA_HRESULT(0x80042408)

/* Writer status unavailable, writer session limit perhaps reached (set by VSS). */
#define VSS_E_WRITER_STATUS_NOT_AVAILABLE UMBRA_HRESULT(0x80042409)

/* ASR writer (bare metal recovery): dynamic vhd not supported. */
#define VSS_E_ASRERROR_DYNAMIC_VHD_NOT_SUPPORTED UMBRA_HRESULT(0x8004240A)

/* ASR writer (bare metal recovery): critical volume on invalid disk. */
#define VSS_E_CRITICAL_VOLUME_ON_INVALID_DISK UMBRA_HRESULT(0x80042411)

/* ASR writer (bare metal recovery): rdisk for system disk not found. */
#define VSS_E_ASRERROR_RDISK_FOR_SYSTEM_DISK_NOT_FOUND UMBRA_HRESULT(0x80042412)

/* ASR writer (bare metal recovery): no physical disk available. */
#define VSS_E_ASRERROR_NO_PHYSICAL_DISK_AVAILABLE UMBRA_HRESULT(0x80042413)

/* ASR writer (bare metal recovery): fixed physical disk available after disk exclusion. */
#define VSS_E_ASRERROR_FIXED_PHYSICAL_DISK_AVAILABLE_AFTER_DISK_EXCLUSION UMBRA_HRESULT(0x80042414)

/* ASR writer (bare metal recovery): critical disk cannot be excluded. */
#define VSS_E_ASRERROR_CRITICAL_DISK_CANNOT_BE_EXCLUDED UMBRA_HRESULT(0x80042415)

/* ASR writer (bare metal recovery): system partition hidden. */
#define VSS_E_ASRERROR_SYSTEM_PARTITION_HIDDEN UMBRA_HRESULT(0x80042416)

/* File server / share agent timed out. */
#define VSS_E_FSS_TIMEOUT UMBRA_HRESULT(0x80042417)

#endif
