/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What umbrad and a Provider's Worker Say to Each Other
 */

#include "provider/provider-protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

#define ERROR_PREFIX "umbra.Error." /* see wire/wire-error.h; all else is sd-bus's own */

const ProviderMember provider_members[_PROVIDER_CALL_MAX] = {
        [PROVIDER_CALL_PROBE] = { "Probe", "take" },
        [PROVIDER_CALL_USAGE] = { "Usage", "measure the shadow copies of" },
        [PROVIDER_CALL_IS_SNAPSHOTTED] = { "IsSnapshotted", "look for shadow copies of" },
        [PROVIDER_CALL_PLAN] = { "Plan", "plan a shadow copy of" },
        [PROVIDER_CALL_PREPARE] = { "Prepare", "prepare a shadow copy of" },
        [PROVIDER_CALL_SYNC] = { "Sync", "write out" },
        [PROVIDER_CALL_PRE_COMMIT] = { "PreCommit", "get ready to copy" },
        [PROVIDER_CALL_COMMIT] = { "Commit", "make a shadow copy of" },
        [PROVIDER_CALL_POST_COMMIT] = { "PostCommit", "complete a shadow copy of" },
        [PROVIDER_CALL_SURFACE] = { "Surface", "show the shadow copy of" },
        [PROVIDER_CALL_FINISH] = { "Finish", "complete the shadow copy of" },
        [PROVIDER_CALL_TEND] = { "Tend", "look after the shadow copy of" },
        [PROVIDER_CALL_DISCARD] = { "Discard", "remove the shadow copy of" },
        [PROVIDER_CALL_UNSEAL] = { "Unseal", "let writers into the shadow copy of" },
        [PROVIDER_CALL_SEAL] = { "Seal", "seal the shadow copy of" },
        [PROVIDER_CALL_MAY_EXPOSE] = { "MayExpose", "expose the shadow copy of" },
        [PROVIDER_CALL_EXPOSE] = { "Expose", "expose the shadow copy of" },
        [PROVIDER_CALL_UNEXPOSE] = { "Unexpose", "unexpose the shadow copy of" },
        [PROVIDER_CALL_MAY_REVERT] = { "MayRevert", "revert" },
        [PROVIDER_CALL_REVERT] = { "Revert", "revert" },
        [PROVIDER_CALL_BREAK] = { "Break", "break the shadow copy of" },
        [PROVIDER_CALL_IMPORT] = { "Import", "import the shadow copy of" },
};

/* The contents of PROVIDER_SNAPSHOT. */
#define SNAPSHOT_FIELDS "ayaysustb"

int provider_append_snapshot(sd_bus_message *m, const ProviderSnapshot *s) {
        int r;

        r = sd_bus_message_open_container(m, 'r', SNAPSHOT_FIELDS);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->id);
        if (r < 0)
                return r;

        r = wire_append_guid(m, &s->set_id);
        if (r < 0)
                return r;

        r = wire_append_text(m, s->volume);
        if (r < 0)
                return r;

        r = sd_bus_message_append_basic(m, 'u', &s->context);
        if (r < 0)
                return r;

        r = wire_append_text(m, s->note);
        if (r < 0)
                return r;

        r = sd_bus_message_append(m, "tb", s->room, (int) s->unfinished);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int provider_read_snapshot(sd_bus_message *m, ProviderSnapshot *ret, char **ret_volume, char **ret_note) {
        _cleanup_(freep) char *volume = NULL, *note = NULL;
        ProviderSnapshot s = { .volume_fd = -EBADF };
        int r, unfinished;

        r = sd_bus_message_enter_container(m, 'r', SNAPSHOT_FIELDS);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.id);
        if (r < 0)
                return r;

        r = wire_read_guid(m, &s.set_id);
        if (r < 0)
                return r;

        r = wire_read_text(m, &volume);
        if (r < 0)
                return r;
        if (!volume || volume[0] != '/')
                return -EBADMSG;

        r = sd_bus_message_read_basic(m, 'u', &s.context);
        if (r < 0)
                return r;

        r = wire_read_text(m, &note);
        if (r < 0)
                return r;

        r = sd_bus_message_read(m, "tb", &s.room, &unfinished);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        s.volume = volume;
        s.note = note;
        s.unfinished = unfinished;
        *ret = s;
        *ret_volume = TAKE_PTR(volume);
        *ret_note = TAKE_PTR(note);
        return 0;
}

void provider_space_clear(ProviderSpace *s) {
        free(s->place);
        *s = (ProviderSpace){ 0 };
}

