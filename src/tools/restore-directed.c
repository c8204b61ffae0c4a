/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directed Targets
 */

#include "tools/restore-directed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/ranges.h"
#include "tools/pending-file.h"
#include "tools/restore-tree.h"
#include "tools/set-entry.h"

/* A file that gets bytes. What becomes of it is told of the first source. */
typedef struct Destination {
        const char *place, *source; /* of a target */
        PendingFile file;
        bool open;
        struct archive_entry *like; /* what else than bytes it gets, once open */
        int failure;
} Destination;

/* A target and where its bytes go. */
typedef struct Direction {
        Chosen *chosen;
        const DirectedTarget *target;
        size_t destination;
        bool done; /* its source was in the set */
} Direction;

struct RestoreDirected {
        RestoreLink *link;
        Destination *destinations;
        size_t n_destinations, destinations_capacity;
        Direction *directions;
        size_t n_directions, directions_capacity;
};

static int find_destination(RestoreDirected *d, const DirectedTarget *t, size_t *ret) {
        size_t i;
        int r;

        for (i = 0; i < d->n_destinations; ++i)
                if (strcmp(d->destinations[i].place, t->destination) == 0)
                        break;

        if (i == d->n_destinations) {
                r = ARRAY_RESERVE(d->destinations, d->destinations_capacity, i + 1);
                if (r < 0)
                        return r;

                d->destinations[d->n_destinations++] = (Destination){
                        .place = t->destination,
                        .source = t->source,
                        .file = { .fd = -EBADF, .parent_fd = -EBADF },
                };
        }

        *ret = i;
        return 0;
}

int restore_directed_new(RestoreLink *l, RestoreDirected **ret) {
        _cleanup_(restore_directed_freep) RestoreDirected *d = calloc_checked(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;

        d->link = l;
        for (size_t i = 0; i < l->n_chosen && !l->options->to; ++i)
                for (size_t k = 0; k < l->chosen[i].n_directed; ++k) {
                        const DirectedTarget *t = &l->chosen[i].directed[k];
                        Direction *direction;

                        r = ARRAY_RESERVE(d->directions, d->directions_capacity, d->n_directions + 1);
                        if (r < 0)
                                return r;

                        direction = &d->directions[d->n_directions++];
                        *direction = (Direction){ .chosen = &l->chosen[i], .target = t };
                        r = find_destination(d, t, &direction->destination);
                        if (r == 0)
                                r = restore_paths_add(l->paths, t->destination, false); /* not stale */
                        if (r < 0)
                                return r;
                }

        *ret = TAKE_PTR(d);
        return 0;
}

RestoreDirected *restore_directed_free(RestoreDirected *d) {
        if (!d)
                return NULL;

        for (size_t i = 0; i < d->n_destinations; ++i) {
                if (d->destinations[i].open)
                        pending_file_clear(&d->destinations[i].file);
                archive_entry_freep(&d->destinations[i].like);
        }
        free(d->destinations);
        free(d->directions);
        free(d);
        return NULL;
}

bool restore_directed_has(const RestoreDirected *d, const char *path) {
        for (size_t i = 0; i < d->n_directions; ++i)
                if (strcmp(d->directions[i].target->source, path) == 0)
                        return true;

        return false;
}

/* Owner, mode, attributes and ACLs of the file that is there now. */
static int describe_old(const PendingFile *p, struct archive_entry *ret) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        fd = openat(p->parent_fd, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;

        return set_entry_from_file(ret, p->parent_fd, p->name, fd, &st);
}

/* Begins with what the destination has now; a new one is like the file that its bytes come from. */
static int destination_open(RestoreDirected *d, Destination *to, struct archive_entry *entry) {
        int r;

        if (to->open)
                return 0;

        to->open = true;
        r = restore_tree_begin_file(d->link->tree, to->place, to->source, &to->file);
        if (r < 0)
                return r;

        r = pending_file_copy_old(&to->file, NULL, NULL);
        if (r < 0 && r != -ESTALE)
                return r;

        to->like = r == -ESTALE ? archive_entry_clone(entry) : archive_entry_new();
        if (!to->like)
                return -ENOMEM;

        return r == -ESTALE ? 0 : describe_old(&to->file, to->like);
}

/* After the last byte, as writing takes away set-user-ID and capabilities. It was changed now. */
static int destination_describe(RestoreDirected *d, Destination *to) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        archive_entry_set_mtime(to->like, now.tv_sec, now.tv_nsec);
        return restore_tree_describe(d->link->tree, &to->file, to->like);
}

