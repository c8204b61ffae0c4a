/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing the Wire
 *
 * The first byte chooses who reads: umbrad a writer's answer, a writer an event, a requester an answer,
 * either end of a provider's socket. The next ones may say of which types the message is (none: of those
 * that the reader expects), the rest are its values, descriptors of all sorts among them. Reading never
 * does more than say no; what it takes and can send again is read the same.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/strv.h"
#include "coordinator/writer-proxy.h"
#include "doc/doc-limits.h"
#include "provider/provider-protocol.h"
#include "requester/session-proxy.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"
#include "writer/writer-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sd_bus *bus;

static void check(bool is_true) {
        if (!is_true)
                abort();
}

/* Messages need a bus that could carry descriptors; nothing is sent on it. */
static void bus_make(void) {
        sd_bus *other = NULL;
        sd_id128_t id;
        int pair[2];

        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        check(sd_bus_new(&bus) >= 0 && sd_bus_new(&other) >= 0);
        check(sd_id128_randomize(&id) >= 0);
        check(sd_bus_set_fd(bus, pair[0], pair[0]) >= 0 && sd_bus_set_fd(other, pair[1], pair[1]) >= 0);
        check(sd_bus_set_server(other, true, id) >= 0);
        check(sd_bus_negotiate_fds(bus, true) >= 0 && sd_bus_negotiate_fds(other, true) >= 0);
        check(sd_bus_start(bus) >= 0 && sd_bus_start(other) >= 0);
        while (sd_bus_is_ready(bus) <= 0)
                check(sd_bus_process(other, NULL) >= 0 && sd_bus_process(bus, NULL) >= 0);
        sd_bus_close_unref(other);
}

static sd_bus_message *message_new(void) {
        sd_bus_message *m = NULL;

        check(sd_bus_message_new_method_call(bus, &m, NULL, "/test", "test.Test", "Test") >= 0);
        return m;
}

static void message_ready(sd_bus_message *m) {
        check(sd_bus_message_seal(m, 1, 0) >= 0);
        check(sd_bus_message_rewind(m, true) >= 0);
}

/* The values that are left. */
typedef struct Input {
        const uint8_t *data;
        size_t size;
} Input;

static const uint8_t *input_take(Input *in, size_t *size) {
        const uint8_t *data = in->data;

        *size = MIN(*size, in->size);
        in->data += *size;
        in->size -= *size;
        return data;
}

static uint64_t input_number(Input *in, size_t size) {
        const uint8_t *data = input_take(in, &size);
        uint64_t v = 0;

        memcpy(&v, data, size);
        return v;
}

/* A text that D-Bus carries: bytes above 127 would have to be UTF-8. Above 250 it is a long one. */
static char *input_text(Input *in) {
        size_t size = (size_t) input_number(in, 1), n = size;
        const uint8_t *data = input_take(in, &n);
        char *text;

        if (size > 250)
                n = WIRE_TEXT_MAX - 4 + (size - 250);

        text = calloc(n + 1, 1);
        check(text);
        for (size_t i = 0; i < n; ++i)
                text[i] = size > 250 ? 'a' : (char) (data[i] & 0x7f ?: 0x7f);

        return text;
}

static int input_fd(Input *in) {
        uint8_t kind = (uint8_t) input_number(in, 1);
        size_t size = kind >> 3;
        const uint8_t *data = input_take(in, &size);
        int pair[2], fd;

        switch (kind & 7) {
        case 0:
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        case 1:
                return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        case 2:
                check(pipe2(pair, O_CLOEXEC) == 0);
                (void) close(pair[1]);
                return pair[0];
        case 3: /* not sealed: whoever sent it could change it */
                fd = memfd_create("fuzz", MFD_CLOEXEC);
                check(fd >= 0 && write(fd, data, size) == (ssize_t) size);
                return fd;
        default:
                return memfd_new_sealed("fuzz", data, size);
        }
}

static int append_values(sd_bus_message *m, const char *types, Input *in);

/* The end of the complete type that begins here; NULL: there is none. */
static const char *type_end(const char *types) {
        unsigned depth = 0;

        for (; *types == 'a'; ++types)
                ;
        do {
                if (!*types)
                        return NULL;
                depth += *types == '(';
                depth -= *types == ')' && depth > 0;
                ++types;
        } while (depth > 0);

        return types;
}

