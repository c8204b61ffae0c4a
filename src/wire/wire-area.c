/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Marshalling of what umbra.Areas1 says
 */

#include "wire/wire-area.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/wire-names.h"
#include "wire/wire-types.h"

/* Without their parentheses. */
#define AREA_FIELDS "ssxxx"
#define PLACE_FIELDS "ssxx"

void wire_area_clear(WireArea *a) {
        free(a->volume);
        free(a->place);
        *a = (WireArea){ 0 };
}

int wire_append_area(sd_bus_message *m, const WireArea *a) {
        int r;

        r = sd_bus_message_open_container(m, 'r', AREA_FIELDS);
        if (r >= 0)
                r = wire_append_text(m, a->volume);
        if (r >= 0)
                r = wire_append_text(m, a->place);
        if (r >= 0)
                r = sd_bus_message_append(m, "xxx", a->maximum, a->allocated, a->used);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* "No limit" and "not known" are -1; there is no other negative size. */
static bool is_size(int64_t n) {
        return n >= -1;
}

int wire_read_area(sd_bus_message *m, WireArea *ret) {
        _cleanup_(wire_area_clear) WireArea a = { 0 };
        int r;

        r = sd_bus_message_enter_container(m, 'r', AREA_FIELDS);
        if (r >= 0)
                r = wire_read_text(m, &a.volume);
        if (r >= 0)
                r = wire_read_text(m, &a.place);
        if (r >= 0)
                r = sd_bus_message_read(m, "xxx", &a.maximum, &a.allocated, &a.used);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (!is_size(a.maximum) || !is_size(a.allocated) || !is_size(a.used))
                return -EBADMSG;

        *ret = a;
        a = (WireArea){ 0 };
        return 0;
}

void wire_place_clear(WirePlace *p) {
        free(p->name);
        free(p->mount_point);
        *p = (WirePlace){ 0 };
}

int wire_append_place(sd_bus_message *m, const WirePlace *p) {
        int r;

        r = sd_bus_message_open_container(m, 'r', PLACE_FIELDS);
        if (r >= 0)
                r = wire_append_text(m, p->name);
        if (r >= 0)
                r = wire_append_text(m, p->mount_point);
        if (r >= 0)
                r = sd_bus_message_append(m, "xx", p->free, p->total);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int wire_read_place(sd_bus_message *m, WirePlace *ret) {
        _cleanup_(wire_place_clear) WirePlace p = { 0 };
        int r;

        r = sd_bus_message_enter_container(m, 'r', PLACE_FIELDS);
        if (r >= 0)
                r = wire_read_text(m, &p.name);
        if (r >= 0)
                r = wire_read_text(m, &p.mount_point);
        if (r >= 0)
                r = sd_bus_message_read(m, "xx", &p.free, &p.total);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (!is_size(p.free) || !is_size(p.total))
                return -EBADMSG;

        *ret = p;
        p = (WirePlace){ 0 };
        return 0;
}