static int write_bytes(int fd, const char *data, uint64_t size, uint64_t offset) {
        static const char zeros[64 * 1024];

        while (size > 0) {
                size_t n = (size_t) (data ? size : MIN(size, (uint64_t) sizeof(zeros)));
                ssize_t written = pwrite(fd, data ?: zeros, n, (off_t) offset);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;

                data = data ? data + written : NULL;
                offset += (uint64_t) written;
                size -= (uint64_t) written;
        }

        return 0;
}

/* These bytes of the source, to wherever one target wants them. @data NULL: zeros. */
static int spread(const Direction *direction,
                  Destination *to,
                  const char *data,
                  uint64_t offset,
                  uint64_t size) {
        const DirectedTarget *t = direction->target;
        int r = 0;

        for (size_t i = 0; i < t->n && r == 0; ++i) {
                uint64_t begin = MAX(offset, t->from[i].offset);
                uint64_t end = MIN(offset + size, t->from[i].offset + t->from[i].length);

                if (begin < end)
                        r = write_bytes(to->file.fd, data ? data + (begin - offset) : NULL, end - begin,
                                        t->to[i].offset + (begin - t->from[i].offset));
        }

        return r;
}

/* Does the target want any of these? */
static bool wants(const Direction *direction, uint64_t begin, uint64_t end) {
        const DirectedTarget *t = direction->target;

        for (size_t i = 0; i < t->n; ++i)
                if (t->from[i].length > 0 &&
                    MAX(begin, t->from[i].offset) < MIN(end, t->from[i].offset + t->from[i].length))
                        return true;

        return false;
}

typedef struct Source {
        const char *path;
        bool whole;    /* what is between its pieces is zeros; else it is not in the set */
        uint64_t done; /* so far */
} Source;

/* One piece, after whatever was between it and the one before. @end only: @data NULL. */
static void deal_out(RestoreDirected *d, Source *s, const char *data, uint64_t offset, uint64_t size) {
        for (size_t i = 0; i < d->n_directions; ++i) {
                const Direction *direction = &d->directions[i];
                Destination *to = &d->destinations[direction->destination];

                if (to->failure < 0 || strcmp(direction->target->source, s->path) != 0)
                        continue;
                if (s->done < offset && wants(direction, s->done, offset))
                        to->failure =
                                s->whole ? spread(direction, to, NULL, s->done, offset - s->done) : -ENODATA;
                if (to->failure == 0 && data)
                        to->failure = spread(direction, to, data, offset, size);
        }

        s->done = offset + size;
}

int restore_directed_add(RestoreDirected *d,
                         SetStream *stream,
                         struct archive_entry *entry,
                         const SetIndexLine *line,
                         const char *path) {
        Source s = { .path = path, .whole = line->type == 'f' };
        uint64_t offset;
        const void *data;
        size_t size;
        int r;

        for (size_t i = 0; i < d->n_directions; ++i) {
                Direction *direction = &d->directions[i];
                Destination *to = &d->destinations[direction->destination];

                if (strcmp(direction->target->source, path) != 0)
                        continue;
                direction->done = true;
                if (to->failure == 0)
                        to->failure =
                                s.whole || line->type == 'r' ? destination_open(d, to, entry) : -EINVAL;
        }

        while ((r = set_stream_data(stream, &data, &size, &offset)) > 0)
                deal_out(d, &s, data, offset, size);
        if (r < 0)
                return r;

        deal_out(d, &s, NULL, line->size, 0); /* the hole at the end */
        for (size_t i = 0; i < d->n_directions; ++i)
                if (strcmp(d->directions[i].target->source, path) == 0 &&
                    wants(&d->directions[i], line->size, UINT64_MAX) &&
                    d->destinations[d->directions[i].destination].failure == 0)
                        d->destinations[d->directions[i].destination].failure = -ENODATA;
        return 0;
}

int restore_directed_finish(RestoreDirected *d) {
        int r = 0;

        for (size_t i = 0; i < d->n_directions; ++i) {
                Destination *to = &d->destinations[d->directions[i].destination];

                /* A set of what changed may do without it. */
                if (!d->directions[i].done && d->directions[i].chosen->complete && to->failure == 0)
                        to->failure = -ENODATA;
        }

        for (size_t i = 0; i < d->n_destinations && r == 0; ++i) {
                Destination *to = &d->destinations[i];

                if (to->failure == 0 && to->open)
                        to->failure = destination_describe(d, to);
                if (to->failure < 0)
                        restore_tree_fail(d->link->tree, to->source, to->failure);
                else if (to->open) {
                        to->open = false;
                        r = restore_tree_add_file(d->link->tree, &to->file, 0);
                }
        }

        return r;
}
