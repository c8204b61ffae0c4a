/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-provider as It Must Not Be
 *
 * Takes the place of the real program and misbehaves in the way that its --provider says:
 *
 *         ends       at once, with status 7
 *         garbage    says things that are no D-Bus
 *         nonsense   answers every question with what was not asked
 *         foreign    answers every question with an error that no provider reports
 *         deaf       never reads, and ignores that the other end closes
 */

#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "base/fd-util.h"
#include "provider/provider-protocol.h"

static int answer_nonsense(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "as", 2, "what", "ever");
}

static int answer_foreign(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_error_set(error, "org.example.Unheard", "of");
}

static int serve(sd_bus_message_handler_t handler) {
        sd_bus *bus = NULL;
        sd_id128_t id;
        int r;

        (void) sd_id128_randomize(&id);
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_fd(bus, PROVIDER_WORKER_FD, PROVIDER_WORKER_FD);
        if (r >= 0)
                r = sd_bus_set_server(bus, true, id);
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, handler, NULL);
        if (r >= 0)
                r = sd_bus_start(bus);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }

        sd_bus_unref(bus);
        return 0;
}

int main(int argc, char **argv) {
        static const char garbage[] =
                "HTTP/1.1 400 Bad Request\r\n\r\nOK is what you wanted to read\r\n\r\n";
        const char *how = argc > 2 ? argv[2] : "";

        if (strcmp(how, "ends") == 0)
                return 7;
        if (strcmp(how, "garbage") == 0)
                (void) fd_write_all(PROVIDER_WORKER_FD, garbage, sizeof(garbage));
        if (strcmp(how, "nonsense") == 0)
                return serve(answer_nonsense);
        if (strcmp(how, "foreign") == 0)
                return serve(answer_foreign);

        for (;;)
                (void) pause();
}
