/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who May Pass to the Shadow Copies
 *
 * An access control list of POSIX, as the kernel takes it: sorted, each user and group once.
 */

#include "coordinator/shadow-access.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "base/log.h"
#include "coordinator/config.h"
#include "coordinator/manager.h"

#define ACL_XATTR "system.posix_acl_access"

typedef struct Acl {
        struct posix_acl_xattr_entry *entries;
        size_t n, capacity;
} Acl;

static void acl_clear(Acl *acl) {
        free(acl->entries);
}

static int acl_add(Acl *acl, unsigned tag, unsigned rights, uint32_t id) {
        int r;

        r = array_reserve(&acl->entries, &acl->capacity, acl->n + 1, sizeof(*acl->entries));
        if (r < 0)
                return r;
        acl->entries[acl->n++] = (struct posix_acl_xattr_entry){
                .e_tag = htole16((uint16_t) tag),
                .e_perm = htole16((uint16_t) rights),
                .e_id = htole32(id),
        };
        return 0;
}

static int acl_add_grants(Acl *acl, const Grant *grants, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; ++i)
                r = grants[i].is_group ? acl_add(acl, ACL_GROUP, ACL_EXECUTE, grants[i].gid) :
                                         acl_add(acl, ACL_USER, ACL_EXECUTE, grants[i].uid);
        return r;
}

static int compare_entries(const void *a, const void *b) {
        const struct posix_acl_xattr_entry *x = a, *y = b;
        uint16_t x_tag = le16toh(x->e_tag), y_tag = le16toh(y->e_tag);
        uint32_t x_id = le32toh(x->e_id), y_id = le32toh(y->e_id);

        return x_tag != y_tag ? (x_tag > y_tag) - (x_tag < y_tag) : (x_id > y_id) - (x_id < y_id);
}

static void acl_sort(Acl *acl) {
        size_t kept = 0;

        qsort(acl->entries, acl->n, sizeof(*acl->entries), compare_entries);
        for (size_t i = 0; i < acl->n; ++i)
                if (kept == 0 || compare_entries(&acl->entries[kept - 1], &acl->entries[i]) != 0)
                        acl->entries[kept++] = acl->entries[i];
        acl->n = kept;
}

static int acl_collect(Acl *acl, const Config *c) {
        int r;

        r = acl_add(acl, ACL_USER_OBJ, ACL_READ | ACL_WRITE | ACL_EXECUTE, ACL_UNDEFINED_ID);
        if (r >= 0)
                r = acl_add(acl, ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID);
        if (r >= 0)
                r = acl_add(acl, ACL_MASK, ACL_EXECUTE, ACL_UNDEFINED_ID);
        if (r >= 0)
                r = acl_add(acl, ACL_OTHER, 0, ACL_UNDEFINED_ID);
        if (r >= 0 && c->has_umbra_group)
                r = acl_add(acl, ACL_GROUP, ACL_EXECUTE, c->umbra_group);
        if (r >= 0)
                r = acl_add_grants(acl, c->requesters, c->n_requesters);
        if (r >= 0)
                r = acl_add_grants(acl, c->administrators, c->n_administrators);
        if (r >= 0)
                r = acl_add_grants(acl, c->writers, c->n_writers);
        if (r >= 0)
                acl_sort(acl);
        return r;
}

static int acl_write(const Acl *acl, const char *path) {
        _cleanup_(freep) struct posix_acl_xattr_header *value = NULL;
        size_t size = sizeof(*value) + acl->n * sizeof(*acl->entries);

        value = calloc(1, size);
        if (!value)
                return -ENOMEM;
        value->a_version = htole32(POSIX_ACL_XATTR_VERSION);
        memcpy(value + 1, acl->entries, acl->n * sizeof(*acl->entries));
        return setxattr(path, ACL_XATTR, value, size, 0) < 0 ? -errno : 0;
}

void shadow_access_apply(const Manager *m) {
        _cleanup_(acl_clear) Acl acl = { 0 };
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!m->env.privileged)
                return; /* nothing is mounted there */

        r = format_to(&path, "%s/shadow", m->runtime_dir);
        if (r >= 0)
                r = acl_collect(&acl, m->config);
        if (r >= 0 && chmod(path, 0700) < 0)
                r = -errno;
        if (r >= 0)
                r = acl_write(&acl, path);
        if (r < 0)
                log_warning_errno(r, "Failed to let those of umbra.conf into '%s/shadow', nobody but root sees the shadow copies: %m",
                                  m->runtime_dir);
}
