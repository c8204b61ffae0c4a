/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Questions of the Coordinator
 *
 * Each is a message and nothing else; when and how it is answered is provider-client.c.
 */

#include "provider/provider-ask.h"

#include "wire/wire-types.h"

int provider_client_probe(ProviderClient *c,
                          const char *volume,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, PROVIDER_CALL_PROBE, &m);
        if (r >= 0 && m)
                r = wire_append_text(m, volume);
        return r < 0 ? r : client_ask(c, PROVIDER_CALL_PROBE, m, timeout, done, userdata);
}

int provider_client_usage(ProviderClient *c,
                          const char *volume,
                          char *const *notes,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, PROVIDER_CALL_USAGE, &m);
        if (r >= 0 && m)
                r = wire_append_text(m, volume);
        if (r >= 0 && m)
                r = wire_append_texts(m, notes);
        return r < 0 ? r : client_ask(c, PROVIDER_CALL_USAGE, m, timeout, done, userdata);
}

static int ask_with_snapshot(ProviderClient *c,
                             ProviderCall call,
                             const ProviderSnapshot *s,
                             usec_t timeout,
                             ProviderAnswered done,
                             void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, call, &m);
        if (r >= 0 && m)
                r = provider_append_snapshot(m, s);
        return r < 0 ? r : client_ask(c, call, m, timeout, done, userdata);
}

int provider_client_plan(ProviderClient *c,
                         const ProviderSnapshot *s,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata) {
        return ask_with_snapshot(c, PROVIDER_CALL_PLAN, s, timeout, done, userdata);
}

int provider_client_prepare(ProviderClient *c,
                            const GUID *snapshot_id,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, PROVIDER_CALL_PREPARE, &m);
        if (r >= 0 && m)
                r = wire_append_guid(m, snapshot_id);
        return r < 0 ? r : client_ask(c, PROVIDER_CALL_PREPARE, m, timeout, done, userdata);
}

static int ask_plainly(ProviderClient *c,
                       ProviderCall call,
                       usec_t timeout,
                       ProviderAnswered done,
                       void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, call, &m);
        return r < 0 ? r : client_ask(c, call, m, timeout, done, userdata);
}

int provider_client_sync(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata) {
        return ask_plainly(c, PROVIDER_CALL_SYNC, timeout, done, userdata);
}

int provider_client_pre_commit(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata) {
        return ask_plainly(c, PROVIDER_CALL_PRE_COMMIT, timeout, done, userdata);
}

int provider_client_commit(ProviderClient *c,
                           const GUID *held,
                           size_t n_held,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, PROVIDER_CALL_COMMIT, &m);
        if (r >= 0 && m)
                r = wire_append_guids(m, held, n_held);
        return r < 0 ? r : client_ask(c, PROVIDER_CALL_COMMIT, m, timeout, done, userdata);
}

int provider_client_surface(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        return ask_with_snapshot(c, PROVIDER_CALL_SURFACE, s, timeout, done, userdata);
}

int provider_client_discard(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        return ask_with_snapshot(c, PROVIDER_CALL_DISCARD, s, timeout, done, userdata);
}

/* A snapshot, and then what @device, @path and @number say; the texts may be NULL, the number negative. */
static int ask_deed(ProviderClient *c,
                    ProviderCall call,
                    const ProviderSnapshot *s,
                    const char *device,
                    const char *path,
                    int64_t number,
                    usec_t timeout,
                    ProviderAnswered done,
                    void *userdata) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = client_message(c, call, &m);
        if (r >= 0 && m)
                r = provider_append_snapshot(m, s);
        if (r >= 0 && m && device)
                r = wire_append_text(m, device);
        if (r >= 0 && m && path)
                r = wire_append_text(m, path);
        if (r >= 0 && m && number >= 0)
                r = sd_bus_message_append(m, "u", (uint32_t) number);
        return r < 0 ? r : client_ask(c, call, m, timeout, done, userdata);
}

int provider_client_may_expose(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *device,
                               const char *path,
                               uid_t uid,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata) {
        return ask_deed(c, PROVIDER_CALL_MAY_EXPOSE, s, device, path, uid, timeout, done, userdata);
}

int provider_client_expose(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *device,
                           const char *path,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        return ask_deed(c, PROVIDER_CALL_EXPOSE, s, device, path, -1, timeout, done, userdata);
}

int provider_client_unexpose(ProviderClient *c,
                             const ProviderSnapshot *s,
                             const char *device,
                             const char *path,
                             usec_t timeout,
                             ProviderAnswered done,
                             void *userdata) {
        return ask_deed(c, PROVIDER_CALL_UNEXPOSE, s, device, path, -1, timeout, done, userdata);
}

int provider_client_may_revert(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *target,
                               uint32_t flags,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata) {
        return ask_deed(c, PROVIDER_CALL_MAY_REVERT, s, NULL, target, flags, timeout, done, userdata);
}

int provider_client_revert(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *target,
                           uint32_t flags,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        return ask_deed(c, PROVIDER_CALL_REVERT, s, NULL, target, flags, timeout, done, userdata);
}

int provider_client_break(ProviderClient *c,
                          const ProviderSnapshot *s,
                          uint32_t flags,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        return ask_deed(c, PROVIDER_CALL_BREAK, s, NULL, NULL, flags, timeout, done, userdata);
}

int provider_client_import(ProviderClient *c,
                           const ProviderSnapshot *s,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        return ask_with_snapshot(c, PROVIDER_CALL_IMPORT, s, timeout, done, userdata);
}
