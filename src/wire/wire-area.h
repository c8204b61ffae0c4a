/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Marshalling of what umbra.Areas1 says
 *
 * As in wire-types.h.
 */

#include <stdint.h>
#include <systemd/sd-bus.h>

/* WIRE_AREA */
typedef struct WireArea {
        char *volume, *place; /* \\?\Volume{…}\ */
        int64_t maximum, allocated, used;
} WireArea;

void wire_area_clear(WireArea *a);
int wire_append_area(sd_bus_message *m, const WireArea *a);
int wire_read_area(sd_bus_message *m, WireArea *ret);

/* WIRE_PLACE */
typedef struct WirePlace {
        char *name, *mount_point;
        int64_t free, total;
} WirePlace;

void wire_place_clear(WirePlace *p);
int wire_append_place(sd_bus_message *m, const WirePlace *p);
int wire_read_place(sd_bus_message *m, WirePlace *ret);
