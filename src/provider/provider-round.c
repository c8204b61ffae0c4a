/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Snapshots of a Worker, Side by Side
 */

#include "provider/provider-round.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "wire/wire-limits.h"

struct Rounds {
        const ProviderOps *ops;
        const ProviderEnv *env;
        Planned *planned;

        pthread_mutex_t lock; /* guards all below, and the threads' fields */
        pthread_cond_t changed;
        RoundStep step; /* of the round that runs */
        size_t n_running;
};

typedef struct PlannedThread {
        Rounds *rounds;
        Planned *planned;
        pthread_t id;
        bool wanted; /* there is a step to do */
        bool ending;
} PlannedThread;

int rounds_new(const ProviderOps *ops, const ProviderEnv *env, Rounds **ret) {
        Rounds *rounds;

        rounds = calloc_checked(1, sizeof(*rounds));
        if (!rounds)
                return -ENOMEM;

        rounds->ops = ops;
        rounds->env = env;
        (void) pthread_mutex_init(&rounds->lock, NULL); /* these two cannot fail here */
        (void) pthread_cond_init(&rounds->changed, NULL);

        *ret = rounds;
        return 0;
}

static void *thread_run(void *arg) {
        PlannedThread *t = arg;
        Rounds *rounds = t->rounds;
        Planned *p = t->planned;

        (void) pthread_mutex_lock(&rounds->lock);
        for (;;) {
                while (!t->wanted && !t->ending)
                        (void) pthread_cond_wait(&rounds->changed, &rounds->lock);
                if (t->ending)
                        break;

                (void) pthread_mutex_unlock(&rounds->lock);
                provider_sentence_clear();
                p->r = rounds->step(rounds->ops, rounds->env, p);
                (void) snprintf(p->sentence, sizeof(p->sentence), "%s", provider_sentence());
                p->own_result = provider_own_result();
                (void) pthread_mutex_lock(&rounds->lock);

                t->wanted = false;
                --rounds->n_running;
                (void) pthread_cond_broadcast(&rounds->changed);
        }
        (void) pthread_mutex_unlock(&rounds->lock);

        return NULL;
}

static int thread_start(Rounds *rounds, Planned *p) {
        _cleanup_(freep) PlannedThread *t = NULL;
        int r;

        t = calloc_checked(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->rounds = rounds;
        t->planned = p;
        r = pthread_create(&t->id, NULL, thread_run, t);
        if (r > 0)
                return -r;

        p->thread = TAKE_PTR(t);
        return 0;
}

static void thread_end(PlannedThread *t) {
        Rounds *rounds = t->rounds;

        (void) pthread_mutex_lock(&rounds->lock);
        t->ending = true;
        (void) pthread_cond_broadcast(&rounds->changed);
        (void) pthread_mutex_unlock(&rounds->lock);

        (void) pthread_join(t->id, NULL);
        free(t);
}

static Planned *planned_free(const ProviderOps *ops, Planned *p) {
        if (p->thread)
                thread_end(p->thread);
        if (p->prepared && ops->release)
                ops->release(&p->snapshot);
        (void) fd_close(p->snapshot.volume_fd);
        (void) fd_close(p->lock_fd); /* last: now it may be discarded */
        free(p->volume);
        free(p->note);
        free(p);
        return NULL;
}

Rounds *rounds_free(Rounds *rounds) {
        if (!rounds)
                return NULL;

        while (rounds->planned) {
                Planned *p = rounds->planned;

                DL_DELETE(rounds->planned, p);
                (void) planned_free(rounds->ops, p);
        }
        (void) pthread_cond_destroy(&rounds->changed);
        (void) pthread_mutex_destroy(&rounds->lock);
        free(rounds);
        return NULL;
}

int rounds_add(Rounds *rounds, const ProviderSnapshot *s, char *volume, char *note, int lock_fd) {
        Planned *p;
        int r;

        p = calloc_checked(1, sizeof(*p));
        if (!p) {
                (void) fd_close(s->volume_fd);
                (void) fd_close(lock_fd);
                free(volume);
                free(note);
                return -ENOMEM;
        }

        p->snapshot = *s;
        p->snapshot.lock_fd = p->lock_fd = lock_fd;
        p->snapshot.volume = p->volume = volume;
        p->snapshot.note = p->note = note;
        r = thread_start(rounds, p);
        if (r < 0) {
                (void) planned_free(rounds->ops, p);
                return r;
        }

        DL_APPEND(rounds->planned, p);
        return 0;
}

void rounds_remove(Rounds *rounds, const GUID *id) {
        Planned *p = rounds_find(rounds, id);

        if (!p)
                return;

        DL_DELETE(rounds->planned, p);
        (void) planned_free(rounds->ops, p);
}

Planned *rounds_find(const Rounds *rounds, const GUID *id) {
        Planned *p;

        DL_FOREACH(rounds->planned, p)
                if (guid_equal(&p->snapshot.id, id))
                        return p;

        return NULL;
}

Planned *rounds_first(const Rounds *rounds) {
        return rounds->planned;
}

Planned *rounds_run(Rounds *rounds, RoundStep step, bool all) {
        Planned *p;

        (void) pthread_mutex_lock(&rounds->lock);
        rounds->step = step;
        DL_FOREACH(rounds->planned, p) {
                p->thread->wanted = all || p->chosen;
                rounds->n_running += p->thread->wanted;
        }
        (void) pthread_cond_broadcast(&rounds->changed);
        while (rounds->n_running > 0)
                (void) pthread_cond_wait(&rounds->changed, &rounds->lock);
        (void) pthread_mutex_unlock(&rounds->lock);

        DL_FOREACH(rounds->planned, p)
                if (p->r < 0)
                        return p;

        return NULL;
}

size_t rounds_list(const Rounds *rounds, bool all, ProviderSnapshot **list) {
        size_t n = 0;
        Planned *p;

        DL_FOREACH(rounds->planned, p)
                if (all || p->chosen) {
                        assert(n < WIRE_VOLUMES_MAX);
                        list[n++] = &p->snapshot;
                }
        return n;
}

Planned *rounds_run_all(Rounds *rounds, RoundAll step, bool all) {
        ProviderSnapshot *list[WIRE_VOLUMES_MAX];
        size_t n = rounds_list(rounds, all, list);
        Planned *first;

        if (n == 0)
                return NULL;

        first = rounds_find(rounds, &list[0]->id);
        assert(first);
        provider_sentence_clear();
        first->r = step(rounds->env, list, n);
        (void) snprintf(first->sentence, sizeof(first->sentence), "%s", provider_sentence());
        first->own_result = provider_own_result();
        return first->r < 0 ? first : NULL;
}
