/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents as Tables: Freeing and Copying
 *
 * The two walks that need no XML.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "doc/doc-limits.h"
#include "doc/doc-table.h"

const char *doc_word_of(const DocWord *words, int value) {
        for (; words->word; ++words)
                if (words->value == value)
                        return words->word;

        return NULL;
}

const char *doc_element_name(const DocElement *e, const void *object) {
        return e->name ? e->name : doc_word_of(e->tags, DOC_MEMBER_CONST(object, e->tag, int));
}

HRESULT doc_list_append(void *parent, const DocChild *child, void **ret) {
        size_t *n = &DOC_MEMBER(parent, child->n, size_t);
        void **items = &DOC_MEMBER(parent, child->items, void *);
        void *item;
        int r;

        if (*n >= child->max)
                return VSS_E_INVALID_XML_DOCUMENT;

        r = array_reserve(items, &DOC_MEMBER(parent, child->capacity, size_t), *n + 1,
                          child->kind == DOC_POINTERS ? sizeof(void *) : child->size);
        if (r < 0)
                return hresult_from_errno(r);

        if (child->kind == DOC_POINTERS) {
                item = calloc_checked(1, child->size);
                if (!item)
                        return E_OUTOFMEMORY;

                ((void **) *items)[*n] = item;
        } else {
                item = (char *) *items + *n * child->size;
                memset(item, 0, child->size);
        }

        ++*n;
        if (child->element->init)
                child->element->init(item);
        *ret = item;
        return S_OK;
}

static void field_clear(const DocField *f, void *object) {
        if (f->type == DOC_TEXT || f->type == DOC_BLOB) {
                free(DOC_MEMBER(object, f->offset, void *));
                DOC_MEMBER(object, f->offset, void *) = NULL;
        }
        if (f->type == DOC_BLOB)
                DOC_MEMBER(object, f->other, size_t) = 0;
        if (f->type == DOC_SPELLED) {
                free(DOC_MEMBER(object, f->other, char *));
                DOC_MEMBER(object, f->other, char *) = NULL;
        }
}

static void list_clear(const DocChild *child, void *parent) {
        char *items = DOC_MEMBER(parent, child->items, void *);
        size_t n = DOC_MEMBER(parent, child->n, size_t);

        for (size_t i = 0; i < n; ++i)
                if (child->kind == DOC_POINTERS) {
                        doc_clear(child->element, ((void **) items)[i]);
                        free(((void **) items)[i]);
                } else
                        doc_clear(child->element, items + i * child->size);

        free(items);
        DOC_MEMBER(parent, child->items, void *) = NULL;
        DOC_MEMBER(parent, child->n, size_t) = 0;
        DOC_MEMBER(parent, child->capacity, size_t) = 0;
}

void doc_clear(const DocElement *e, void *object) {
        for (size_t i = 0; i < e->n_fields; ++i)
                field_clear(&e->fields[i], object);

        for (size_t i = 0; i < e->n_children; ++i)
                if (e->children[i].kind == DOC_INLINE)
                        doc_clear(e->children[i].element, object);
                else
                        list_clear(&e->children[i], object);

        DOC_MEMBER(object, e->extra, DocExtra *) = doc_extra_free(DOC_MEMBER(object, e->extra, DocExtra *));
}

static int blob_copy(const void *data, size_t size, void **ret) {
        void *copy = NULL;

        if (!data) {
                *ret = NULL;
                return 0;
        }

        copy = calloc_checked(size + 1, 1);
        if (!copy)
                return -ENOMEM;

        *ret = memcpy(copy, data, size);
        return 0;
}

