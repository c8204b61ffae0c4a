/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Marshalling
 *
 * Every value that comes in was written by another process, so each reader checks what it can: sizes,
 * ranges, and that text is text. Readers fill a private copy and hand it over complete or not at all.
 */

#include "wire/wire-types.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "base/utf.h"
#include "wire/wire-limits.h"

static int wire_enter(sd_bus_message *m, char type, const char *contents) {
        int r = sd_bus_message_enter_container(m, type, contents);

        if (r < 0)
                return r == -ENXIO ? -EBADMSG : r;
        return r > 0 ? 0 : -EBADMSG;
}

static int wire_read_basic(sd_bus_message *m, char type, void *ret) {
        int r = sd_bus_message_read_basic(m, type, ret);

        if (r < 0)
                return r == -ENXIO ? -EBADMSG : r;
        return r > 0 ? 0 : -EBADMSG;
}

int wire_append_guid(sd_bus_message *m, const GUID *id) {
        return sd_bus_message_append_array(m, 'y', id, sizeof(*id));
}

int wire_read_guid(sd_bus_message *m, GUID *ret) {
        const void *bytes;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, 'y', &bytes, &size);
        if (r < 0)
                return r == -ENXIO ? -EBADMSG : r;
        if (r == 0 || size != sizeof(*ret))
                return -EBADMSG;

        memcpy(ret, bytes, sizeof(*ret));
        return 0;
}

int wire_append_guids(sd_bus_message *m, const GUID *ids, size_t n) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "ay");
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = wire_append_guid(m, ids + i);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

int wire_read_guids(sd_bus_message *m, size_t max, GUID **ret, size_t *ret_n) {
        _cleanup_(freep) GUID *ids = NULL;
        size_t n = 0, capacity = 0;
        int r;

        r = wire_enter(m, 'a', "ay");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_at_end(m, 0)) == 0) {
                if (n >= max)
                        return -E2BIG;

                r = ARRAY_RESERVE(ids, capacity, n + 1);
                if (r < 0)
                        return r;

                r = wire_read_guid(m, ids + n);
                if (r < 0)
                        return r;
                ++n;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}

static int escape_text(const char *s, char **ret) {
        _cleanup_(freep) char *escaped = NULL;
        int r;

        r = xml_escape_bytes(s, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > WIRE_TEXT_MAX)
                return -E2BIG;

        *ret = TAKE_PTR(escaped);
        return 0;
}

int wire_append_text(sd_bus_message *m, const char *s) {
        _cleanup_(freep) char *escaped = NULL;
        int r;

        r = escape_text(s ?: "", &escaped);
        return r < 0 ? r : sd_bus_message_append_basic(m, 's', escaped);
}

int wire_check_text(const char *s) {
        _cleanup_(freep) char *escaped = NULL;

        /* A byte becomes four at most. */
        return !s || strlen(s) <= WIRE_TEXT_MAX / 4 ? 0 : escape_text(s, &escaped);
}

int wire_read_text(sd_bus_message *m, char **ret) {
        _cleanup_(freep) char *text = NULL;
        const char *escaped;
        int r;

        r = wire_read_basic(m, 's', &escaped);
        if (r < 0)
                return r;

        if (!*escaped) {
                *ret = NULL;
                return 0;
        }
        if (strlen(escaped) > WIRE_TEXT_MAX)
                return -E2BIG;

        r = xml_unescape_bytes(escaped, &text);
        if (r >= 0)
                r = wire_check_text(text); /* its sender may have escaped less than we do */
        if (r < 0)
                return r == -EILSEQ ? -EBADMSG : r;

        *ret = TAKE_PTR(text);
        return 0;
}

