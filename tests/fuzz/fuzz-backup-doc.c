/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing the Backup Components Document
 *
 * Whatever is accepted has one written form: writing it, reading that and writing again gives the same
 * bytes. A copy writes the same. Its own part can be merged into it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "doc/backup-doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true) {
        if (!is_true)
                abort();
}

static bool is_unknown(const DocExtra *x) {
        return x && x->unknown;
}

static void merge_own_parts(BackupDoc *d) {
        for (size_t i = 0; i < d->n_writers; ++i) {
                _cleanup_(backup_doc_freep) BackupDoc *part = NULL;
                _cleanup_(freep) char *text = NULL;
                size_t size;

                check(backup_doc_write_part(d, d->writers[i], &text, &size) == S_OK);
                check(backup_doc_read(text, size, &part) == S_OK);
                check(part->n_writers == 1);

                for (BackupDocMerge event = MERGE_PREPARE_BACKUP; event <= MERGE_POST_RESTORE; ++event)
                        check(backup_doc_merge_part(d->writers[i], part, event) == S_OK);
        }
}

#define PARTS_MAX 16U

/* What umbrad tells a writer whose components may have been moved, and one that is another instance by now. */
static void tell_of_a_restore(BackupDoc *d) {
        const GUID newcomer = { .Data1 = 0xfeed };

        for (size_t i = 0; i < d->n_writers && i < PARTS_MAX; ++i) {
                const BackupWriter *w = d->writers[i];
                _cleanup_(backup_doc_part_freep) BackupWriter *part = NULL;
                _cleanup_(backup_doc_freep) BackupDoc *read = NULL;
                _cleanup_(freep) char *text = NULL;
                size_t size;
                HRESULT hr;

                check(backup_doc_restore_part(d, &w->instance_id, &w->writer_id, &part) == S_OK);
                check(backup_doc_write_part(d, part, &text, &size) == S_OK);
                check(backup_doc_read(text, size, &read) == S_OK);
                check(read->n_writers == 1);

                hr = backup_doc_set_instance(d, i, &newcomer);
                check(hr == S_OK || hr == VSS_E_OBJECT_ALREADY_EXISTS);
                check(hr != S_OK || backup_doc_find_writer(d, &newcomer, &w->writer_id) == w);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *again = NULL, *copy = NULL;
        _cleanup_(freep) char *first = NULL, *second = NULL, *third = NULL;
        size_t first_size, second_size, third_size;
        HRESULT hr;

        hr = backup_doc_read((const char *) data, size, &d);
        check(hr == S_OK || hr == VSS_E_CORRUPT_XML_DOCUMENT || hr == VSS_E_INVALID_XML_DOCUMENT);
        if (FAILED(hr))
                return 0;

        check(backup_doc_write(d, &first, &first_size) == S_OK);
        check(backup_doc_read(first, first_size, &again) == S_OK);
        check(backup_doc_write(again, &second, &second_size) == S_OK);
        check(first_size == second_size && memcmp(first, second, first_size) == 0);

        check(backup_doc_copy(d, &copy) == S_OK);
        check(backup_doc_write(copy, &third, &third_size) == S_OK);
        check(first_size == third_size && memcmp(first, third, first_size) == 0);

        for (size_t i = 0; i < d->n_writers; ++i) {
                BackupWriter *w = d->writers[i];

                check(is_unknown(w->extra) || backup_doc_find_writer(d, &w->instance_id, &w->writer_id));
                for (size_t k = 0; k < w->n_components; ++k) {
                        const BackupComponent *c = w->components[k];

                        check(is_unknown(c->extra) ||
                              backup_writer_find_component(w, c->type, c->logical_path, c->name) == c);
                }
        }

        merge_own_parts(d);
        tell_of_a_restore(d);
        return 0;
}
