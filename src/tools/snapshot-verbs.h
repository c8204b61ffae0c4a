/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra snapshot, in Parts
 *
 * The verb's verbs, one family a file, and what they share.
 */

#include "base/guid.h"
#include "tools/table.h"
#include "tools/tool-vss.h"

#define SNAPSHOTS_MAX 64 /* of a set */

Table *snapshot_table_new(void);
void snapshot_table_add(Table *t, const VSS_SNAPSHOT_PROP *p);

/* Calls @each for every snapshot until it returns false. */
HRESULT for_each_snapshot(IVssBackupComponents *backup,
                          bool (*each)(const VSS_SNAPSHOT_PROP *p, void *userdata),
                          void *userdata);
/* An object that may look at all of them and do things to them; NULL: a sentence was printed, *ret_exit is what to
 * exit with. */
IVssBackupComponents *snapshot_connect(int *ret_exit);
/* An id from the command line; EXIT_USAGE, and a sentence, when it is none. */
int snapshot_id(const char *text, VSS_ID *ret);

int snapshot_run_create(int argc, char *argv[]);   /* snapshot-create.c */
int snapshot_run_expose(int argc, char *argv[]);   /* snapshot-deeds.c, these three */
int snapshot_run_unexpose(int argc, char *argv[]);
int snapshot_run_break(int argc, char *argv[]);
int snapshot_run_import(int argc, char *argv[]);   /* snapshot-document.c */

/* The file that the Backup Components Document goes to, made before there is a set: who cannot keep its document had better not make it.
 * -1: it is said why. */
int snapshot_document_create(const char *path);
/* Writes it. An ExitCode; whatever it is, @fd is closed, and without success the file is gone again. */
int snapshot_document_save(IVssBackupComponents *backup, const char *path, int fd);
void snapshot_document_give_up(const char *path, int fd);

/* snapshot-keep.c: deletes the oldest client-accessible snapshots of the volume that @newest is of, all but @keep. An
 * ExitCode. */
int snapshot_keep(const VSS_SNAPSHOT_PROP *newest, unsigned keep);
