/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * While Nothing Happens
 *
 * umbrad waits for weeks between two backups. When the last session has ended it gives back what the backup needed: freed heap, and the
 * pages of its libraries that start-up and documents touched and waiting does not. They are clean pages of files, so the kernel has
 * them at hand when they are needed again.
 */

void idle_trim(void);
