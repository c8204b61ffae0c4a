/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Talking to LVM
 */

#include "providers/lvm/lvm-command.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "provider/provider.h"

#define OUTPUT_MAX ((size_t) 16 * 1024 * 1024) /* a report of all volumes in a pool, 64 snapshots of each of a thousand */
#define WORDS_MAX 32U
#define SELECTION_MAX 256U

#define DM_UUID_PREFIX "LVM-"
#define UUID_DIGITS 32U

const char *const lvm_keep_lock[] = { "LVM_REPORT_FD=3", NULL };

static int fail_as_lvm_says(const Command *c, const char *verb) {
        _cleanup_(freep) char *reason = NULL;

        if (command_reason(c, &reason) < 0 || !*reason)
                return provider_fail(-EIO, "%s failed and did not say why", verb);

        return provider_fail(-EIO, "%s: %s", verb, reason);
}

static int run(int lock_fd, usec_t timeout, const char *const *arguments, char **ret_output) {
        const char *words[WORDS_MAX] = { "lvm", arguments[0], "--config", LVM_CONFIG };
        _cleanup_(command_clear) Command c = COMMAND_INIT;
        CommandOptions options = { 0 };
        size_t n = 4;
        int r, status;

        for (const char *const *a = arguments + 1; *a; ++a) {
                assert(n < WORDS_MAX - 1);
                words[n++] = *a;
        }

        if (lock_fd > 0)
                options = (CommandOptions){ .locks = &lock_fd, .n_locks = 1, .variables = lvm_keep_lock };
        r = command_start_with(words, &options, &c);
        if (r == -ENOENT)
                return provider_fail(-EOPNOTSUPP, "the lvm command is not installed");
        if (r < 0)
                return provider_fail(r, "lvm cannot be started: %m");

        r = command_wait(&c, usec_add(now_usec(CLOCK_MONOTONIC), timeout), &status);
        if (r == -ETIMEDOUT)
                return provider_fail(r, "%s has not ended in time and goes on alone", arguments[0]);
        if (r < 0)
                return r;
        if (status != 0)
                return fail_as_lvm_says(&c, arguments[0]);

        return ret_output ? command_output(&c, OUTPUT_MAX, ret_output) : 0;
}

int lvm_run(int lock_fd, usec_t timeout, const char *const *arguments) {
        return run(lock_fd, timeout, arguments, NULL);
}

void lvm_volume_clear(LvmVolume *v) {
        free(v->group);
        free(v->group_uuid);
        free(v->name);
        free(v->uuid);
        free(v->origin);
        free(v->pool);
        free(v->pool_uuid);
        free(v->metadata_uuid);
        free(v->path);
        *v = (LvmVolume){ 0 };
}

static const char *text_of(const json_t *row, const char *name) {
        return json_string_value(json_object_get(row, name)) ?: "";
}

static uint64_t number_of(const json_t *row, const char *name) {
        return strtoull(text_of(row, name), NULL, 10);
}

static double part_of(const json_t *row, const char *name) {
        const char *percent = text_of(row, name);

        return *percent ? strtod(percent, NULL) / 100 : -1;
}

/* What is not so is "", and what cannot be told "unknown". */
static bool is_said(const json_t *row, const char *name, const char *word) {
        return strcmp(text_of(row, name), word) == 0;
}

/* "[name]" is a volume that is not for everybody's eyes. */
static void drop_brackets(char *name) {
        size_t n = strlen(name);

        if (n > 2 && name[0] == '[' && name[n - 1] == ']') {
                name[n - 1] = '\0';
                memmove(name, name + 1, n - 1);
        }
}

static int volume_from_row(const json_t *row, LvmVolume *ret) {
        _cleanup_volume_ LvmVolume v = { 0 };
        const struct {
                const char *name;
                char **text;
        } texts[] = {
                { "vg_name", &v.group },    { "vg_uuid", &v.group_uuid },      { "lv_name", &v.name },
                { "lv_uuid", &v.uuid },     { "origin", &v.origin },           { "pool_lv", &v.pool },
                { "lv_dm_path", &v.path },  { "pool_lv_uuid", &v.pool_uuid },  { "metadata_lv_uuid", &v.metadata_uuid },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i)
                if (strdup_to(text_of(row, texts[i].name), texts[i].text) < 0)
                        return -ENOMEM;

        if (strlen(v.uuid) != LVM_UUID_STRING_MAX - 1)
                return -EBADMSG;

        drop_brackets(v.name);
        v.active = is_said(row, "lv_active", "active");
        v.suspended = is_said(row, "lv_suspended", "suspended");
        v.open = is_said(row, "lv_device_open", "open");
        v.merging = is_said(row, "lv_merging", "merging");
        v.merge_failed = is_said(row, "lv_merge_failed", "merge failed");
        v.invalid = is_said(row, "lv_snapshot_invalid", "snapshot invalid");
        v.size = number_of(row, "lv_size");
        v.group_free = number_of(row, "vg_free");
        v.group_size = number_of(row, "vg_size");
        v.extent = number_of(row, "vg_extent_size");
        v.thin_id = number_of(row, "thin_id");
        v.used = part_of(row, "data_percent");
        v.metadata_used = part_of(row, "metadata_percent");

        *ret = v;
        v = (LvmVolume){ 0 };
        return 0;
}

static int fail_unknown_form(void) {
        return provider_fail(-EBADMSG, "lvm reports in a form that is not known");
}

