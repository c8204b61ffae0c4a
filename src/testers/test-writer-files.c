/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Test Writer and Its Files
 *
 * Before the shadow copy: what is in them is noted, and spit files are made. After it: they are deleted where the
 * configuration wants that, so that a requester that does not read the shadow copy finds nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "testers/test-writer.h"
#include "testers/vss-text.h"

/* What a walk over one file set needs to know. */
typedef struct SetWalk {
        TestWriter *t;
        const Component *component;
        const FileSpec *spec;
        const char *directory; /* where its files are, plain */
} SetWalk;

static int foreach_file_of(TestWriter *t,
                           const Component *c,
                           const FileSpec *f,
                           const char *where,
                           FileFunc func) {
        _cleanup_(freep) char *directory = or_die(path_plain(where));
        SetWalk w = { .t = t, .component = c, .spec = f, .directory = directory };
        int r;

        r = files_foreach(directory, f->filespec, f->recursive, func, &w);
        if (r < 0)
                test_writer_note(t, VERBOSITY_LOW, "'%s' cannot be read: %s", directory, strerror(-r));
        return r;
}

static bool is_excluded(const TestWriter *t, const char *path) {
        CONFIG_FOREACH(f, t->config->exclude) {
                _cleanup_(freep) char *directory = or_die(path_plain(f->path));

                if (path_is_of_set(path, directory, f->filespec, f->recursive, NULL))
                        return true;
        }
        return false;
}

static const PartialFile *partial_of(const Component *c, const char *path) {
        CONFIG_FOREACH(p, c->partial_files) {
                _cleanup_(freep) char *directory = or_die(path_plain(p->path));

                if (path_is_of_set(path, directory, p->filespec, false, NULL))
                        return p;
        }
        return NULL;
}

static const DifferencedFile *differenced_of(const Component *c, const char *path) {
        CONFIG_FOREACH(d, c->differenced_files) {
                _cleanup_(freep) char *directory = or_die(path_plain(d->path));

                if (path_is_of_set(path, directory, d->filespec, d->recursive, NULL))
                        return d;
        }
        return NULL;
}

/* Remembering */

static void forget_files(TestWriter *t, const Component *c) {
        size_t kept = 0;

        for (size_t i = 0; i < t->n_saved; ++i)
                if (t->saved[i].component == c) {
                        free(t->saved[i].path);
                        free(t->saved[i].ranges);
                } else
                        t->saved[kept++] = t->saved[i];
        t->n_saved = kept;
}

static void remember(TestWriter *t,
                     const Component *c,
                     const DirectedTarget *directed,
                     const char *path,
                     const char *ranges) {
        _cleanup_(freep) Range *parsed = NULL;
        FileDigest digest;
        size_t n = 0;
        int r = 0;

        if (ranges)
                r = ranges_parse(ranges, &parsed, &n);
        if (r >= 0)
                r = file_digest(AT_FDCWD, path, ranges ? parsed : NULL, n, &digest);
        if (r < 0) {
                test_writer_note(t, VERBOSITY_LOW, "'%s' cannot be read: %s", path, strerror(-r));
                return;
        }

        test_writer_note(t, VERBOSITY_HIGH, "remembering '%s'%s%s", path, ranges ? ", ranges " : "",
                         ranges ?: "");
        if (ARRAY_RESERVE(t->saved, t->saved_capacity, t->n_saved + 1) < 0)
                or_die(NULL);
        t->saved[t->n_saved++] = (SavedFile){
                .component = c,
                .directed = directed,
                .path = text_copy(path),
                .ranges = text_copy(ranges),
                .digest = digest,
        };
}

static int remember_file(const FoundFile *f, void *userdata) {
        const SetWalk *w = userdata;
        _cleanup_(freep) char *path = or_die(path_join(w->directory, f->relative));
        const DifferencedFile *d = differenced_of(w->component, path);

        if (is_excluded(w->t, path) || partial_of(w->component, path))
                return 0;
        if (d && test_writer_saves_differences(w->t) && f->st->st_mtime < differenced_file_time(d))
                return 0;
        remember(w->t, w->component, NULL, path, NULL);
        return 0;
}

static void remember_parts(TestWriter *t, const Component *c) {
        CONFIG_FOREACH(p, c->partial_files) {
                _cleanup_(freep) char *directory = or_die(path_plain(p->path));
                _cleanup_(freep) char *path = or_die(path_join(directory, p->filespec));

                remember(t, c, NULL, path, p->ranges);
        }
        CONFIG_FOREACH(d, c->directed_targets) {
                _cleanup_(freep) char *directory = or_die(path_plain(d->source_path));
                _cleanup_(freep) char *path = or_die(path_join(directory, d->source_name));

                remember(t, c, d, path, d->source_ranges);
        }
}

void test_writer_remember_files(TestWriter *t) {
        const TestBackup *b = test_writer_backup(t);

        if (!t->config->check_includes || !b)
                return;
        CONFIG_FOREACH(c, t->config->components) {
                if (!b->included[c->index])
                        continue;
                forget_files(t, c);
                CONFIG_FOREACH(f, c->files)
                        (void) foreach_file_of(t, c, f, f->path, remember_file);
                CONFIG_FOREACH(f, c->log_files)
                        (void) foreach_file_of(t, c, f, f->path, remember_file);
                remember_parts(t, c);
        }
}

/* Spitting and deleting */

