/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Touched What
 *
 * Looking at every file of a volume takes as long as it has files. With fanotify the kernel says which of
 * them to look at. Events only ever say where to look: whether a file changed is decided by its time stamps,
 * as everywhere (files-stat.h). So what has to be shown is that whatever may have changed is looked at:
 *
 *     Names       Who makes, removes or renames a name raises an event for the directory. It is read again.
 *     Attributes  Owner, mode, attributes, the number of names, truncation by path: an event for the file.
 *     Contents    write() raises an event. A write through a mapping does not, nor do some others (aio, a
 *                 loop device). But all of them need the file open for writing, and opening raises one. So
 *                 does the last close, which comes after the last mapping has gone.
 *
 * Left are the files that somebody had open for writing already when they were looked at last. The kernel
 * tells by refusing a read lease, whoever it is and wherever. Such a file is looked at in every pass until
 * nobody has it open any more (FILE_OPEN), and so is each suspect.
 *
 * In between there is no gap: the watch begins before the first file is asked for its lease, a file is asked
 * before it is read, and the kernel counts a writer before it raises the event. And none at the end: write()
 * raises its event before the file system can be frozen, and all events that are there are taken when the
 * window opens.
 *
 * Where there are no leases to ask, no private mount, or no fanotify for the whole file system (which wants
 * root, and a btrfs subvolume has not got it), there is no watch. When events are lost, everything is looked
 * at once more and asked for its lease.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "providers/files/files-stat.h"

#define FILES_WATCH_MAX ((size_t) 128 * 1024) /* files touched between two passes; more are too many to tell apart */

typedef struct FilesWatch FilesWatch;

/* Called for each inode that was touched, once. @written: somebody who could write has closed it. */
typedef int (*FilesTouched)(uint64_t ino, bool written, void *userdata);

/* From now on. @from_fd: the private mount through which the volume is read, in which no opening counts; it must be
 * open whenever something is taken.
 * -EOPNOTSUPP and others: cannot be had here. */
int files_watch_new(int from_fd, const FilesTrust *trust, FilesWatch **ret);
FilesWatch *files_watch_free(FilesWatch *watch);
DEFINE_CLEANUP(FilesWatch *, files_watch_free)

/* Tells what was touched since the last time, up to now. What this thread does from now on is not counted, until
 * files_watch_rest(). -EOVERFLOW: too much, or the kernel has lost events; from now on they are complete again. */
int files_watch_take(FilesWatch *watch, FilesTouched touched, void *userdata);
void files_watch_rest(FilesWatch *watch);