/* *@ret_rows is a part of *@ret_root. */
static int report(const char *selection, const char *options, json_t **ret_root, const json_t **ret_rows) {
        const char *const arguments[] = {
                "lvs", "--all", "--reportformat", "json", "--units", "b", "--nosuffix", "--options", options,
                "--select", selection, NULL,
        };
        _cleanup_(freep) char *output = NULL;
        json_auto_t *root = NULL;
        const json_t *rows;
        int r;

        r = run(-EBADF, LVM_TIMEOUT_USEC, arguments, &output);
        if (r < 0)
                return r;

        root = json_loads(output, 0, NULL);
        rows = json_object_get(json_array_get(json_object_get(root, "report"), 0), "lv");
        if (!json_is_array(rows))
                return fail_unknown_form();

        *ret_rows = rows;
        *ret_root = TAKE_PTR(root);
        return 0;
}

int lvm_find(LvmVolume *ret, const char *selection, ...) {
        char text[SELECTION_MAX];
        json_auto_t *root = NULL;
        const json_t *rows;
        va_list ap;
        int r;

        va_start(ap, selection);
        (void) vsnprintf(text, sizeof(text), selection, ap);
        va_end(ap);
        r = report(text,
                   "vg_name,vg_uuid,vg_free,vg_size,vg_extent_size,lv_name,lv_uuid,lv_size,lv_dm_path,lv_active,"
                   "lv_suspended,lv_device_open,lv_merging,lv_merge_failed,lv_snapshot_invalid,origin,pool_lv,pool_lv_uuid,"
                   "metadata_lv_uuid,thin_id,data_percent,metadata_percent",
                   &root, &rows);
        if (r < 0)
                return r;
        if (json_array_size(rows) == 0)
                return -ENOENT;

        r = volume_from_row(json_array_get(rows, 0), ret);
        return r == -EBADMSG ? fail_unknown_form() : r;
}

int lvm_find_thin(const char *pool_uuid, int (*visit)(const LvmVolume *v, void *userdata), void *userdata) {
        char selection[SELECTION_MAX];
        json_auto_t *root = NULL;
        const json_t *rows;
        int r;

        (void) snprintf(selection, sizeof(selection), "pool_lv_uuid=\"%s\"", pool_uuid);
        r = report(selection, "lv_name,lv_uuid,thin_id", &root, &rows);
        for (size_t i = 0; r >= 0 && i < json_array_size(rows); ++i) {
                _cleanup_volume_ LvmVolume v = { 0 };

                r = volume_from_row(json_array_get(rows, i), &v);
                if (r >= 0)
                        r = visit(&v, userdata);
        }

        return r == -EBADMSG ? fail_unknown_form() : r;
}

static int read_line(const char *path, char *line, size_t size) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = file_read_text(path, 256, &text);
        if (r < 0)
                return r;

        (void) snprintf(line, size, "%.*s", (int) strcspn(text, "\n"), text);
        return 0;
}

/* "LVM-", the group's 32 digits, the volume's 32 digits; more than that is a part of one. */
int lvm_uuid_of_device(dev_t device, char ret[LVM_UUID_STRING_MAX]) {
        static const unsigned groups[] = { 6, 4, 4, 4, 4, 4, 6 };
        _cleanup_(freep) char *path = NULL;
        char text[256];
        const char *digits;
        char *p = ret;
        int r;

        r = format_to(&path, "/sys/dev/block/%u:%u/dm/uuid", major(device), minor(device));
        if (r >= 0)
                r = read_line(path, text, sizeof(text));
        if (r < 0)
                return r == -ENOENT ? -EOPNOTSUPP : r;

        if (strncmp(text, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)) != 0 ||
            strlen(text) != strlen(DM_UUID_PREFIX) + 2 * UUID_DIGITS)
                return -EOPNOTSUPP;

        digits = text + strlen(DM_UUID_PREFIX) + UUID_DIGITS;
        for (size_t i = 0; i < ELEMENTSOF(groups); ++i) {
                if (i > 0)
                        *p++ = '-';
                memcpy(p, digits, groups[i]);
                p += groups[i];
                digits += groups[i];
        }
        *p = '\0';
        return 0;
}

bool lvm_is_suspended(const char *uuid) {
        bool suspended = false;
        glob_t devices;

        if (glob("/sys/block/dm-*/dm", GLOB_NOSORT, NULL, &devices) != 0)
                return false;

        for (size_t i = 0; i < devices.gl_pathc; ++i) {
                _cleanup_(freep) char *path = NULL, *state = NULL;
                char name[LVM_UUID_STRING_MAX], number[32] = "";
                unsigned a, b;

                if (format_to(&path, "%s/../dev", devices.gl_pathv[i]) < 0 || read_line(path, number, sizeof(number)) < 0 ||
                    sscanf(number, "%u:%u", &a, &b) != 2 || lvm_uuid_of_device(makedev(a, b), name) < 0 ||
                    strcmp(name, uuid) != 0)
                        continue;
                if (format_to(&state, "%s/suspended", devices.gl_pathv[i]) >= 0 &&
                    read_line(state, number, sizeof(number)) >= 0)
                        suspended = number[0] == '1';
        }
        globfree(&devices);
        return suspended;
}

int lvm_fail_resumed(void) {
        return provider_fail(-EBUSY, "somebody has resumed its logical volume while it was held; try again when no other command "
                                     "works on it");
}

/* Loads and resumes what the metadata says, volumes beneath it included. */
int lvm_resume(const char *uuid, int lock_fd) {
        _cleanup_(freep) char *selection = NULL;
        int r;

        if (!lvm_is_suspended(uuid))
                return 0;

        r = format_to(&selection, "lv_uuid=\"%s\"", uuid);
        return r < 0 ? r : LVM_RUN(lock_fd, LVM_TIMEOUT_USEC, "lvchange", "--refresh", "--select", selection);
}
