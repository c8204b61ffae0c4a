/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading umbra.conf Again
 *
 *        SIGHUP                  nothing is frozen
 *   IDLE ------> ASKED (defer) -------------------> read, IDLE      [reload_on_turn]
 *                  ^   |
 *                  |   | something is frozen: names of users may lie behind it
 *                  |   v
 *                 WAITING                                           [reload_thawed]
 *
 * What cannot be read changes nothing: access is never guessed, and nobody loses it by a typing error.
 */

#include "coordinator/reload.h"

#include <signal.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/authorize.h"
#include "coordinator/config.h"
#include "coordinator/manager.h"
#include "coordinator/shadow-access.h"

static int reload_on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;

        return sd_event_source_set_enabled(m->reload_turn, SD_EVENT_ONESHOT);
}

static int reload_on_turn(sd_event_source *s, void *userdata) {
        _cleanup_(config_freep) Config *config = NULL;
        Manager *m = userdata;
        int r;

        m->reload_waits = catalog_is_frozen(m->catalog);
        if (m->reload_waits)
                return 0;

        r = config_load(m->config_path, &config);
        if (r < 0) {
                log_warning_errno(r, "Failed to read the configuration again, keeping the old one: %m");
                return 0;
        }
        config_free(m->config);
        m->config = TAKE_PTR(config);
        log_info("Read the configuration again");
        shadow_access_apply(m);
        authorize_again(m);
        return 0;
}

int reload_set_up(Manager *m) {
        int r;

        r = sd_event_add_defer(m->event, &m->reload_turn, reload_on_turn, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(m->reload_turn, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_add_signal(m->event, &m->sighup, SIGHUP, reload_on_signal, m);
}

void reload_thawed(Manager *m) {
        if (m->reload_waits)
                (void) sd_event_source_set_enabled(m->reload_turn, SD_EVENT_ONESHOT);
}
