/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is marshalled is read back the same, and what others may have marshalled wrongly is refused.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>
#include <unistd.h>
#include <vsserror.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/macro.h"
#include "base/strv.h"
#include "base/utf.h"
#include "wire/wire-area.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

#define TEXT(s) ((char[]){ s })

static sd_bus *bus;

/* Messages need a bus that could carry descriptors; nothing is sent on it. */
static int setup(void **state) {
        int pair[2];
        sd_bus *other = NULL;
        sd_id128_t id;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_true(sd_bus_new(&bus) >= 0 && sd_bus_new(&other) >= 0);
        assert_true(sd_id128_randomize(&id) >= 0);
        assert_true(sd_bus_set_fd(bus, pair[0], pair[0]) >= 0 &&
                    sd_bus_set_fd(other, pair[1], pair[1]) >= 0);
        assert_true(sd_bus_set_server(other, true, id) >= 0);
        assert_true(sd_bus_negotiate_fds(bus, true) >= 0 && sd_bus_negotiate_fds(other, true) >= 0);
        assert_true(sd_bus_start(bus) >= 0 && sd_bus_start(other) >= 0);
        while (sd_bus_is_ready(bus) <= 0)
                assert_true(sd_bus_process(other, NULL) >= 0 && sd_bus_process(bus, NULL) >= 0);
        sd_bus_close_unref(other);
        return 0;
}

static int teardown(void **state) {
        sd_bus_close_unref(bus);
        return 0;
}

static sd_bus_message *message_new(void) {
        sd_bus_message *m;

        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, "/test", "test.Test", "Test") >= 0);
        return m;
}

static void message_ready(sd_bus_message *m) {
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(m, true) >= 0);
}

static const GUID some = { 0x01234567, 0x89AB, 0xCDEF, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const GUID other_guid = { 0xFEDCBA98, 0x7654, 0x3210, { 8, 7, 6, 5, 4, 3, 2, 1 } };

static void test_that_text_of_any_bytes_comes_back(void **state) {
        static const char *const texts[] = { NULL, "/srv/data", "a\xff\xfe\x01\\x41\n\"<&>",
                                             "käse \xf0\x9f\xa7\x80", "\\" };
        _cleanup_message_ sd_bus_message *m = message_new();

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i)
                assert_true(wire_append_text(m, texts[i]) >= 0);
        assert_true(wire_append_text(m, "") >= 0);
        message_ready(m);

        for (size_t i = 0; i <= ELEMENTSOF(texts); ++i) {
                _cleanup_(freep) char *s = NULL;

                assert_int_equal(wire_read_text(m, &s), 0);
                if (i == 0 || i == ELEMENTSOF(texts))
                        assert_null(s);
                else
                        assert_string_equal(s, texts[i]);
        }
}

static void test_that_text_that_is_too_long_or_no_text_is_refused(void **state) {
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(freep) char *text = malloc(WIRE_TEXT_MAX + 2), *back = NULL;

        memset(text, 'x', WIRE_TEXT_MAX + 1);
        text[WIRE_TEXT_MAX + 1] = '\0';
        assert_int_equal(wire_append_text(m, text), -E2BIG);
        assert_true(sd_bus_message_append(m, "s", text) >= 0);
        assert_true(sd_bus_message_append(m, "s", "\\x00") >= 0);
        assert_true(sd_bus_message_append(m, "u", 7) >= 0);
        text[WIRE_TEXT_MAX] = '\0';
        assert_true(wire_append_text(m, text) >= 0);
        message_ready(m);

        assert_int_equal(wire_read_text(m, &back), -E2BIG);
        assert_int_equal(wire_read_text(m, &back), -EBADMSG);
        assert_int_equal(wire_read_text(m, &back), -EBADMSG);
        assert_true(sd_bus_message_skip(m, "u") >= 0);
        assert_int_equal(wire_read_text(m, &back), 0);
        assert_string_equal(back, text);
        assert_int_equal(wire_read_text(m, &text), -EBADMSG); /* nothing is left */
}

/* Or a writer could have a name that umbrad cannot tell anybody. */
static void test_that_text_that_could_not_be_sent_on_is_refused(void **state) {
        _cleanup_message_ sd_bus_message *m = message_new();
        char text[WIRE_TEXT_MAX / 4 + 2];
        char *back = NULL;

        memset(text, '\1', sizeof(text)); /* four bytes each, if it were escaped as it should be */
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(wire_check_text(text), -E2BIG);
        assert_true(sd_bus_message_append(m, "s", text) >= 0);
        text[sizeof(text) - 2] = '\0';
        assert_int_equal(wire_check_text(text), 0);
        assert_true(sd_bus_message_append(m, "s", text) >= 0);
        assert_true(wire_append_text(m, text) >= 0);
        message_ready(m);

        assert_int_equal(wire_read_text(m, &back), -E2BIG);
        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(wire_read_text(m, &back), 0);
                assert_string_equal(back, text);
                free(back);
        }
        assert_int_equal(wire_check_text(NULL), 0);
}