static int append_container(sd_bus_message *m, char kind, const char *contents, size_t size, Input *in) {
        _cleanup_(freep) char *types = strndup(contents, size);
        size_t n = 1;
        int r;

        check(types);
        if (kind == 'a')
                n = (size_t) input_number(in, 1);
        if (n > 250) /* more than any limit of a list, once in a while */
                n = WIRE_IDS_MAX + 1;

        r = sd_bus_message_open_container(m, kind, types);
        for (size_t i = 0; i < n && r >= 0; ++i)
                r = append_values(m, types, in);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_basic(sd_bus_message *m, char type, Input *in) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -EBADF;
        uint64_t v;

        switch (type) {
        case 's':
        case 'o':
        case 'g':
                text = input_text(in);
                return sd_bus_message_append_basic(m, type, text);
        case 'h':
                fd = input_fd(in);
                return fd < 0 ? fd : sd_bus_message_append_basic(m, type, &fd);
        case 'b':
                v = input_number(in, 1) & 1;
                return sd_bus_message_append_basic(m, type, &(int){ (int) v });
        default:
                v = input_number(in, type == 'y' ? 1 : type == 'x' || type == 't' || type == 'd' ? 8 : 4);
                return sd_bus_message_append_basic(m, type, &v);
        }
}

static int append_values(sd_bus_message *m, const char *types, Input *in) {
        int r = 0;

        while (*types && r >= 0) {
                const char *end = type_end(types);

                if (!end)
                        return -EINVAL;

                /* Ids are so frequent that a size of their own would be wasted. */
                if (end - types == 2 && types[0] == 'a' && types[1] == 'y') {
                        size_t size = in->size > 0 && in->data[0] == 0xff ? in->size : sizeof(GUID);
                        const uint8_t *data = input_take(in, &size);

                        r = sd_bus_message_append_array(m, 'y', data, size);
                } else if (*types == 'a')
                        r = append_container(m, 'a', types + 1, (size_t) (end - types - 1), in);
                else if (*types == '(')
                        r = append_container(m, 'r', types + 1, (size_t) (end - types - 2), in);
                else
                        r = append_basic(m, *types, in);
                types = end;
        }

        return r;
}

/* Read it, send it, read that: the same as far as the sender is concerned. */
#define ROUND_TRIP(type, read, append, clear)                                                      \
        ({                                                                                         \
                _cleanup_message_ sd_bus_message *_m = message_new();                              \
                _cleanup_(clear) type _value = { 0 }, _again = { 0 };                              \
                int _r = read(m, &_value);                                                         \
                                                                                                   \
                if (_r >= 0) {                                                                     \
                        check(append(_m, &_value) >= 0);                                           \
                        message_ready(_m);                                                         \
                        check(read(_m, &_again) >= 0);                                             \
                }                                                                                  \
                _r;                                                                                \
        })

static void nothing_to_clear(GUID *id) {
}

static int read_guid(sd_bus_message *m) {
        return ROUND_TRIP(GUID, wire_read_guid, wire_append_guid, nothing_to_clear);
}

static int read_guids(sd_bus_message *m) {
        _cleanup_(freep) GUID *ids = NULL;
        size_t n = 0;
        int r;

        r = wire_read_guids(m, WIRE_IDS_MAX, &ids, &n);
        check(r < 0 || n <= WIRE_IDS_MAX);
        return r;
}

static int read_text(sd_bus_message *m) {
        _cleanup_message_ sd_bus_message *sent = message_new();
        _cleanup_(freep) char *text = NULL, *again = NULL;
        int r;

        r = wire_read_text(m, &text);
        if (r < 0)
                return r;

        check(wire_append_text(sent, text) >= 0);
        message_ready(sent);
        check(wire_read_text(sent, &again) >= 0);
        check(!text == !again && (!text || strcmp(text, again) == 0));
        return r;
}

static int read_texts(sd_bus_message *m) {
        _cleanup_(strv_freep) char **texts = NULL;
        int r;

        r = wire_read_texts(m, WIRE_VOLUMES_MAX, &texts);
        check(r < 0 || strv_length(texts) <= WIRE_VOLUMES_MAX);
        return r;
}

static int read_blob(sd_bus_message *m) {
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = wire_read_blob(m, 16, &data, &size);
        check(r < 0 || (size <= 16 && data && data[size] == '\0'));
        return r;
}

static int read_optional_blob(sd_bus_message *m) {
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = wire_read_optional_blob(m, 16, &data, &size);
        check(r < 0 || size <= 16);
        return r;
}

static int read_snapshot(sd_bus_message *m) {
        return ROUND_TRIP(WireSnapshot, wire_read_snapshot, wire_append_snapshot, wire_snapshot_clear);
}

