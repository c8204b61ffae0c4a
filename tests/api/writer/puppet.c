/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Puppets
 */

#include "api/writer/puppet.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "lib/test-util.h"

const VSS_ID puppet_writer_id = { 0x9d0f5b1e, 0x2c44, 0x4b6f, { 0x93, 0x0a, 0x70, 0x75, 0x70, 0x70, 0x65, 0x74 } };

static bool play(Puppet *p, WireEvent event, IVssWriterComponents *components) {
        const PuppetAct *act = &p->acts[event];

        if (event != WIRE_EVENT_IDENTIFY || !p->options.silent_identify)
                journal_say("%s %s", p->name, wire_event_to_string(event));
        if (act->gate)
                gate_wait(act->gate);
        if (act->does)
                act->does(p, components);
        if (act->hr != S_OK && FAILED(umbra_writer_set_failure_ex(p->writer, act->hr, act->hr_application, act->message)))
                journal_say("%s may not fail with 0x%x", p->name, (unsigned) act->hr);
        return !act->fails;
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        Puppet *p = userdata;
        _cleanup_(freep) char *data = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;

        if (format_to(&data, "%s/data", p->volume) < 0 || wide_from_utf8(data, &wide) < 0 ||
            FAILED(IVssCreateWriterMetadataEx_SetBackupSchema(metadata, VSS_BS_WRITER_SUPPORTS_NEW_TARGET |
                                                                                VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE)) ||
            FAILED(IVssCreateWriterMetadataEx_SetRestoreMethod(metadata, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL,
                                                               VSS_WRE_ALWAYS, false)) ||
            FAILED(IVssCreateWriterMetadataEx_AddComponent(metadata, VSS_CT_FILEGROUP, NULL, L"data", L"Data", NULL, 0, true, true,
                                                           true, true, 0)) ||
            FAILED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(metadata, NULL, L"data", wide, L"*", true, NULL, 0xF0F)))
                return false;
        return play(p, WIRE_EVENT_IDENTIFY, NULL);
}

#define ON_PLAIN(name, event)                         \
        static bool name(void *userdata) {            \
                return play(userdata, event, NULL);   \
        }
#define ON_COMPONENTS(name, event)                                           \
        static bool name(void *userdata, IVssWriterComponents *components) { \
                return play(userdata, event, components);                    \
        }

ON_COMPONENTS(on_prepare_backup, WIRE_EVENT_PREPARE_BACKUP)
ON_PLAIN(on_prepare_snapshot, WIRE_EVENT_PREPARE_SNAPSHOT)
ON_PLAIN(on_freeze, WIRE_EVENT_FREEZE)
ON_PLAIN(on_thaw, WIRE_EVENT_THAW)
ON_PLAIN(on_abort, WIRE_EVENT_ABORT)
ON_COMPONENTS(on_post_snapshot, WIRE_EVENT_POST_SNAPSHOT)
ON_COMPONENTS(on_backup_complete, WIRE_EVENT_BACKUP_COMPLETE)
ON_COMPONENTS(on_pre_restore, WIRE_EVENT_PRE_RESTORE)
ON_COMPONENTS(on_post_restore, WIRE_EVENT_POST_RESTORE)

static bool on_backup_shutdown(void *userdata, VSS_ID set_id) {
        return play(userdata, WIRE_EVENT_BACKUP_SHUTDOWN, NULL);
}

static void on_disconnected(void *userdata) {
        Puppet *p = userdata;

        journal_say("%s disconnected", p->name);
}

static const UmbraWriterCallbacks callbacks = {
        .size = sizeof(callbacks),
        .OnIdentify = on_identify,
        .OnPrepareBackup = on_prepare_backup,
        .OnPrepareSnapshot = on_prepare_snapshot,
        .OnFreeze = on_freeze,
        .OnThaw = on_thaw,
        .OnAbort = on_abort,
        .OnPostSnapshot = on_post_snapshot,
        .OnBackupComplete = on_backup_complete,
        .OnBackupShutdown = on_backup_shutdown,
        .OnPreRestore = on_pre_restore,
        .OnPostRestore = on_post_restore,
        .OnDisconnected = on_disconnected,
};

Puppet *puppet_new_unsubscribed(const char *name, const char *volume, const PuppetOptions *options) {
        _cleanup_(freep) WCHAR *wide = NULL;
        Puppet *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        snprintf(p->name, sizeof(p->name), "%s", name);
        p->volume = volume;
        if (options)
                p->options = *options;
        if (p->options.level == VSS_APP_UNKNOWN)
                p->options.level = VSS_APP_FRONT_END;
        if (p->options.freeze_msec == 0)
                p->options.freeze_msec = UMBRA_FREEZE_TIMEOUT_MSEC;
        if (p->options.unsubscribe_msec == 0)
                p->options.unsubscribe_msec = INFINITE;
        if (memcmp(&p->options.id, &(VSS_ID){ 0 }, sizeof(VSS_ID)) == 0)
                p->options.id = puppet_writer_id;

        assert_int_equal(wide_from_utf8(name, &wide), 0);
        assert_int_equal(umbra_writer_new(&callbacks, p, &p->writer), S_OK);
        assert_int_equal(umbra_writer_initialize(p->writer, p->options.id, wide, 3, 1, VSS_UT_USERDATA, VSS_ST_TRANSACTEDDB,
                                                 p->options.level, p->options.freeze_msec, VSS_AWS_NO_ALTERNATE_WRITER, false,
                                                 p->options.instance_name ?: wide),
                         S_OK);
        return p;
}

HRESULT puppet_subscribe(Puppet *p) {
        return umbra_writer_subscribe(p->writer, p->options.unsubscribe_msec, UMBRA_WRITER_EVENTS);
}

HRESULT puppet_unsubscribe(Puppet *p) {
        return umbra_writer_unsubscribe(p->writer);
}

Puppet *puppet_new(const char *name, const char *volume, const PuppetOptions *options) {
        Puppet *p = puppet_new_unsubscribed(name, volume, options);
        HRESULT hr = puppet_subscribe(p);

        if (FAILED(hr))
                fail_msg("cannot subscribe '%s': 0x%08x %s", name, (unsigned) hr, umbra_last_error());
        return p;
}

Puppet *puppet_free(Puppet *p) {
        if (!p)
                return NULL;
        umbra_writer_free(p->writer);
        free(p);
        return NULL;
}