static void test_that_guids_come_back_and_others_are_refused(void **state) {
        _cleanup_message_ sd_bus_message *m = message_new();
        const GUID ids[] = { some, other_guid, { 0 } };
        GUID id, *back;
        size_t n;

        assert_true(wire_append_guid(m, &some) >= 0);
        assert_true(wire_append_guids(m, ids, 3) >= 0);
        assert_true(wire_append_guids(m, NULL, 0) >= 0);
        assert_true(sd_bus_message_append_array(m, 'y', "short", 5) >= 0);
        assert_true(wire_append_guids(m, ids, 3) >= 0);
        message_ready(m);

        assert_int_equal(wire_read_guid(m, &id), 0);
        assert_true(guid_equal(&id, &some));
        assert_int_equal(wire_read_guids(m, 3, &back, &n), 0);
        assert_int_equal(n, 3);
        assert_memory_equal(back, ids, sizeof(ids));
        free(back);
        assert_int_equal(wire_read_guids(m, 3, &back, &n), 0);
        assert_int_equal(n, 0);
        free(back);
        assert_int_equal(wire_read_guid(m, &id), -EBADMSG);
        assert_int_equal(wire_read_guids(m, 2, &back, &n), -E2BIG);
}

static void test_that_texts_come_back_up_to_their_number(void **state) {
        char *const texts[] = { TEXT("one"), TEXT("two"), NULL };
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(strv_freep) char **back = NULL;

        assert_true(wire_append_texts(m, texts) >= 0);
        assert_true(wire_append_texts(m, NULL) >= 0);
        assert_true(sd_bus_message_append(m, "as", 1, "") >= 0);
        assert_true(wire_append_texts(m, texts) >= 0);
        message_ready(m);

        assert_int_equal(wire_read_texts(m, 2, &back), 0);
        assert_int_equal(strv_length(back), 2);
        assert_string_equal(back[1], "two");
        back = strv_free(back);
        assert_int_equal(wire_read_texts(m, 2, &back), 0);
        assert_int_equal(strv_length(back), 0);
        assert_int_equal(wire_read_texts(m, 2, &back), -EBADMSG);

        sd_bus_message_rewind(m, true);
        assert_true(sd_bus_message_skip(m, "asasas") >= 0);
        assert_int_equal(wire_read_texts(m, 1, &back), -E2BIG);
}

static void test_that_blobs_come_back_sealed_and_bounded(void **state) {
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(closep) int open_fd = memfd_create("open", MFD_CLOEXEC);
        char *data;
        size_t size;

        assert_true(wire_append_blob(m, "a\0b", 3) >= 0);
        assert_true(wire_append_blob(m, "", 0) >= 0);
        assert_true(wire_append_optional_blob(m, "xyz", 3) >= 0);
        assert_true(wire_append_optional_blob(m, NULL, 0) >= 0);
        assert_true(sd_bus_message_append(m, "h", open_fd) >= 0);
        assert_true(wire_append_blob(m, "four", 4) >= 0);
        assert_true(sd_bus_message_append(m, "ah", 2, open_fd, open_fd) >= 0);
        message_ready(m);

        assert_int_equal(wire_read_blob(m, 3, &data, &size), 0);
        assert_int_equal(size, 3);
        assert_memory_equal(data, "a\0b", 4);
        free(data);
        assert_int_equal(wire_read_blob(m, 3, &data, &size), 0);
        assert_int_equal(size, 0);
        free(data);
        assert_int_equal(wire_read_optional_blob(m, 3, &data, &size), 0);
        assert_int_equal(size, 3);
        free(data);
        assert_int_equal(wire_read_optional_blob(m, 3, &data, &size), 0);
        assert_null(data);
        assert_int_equal(wire_read_blob(m, 3, &data, &size),
                         -EBADMSG); /* somebody could still write to it */
        assert_int_equal(wire_read_blob(m, 3, &data, &size), -E2BIG);
        assert_int_equal(wire_read_optional_blob(m, 3, &data, &size), -EBADMSG);
}

