/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sqlite.conf
 *
 * See the header.
 */

#include "writers/sqlite/sqlite-config.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/strv.h"

SqliteConfig *sqlite_config_free(SqliteConfig *c) {
        if (!c)
                return NULL;

        strv_free(c->databases);
        strv_free(c->excludes);
        free(c);
        return NULL;
}

static int add_pattern(char ***patterns, const char *value) {
        if (value[0] != '/') {
                log_error("Configuration: '%s' is not an absolute path", value);
                return -EINVAL;
        }

        return strv_append(patterns, value);
}

static int set_busy_timeout(SqliteConfig *c, const char *value) {
        usec_t max = SQLITE_BUSY_TIMEOUT_MAX_USEC / USEC_PER_MSEC;
        unsigned long ms;
        char *end;

        errno = 0;
        ms = strtoul(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || ms == 0 || ms > max) {
                log_error("Configuration: busy_timeout_ms is a number from 1 to %llu, not '%s'",
                          (unsigned long long) max, value);
                return -EINVAL;
        }

        c->busy_timeout = ms * USEC_PER_MSEC;
        return 0;
}

/* inih: 1 is good, 0 is an error in this line. */
static int config_on_entry(void *userdata, const char *section, const char *name, const char *value) {
        SqliteConfig *c = userdata;

        if (strcmp(section, "sqlite") != 0) {
                log_error("Configuration: there is no section [%s]", section);
                return 0;
        }

        if (strcmp(name, "database") == 0)
                return add_pattern(&c->databases, value) >= 0;
        if (strcmp(name, "exclude") == 0)
                return add_pattern(&c->excludes, value) >= 0;
        if (strcmp(name, "busy_timeout_ms") == 0)
                return set_busy_timeout(c, value) >= 0;

        log_error("Configuration: there is no '%s' in [%s]", name, section);
        return 0;
}

/* inih cuts lines that are too long and takes the rest for another one: of a pattern, that would be another
 * pattern. */
static int find_long_line(const char *text) {
        int n = 1;

        while (*text) {
                size_t length = strcspn(text, "\n");

                if (length + 1 >= (size_t) ini_max_line)
                        return n;
                text += length + (text[length] == '\n');
                ++n;
        }

        return 0;
}

int sqlite_config_load(const char *path, SqliteConfig **ret) {
        _cleanup_(sqlite_config_freep) SqliteConfig *c = NULL;
        _cleanup_(freep) char *text = NULL;
        int r, line;

        r = file_read_text(path, SQLITE_CONFIG_SIZE_MAX, &text);
        if (r < 0)
                return log_error_errno(r, "Failed to read '%s', refusing to start without it: %m", path);

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->busy_timeout = SQLITE_BUSY_TIMEOUT_DEFAULT_USEC;

        line = find_long_line(text);
        if (line > 0)
                log_error("Configuration: a line may have %d characters", ini_max_line - 2);
        else
                line = ini_parse_string(text, config_on_entry, c);
        if (line != 0) {
                log_error("Failed to understand '%s', line %d, refusing to start with half of it", path,
                          line);
                return -EINVAL;
        }
        if (!c->databases) {
                log_error("There is no 'database = ...' in '%s', refusing to start for nothing", path);
                return -EINVAL;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

static bool is_excluded(const SqliteConfig *c, const char *path) {
        STRV_FOREACH(pattern, c->excludes)
                if (fnmatch(*pattern, path, FNM_PATHNAME) == 0)
                        return true;

        return false;
}

/* "app.db-wal" is no database of its own where there is an "app.db". 1, 0 or -ENOMEM. */
static int belongs_to_database(const char *path) {
        static const char *const suffixes[] = { "-wal", "-shm", "-journal" };
        size_t n = strlen(path);

        for (size_t i = 0; i < ELEMENTSOF(suffixes); ++i) {
                size_t m = strlen(suffixes[i]);
                _cleanup_(freep) char *base = NULL;
                struct stat st;

                if (n <= m || strcmp(path + n - m, suffixes[i]) != 0)
                        continue;
                if (format_to(&base, "%.*s", (int) (n - m), path) < 0)
                        return -ENOMEM;

                return stat(base, &st) >= 0;
        }

        return 0;
}

/* There may be thousands. One more than @n is reserved, which ends the vector. */
typedef struct Matches {
        char **paths; /* strv */
        size_t n, capacity;
} Matches;

static void matches_clear(Matches *m) {
        strv_free(m->paths);
}

static int add_match(const SqliteConfig *c, const char *match, Matches *m) {
        _cleanup_(freep) char *path = NULL;
        struct stat st;
        int r;

        if (is_excluded(c, match))
                return 0;

        path = realpath(match, NULL);
        if (!path && errno == ENOMEM)
                return -ENOMEM;
        if (!path || stat(path, &st) < 0) {
                log_warning_errno(errno, "Failed to follow '%s', not saving what it may lead to: %m", match);
                return 0;
        }
        if (!S_ISREG(st.st_mode) || is_excluded(c, path))
                return 0;
        r = belongs_to_database(path);
        if (r != 0)
                return MIN(r, 0);

        r = ARRAY_RESERVE(m->paths, m->capacity, m->n + 2);
        if (r < 0)
                return r;

        m->paths[m->n++] = TAKE_PTR(path);
        return 0;
}

static int on_glob_error(const char *path, int error) {
        if (error != ENOENT && error != ENOTDIR) /* nothing there is an answer, too */
                log_warning_errno(error, "Failed to look into '%s', databases in there are not saved: %m",
                                  path);
        return 0;
}

static int expand_pattern(const SqliteConfig *c, const char *pattern, Matches *m) {
        glob_t found = { 0 };
        int r;

        r = glob(pattern, 0, on_glob_error, &found);
        if (r == 0)
                for (size_t i = 0; i < found.gl_pathc && r >= 0; ++i)
                        r = add_match(c, found.gl_pathv[i], m);
        else
                r = r == GLOB_NOMATCH ? 0 : -ENOMEM;

        globfree(&found);
        return r;
}

/* Two patterns, or a link and its target, may lead to the same file. */
static void sort_and_unite(Matches *m) {
        size_t n = 0;

        strv_sort(m->paths);
        for (size_t i = 0; i < m->n; ++i)
                if (n > 0 && strcmp(m->paths[n - 1], m->paths[i]) == 0)
                        free(m->paths[i]);
                else
                        m->paths[n++] = m->paths[i];

        if (m->paths)
                m->paths[n] = NULL;
}

int sqlite_config_expand(const SqliteConfig *c, char ***ret_paths) {
        _cleanup_(matches_clear) Matches m = { 0 };
        int r;

        STRV_FOREACH(pattern, c->databases) {
                r = expand_pattern(c, *pattern, &m);
                if (r < 0)
                        return r;
        }

        sort_and_unite(&m);
        *ret_paths = TAKE_PTR(m.paths);
        return 0;
}