static int field_copy(const DocField *f, const void *from, void *to) {
        if (f->flags & DOC_OPTIONAL)
                DOC_MEMBER(to, f->other, bool) = DOC_MEMBER_CONST(from, f->other, bool);

        switch (f->type) {
        case DOC_TEXT:
                return strdup_to(DOC_MEMBER_CONST(from, f->offset, char *),
                                 &DOC_MEMBER(to, f->offset, char *));
        case DOC_BOOL:
                DOC_MEMBER(to, f->offset, bool) = DOC_MEMBER_CONST(from, f->offset, bool);
                return 0;
        case DOC_I64:
                DOC_MEMBER(to, f->offset, int64_t) = DOC_MEMBER_CONST(from, f->offset, int64_t);
                return 0;
        case DOC_TRISTATE:
        case DOC_WORD:
        case DOC_U32:
        case DOC_RESULT:
                DOC_MEMBER(to, f->offset, uint32_t) = DOC_MEMBER_CONST(from, f->offset, uint32_t);
                return 0;
        case DOC_GUID:
                DOC_MEMBER(to, f->offset, GUID) = DOC_MEMBER_CONST(from, f->offset, GUID);
                return 0;
        case DOC_SPELLED:
                DOC_MEMBER(to, f->offset, GUID) = DOC_MEMBER_CONST(from, f->offset, GUID);
                return strdup_to(DOC_MEMBER_CONST(from, f->other, char *),
                                 &DOC_MEMBER(to, f->other, char *));
        case DOC_BLOB:
                DOC_MEMBER(to, f->other, size_t) = DOC_MEMBER_CONST(from, f->other, size_t);
                return blob_copy(DOC_MEMBER_CONST(from, f->offset, void *),
                                 DOC_MEMBER_CONST(from, f->other, size_t),
                                 &DOC_MEMBER(to, f->offset, void *));
        }

        return -EINVAL;
}

static int extra_copy(const DocExtra *from, DocExtra **ret) {
        _cleanup_(doc_extra_freep) DocExtra *to = NULL;
        int r;

        if (!from) {
                *ret = NULL;
                return 0;
        }

        to = calloc_checked(1, sizeof(*to));
        if (!to)
                return -ENOMEM;

        to->invalid = from->invalid;
        to->raw = from->raw;
        to->unknown = from->unknown;
        to->escaped = from->escaped;

        r = strv_copy(from->attributes, &to->attributes);
        if (r < 0)
                return r;

        r = strv_copy(from->elements, &to->elements);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(to);
        return 0;
}

/* Does it have what it is known by? */
static bool doc_is_known(const DocElement *e, const void *object) {
        const DocExtra *extra = DOC_MEMBER_CONST(object, e->extra, DocExtra *);

        return !extra || !extra->unknown;
}

static HRESULT list_copy(const DocChild *child, const void *from, void *to) {
        const char *items = DOC_MEMBER_CONST(from, child->items, void *);
        size_t n = DOC_MEMBER_CONST(from, child->n, size_t);
        HRESULT hr;

        for (size_t i = 0; i < n; ++i) {
                const void *item =
                        child->kind == DOC_POINTERS ? ((void *const *) items)[i] : items + i * child->size;
                void *copy = NULL;

                hr = doc_list_append(to, child, &copy);
                if (FAILED(hr))
                        return hr;

                hr = doc_copy(child->element, item, copy);
                if (FAILED(hr))
                        return hr;

                if (child->element->ready && doc_is_known(child->element, item)) {
                        hr = child->element->ready(to, copy);
                        if (FAILED(hr))
                                return hr;
                }
        }

        return S_OK;
}

HRESULT doc_copy(const DocElement *e, const void *from, void *to) {
        HRESULT hr;
        int r;

        if (!e->name)
                DOC_MEMBER(to, e->tag, int) = DOC_MEMBER_CONST(from, e->tag, int);

        for (size_t i = 0; i < e->n_fields; ++i) {
                r = field_copy(&e->fields[i], from, to);
                if (r < 0)
                        return hresult_from_errno(r);
        }

        for (size_t i = 0; i < e->n_children; ++i) {
                const DocChild *child = &e->children[i];

                if (child->presence == DOC_PRESENT_FLAG)
                        DOC_MEMBER(to, child->present, bool) = DOC_MEMBER_CONST(from, child->present, bool);

                hr = child->kind == DOC_INLINE ? doc_copy(child->element, from, to) :
                                                 list_copy(child, from, to);
                if (FAILED(hr))
                        return hr;
        }

        r = extra_copy(DOC_MEMBER_CONST(from, e->extra, DocExtra *), &DOC_MEMBER(to, e->extra, DocExtra *));
        return hresult_from_errno(r);
}