static void test_that_a_snapshot_comes_back(void **state) {
        const WireSnapshot s = {
                .id = some,
                .set_id = other_guid,
                .snapshots_count = 2,
                .device_object = TEXT("/run/umbra/shadow/x"),
                .original_volume = TEXT("/srv/\xff/"),
                .originating_machine = TEXT("here"),
                .service_machine = TEXT("here"),
                .provider_id = some,
                .attributes = -1,
                .timestamp = 0x0123456789ABCDEF,
                .state = VSS_SS_CREATED,
                .consistency = WIRE_CONSISTENCY_MAX,
        };
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(wire_snapshot_clear) WireSnapshot back = { 0 };

        assert_true(wire_append_snapshot(m, &s) >= 0);
        message_ready(m);
        assert_string_equal(sd_bus_message_get_signature(m, true), WIRE_SNAPSHOT);

        assert_int_equal(wire_read_snapshot(m, &back), 0);
        assert_true(guid_equal(&back.id, &s.id) && guid_equal(&back.set_id, &s.set_id));
        assert_int_equal(back.snapshots_count, 2);
        assert_string_equal(back.device_object, s.device_object);
        assert_string_equal(back.original_volume, s.original_volume);
        assert_null(back.exposed_name);
        assert_null(back.exposed_path);
        assert_int_equal(back.attributes, -1);
        assert_true(back.timestamp == s.timestamp);
        assert_int_equal(back.state, VSS_SS_CREATED);
        assert_int_equal(back.consistency, WIRE_CONSISTENCY_MAX);
}

