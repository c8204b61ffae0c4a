/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing the Writer Metadata Document
 *
 * Whatever is accepted has one written form: writing it, reading that and writing again gives the same
 * bytes, and a copy writes the same. Its file sets are matched and normalised, too: they are where paths
 * come from.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/ranges.h"
#include "doc/express-rules.h"
#include "doc/filespec.h"
#include "doc/writer-doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true) {
        if (!is_true)
                abort();
}

static void use_file_sets(const DocFileSpecs *list) {
        for (size_t i = 0; i < list->n; ++i) {
                const DocFileSpec *spec = &list->items[i];
                _cleanup_(freep) char *normal = NULL;
                _cleanup_(freep) ByteRange *ranges = NULL;
                size_t n;

                (void) filespec_matches(spec, "/srv/data/some/file.db");
                if (spec->filespec)
                        (void) ranges_parse(spec->filespec, &ranges, &n);
                if (spec->path && path_normalise(spec->path, &normal) == 0) {
                        check(path_is_below(normal, normal));
                        (void) filespec_matches(spec, normal);
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL, *again = NULL, *copy = NULL;
        _cleanup_(freep) char *first = NULL, *second = NULL, *third = NULL;
        size_t first_size, second_size, third_size;
        const char *why;
        HRESULT hr;

        hr = writer_doc_read((const char *) data, size, &d);
        check(hr == S_OK || hr == VSS_E_CORRUPT_XML_DOCUMENT || hr == VSS_E_INVALID_XML_DOCUMENT);
        if (FAILED(hr))
                return 0;

        check(writer_doc_write(d, &first, &first_size) == S_OK);
        check(writer_doc_read(first, first_size, &again) == S_OK);
        check(writer_doc_write(again, &second, &second_size) == S_OK);
        check(first_size == second_size && memcmp(first, second, first_size) == 0);

        check(writer_doc_copy(d, &copy) == S_OK);
        check(writer_doc_write(copy, &third, &third_size) == S_OK);
        check(first_size == third_size && memcmp(first, third, first_size) == 0);

        for (size_t i = 0; i < d->n_components; ++i) {
                const WriterDocComponent *c = &d->components[i];

                check((c->extra && c->extra->unknown) ||
                      writer_doc_find_component(d, c->type, c->logical_path, c->name) == c);
                use_file_sets(&c->files);
        }
        use_file_sets(&d->exclude_files);

        /* What umbrad asks of a document that somebody registers. */
        hr = express_document_check(d, &why);
        check(hr == (why ? VSS_E_INVALID_XML_DOCUMENT : S_OK));
        return 0;
}
