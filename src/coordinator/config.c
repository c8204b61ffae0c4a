/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.conf
 */

#include "coordinator/config.h"

#include <errno.h>
#include <grp.h>
#include <ini.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/log.h"
#include "wire/wire-limits.h"

#define CLIENT_ACCESSIBLE_DEFAULT 64U
#define MINIMUM_AREA_DEFAULT (INT64_C(320) << 20) /* [MS: AddDiffArea] */

static int resolve_user(const char *name, Grant *g) {
        struct passwd entry, *found = NULL;
        char buffer[16384];

        if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
                return -ENOENT;
        g->uid = found->pw_uid;
        return 0;
}

static int resolve_group(const char *name, Grant *g) {
        struct group entry, *found = NULL;
        char buffer[65536];

        if (getgrnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
                return -ENOENT;
        g->is_group = true;
        g->gid = found->gr_gid;
        return 0;
}

static int grants_append(Grant **list, size_t *n, size_t *capacity, const Grant *g) {
        int r;

        r = array_reserve(list, capacity, *n + 1, sizeof(Grant));
        if (r < 0)
                return r;
        (*list)[(*n)++] = *g;
        return 0;
}

static int config_take_blocker(Config *c, const char *name, const char *value) {
        GUID id;
        int r;

        r = strcmp(name, "blocked-by") == 0 ? guid_from_string(value, &id) : -EINVAL;
        if (r < 0)
                return log_error_errno(r, "Configuration: [revert] %s = %s is not understood: %m", name, value);

        r = array_reserve(&c->revert_blockers, &c->revert_blockers_capacity, c->n_revert_blockers + 1, sizeof(GUID));
        if (r < 0)
                return r;
        c->revert_blockers[c->n_revert_blockers++] = id;
        return 0;
}

static int parse_number(const char *s, unsigned *ret) {
        char *end;
        unsigned long n = strtoul(s, &end, 10);

        if (end == s || *end || n < 1 || n > WIRE_SNAPSHOTS_MAX)
                return -EINVAL;

        *ret = (unsigned) n;
        return 0;
}

/* "320M": bytes, with an optional K, M, G or T of 1024. */
static int parse_size(const char *s, int64_t *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        unsigned shift = 0;
        char *end;
        long long n;

        errno = 0;
        n = strtoll(s, &end, 10);
        if (end == s || errno != 0 || n <= 0)
                return -EINVAL;

        unit = *end ? strchr(units, *end) : NULL;
        if (unit) {
                shift = 10 * (unsigned) (unit - units + 1);
                ++end;
        }
        if (*end || n > INT64_MAX >> shift)
                return -EINVAL;

        *ret = (int64_t) n << shift;
        return 0;
}

static int parse_bool(const char *s, bool *ret) {
        bool yes = strcmp(s, "yes") == 0;

        if (!yes && strcmp(s, "no") != 0)
                return -EINVAL;

        *ret = yes;
        return 0;
}

static int config_take_storage(Config *c, const char *name, const char *value) {
        const struct {
                const char *name;
                unsigned *number;
        } numbers[] = {
                { "snapshots", &c->max_snapshots },
                { "client-accessible", &c->max_client_accessible },
        };

        if (strcmp(name, "minimum") == 0) {
                if (parse_size(value, &c->minimum_area) >= 0)
                        return 0;
                return log_error_errno(EINVAL, "Configuration: [storage] minimum = %s is no size, 320M would be", value);
        }
        if (strcmp(name, "overlays") == 0) {
                if (parse_bool(value, &c->overlays) >= 0)
                        return 0;
                return log_error_errno(EINVAL, "Configuration: [storage] overlays = %s is neither yes nor no", value);
        }
        for (size_t i = 0; i < ELEMENTSOF(numbers); ++i)
                if (strcmp(name, numbers[i].name) == 0) {
                        if (parse_number(value, numbers[i].number) >= 0)
                                return 0;
                        return log_error_errno(EINVAL, "Configuration: [storage] %s = %s is no number from 1 to %u", name, value,
                                               WIRE_SNAPSHOTS_MAX);
                }
        return log_error_errno(EINVAL, "Configuration: [storage] %s = %s is not understood, see umbra.conf(5)", name, value);
}

static void config_complain(int error, const char *section, const char *name, const char *value) {
        if (error == -ENOENT)
                log_error("Configuration: [%s] %s = %s: there is no such %s", section, name, value,
                          strcmp(name, "group") == 0 ? "group" : "user");
        else
                log_error("Configuration: [%s] %s = %s is not understood, see umbra.conf(5)", section, name, value);
}

/* inih: 1 is good, 0 is an error in this line. */
static int config_on_entry(void *userdata, const char *section, const char *name, const char *value) {
        Config *c = userdata;
        Grant g = { 0 };
        int r;

        if (strcmp(section, "revert") == 0)
                return config_take_blocker(c, name, value) >= 0;
        if (strcmp(section, "storage") == 0)
                return config_take_storage(c, name, value) >= 0;
        if (strcmp(name, "user") == 0)
                r = resolve_user(value, &g);
        else if (strcmp(name, "group") == 0)
                r = resolve_group(value, &g);
        else if (strcmp(section, "writers") == 0 && guid_from_string(name, &g.writer_id) >= 0)
                r = resolve_user(value, &g);
        else
                r = -EINVAL;
        if (r < 0) {
                config_complain(r, section, name, value);
                return 0;
        }

        if (strcmp(section, "requesters") == 0)
                return grants_append(&c->requesters, &c->n_requesters, &c->requesters_capacity, &g) >= 0;
        if (strcmp(section, "administrators") == 0)
                return grants_append(&c->administrators, &c->n_administrators, &c->administrators_capacity, &g) >= 0;
        if (strcmp(section, "writers") == 0)
                return grants_append(&c->writers, &c->n_writers, &c->writers_capacity, &g) >= 0;
        log_error("Configuration: there is no section [%s]", section);
        return 0;
}

int config_load(const char *path, Config **ret) {
        _cleanup_(config_freep) Config *c = NULL;
        Grant umbra = { 0 };
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->minimum_area = MINIMUM_AREA_DEFAULT;
        c->max_snapshots = WIRE_SNAPSHOTS_MAX;
        c->max_client_accessible = CLIENT_ACCESSIBLE_DEFAULT;
        if (resolve_group("umbra", &umbra) >= 0) {
                c->has_umbra_group = true;
                c->umbra_group = umbra.gid;
        }

        r = path ? ini_parse(path, config_on_entry, c) : 0;
        if (r > 0) {
                log_error("'%s' is wrong in line %d, taking nothing of it", path, r);
                return -EINVAL;
        }
        if (r < 0 && errno != ENOENT)
                return log_error_errno(errno, "Failed to read '%s': %m", path);

        *ret = TAKE_PTR(c);
        return 0;
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;
        free(c->requesters);
        free(c->administrators);
        free(c->writers);
        free(c->revert_blockers);
        free(c);
        return NULL;
}