static void test_that_a_snapshot_out_of_range_is_refused(void **state) {
        const WireSnapshot cases[] = {
                { .state = VSS_SS_COUNT },
                { .state = -1 },
                { .consistency = WIRE_CONSISTENCY_MAX + 1 },
                { .consistency = -1 },
                { .snapshots_count = -1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_message_ sd_bus_message *m = message_new();
                WireSnapshot back;

                assert_true(wire_append_snapshot(m, cases + i) >= 0);
                message_ready(m);
                assert_int_equal(wire_read_snapshot(m, &back), -EBADMSG);
        }
}

static void test_that_the_other_records_come_back(void **state) {
        const WireProvider p = {
                .id = some,
                .name = TEXT("files"),
                .type = VSS_PROV_SYSTEM,
                .version = TEXT("1"),
                .class_id = other_guid,
        };
        const WireWriter w = {
                .instance_id = some,
                .writer_id = other_guid,
                .name = TEXT("db"),
                .document_size = 1ULL << 40,
        };
        const WireWriterStatus t = {
                .instance_id = some,
                .writer_id = other_guid,
                .name = TEXT("db"),
                .state = VSS_WS_FAILED_AT_FREEZE,
                .failure = VSS_E_WRITERERROR_TIMEOUT,
                .failure_application = 5,
                .message = TEXT("too slow"),
        };
        const WireVolume v = {
                .name = TEXT("\\\\?\\Volume{x}\\"),
                .mount_point = TEXT("/srv/"),
                .device = TEXT("/dev/sda1"),
                .fstype = TEXT("ext4"),
                .provider_id = some,
                .consistency = 1,
                .consistency_held = 2,
                .n_snapshots = 3,
                .holdable = true,
        };
        _cleanup_message_ sd_bus_message *m = message_new();
        WireWriterStatus t2;
        WireProvider p2;
        WireWriter w2;
        WireVolume v2;

        assert_true(wire_append_provider(m, &p) >= 0 && wire_append_writer(m, &w) >= 0);
        assert_true(wire_append_writer_status(m, &t) >= 0 && wire_append_volume(m, &v) >= 0);
        message_ready(m);
        assert_string_equal(sd_bus_message_get_signature(m, true),
                            WIRE_PROVIDER WIRE_WRITER WIRE_WRITER_STATUS WIRE_VOLUME);

        assert_int_equal(wire_read_provider(m, &p2), 0);
        assert_string_equal(p2.name, "files");
        assert_true(guid_equal(&p2.class_id, &other_guid));
        wire_provider_clear(&p2);
        assert_int_equal(wire_read_writer(m, &w2), 0);
        assert_true(w2.document_size == 1ULL << 40);
        wire_writer_clear(&w2);
        assert_int_equal(wire_read_writer_status(m, &t2), 0);
        assert_int_equal(t2.failure, VSS_E_WRITERERROR_TIMEOUT);
        assert_string_equal(t2.message, "too slow");
        wire_writer_status_clear(&t2);
        assert_int_equal(wire_read_volume(m, &v2), 0);
        assert_string_equal(v2.name, v.name);
        assert_int_equal(v2.n_snapshots, 3);
        assert_true(v2.holdable);
        wire_volume_clear(&v2);
}

static void test_that_areas_and_places_come_back(void **state) {
        const WireArea area = { TEXT("\\\\?\\Volume{1}\\"), TEXT("/v\xffr"), -1, INT64_MAX, 0 };
        const WirePlace place = { TEXT("name"), TEXT("/"), -1, 7 };
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(wire_area_clear) WireArea a = { 0 };
        _cleanup_(wire_place_clear) WirePlace p = { 0 };

        assert_true(wire_append_area(m, &area) >= 0);
        assert_true(wire_append_place(m, &place) >= 0);
        message_ready(m);
        assert_true(wire_read_area(m, &a) >= 0);
        assert_string_equal(a.volume, area.volume);
        assert_string_equal(a.place, area.place);
        assert_true(a.maximum == -1 && a.allocated == INT64_MAX && a.used == 0);
        assert_true(wire_read_place(m, &p) >= 0);
        assert_string_equal(p.name, place.name);
        assert_string_equal(p.mount_point, place.mount_point);
        assert_true(p.free == -1 && p.total == 7);
}

static void test_that_sizes_out_of_range_are_refused(void **state) {
        static const int64_t sizes[][3] = { { -2, 0, 0 }, { 0, INT64_MIN, 0 }, { 0, 0, -2 } };

        for (size_t i = 0; i < ELEMENTSOF(sizes); ++i) {
                const WireArea area = { NULL, NULL, sizes[i][0], sizes[i][1], sizes[i][2] };
                const WirePlace place = { NULL, NULL, sizes[i][0] + sizes[i][1], sizes[i][2] };
                _cleanup_message_ sd_bus_message *m = message_new(), *n = message_new();
                WireArea a;
                WirePlace p;

                assert_true(wire_append_area(m, &area) >= 0);
                message_ready(m);
                assert_int_equal(wire_read_area(m, &a), -EBADMSG);
                assert_true(wire_append_place(n, &place) >= 0);
                message_ready(n);
                assert_int_equal(wire_read_place(n, &p), -EBADMSG);
        }
}

static void test_that_other_types_are_refused_everywhere(void **state) {
        _cleanup_message_ sd_bus_message *m = message_new();
        WireWriterStatus status;
        WireProvider provider;
        WireSnapshot snapshot;
        WireWriter writer;
        WireVolume volume;
        size_t size;
        GUID *ids;
        char **v, *s;

        assert_true(sd_bus_message_append(m, "u", 1) >= 0);
        message_ready(m);
        assert_int_equal(wire_read_snapshot(m, &snapshot), -EBADMSG);
        assert_int_equal(wire_read_provider(m, &provider), -EBADMSG);
        assert_int_equal(wire_read_writer(m, &writer), -EBADMSG);
        assert_int_equal(wire_read_writer_status(m, &status), -EBADMSG);
        assert_int_equal(wire_read_volume(m, &volume), -EBADMSG);
        assert_int_equal(wire_read_guids(m, 1, &ids, &size), -EBADMSG);
        assert_int_equal(wire_read_texts(m, 1, &v), -EBADMSG);
        assert_int_equal(wire_read_blob(m, 1, &s, &size), -EBADMSG);
        assert_int_equal(wire_read_optional_blob(m, 1, &s, &size), -EBADMSG);
}

static void test_that_errors_of_any_origin_become_results(void **state) {
        static const struct {
                const char *name;
                HRESULT hr;
                /* clang-format off */
        } cases[] = {
                { "umbra.Error.VSS_E_BAD_STATE",   VSS_E_BAD_STATE           },
                { "umbra.Error.x80042301",         VSS_E_BAD_STATE           },
                { "umbra.Error.x8004BEEF",         UMBRA_HRESULT(0x8004BEEF) },
                { "umbra.Error.VSS_S_ASYNC_CANCELLED", VSS_S_ASYNC_CANCELLED },
                { "umbra.Error.S_OK",              VSS_E_UNEXPECTED          }, /* no failure */
                { "umbra.Error.x00000000",         VSS_E_UNEXPECTED          },
                { "umbra.Error.x8004beef",         VSS_E_UNEXPECTED          },
                { "umbra.Error.x8004BEE",          VSS_E_UNEXPECTED          },
                { "umbra.Error.",                  VSS_E_UNEXPECTED          },
                { "umbra.Error.VSS_E_FROM_TOMORROW", VSS_E_UNEXPECTED        },
                { SD_BUS_ERROR_ACCESS_DENIED,      E_ACCESSDENIED            },
                { SD_BUS_ERROR_NO_MEMORY,          E_OUTOFMEMORY             },
                { SD_BUS_ERROR_UNKNOWN_METHOD,     E_NOTIMPL                 },
                { "System.Error.ENOSPC",           VSS_E_INSUFFICIENT_STORAGE },
                { "System.Error.ENOSUCHTHING",     VSS_E_UNEXPECTED          },
                { SD_BUS_ERROR_DISCONNECTED,       VSS_E_UNEXPECTED          },
                { SD_BUS_ERROR_NO_REPLY,           VSS_E_UNEXPECTED          },
                { "com.example.Whatever",          VSS_E_UNEXPECTED          },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(cases[i].name, "x");

                assert_int_equal(hresult_from_wire_error(&error), cases[i].hr);
        }

        assert_int_equal(hresult_from_wire_error(&SD_BUS_ERROR_NULL), VSS_E_UNEXPECTED);
        assert_int_equal(hresult_from_wire_error(NULL), VSS_E_UNEXPECTED);
}

static void test_that_setting_an_error_ends_a_method(void **state) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        assert_true(wire_error_set(&error, E_INVALIDARG, "'%s' is no volume", "x") < 0);
        assert_string_equal(error.name, "umbra.Error.E_INVALIDARG");
        assert_string_equal(error.message, "'x' is no volume");
        sd_bus_error_free(&error);
        assert_true(wire_error_set(NULL, E_INVALIDARG, NULL) < 0);
}

