/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Takes Sets, Many Times
 *
 *      take [--times N] [--apart] [--fake DIRECTORY] [--pairs A B [--until-broken]] VOLUME…
 *
 * N times a set of the volumes, by whichever providers they have, and a line for each volume: consistency, instant, where
 * the copy is, volume. With --apart each volume is a set of its own, one after the other: what a held set is compared with.
 * With --fake, DIRECTORY is in the set, too, by the fake provider, which can be told to hang.
 * With --pairs, A and B are files in the first and in the second volume that "pairs write" is writing to; the program ends
 * with 3 when it ever finds the second write of a pair without the first, and says in how many sets it did, and how many
 * of them have one instant for all volumes. With --until-broken no more are taken after the first such one.
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

static const VSS_ID fake_provider = { 0x9d3f1a52,
                                      0x6b1e,
                                      0x4c7a,
                                      { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

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

static void set_add(Set *s, const char *volume, VSS_ID provider) {
        _cleanup_(freep) WCHAR *wide = NULL;
        VSS_ID id;

        if (wide_from_utf8(volume, &wide) < 0)
                die(volume, E_INVALIDARG);
        must(IVssBackupComponents_AddToSnapshotSet(s->backup, wide, provider, &id), volume);
}

static void set_take(Set *s, char *const *volumes, size_t n, const char *fake) {
        IVssAsync *async = NULL;
        HRESULT hr;
        VSS_ID id;

        must(CreateVssBackupComponents(&s->backup), "CreateVssBackupComponents");
        must(IVssBackupComponents_InitializeForBackup(s->backup, NULL), "InitializeForBackup");
        must(IVssBackupComponents_SetContext(s->backup, VSS_CTX_FILE_SHARE_BACKUP), "SetContext");
        must(IVssBackupComponents_StartSnapshotSet(s->backup, &id), "StartSnapshotSet");
        for (size_t i = 0; i < n; ++i)
                set_add(s, volumes[i], GUID_NULL);
        if (fake)
                set_add(s, fake, fake_provider);

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

static bool is_one_instant(const Set *s) {
        const char *first = s->doc->volumes[0].instant;

        for (size_t i = 0; i < s->doc->n_volumes; ++i) {
                const BackupVolume *v = &s->doc->volumes[i];

                if (v->consistency < CONSISTENCY_CRASH || !v->instant || strcmp(v->instant, first) != 0)
                        return false;
        }
        return true;
}

typedef struct Options {
        unsigned times;
        bool apart, until_broken;
        const char *fake;
        const char *pairs[2];
        char **volumes;
        size_t n;
} Options;

typedef struct Counts {
        unsigned n, n_broken, n_one;
} Counts;

static void take_once(const Options *o, Counts *counts) {
        Set sets[VOLUMES_MAX] = { 0 };
        size_t n_sets = o->apart ? o->n : 1;

        for (size_t i = 0; i < n_sets; ++i)
                set_take(&sets[i], o->volumes + i, o->apart ? 1 : o->n, o->fake);

        if (o->pairs[0]) {
                uint64_t a = read_number(sets, n_sets, o->volumes[0], o->pairs[0]),
                         b = read_number(sets, n_sets, o->volumes[1], o->pairs[1]);

                counts->n_broken += b > a;
                (void) printf("pair %" PRIu64 " %" PRIu64 "%s\n", a, b, b > a ? " BROKEN" : "");
        }

        ++counts->n;
        counts->n_one += n_sets == 1 && is_one_instant(&sets[0]);
        for (size_t i = 0; i < n_sets; ++i)
                set_end(&sets[i]);
}

static int parse(int argc, char **argv, Options *o) {
        static const struct option options[] = {
                { "times",        required_argument, NULL, 't' },
                { "apart",        no_argument,       NULL, 'a' },
                { "fake",         required_argument, NULL, 'f' },
                { "pairs",        required_argument, NULL, 'p' },
                { "until-broken", no_argument,       NULL, 'u' },
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
                case 'f':
                        o->fake = optarg;
                        break;
                case 'u':
                        o->until_broken = true;
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
        Counts counts = { 0 };

        if (parse(argc, argv, &o) < 0) {
                (void) fputs("take [--times N] [--apart] [--fake DIRECTORY] [--pairs A B [--until-broken]] VOLUME…\n", stderr);
                return EXIT_FAILURE;
        }

        while (counts.n < o.times && !(o.until_broken && counts.n_broken > 0))
                take_once(&o, &counts);

        if (o.pairs[0])
                (void) printf("%u of %u sets have the second write of a pair without the first, %u are one instant\n",
                              counts.n_broken, counts.n, counts.n_one);
        return counts.n_broken > 0 ? EXIT_BROKEN : EXIT_SUCCESS;
}