static void delete_found(TestWriter *t, const FoundFile *f, const char *path) {
        if (unlinkat(f->dir_fd, f->name, 0) < 0 && errno != ENOENT)
                test_writer_note(t, VERBOSITY_LOW, "'%s' cannot be deleted: %s", path, strerror(errno));
        else
                test_writer_note(t, VERBOSITY_HIGH, "deleted '%s'", path);
}

static int spit_file(const FoundFile *f, void *userdata) {
        const SetWalk *w = userdata;
        _cleanup_(freep) char *directory = or_die(path_plain(w->spec->alternate));
        _cleanup_(freep) char *to = or_die(path_join(directory, f->relative));
        _cleanup_(freep) char *path = or_die(path_join(w->directory, f->relative));
        int r;

        /* The spit directory may lie below: what is in it was put there by us. */
        if (is_excluded(w->t, path) || path_is_of_set(path, directory, "*", true, NULL))
                return 0;
        r = file_copy(f->dir_fd, f->name, to, NULL, 0);
        if (r < 0) {
                test_writer_note(w->t, VERBOSITY_LOW, "'%s' cannot be copied to '%s': %s", path, to,
                                 strerror(-r));
                return 0;
        }
        test_writer_note(w->t, VERBOSITY_HIGH, "copied '%s' to '%s'", path, to);
        if (w->t->config->delete_files)
                delete_found(w->t, f, path);
        return 0;
}

void test_writer_spit_files(TestWriter *t) {
        const TestBackup *b = test_writer_backup(t);

        CONFIG_FOREACH(c, t->config->components)
                if (b && b->included[c->index])
                        CONFIG_FOREACH(f, c->files)
                                if (f->alternate)
                                        (void) foreach_file_of(t, c, f, f->path, spit_file);
}

/* Partial and differenced files are deleted by attributes of their own. */
static int delete_file(const FoundFile *f, void *userdata) {
        const SetWalk *w = userdata;
        const TestWriterConfig *config = w->t->config;
        _cleanup_(freep) char *path = or_die(path_join(w->directory, f->relative));
        bool wanted = config->delete_files;

        if (is_excluded(w->t, path))
                return 0;
        if (partial_of(w->component, path))
                wanted = config->delete_partial_files;
        else if (differenced_of(w->component, path))
                wanted = config->delete_differenced_files;
        if (wanted)
                delete_found(w->t, f, path);
        return 0;
}

static void delete_partial_files(TestWriter *t, const Component *c) {
        CONFIG_FOREACH(p, c->partial_files) {
                const FileSpec one = { .path = p->path, .filespec = p->filespec };

                (void) foreach_file_of(t, c, &one, p->path, delete_file);
        }
}

static void delete_differenced_files(TestWriter *t, const Component *c) {
        CONFIG_FOREACH(d, c->differenced_files) {
                const FileSpec some = { .path = d->path,
                                        .filespec = d->filespec,
                                        .recursive = d->recursive };

                (void) foreach_file_of(t, c, &some, d->path, delete_file);
        }
}

static void delete_files_of(TestWriter *t, const Component *c) {
        if (t->config->delete_partial_files)
                delete_partial_files(t, c);
        if (t->config->delete_differenced_files)
                delete_differenced_files(t, c);
        if (!t->config->delete_files)
                return;
        CONFIG_FOREACH(f, c->files)
                (void) foreach_file_of(t, c, f, f->alternate ?: f->path, delete_file);
        CONFIG_FOREACH(f, c->log_files)
                (void) foreach_file_of(t, c, f, f->path, delete_file);
}

void test_writer_delete_files(TestWriter *t) {
        const TestBackup *b = test_writer_backup(t);

        CONFIG_FOREACH(c, t->config->components)
                if (b && b->included[c->index])
                        delete_files_of(t, c);
}

/* What shall not be in the shadow copy */

static int delete_in_snapshot(const FoundFile *f, void *userdata) {
        const SetWalk *w = userdata;
        _cleanup_(freep) char *path = or_die(path_join(w->directory, f->relative));

        delete_found(w->t, f, path);
        return 0;
}

/* NULL: it is on no volume of the set. */
static char *path_in_snapshot(TestWriter *t, const char *path) {
        LPCWSTR *volumes = umbra_writer_get_volume_array(t->writer);
        char *found = NULL;
        size_t best = 0;

        for (UINT i = 0; i < umbra_writer_get_volume_count(t->writer); ++i) {
                _cleanup_(freep) char *given = text_from_wide(volumes[i]),
                                      *volume = or_die(path_plain(given));
                size_t n = strcmp(volume, "/") == 0 ? 0 : strlen(volume);
                LPCWSTR device = NULL;

                if (strncmp(path, volume, n) != 0 || (path[n] != '/' && path[n] != '\0') ||
                    (found && n < best) ||
                    FAILED(umbra_writer_get_snapshot_device_name(t->writer, volumes[i], &device)))
                        continue;
                _cleanup_(freep) char *root = text_from_wide(device);
                free(found);
                found = text_format("%s%s", root, path + n);
                best = n;
        }
        return found;
}

void test_writer_delete_from_snapshot(TestWriter *t) {
        CONFIG_FOREACH(f, t->config->exclude_from_snapshot) {
                _cleanup_(freep) char *directory = or_die(path_plain(f->path)),
                                      *copy = path_in_snapshot(t, directory);

                if (copy)
                        (void) foreach_file_of(t, NULL, f, copy, delete_in_snapshot);
        }
}