/* What a reader of the answer sees; NULL if there is no answer. */
static char *sentence_that_arrives(const char *name) {
        _cleanup_message_ sd_bus_message *question = message_new(), *answer = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *sentence = NULL;
        const char *text;

        assert_true(sd_bus_message_seal(question, 1, 0) >= 0);
        assert_true(wire_error_set(&error, VSS_E_OBJECT_NOT_FOUND, "'%s' is not there", name) < 0);
        assert_int_equal(hresult_from_wire_error(&error), VSS_E_OBJECT_NOT_FOUND);
        if (sd_bus_message_new_method_error(question, &answer, &error) >= 0) {
                message_ready(answer);
                assert_true(sd_bus_message_read(answer, "s", &text) >= 0);
                assert_int_equal(strdup_to(text, &sentence), 0);
        }
        sd_bus_error_free(&error);
        return sentence;
}

static void test_that_a_sentence_arrives_whatever_names_it_holds(void **state) {
        char sharp[] = "aßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßß", name[2000];
        _cleanup_(freep) char *odd = sentence_that_arrives("/srv/caf\xe9");

        assert_non_null(odd);
        assert_string_equal(odd, "'/srv/caf\\xe9' is not there");

        /* Wherever the cut falls. */
        for (size_t shift = 0; shift < 2; ++shift) {
                _cleanup_(freep) char *cut = NULL;

                snprintf(name, sizeof(name), "%s", sharp + shift);
                while (strlen(name) < 1500)
                        strcat(name, sharp + 1);
                cut = sentence_that_arrives(name);
                assert_non_null(cut);
                assert_true(strlen(cut) > 1000 && utf8_is_valid(cut));
        }
}

static void test_that_events_have_names(void **state) {
        for (WireEvent e = 0; e < _WIRE_EVENT_MAX; ++e) {
                assert_non_null(wire_event_to_string(e));
                assert_int_equal(wire_event_from_string(wire_event_to_string(e)), e);
        }
        assert_null(wire_event_to_string(_WIRE_EVENT_MAX));
        assert_int_equal(wire_event_from_string("whatever"), _WIRE_EVENT_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_text_of_any_bytes_comes_back),
                cmocka_unit_test(test_that_text_that_is_too_long_or_no_text_is_refused),
                cmocka_unit_test(test_that_text_that_could_not_be_sent_on_is_refused),
                cmocka_unit_test(test_that_guids_come_back_and_others_are_refused),
                cmocka_unit_test(test_that_texts_come_back_up_to_their_number),
                cmocka_unit_test(test_that_blobs_come_back_sealed_and_bounded),
                cmocka_unit_test(test_that_a_snapshot_comes_back),
                cmocka_unit_test(test_that_a_snapshot_out_of_range_is_refused),
                cmocka_unit_test(test_that_the_other_records_come_back),
                cmocka_unit_test(test_that_areas_and_places_come_back),
                cmocka_unit_test(test_that_sizes_out_of_range_are_refused),
                cmocka_unit_test(test_that_other_types_are_refused_everywhere),
                cmocka_unit_test(test_that_errors_of_any_origin_become_results),
                cmocka_unit_test(test_that_setting_an_error_ends_a_method),
                cmocka_unit_test(test_that_a_sentence_arrives_whatever_names_it_holds),
                cmocka_unit_test(test_that_events_have_names),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
