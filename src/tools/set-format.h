/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Backup Set
 *
 * What "umbra backup" writes and "umbra restore" reads: one stream, which any tar can open.
 *
 *      ┌ compressed, one frame ────────────────────────────────────────┐
 *      │ umbra/manifest.json                what this is, who is in it │
 *      │ umbra/backup-components.xml        as of the shadow copy      │
 *      │ umbra/writers/1.xml …              each writer's metadata     │
 *      │ data/srv/app/main.db …             the files                  │
 *      ├ compressed, another frame: the tail ──────────────────────────┤
 *      │ umbra/backup-components.final.xml  as of the end              │
 *      │ umbra/names                        which files there were     │
 *      │ umbra/summary.json                 how much it is             │
 *      │ umbra/index                        a digest of every member   │
 *      │ umbra/end.json                     a digest of the index      │
 *      ├ the seal ─────────────────────────────────────────────────────┤
 *      │ length, where the tail begins, a digest of all bytes before   │
 *      └───────────────────────────────────────────────────────────────┘
 *
 * A member of the data has the name of the file with "data" before it. The seal (set-seal.h) is checked
 * without unpacking anything, before the first byte is written at the destination. The index (set-index.h)
 * comes after the data, because a stream knows its digests only at the end; the seal says where, so that
 * reading it does not take reading all the rest. While files are unpacked each is compared with its line
 * there, before it gets its name.
 *
 * Sets build on each other. Each has an id, and one that saved only what changed names the one that it builds
 * on ("since" in the manifest). How much of each component is in it stands beside the component ("how"):
 * "full" and "copy" mean all of its files; "incremental", "differential" and "log" mean that the rest is in
 * the sets before. Of those components the set carries the names of all files that there were at the instant
 * (umbra/names, only in such sets), so that whoever restores the chain knows what was deleted on the way: one
 * line each, the absolute path, with control characters and backslashes as \xHH as in the index
 * (set_name_escape()).
 *
 * A file of which a writer wanted only certain ranges is a member of its name whose pieces are just these
 * ranges and whose size is that of the file at the instant; its type in the index is 'r'. All the rest of
 * such a file is in the sets before, or on disk. The ranges file, if there was one, is a member as well.
 *
 * A set that was compressed anew by other means has no seal, but still an index: set_reader_verify_members()
 * can tell whether it is whole.
 */

#include <stddef.h>
#include <stdint.h>

#define SET_FORMAT "umbra backup set"
#define SET_FORMAT_VERSION 1

#define SET_MANIFEST "umbra/manifest.json"
#define SET_DOCUMENT "umbra/backup-components.xml"
#define SET_WRITER_DOCUMENT "umbra/writers/%zu.xml" /* from 1 */
#define SET_FINAL_DOCUMENT "umbra/backup-components.final.xml"
#define SET_NAMES "umbra/names"
#define SET_SUMMARY "umbra/summary.json"
#define SET_INDEX "umbra/index"
#define SET_END "umbra/end.json"
#define SET_OWN_PREFIX "umbra/"
#define SET_DATA_PREFIX "data" /* followed by the absolute path of the file */

/* Keys of the manifest, beside "components", "volumes" and others that say what they are. */
#define SET_KEY_ID "id"       /* a GUID: of the snapshot set */
#define SET_KEY_TYPE "type"   /* what was asked for: a word of tool_backup_type() */
#define SET_KEY_SINCE "since" /* the id of the set that this one builds on; null */
/* Keys of each of its components. */
#define SET_KEY_HOW "how"           /* how it was taken, which may be more than asked for: the same words */
#define SET_KEY_INSTANCE "instance" /* the instance name of its writer; null */
#define SET_KEY_STAMP "stamp"       /* its backup stamp; null */
/* Keys of the summary. */
#define SET_KEY_LOST "lost"     /* how many files and directories could not be read, or not to their end */
#define SET_KEY_FAILED "failed" /* [{"instance_id", "component"}]: components not all of whose files are there */

/* What a reader takes at most. Documents are the size of DOCUMENT_SIZE_MAX. */
#define SET_TEXT_MAX ((size_t) 256 * 1024 * 1024)
#define SET_INDEX_LINE_MAX ((size_t) 64 * 1024)
#define SET_ATTRIBUTES_MAX ((size_t) 16 * 1024 * 1024) /* extended attributes of one file */

#define SET_BLOCK_SIZE ((size_t) 1024 * 1024)