int wire_append_texts(sd_bus_message *m, char *const *v) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        if (r < 0)
                return r;

        STRV_FOREACH(s, v) {
                r = wire_append_text(m, *s);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

int wire_read_texts(sd_bus_message *m, size_t max, char ***ret) {
        _cleanup_(strv_freep) char **v = NULL;
        size_t n = 0;
        int r;

        r = wire_enter(m, 'a', "s");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_at_end(m, 0)) == 0) {
                char *s;

                if (n++ >= max)
                        return -E2BIG;

                r = wire_read_text(m, &s);
                if (r < 0)
                        return r;
                if (!s) /* nobody means the empty name */
                        return -EBADMSG;

                r = strv_consume(&v, s);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

int wire_append_blob(sd_bus_message *m, const void *data, size_t size) {
        _cleanup_(closep) int fd = -EBADF;

        fd = memfd_new_sealed("umbra-document", data, size);
        if (fd < 0)
                return fd;

        return sd_bus_message_append_basic(m, 'h', &fd); /* duplicates it */
}

int wire_read_blob(sd_bus_message *m, size_t max, char **ret_data, size_t *ret_size) {
        int fd, r;

        r = wire_read_basic(m, 'h', &fd);
        if (r < 0)
                return r;

        r = memfd_read_sealed(fd, max, ret_data, ret_size);
        return r == -EBADF ? -EBADMSG : r; /* the descriptor belongs to the message */
}

int wire_append_optional_blob(sd_bus_message *m, const void *data, size_t size) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "h");
        if (r < 0)
                return r;

        if (data) {
                r = wire_append_blob(m, data, size);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

int wire_read_optional_blob(sd_bus_message *m, size_t max, char **ret_data, size_t *ret_size) {
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = wire_enter(m, 'a', "h");
        if (r < 0)
                return r;

        r = sd_bus_message_at_end(m, 0);
        if (r == 0) {
                r = wire_read_blob(m, max, &data, &size);
                if (r < 0)
                        return r;

                r = sd_bus_message_at_end(m, 0);
        }
        if (r < 0)
                return r;
        if (r == 0)
                return -E2BIG;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

void wire_snapshot_clear(WireSnapshot *s) {
        free(s->device_object);
        free(s->original_volume);
        free(s->originating_machine);
        free(s->service_machine);
        free(s->exposed_name);
        free(s->exposed_path);
        *s = (WireSnapshot){ 0 };
}

int wire_append_snapshot(sd_bus_message *m, const WireSnapshot *s) {
        const char *const texts[] = {
                s->device_object,   s->original_volume, s->originating_machine,
                s->service_machine, s->exposed_name,    s->exposed_path,
        };
        int r;

        r = sd_bus_message_open_container(m, 'r', "ayayissssssayixii");
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->id);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->set_id);
        if (r < 0)
                return r;

        r = sd_bus_message_append_basic(m, 'i', &s->snapshots_count);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                r = wire_append_text(m, texts[i]);
                if (r < 0)
                        return r;
        }

        r = wire_append_guid(m, &s->provider_id);
        if (r < 0)
                return r;

        r = sd_bus_message_append(m, "ixii", s->attributes, s->timestamp, s->state, s->consistency);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int wire_read_snapshot(sd_bus_message *m, WireSnapshot *ret) {
        _cleanup_(wire_snapshot_clear) WireSnapshot s = { 0 };
        char **const texts[] = {
                &s.device_object,   &s.original_volume, &s.originating_machine,
                &s.service_machine, &s.exposed_name,    &s.exposed_path,
        };
        int r;

        r = wire_enter(m, 'r', "ayayissssssayixii");
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.id);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.set_id);
        if (r < 0)
                return r;

        r = wire_read_basic(m, 'i', &s.snapshots_count);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                r = wire_read_text(m, texts[i]);
                if (r < 0)
                        return r;
        }

        r = wire_read_guid(m, &s.provider_id);
        if (r < 0)
                return r;

        r = sd_bus_message_read(m, "ixii", &s.attributes, &s.timestamp, &s.state, &s.consistency);
        if (r < 0)
                return r;
        if (s.state < VSS_SS_UNKNOWN || s.state >= VSS_SS_COUNT || s.consistency < 0 ||
            s.consistency > WIRE_CONSISTENCY_MAX || s.snapshots_count < 0)
                return -EBADMSG;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = s;
        s = (WireSnapshot){ 0 };
        return 0;
}

void wire_provider_clear(WireProvider *p) {
        free(p->name);
        free(p->version);
        *p = (WireProvider){ 0 };
}

int wire_append_provider(sd_bus_message *m, const WireProvider *p) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "aysisayay");
        if (r < 0)
                return r;

        r = wire_append_guid(m, &p->id);
        if (r < 0)
                return r;

        r = wire_append_text(m, p->name);
        if (r < 0)
                return r;

        r = sd_bus_message_append_basic(m, 'i', &p->type);
        if (r < 0)
                return r;

        r = wire_append_text(m, p->version);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &p->version_id);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &p->class_id);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int wire_read_provider(sd_bus_message *m, WireProvider *ret) {
        _cleanup_(wire_provider_clear) WireProvider p = { 0 };
        int r;

        r = wire_enter(m, 'r', "aysisayay");
        if (r < 0)
                return r;

        r = wire_read_guid(m, &p.id);
        if (r < 0)
                return r;

        r = wire_read_text(m, &p.name);
        if (r < 0)
                return r;

        r = wire_read_basic(m, 'i', &p.type);
        if (r < 0)
                return r;
        if (p.type < VSS_PROV_UNKNOWN || p.type > VSS_PROV_FILESHARE)
                return -EBADMSG;

        r = wire_read_text(m, &p.version);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &p.version_id);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &p.class_id);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = p;
        p = (WireProvider){ 0 };
        return 0;
}

