/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Documents as Tables
 *
 * What an element of a document is called, which member of which struct each attribute is, and what may
 * stand inside: one table per element. Reading, writing, copying and freeing walk the same table, so a new
 * attribute is one line and none of the four can forget it. The tables are in backup-doc-table.c and
 * writer-doc-table.c; nobody outside doc/ sees them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vss.h>

#include "doc/doc-extra.h"

typedef enum DocFieldType {
        DOC_TEXT,     /* char *; absent is NULL */
        DOC_BOOL,     /* bool, "yes" or "no"; absent is no */
        DOC_TRISTATE, /* Tristate, "yes" or "no"; absent is unset */
        DOC_U32,      /* decimal; absent is 0, or what init() says */
        DOC_I64,      /* decimal, may be negative; absent is 0 */
        DOC_RESULT,   /* HRESULT, as an unsigned decimal number */
        DOC_GUID,     /* lower case without braces; absent is GUID_NULL */
        DOC_SPELLED,  /* the same, but written as it was spelled when read: @other is a char * */
        DOC_WORD,     /* an enum, by @words; absent is 0 */
        DOC_BLOB,     /* base64 of a uint8_t *; @other is its size_t */
} DocFieldType;

typedef enum DocFieldFlags {
        DOC_ALWAYS = 1U << 0,   /* written also when it has the value that absence means */
        DOC_REQUIRED = 1U << 1, /* a document without it is not valid */
        DOC_FORWARD = 1U << 2,  /* an unknown word is kept: Windows has some that no public document shows */
        DOC_OPTIONAL = 1U << 3, /* @other is a bool: was any field that names it there? Written only then */
} DocFieldFlags;

typedef struct DocWord {
        const char *word;
        int value;
} DocWord;

typedef struct DocField {
        const char *name;
        DocFieldType type;
        unsigned flags;
        size_t offset, other;
        const DocWord *words; /* ends with a NULL word; of several for one value the first is written */
} DocField;

typedef struct DocElement DocElement;

typedef enum DocChildKind {
        DOC_INLINE,   /* at most once; its fields are members of the parent's struct */
        DOC_ARRAY,    /* @items points at structs of @size */
        DOC_POINTERS, /* @items points at pointers to structs of @size */
} DocChildKind;

typedef enum DocPresence {
        DOC_PRESENT_ALWAYS,  /* an inline element that is always written, and need not be there */
        DOC_PRESENT_NEEDED,  /* the same, but a document without it is not valid */
        DOC_PRESENT_FLAG,    /* there when the bool at @present is true */
        DOC_PRESENT_POINTER, /* there when the pointer at @present is not NULL */
} DocPresence;

typedef struct DocChild {
        const DocElement *element;
        DocChildKind kind;
        DocPresence presence;
        size_t present;
        size_t items, n, capacity, size, max;
} DocChild;

struct DocElement {
        const char *name;     /* or, when NULL: one of @tags, by the enum at @tag */
        const DocWord *tags;
        size_t tag;
        const DocField *fields;
        size_t n_fields;
        const DocChild *children;
        size_t n_children;
        size_t extra;                                 /* a DocExtra * */

        /* Optional. Sets what is not zero in an empty one. */
        void (*init)(void *object);
        /* Optional. The attributes are in: check them, put the object into an index. */
        HRESULT (*ready)(void *parent, void *object);
};

/* A whole document. */
typedef struct DocFormat {
        const DocElement *root;
        const char *uri; /* the default namespace */
        size_t size_max;
} DocFormat;

#define DOC_FIELDS(table) .fields = (table), .n_fields = ELEMENTSOF(table)
#define DOC_CHILDREN(table) .children = (table), .n_children = ELEMENTSOF(table)

#define DOC_CHILD_INLINE(e, how, where) \
        { .element = &(e), .kind = DOC_INLINE, .presence = (how), .present = (where) }
#define DOC_CHILD_LIST(list_kind, Type, member, item, limit, e) \
        {                                                       \
                .element = &(e),                                \
                .kind = (list_kind),                            \
                .items = offsetof(Type, member),                \
                .n = offsetof(Type, n_##member),                \
                .capacity = offsetof(Type, member##_capacity),  \
                .size = sizeof(item),                           \
                .max = (limit),                                 \
        }
#define DOC_CHILD_FILESPECS(Type, member, e)                           \
        {                                                              \
                .element = &(e),                                       \
                .kind = DOC_ARRAY,                                     \
                .items = offsetof(Type, member.items),                 \
                .n = offsetof(Type, member.n),                         \
                .capacity = offsetof(Type, member.capacity),           \
                .size = sizeof(DocFileSpec),                           \
                .max = DOCUMENT_LIST_MAX,                              \
        }

/* A member by its offset. */
#define DOC_MEMBER(object, offset, type) (*(type *) ((char *) (object) + (offset)))
#define DOC_MEMBER_CONST(object, offset, type) (*(type const *) ((const char *) (object) + (offset)))

const char *doc_word_of(const DocWord *words, int value); /* NULL: none */
/* The element's name for this object; NULL: its enum has no word. */
const char *doc_element_name(const DocElement *e, const void *object);

/* Appends an empty item; it lives until the next one is appended (DOC_ARRAY) or for good (DOC_POINTERS). */
HRESULT doc_list_append(void *parent, const DocChild *child, void **ret);

/* Frees everything in @object, and leaves it empty. Not @object itself. */
void doc_clear(const DocElement *e, void *object);
/* @to is empty. On failure it may be half full, and doc_clear() is good for that. */
HRESULT doc_copy(const DocElement *e, const void *from, void *to);

/* @object is empty. On failure it may be half full, and doc_clear() is good for that. */
HRESULT doc_read(const DocFormat *format, const char *text, size_t size, void *object);
HRESULT doc_write(const DocFormat *format, const void *object, char **ret_text, size_t *ret_size);
