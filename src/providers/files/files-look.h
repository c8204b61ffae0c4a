/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looking at One File
 *
 * What a pass does with each file it meets (see files-scan.h): asks for its time stamps, and brings store
 * and tree up to date with what it finds.
 */

#include <stdbool.h>

#include "providers/files/files-scan.h"

#define FILES_GONE 1 /* it is not there any more, or has become something else while we looked */
#define FILES_NAMES_SIZE ((size_t) 64 * 1024)
#define FILES_DIRECTORY_MODE 0700 /* of copies that are not complete yet */

/* Looks at @id in @directory, whose names have been read again if @reread. FILES_GONE: drop and remove. */
int files_look_at(FilesScan *s, FileId directory, int from_fd, FileId id, bool reread);
/* Reads the names in @directory again: new ones are added, nothing being known of them, old ones dropped. */
int files_read_names(FilesScan *s, FileId directory, int fd);
/* Removes the copy of @id and all below, in store and tree. The entry stays and counts as changed. */
int files_drop(FilesScan *s, FileId id);
/* Makes the copy of a directory, empty and for us alone until it is left. */
int files_make_directory(FilesScan *s, FileId id);
/* The copy of directory @id. Nobody but us should be there, so what is missing is an error, not news. */
int files_store_directory(FilesScan *s, FileId id);

bool files_means_gone(int r);
bool files_is_entered(const FilesScan *s,
                      const FileEntry *entry); /* a directory whose contents belong to the copy */
bool files_is_unchanged(const FileEntry *entry, const struct statx *stx);
/* May have changed without a trace in its time stamps: is copied again, whatever they say. */
void files_distrust(const FilesScan *s, FileEntry *entry);
void files_set_flag(FileEntry *entry, FileFlags flag, bool on);
int files_look_failed(FilesScan *s, FileId id, int r); /* says which file it was; returns @r */