void wire_writer_clear(WireWriter *w) {
        free(w->name);
        *w = (WireWriter){ 0 };
}

int wire_append_writer(sd_bus_message *m, const WireWriter *w) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "ayayst");
        if (r < 0)
                return r;

        r = wire_append_guid(m, &w->instance_id);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &w->writer_id);
        if (r < 0)
                return r;

        r = wire_append_text(m, w->name);
        if (r < 0)
                return r;

        r = sd_bus_message_append_basic(m, 't', &w->document_size);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int wire_read_writer(sd_bus_message *m, WireWriter *ret) {
        _cleanup_(wire_writer_clear) WireWriter w = { 0 };
        int r;

        r = wire_enter(m, 'r', "ayayst");
        if (r < 0)
                return r;

        r = wire_read_guid(m, &w.instance_id);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &w.writer_id);
        if (r < 0)
                return r;

        r = wire_read_text(m, &w.name);
        if (r < 0)
                return r;

        r = wire_read_basic(m, 't', &w.document_size);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = w;
        w = (WireWriter){ 0 };
        return 0;
}

void wire_writer_status_clear(WireWriterStatus *s) {
        free(s->name);
        free(s->message);
        *s = (WireWriterStatus){ 0 };
}

int wire_append_writer_status(sd_bus_message *m, const WireWriterStatus *s) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "ayaysuiis");
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->instance_id);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->writer_id);
        if (r < 0)
                return r;

        r = wire_append_text(m, s->name);
        if (r < 0)
                return r;

        r = sd_bus_message_append(m, "uii", s->state, s->failure, s->failure_application);
        if (r < 0)
                return r;

        r = wire_append_text(m, s->message);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int wire_read_writer_status(sd_bus_message *m, WireWriterStatus *ret) {
        _cleanup_(wire_writer_status_clear) WireWriterStatus s = { 0 };
        int r;

        r = wire_enter(m, 'r', "ayaysuiis");
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.instance_id);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.writer_id);
        if (r < 0)
                return r;

        r = wire_read_text(m, &s.name);
        if (r < 0)
                return r;

        r = sd_bus_message_read(m, "uii", &s.state, &s.failure, &s.failure_application);
        if (r < 0)
                return r;
        if (s.state >= VSS_WS_COUNT)
                return -EBADMSG;

        r = wire_read_text(m, &s.message);
        if (r < 0)
                return r;
        if (s.message && strlen(s.message) > WIRE_MESSAGE_MAX)
                return -E2BIG;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = s;
        s = (WireWriterStatus){ 0 };
        return 0;
}

void wire_volume_clear(WireVolume *v) {
        free(v->name);
        free(v->mount_point);
        free(v->device);
        free(v->fstype);
        *v = (WireVolume){ 0 };
}

int wire_append_volume(sd_bus_message *m, const WireVolume *v) {
        const char *const texts[] = { v->name, v->mount_point, v->device, v->fstype };
        int r;

        r = sd_bus_message_open_container(m, 'r', "ssssayuuub");
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                r = wire_append_text(m, texts[i]);
                if (r < 0)
                        return r;
        }

        r = wire_append_guid(m, &v->provider_id);
        if (r < 0)
                return r;

        r = sd_bus_message_append(m, "uuub", v->consistency, v->consistency_held, v->n_snapshots,
                                  (int) v->holdable);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int wire_read_volume(sd_bus_message *m, WireVolume *ret) {
        _cleanup_(wire_volume_clear) WireVolume v = { 0 };
        char **const texts[] = { &v.name, &v.mount_point, &v.device, &v.fstype };
        int r, holdable;

        r = wire_enter(m, 'r', "ssssayuuub");
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                r = wire_read_text(m, texts[i]);
                if (r < 0)
                        return r;
        }

        r = wire_read_guid(m, &v.provider_id);
        if (r < 0)
                return r;

        r = sd_bus_message_read(m, "uuub", &v.consistency, &v.consistency_held, &v.n_snapshots, &holdable);
        if (r < 0)
                return r;
        if (v.consistency > WIRE_CONSISTENCY_MAX || v.consistency_held > WIRE_CONSISTENCY_MAX)
                return -EBADMSG;
        v.holdable = holdable;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = v;
        v = (WireVolume){ 0 };
        return 0;
}
