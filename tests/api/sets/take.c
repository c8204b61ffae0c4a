/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Takes Sets, Many Times
 *
 *      take [--times N] [--apart] [--pairs A B] VOLUME…
 *
 * N times a set of the volumes, by whichever providers they have, and a line for each volume: consistency, instant, where
 * the copy is, volume. With --apart each volume is a set of its own, one after the other: what a held set is compared with.
 * With --pairs, A and B are files in the first and in the second volume that "pairs write" is writing to; the program ends
 * with 3 when it ever finds the second write of a pair without the first, and says in how many sets it did.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oleauto.h>
#include <umbra.h>
#include <vsbackup.h>

#include "base/fd-util.h"
#include "base/macro.h"
#include "base/utf.h"
#include "doc/backup-doc.h"

#define VOLUMES_MAX 64
#define EXIT_BROKEN 3

typedef struct Set {
        IVssBackupComponents *backup;
        BackupDoc *doc;
} Set;

static void die(const char *what, HRESULT hr) {
        (void) fprintf(stderr, "take: %s: 0x%08x %s\n", what, (unsigned) hr, umbra_last_error());
        exit(EXIT_FAILURE);
}

static void must(HRESULT hr, const char *what) {
        if (FAILED(hr))
                die(what, hr);
}

static void read_document(Set *s) {
        _cleanup_(freep) char *text = NULL;
        BSTR xml = NULL;

        must(IVssBackupComponents_SaveAsXML(s->backup, &xml), "SaveAsXML");
        if (utf8_from_wide(xml, &text) < 0)
                die("SaveAsXML", E_OUTOFMEMORY);
        SysFreeString(xml);
        must(backup_doc_read(text, strlen(text), &s->doc), "the document");
}

static void set_take(Set *s, char *const *volumes, size_t n) {
        IVssAsync *async = NULL;
        HRESULT hr;
        VSS_ID id;

        must(CreateVssBackupComponents(&s->backup), "CreateVssBackupComponents");
        must(IVssBackupComponents_InitializeForBackup(s->backup, NULL), "InitializeForBackup");
        must(IVssBackupComponents_SetContext(s->backup, VSS_CTX_FILE_SHARE_BACKUP), "SetContext");
        must(IVssBackupComponents_StartSnapshotSet(s->backup, &id), "StartSnapshotSet");
        for (size_t i = 0; i < n; ++i) {
                _cleanup_(freep) WCHAR *wide = NULL;

                if (wide_from_utf8(volumes[i], &wide) < 0)
                        die(volumes[i], E_INVALIDARG);
                must(IVssBackupComponents_AddToSnapshotSet(s->backup, wide, GUID_NULL, &id), volumes[i]);
        }

        must(IVssBackupComponents_DoSnapshotSet(s->backup, &async), "DoSnapshotSet");
        must(IVssAsync_Wait(async, INFINITE), "Wait");
        must(IVssAsync_QueryStatus(async, &hr, NULL), "QueryStatus");
        must(hr, "DoSnapshotSet");
        (void) IVssAsync_Release(async);
        read_document(s);

        for (size_t i = 0; i < s->doc->n_volumes; ++i) {
                const BackupVolume *v = &s->doc->volumes[i];

                (void) printf("%s %s %s %s\n", consistency_to_string(v->consistency), v->instant ?: "-",
                              v->device_object, v->volume);
        }
        (void) fflush(stdout);
}

static void set_end(Set *s) {
        s->doc = backup_doc_free(s->doc);
        (void) IVssBackupComponents_Release(s->backup);
        s->backup = NULL;
}

/* @volume is a path without a trailing slash. */
static uint64_t read_number(const Set *sets, size_t n_sets, const char *volume, const char *name) {
        for (size_t i = 0; i < n_sets; ++i)
                for (size_t k = 0; k < sets[i].doc->n_volumes; ++k) {
                        const BackupVolume *v = &sets[i].doc->volumes[k];
                        char path[4096];
                        uint64_t number;
                        int fd;

                        if (strncmp(v->volume, volume, strlen(volume)) != 0 || strlen(v->volume) > strlen(volume) + 1)
                                continue;
                        (void) snprintf(path, sizeof(path), "%s/%s", v->device_object, name);
                        fd = open(path, O_RDONLY | O_CLOEXEC);
                        if (fd < 0 || pread(fd, &number, sizeof(number), 0) != sizeof(number))
                                break;
                        fd_close(fd);
                        return number;
                }

        die(volume, VSS_E_OBJECT_NOT_FOUND);
        return 0;
}

typedef struct Options {
        unsigned times;
        bool apart;
        const char *pairs[2];
        char **volumes;
        size_t n;
} Options;

/* Whether it can have been one instant. */
static bool take_once(const Options *o) {
        Set sets[VOLUMES_MAX] = { 0 };
        size_t n_sets = o->apart ? o->n : 1;
        bool is_whole = true;

        for (size_t i = 0; i < n_sets; ++i)
                set_take(&sets[i], o->volumes + i, o->apart ? 1 : o->n);

        if (o->pairs[0]) {
                uint64_t a = read_number(sets, n_sets, o->volumes[0], o->pairs[0]),
                         b = read_number(sets, n_sets, o->volumes[1], o->pairs[1]);

                is_whole = b <= a;
                (void) printf("pair %" PRIu64 " %" PRIu64 "%s\n", a, b, is_whole ? "" : " BROKEN");
        }

        for (size_t i = 0; i < n_sets; ++i)
                set_end(&sets[i]);
        return is_whole;
}

static int parse(int argc, char **argv, Options *o) {
        static const struct option options[] = {
                { "times", required_argument, NULL, 't' },
                { "apart", no_argument,       NULL, 'a' },
                { "pairs", required_argument, NULL, 'p' },
                {},
        };
        int opt;

        while ((opt = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (opt) {
                case 't':
                        o->times = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'a':
                        o->apart = true;
                        break;
                case 'p':
                        o->pairs[0] = optarg;
                        o->pairs[1] = optind < argc ? argv[optind++] : NULL;
                        break;
                default:
                        return -EINVAL;
                }

        o->volumes = argv + optind;
        o->n = (size_t) (argc - optind);
        return o->n >= (o->pairs[0] ? 2U : 1U) && o->n <= VOLUMES_MAX && (!o->pairs[0] || o->pairs[1]) ? 0 : -EINVAL;
}

int main(int argc, char **argv) {
        Options o = { .times = 1 };
        unsigned n_broken = 0;

        if (parse(argc, argv, &o) < 0) {
                (void) fputs("take [--times N] [--apart] [--pairs A B] VOLUME…\n", stderr);
                return EXIT_FAILURE;
        }

        for (unsigned i = 0; i < o.times; ++i)
                n_broken += !take_once(&o);

        if (o.pairs[0])
                (void) printf("%u of %u sets have the second write of a pair without the first\n", n_broken, o.times);
        return n_broken > 0 ? EXIT_BROKEN : EXIT_SUCCESS;
}