int provider_append_space(sd_bus_message *m, const ProviderSpace *space) {
        int r;

        r = wire_append_text(m, space->place);
        return r < 0 ? r :
                       sd_bus_message_append(m, "tttt", space->used, space->allocated, space->free,
                                             space->total);
}

int provider_read_space(sd_bus_message *m, ProviderSpace *ret) {
        _cleanup_(provider_space_clear) ProviderSpace space = { 0 };
        int r;

        r = wire_read_text(m, &space.place);
        if (r >= 0)
                r = sd_bus_message_read(m, "tttt", &space.used, &space.allocated, &space.free, &space.total);
        if (r < 0)
                return r;
        if (!space.place || space.place[0] != '/')
                return -EBADMSG;

        *ret = space;
        space = (ProviderSpace){ 0 };
        return 0;
}

int provider_append_instant(sd_bus_message *m, const ProviderInstant *instant) {
        int r;

        r = sd_bus_message_open_container(m, 'r', PROVIDER_INSTANT);
        if (r >= 0)
                r = wire_append_guid(m, &instant->id);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &instant->usec);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int read_instant(sd_bus_message *m, ProviderInstant *ret) {
        int r;

        r = sd_bus_message_enter_container(m, 'r', PROVIDER_INSTANT);
        if (r >= 0)
                r = wire_read_guid(m, &ret->id);
        if (r >= 0)
                r = sd_bus_message_read_basic(m, 't', &ret->usec);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int provider_read_instants(sd_bus_message *m, ProviderInstant **ret, size_t *ret_n) {
        _cleanup_(freep) ProviderInstant *instants = NULL;
        size_t n = 0;
        int r;

        instants = calloc_checked(WIRE_VOLUMES_MAX, sizeof(*instants));
        if (!instants)
                return -ENOMEM;

        r = sd_bus_message_enter_container(m, 'a', "(" PROVIDER_INSTANT ")");
        while (r >= 0 && (r = sd_bus_message_at_end(m, false)) == 0)
                r = n < WIRE_VOLUMES_MAX ? read_instant(m, instants + n++) : -EBADMSG;
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(instants);
        *ret_n = n;
        return 0;
}

int provider_append_probe(sd_bus_message *m, const ProviderProbe *probe) {
        int r;

        r = sd_bus_message_append(m, "uiiu", probe->flags, (int32_t) probe->consistency, (int32_t) probe->consistency_held,
                                  probe->attributes);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "t");
        for (size_t i = 0; r >= 0 && i < probe->n_below; ++i)
                r = sd_bus_message_append(m, "t", (uint64_t) probe->below[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int read_below(sd_bus_message *m, ProviderProbe *probe) {
        uint64_t device;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "t");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "t", &device)) > 0) {
                if (probe->n_below == PROVIDER_BELOW_MAX)
                        return -EBADMSG;
                probe->below[probe->n_below++] = (dev_t) device;
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int provider_read_probe(sd_bus_message *m, ProviderProbe *ret) {
        ProviderProbe probe = { 0 };
        int r;

        r = sd_bus_message_read(m, "uiiu", &probe.flags, &probe.consistency, &probe.consistency_held,
                                &probe.attributes);
        if (r >= 0)
                r = read_below(m, &probe);
        if (r < 0)
                return r;
        if (probe.consistency < PROVIDER_CONSISTENCY_FUZZY ||
            probe.consistency > PROVIDER_CONSISTENCY_CRASH || probe.consistency_held < probe.consistency ||
            probe.consistency_held > PROVIDER_CONSISTENCY_CRASH)
                return -EBADMSG;

        *ret = probe;
        return 0;
}

int provider_read_error(const sd_bus_error *error, HRESULT *ret) {
        HRESULT hr;

        if (strncmp(error->name, ERROR_PREFIX, strlen(ERROR_PREFIX)) != 0)
                return -EBADMSG;

        hr = hresult_from_wire_error(error);
        if (SUCCEEDED(hr))
                return -EBADMSG;

        *ret = hr;
        return 0;
}

HRESULT provider_hresult_from_errno(int r) {
        switch (-r) {
        case 0:
                return S_OK;
        case ENOMEM:
                return E_OUTOFMEMORY;
        case ENOSPC:
        case EDQUOT:
                return VSS_E_INSUFFICIENT_STORAGE;
        case EOPNOTSUPP:
                return VSS_E_VOLUME_NOT_SUPPORTED;
        case ENOENT:
                return VSS_E_OBJECT_NOT_FOUND;
        case EBADFD:
                return VSS_E_BAD_STATE;
        case EBUSY:
                return VSS_E_VOLUME_IN_USE;
        default: /* EIO and all that has no word of its own; the sentence says what it was */
                return VSS_E_PROVIDER_VETO;
        }
}
