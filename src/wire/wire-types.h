/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Marshalling
 *
 * The few composite things that travel, each with one function that writes it into a message and one that
 * reads it. All return 0 or -errno; readers check every limit of wire-limits.h (-E2BIG) and enum range
 * (-EBADMSG).
 */

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <vss.h>

#include "base/macro.h"
#include "wire/wire-names.h"

int wire_append_guid(sd_bus_message *m, const GUID *id);
int wire_read_guid(sd_bus_message *m, GUID *ret);
int wire_append_guids(sd_bus_message *m, const GUID *ids, size_t n); /* aay */
int wire_read_guids(sd_bus_message *m, size_t max, GUID **ret, size_t *ret_n);

/* NULL and "" are the same on the wire; reads back as NULL. */
int wire_append_text(sd_bus_message *m, const char *s);
int wire_read_text(sd_bus_message *m, char **ret);
/* -E2BIG: it cannot be sent, so nobody should keep it who will have to. What was read can. */
int wire_check_text(const char *s);
int wire_append_texts(sd_bus_message *m, char *const *v); /* as */
int wire_read_texts(sd_bus_message *m, size_t max, char ***ret);

int wire_append_blob(sd_bus_message *m, const void *data, size_t size); /* h */
int wire_read_blob(sd_bus_message *m, size_t max, char **ret_data, size_t *ret_size);
int wire_append_optional_blob(sd_bus_message *m, const void *data, size_t size); /* ah; @data NULL: none */
int wire_read_optional_blob(sd_bus_message *m,
                            size_t max,
                            char **ret_data,
                            size_t *ret_size); /* none: NULL, 0 */

#define WIRE_CONSISTENCY_MAX                                                                                \
        3 /* CONSISTENCY_APPLICATION of doc/backup-doc.h, which this layer does not know */

/* VSS_SNAPSHOT_PROP with UTF-8 strings. */
typedef struct WireSnapshot {
        GUID id, set_id;
        int32_t snapshots_count;
        char *device_object, *original_volume, *originating_machine, *service_machine, *exposed_name,
                *exposed_path;
        GUID provider_id;
        int32_t attributes;
        int64_t timestamp; /* FILETIME */
        int32_t state;     /* VSS_SNAPSHOT_STATE */
        int32_t consistency;
} WireSnapshot;

void wire_snapshot_clear(WireSnapshot *s);
int wire_append_snapshot(sd_bus_message *m, const WireSnapshot *s);
int wire_read_snapshot(sd_bus_message *m, WireSnapshot *ret);

typedef struct WireProvider {
        GUID id;
        char *name;
        int32_t type;
        char *version;
        GUID version_id, class_id;
} WireProvider;

void wire_provider_clear(WireProvider *p);
int wire_append_provider(sd_bus_message *m, const WireProvider *p);
int wire_read_provider(sd_bus_message *m, WireProvider *ret);

/* One answer to GatherWriterMetadata. */
typedef struct WireWriter {
        GUID instance_id, writer_id;
        char *name;
        uint64_t document_size; /* of its part of the blob; the reader checks that the parts fit into it */
} WireWriter;

void wire_writer_clear(WireWriter *w);
int wire_append_writer(sd_bus_message *m, const WireWriter *w);
int wire_read_writer(sd_bus_message *m, WireWriter *ret);

typedef struct WireWriterStatus {
        GUID instance_id, writer_id;
        char *name;
        uint32_t state; /* VSS_WRITER_STATE */
        HRESULT failure, failure_application;
        char *message;
} WireWriterStatus;

void wire_writer_status_clear(WireWriterStatus *s);
int wire_append_writer_status(sd_bus_message *m, const WireWriterStatus *s);
int wire_read_writer_status(sd_bus_message *m, WireWriterStatus *ret);

typedef struct WireVolume {
        char *name, *mount_point, *device, *fstype;
        GUID provider_id;
        uint32_t consistency, consistency_held, n_snapshots;
        bool holdable;
} WireVolume;

void wire_volume_clear(WireVolume *v);
int wire_append_volume(sd_bus_message *m, const WireVolume *v);
int wire_read_volume(sd_bus_message *m, WireVolume *ret);

static inline void sd_bus_message_unref_cleanup(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_cleanup)