static int read_provider(sd_bus_message *m) {
        return ROUND_TRIP(WireProvider, wire_read_provider, wire_append_provider, wire_provider_clear);
}

static int read_writer(sd_bus_message *m) {
        return ROUND_TRIP(WireWriter, wire_read_writer, wire_append_writer, wire_writer_clear);
}

static int read_status(sd_bus_message *m) {
        return ROUND_TRIP(WireWriterStatus, wire_read_writer_status, wire_append_writer_status,
                          wire_writer_status_clear);
}

static int read_volume(sd_bus_message *m) {
        return ROUND_TRIP(WireVolume, wire_read_volume, wire_append_volume, wire_volume_clear);
}

static int read_event(sd_bus_message *m) {
        WriterEvent *e = calloc(1, sizeof(*e));
        int r;

        check(e);
        r = writer_event_read(m, e);
        if (r >= 0) {
                check(e->event >= 0 && e->event < _WIRE_EVENT_MAX);
                check(strv_length(e->volumes) <= WIRE_VOLUMES_MAX);
                check(strv_length(e->devices) <= 2 * WIRE_VOLUMES_MAX && strv_length(e->devices) % 2 == 0);
        }

        writer_event_free(e);
        return r;
}

static int read_reply(sd_bus_message *m) {
        _cleanup_(freep) char *message = NULL, *document = NULL;
        WriterReply reply = { 0 };

        return writer_reply_read(m, &reply, &message, &document);
}

static int read_writers(sd_bus_message *m) {
        SessionWriters w = { 0 };
        uint64_t total = 0;
        HRESULT hr;

        hr = session_proxy_read_writers(m, &w);
        if (SUCCEEDED(hr)) {
                for (size_t i = 0; i < w.n; ++i)
                        total += w.writers[i].document_size;
                check(total == w.size);
        }

        session_writers_clear(&w);
        return SUCCEEDED(hr) ? 0 : -EBADMSG;
}

static int read_statuses(sd_bus_message *m) {
        SessionStatuses s = { 0 };
        HRESULT hr;

        hr = session_proxy_read_statuses(m, &s);
        session_statuses_clear(&s);
        return SUCCEEDED(hr) ? 0 : -EBADMSG;
}

static int read_document(sd_bus_message *m) {
        _cleanup_(freep) char *text = NULL;
        size_t size;

        return SUCCEEDED(session_proxy_read_document(m, DOCUMENT_OPTIONAL, &text, &size)) ? 0 : -EBADMSG;
}

static int read_provider_snapshot(sd_bus_message *m) {
        _cleanup_(freep) char *volume = NULL, *note = NULL;
        ProviderSnapshot s;
        int r;

        r = provider_read_snapshot(m, &s, &volume, &note);
        check(r < 0 || s.volume[0] == '/');
        return r;
}

static int read_probe(sd_bus_message *m) {
        ProviderProbe probe;

        return provider_read_probe(m, &probe);
}

static const struct {
        const char *types;
        int (*read)(sd_bus_message *m);
} readers[] = {
        { "ay", read_guid },
        { "aay", read_guids },
        { "s", read_text },
        { "as", read_texts },
        { "h", read_blob },
        { "ah", read_optional_blob },
        { WIRE_SNAPSHOT, read_snapshot },
        { WIRE_PROVIDER, read_provider },
        { WIRE_WRITER, read_writer },
        { WIRE_WRITER_STATUS, read_status },
        { WIRE_VOLUME, read_volume },
        { "uayayiuuuasa(ss)ah", read_event },
        { "iisah", read_reply },
        { "a" WIRE_WRITER "h", read_writers },
        { "a" WIRE_WRITER_STATUS, read_statuses },
        { "ah", read_document },
        { PROVIDER_SNAPSHOT, read_provider_snapshot },
        { "uiiuat", read_probe },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        _cleanup_message_ sd_bus_message *m = NULL;
        char types[32] = "";
        size_t reader, n_types;
        const uint8_t *given;

        if (!bus)
                bus_make();

        reader = (size_t) input_number(&in, 1) % ELEMENTSOF(readers);
        n_types = (size_t) input_number(&in, 1);
        if (n_types > 0 && n_types < sizeof(types)) {
                given = input_take(&in, &n_types);
                memcpy(types, given, n_types);
        }

        m = message_new();
        if (append_values(m, *types ? types : readers[reader].types, &in) < 0)
                return 0;

        message_ready(m);
        (void) readers[reader].read(m);
        return 0;
}
