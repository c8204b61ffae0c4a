/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Configurations in XML
 *
 * The configuration files of the testers are described by tables: which elements there are, what each may
 * contain, and where in a struct each attribute goes. Reading is strict. Whatever the tables do not know is
 * an error with its line, all mistakes of a file are told at once, and a file with a mistake is no
 * configuration.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define CONFIG_SIZE_MAX (64U << 20) /* bytes */
#define CONFIG_MISTAKES_MAX 20U

typedef struct ConfigElement ConfigElement;

/* Every struct that an element becomes begins with this one. */
typedef struct ConfigNode {
        struct ConfigNode *next; /* the next of the same name in the same element */
        const ConfigElement *element;
        long line;
} ConfigNode;

#define CONFIG_FOREACH(it, list) \
        for (typeof(({ (list); })) it = (list); it; it = (typeof(it)) (void *) it->node.next)

typedef enum ConfigKind {
        CONFIG_TEXT,    /* char * */
        CONFIG_PATH,    /* char *; absolute */
        CONFIG_BOOL,    /* bool; yes or no */
        CONFIG_BIT,     /* DWORD; yes sets the bit, no clears it */
        CONFIG_NUMBER,  /* unsigned; decimal, within the limits */
        CONFIG_WORD,    /* int; one of words */
        CONFIG_GUID,    /* GUID */
        CONFIG_HRESULT, /* HRESULT; a name of vsserror.h or a number */
} ConfigKind;

typedef struct ConfigWord {
        const char *word;
        int value;
        bool is_alias; /* taken as well, but not shown */
} ConfigWord;

typedef struct ConfigAttribute {
        const char *name;
        ConfigKind kind;
        size_t offset;
        bool required;
        const char *preset;      /* what it is when it is not there; NULL: nothing, no, or 0 */
        const ConfigWord *words; /* CONFIG_WORD; the last one has no word */
        unsigned min, max;       /* CONFIG_NUMBER */
        unsigned bit;            /* CONFIG_BIT */
} ConfigAttribute;

typedef struct ConfigChild {
        const ConfigElement *element;
        size_t offset; /* of the pointer to the first */
        bool first;    /* must be there, once, before all others */
} ConfigChild;

typedef struct ConfigMistakes {
        const char *file;
        unsigned n;
} ConfigMistakes;

struct ConfigElement {
        const char *name;
        size_t size;
        const ConfigAttribute *attributes; /* the last one has no name */
        const ConfigChild *children;       /* the last one has no element; NULL: none */
        /* What one attribute alone cannot say. May be NULL. */
        void (*check)(ConfigNode *node, ConfigMistakes *mistakes);
};

/* Says what is wrong on stderr, as "FILE:LINE: ...". */
void config_mistake(ConfigMistakes *m, long line, const char *format, ...) _printf_(3, 4);

/* 0, or -EINVAL after saying everything that is wrong, or -errno after saying that. *ret is what @root
 * describes; free it with config_free(). */
int config_load(const char *file, const ConfigElement *root, void *ret);
void *config_free(void *node);

/* The number or name of an HRESULT. -EINVAL. */
int config_parse_hresult(const char *text, int *ret);

const char *config_word(const ConfigWord *words, int value); /* NULL: there is none */
