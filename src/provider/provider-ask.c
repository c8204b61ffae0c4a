/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Questions of the Coordinator
 *
 * Each is a message and nothing else; when and how it is answered is provider-client.c.
 */

#include "provider/provider-ask.h"

#include "wire/wire-types.h"

typedef struct Ask {
        ProviderClient *client;
        ProviderCall call;
        sd_bus_message *m; /* NULL when the worker is not there to be asked */
        int r;             /* of the last step; after one that failed the others do nothing */
} Ask;

static void ask_done(Ask *a) {
        sd_bus_message_unref(a->m);
}
#define _cleanup_ask_ _cleanup_(ask_done)

static Ask ask(ProviderClient *c, ProviderCall call) {
        Ask a = { .client = c, .call = call };

        a.r = client_message(c, call, &a.m);
        return a;
}

/* @append: a function that takes the message first, and returns -errno. */
#define ASK_APPEND(a, append, ...)                                                                          \
        do {                                                                                                \
                if ((a)->r >= 0 && (a)->m)                                                                  \
                        (a)->r = append((a)->m, __VA_ARGS__);                                               \
        } while (false)

static Ask ask_about(ProviderClient *c, ProviderCall call, const ProviderSnapshot *s) {
        Ask a = ask(c, call);

        ASK_APPEND(&a, provider_append_snapshot, s);
        return a;
}

static int ask_send(const Ask *a, usec_t timeout, ProviderAnswered done, void *userdata) {
        return a->r < 0 ? a->r : client_ask(a->client, a->call, a->m, timeout, done, userdata);
}

int provider_client_probe(ProviderClient *c,
                          const char *volume,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_PROBE);

        ASK_APPEND(&a, wire_append_text, volume);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_usage(ProviderClient *c,
                          const char *volume,
                          char *const *notes,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_USAGE);

        ASK_APPEND(&a, wire_append_text, volume);
        ASK_APPEND(&a, wire_append_texts, notes);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_is_snapshotted(ProviderClient *c,
                                   const char *volume,
                                   usec_t timeout,
                                   ProviderAnswered done,
                                   void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_IS_SNAPSHOTTED);

        ASK_APPEND(&a, wire_append_text, volume);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_plan(ProviderClient *c,
                         const ProviderSnapshot *s,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_PLAN, s);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_prepare(ProviderClient *c,
                            const GUID *snapshot_id,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_PREPARE);

        ASK_APPEND(&a, wire_append_guid, snapshot_id);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_sync(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_SYNC);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_pre_commit(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_PRE_COMMIT);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_commit(ProviderClient *c,
                           const ProviderCommit *what,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_COMMIT);

        ASK_APPEND(&a, wire_append_guids, what->ids, what->n_ids);
        ASK_APPEND(&a, wire_append_guids, what->held, what->n_held);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_post_commit(ProviderClient *c,
                                uint32_t n_set,
                                usec_t timeout,
                                ProviderAnswered done,
                                void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_POST_COMMIT);

        ASK_APPEND(&a, sd_bus_message_append, "u", n_set);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_finish(ProviderClient *c,
                           const GUID *set_id,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask(c, PROVIDER_CALL_FINISH);

        ASK_APPEND(&a, wire_append_guid, set_id);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_surface(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_SURFACE, s);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_discard(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_DISCARD, s);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_tend(ProviderClient *c,
                         const ProviderSnapshot *s,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_TEND, s);

        return ask_send(&a, timeout, done, userdata);
}

int provider_client_unseal(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *device,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_UNSEAL, s);

        ASK_APPEND(&a, wire_append_text, device);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_seal(ProviderClient *c,
                         const ProviderSnapshot *s,
                         const char *device,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_SEAL, s);

        ASK_APPEND(&a, wire_append_text, device);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_may_expose(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *device,
                               const char *path,
                               uid_t uid,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_MAY_EXPOSE, s);

        ASK_APPEND(&a, wire_append_text, device);
        ASK_APPEND(&a, wire_append_text, path);
        ASK_APPEND(&a, sd_bus_message_append, "u", (uint32_t) uid);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_expose(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *device,
                           const char *path,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_EXPOSE, s);

        ASK_APPEND(&a, wire_append_text, device);
        ASK_APPEND(&a, wire_append_text, path);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_unexpose(ProviderClient *c,
                             const ProviderSnapshot *s,
                             const char *device,
                             const char *path,
                             usec_t timeout,
                             ProviderAnswered done,
                             void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_UNEXPOSE, s);

        ASK_APPEND(&a, wire_append_text, device);
        ASK_APPEND(&a, wire_append_text, path);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_may_revert(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *target,
                               uint32_t flags,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_MAY_REVERT, s);

        ASK_APPEND(&a, wire_append_text, target);
        ASK_APPEND(&a, sd_bus_message_append, "u", flags);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_revert(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *target,
                           uint32_t flags,
                           const char *how,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_REVERT, s);

        ASK_APPEND(&a, wire_append_text, target);
        ASK_APPEND(&a, sd_bus_message_append, "u", flags);
        ASK_APPEND(&a, wire_append_text, how);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_break(ProviderClient *c,
                          const ProviderSnapshot *s,
                          uint32_t flags,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_BREAK, s);

        ASK_APPEND(&a, sd_bus_message_append, "u", flags);
        return ask_send(&a, timeout, done, userdata);
}

int provider_client_import(ProviderClient *c,
                           const ProviderSnapshot *s,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata) {
        _cleanup_ask_ Ask a = ask_about(c, PROVIDER_CALL_IMPORT, s);

        return ask_send(&a, timeout, done, userdata);
}
