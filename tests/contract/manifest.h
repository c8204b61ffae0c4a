/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Tree Is
 *
 * One line for each file, in the order of names, with all that can be read of it. Two trees are the same
 * when their manifests are. Other mounts and other subvolumes are empty directories; a provider's own
 * .umbra-shadow at the top is none of the volume's.
 */

/* Everything but ctime, atime, inode numbers and the sizes of directories. */
char *manifest_new(const char *dir);
/* Names only, of what lies below @dir and of what is mounted there. */
char *manifest_names(const char *dir);

/* Fails the test, and shows the first line that differs. */
void assert_same_manifest(const char *a, const char *b);
