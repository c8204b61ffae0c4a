/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents with Everything in Them
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "doc-fill.h"
#include "doc/backup-doc-table.h"
#include "doc/writer-doc-table.h"
#include "lib/test-util.h"

typedef struct Filler {
        unsigned n; /* counts up: no two fields are alike */
        unsigned n_items;
} Filler;

static void fill_field(Filler *filler, const DocField *f, void *object) {
        unsigned n = ++filler->n;

        if (f->flags & DOC_OPTIONAL)
                DOC_MEMBER(object, f->other, bool) = true;

        switch (f->type) {
        case DOC_TEXT:
                free(DOC_MEMBER(object, f->offset, char *));
                assert_int_equal(format_to(&DOC_MEMBER(object, f->offset, char *),
                                           "%s-%u <&>\"' \t\n\r\x01\x7f \xC3\xBC \xFF \\ \\x41 %%s", f->name,
                                           n),
                                 0);
                break;
        case DOC_BOOL:
                DOC_MEMBER(object, f->offset, bool) = true;
                break;
        case DOC_TRISTATE:
                DOC_MEMBER(object, f->offset, Tristate) = n % 2 ? TRI_YES : TRI_NO;
                break;
        case DOC_U32:
        case DOC_RESULT:
                DOC_MEMBER(object, f->offset, uint32_t) = UINT32_MAX - n;
                break;
        case DOC_I64:
                DOC_MEMBER(object, f->offset, int64_t) =
                        n % 2 ? INT64_MIN + (int64_t) n : INT64_MAX - (int64_t) n;
                break;
        case DOC_GUID:
                DOC_MEMBER(object, f->offset, GUID).Data1 = n;
                break;
        case DOC_SPELLED:
                assert_int_equal(guid_from_string("ABCDEF01-2345-6789-aBcD-ef0123456789",
                                                  &DOC_MEMBER(object, f->offset, GUID)),
                                 0);
                assert_int_equal(strdup_to("ABCDEF01-2345-6789-aBcD-ef0123456789",
                                           &DOC_MEMBER(object, f->other, char *)),
                                 0);
                break;
        case DOC_WORD:
                DOC_MEMBER(object, f->offset, int) = f->words[n % 2].value;
                break;
        case DOC_BLOB:
                DOC_MEMBER(object, f->other, size_t) = n % 5 + 1;
                DOC_MEMBER(object, f->offset, void *) = calloc_checked(n % 5 + 1, 1);
                memset(DOC_MEMBER(object, f->offset, void *), (int) n, n % 5 + 1);
                break;
        }
}

static void fill(Filler *filler, const DocElement *e, void *object) {
        for (size_t i = 0; i < e->n_fields; ++i)
                fill_field(filler, &e->fields[i], object);

        for (size_t i = 0; i < e->n_children; ++i) {
                const DocChild *child = &e->children[i];

                if (child->kind == DOC_INLINE) {
                        if (child->presence == DOC_PRESENT_FLAG)
                                DOC_MEMBER(object, child->present, bool) = true;
                        fill(filler, child->element, object);
                        continue;
                }

                for (unsigned k = 0; k < filler->n_items; ++k) {
                        void *item;

                        assert_int_equal(doc_list_append(object, child, &item), S_OK);
                        if (!child->element->name)
                                DOC_MEMBER(item, child->element->tag, int) =
                                        child->element->tags[k % 2].value;
                        fill(filler, child->element, item);
                        if (child->element->ready)
                                assert_int_equal(child->element->ready(object, item), S_OK);
                }
        }
}

BackupDoc *backup_doc_filled(unsigned n_items) {
        Filler filler = { .n_items = n_items };
        BackupDoc *d;

        assert_int_equal(backup_doc_new(&d), 0);
        fill(&filler, backup_doc_format.root, d);
        return d;
}

WriterDoc *writer_doc_filled(unsigned n_items) {
        Filler filler = { .n_items = n_items };
        WriterDoc *d;

        assert_int_equal(writer_doc_new(&d), 0);
        fill(&filler, writer_doc_format.root, d);
        return d;
}

static bool text_equal(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool field_equal(const DocField *f, const void *a, const void *b) {
        if ((f->flags & DOC_OPTIONAL) &&
            DOC_MEMBER_CONST(a, f->other, bool) != DOC_MEMBER_CONST(b, f->other, bool))
                return false;

        switch (f->type) {
        case DOC_TEXT:
                return text_equal(DOC_MEMBER_CONST(a, f->offset, char *),
                                  DOC_MEMBER_CONST(b, f->offset, char *));
        case DOC_BOOL:
                return DOC_MEMBER_CONST(a, f->offset, bool) == DOC_MEMBER_CONST(b, f->offset, bool);
        case DOC_TRISTATE:
        case DOC_U32:
        case DOC_RESULT:
        case DOC_WORD:
                return DOC_MEMBER_CONST(a, f->offset, uint32_t) == DOC_MEMBER_CONST(b, f->offset, uint32_t);
        case DOC_I64:
                return DOC_MEMBER_CONST(a, f->offset, int64_t) == DOC_MEMBER_CONST(b, f->offset, int64_t);
        case DOC_SPELLED:
        case DOC_GUID:
                return guid_equal(&DOC_MEMBER_CONST(a, f->offset, GUID),
                                  &DOC_MEMBER_CONST(b, f->offset, GUID));
        case DOC_BLOB: {
                size_t n = DOC_MEMBER_CONST(a, f->other, size_t);

                return n == DOC_MEMBER_CONST(b, f->other, size_t) &&
                       (n == 0 || memcmp(DOC_MEMBER_CONST(a, f->offset, void *),
                                         DOC_MEMBER_CONST(b, f->offset, void *), n) == 0);
        }
        }

        return false;
}

static const void *list_item(const DocChild *child, const void *parent, size_t i) {
        const char *items = DOC_MEMBER_CONST(parent, child->items, void *);

        return child->kind == DOC_POINTERS ? ((void *const *) items)[i] : items + i * child->size;
}

static bool child_equal(const DocChild *child, const void *a, const void *b) {
        size_t n;

        if (child->kind == DOC_INLINE) {
                if (child->presence == DOC_PRESENT_FLAG &&
                    DOC_MEMBER_CONST(a, child->present, bool) != DOC_MEMBER_CONST(b, child->present, bool))
                        return false;
                return doc_equal(child->element, a, b);
        }

        n = DOC_MEMBER_CONST(a, child->n, size_t);
        if (n != DOC_MEMBER_CONST(b, child->n, size_t))
                return false;

        for (size_t i = 0; i < n; ++i)
                if (!doc_equal(child->element, list_item(child, a, i), list_item(child, b, i)))
                        return false;

        return true;
}

bool doc_equal(const DocElement *e, const void *a, const void *b) {
        if (!text_equal(doc_element_name(e, a), doc_element_name(e, b)))
                return false;

        for (size_t i = 0; i < e->n_fields; ++i)
                if (!field_equal(&e->fields[i], a, b)) {
                        print_message("%s differs in %s\n", doc_element_name(e, a), e->fields[i].name);
                        return false;
                }

        for (size_t i = 0; i < e->n_children; ++i)
                if (!child_equal(&e->children[i], a, b))
                        return false;

        return true;
}
