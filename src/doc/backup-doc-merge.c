/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Components Document: what a Writer may say
 *
 * The answer of a writer is a document like ours, and it could say anything. What it may say depends on the
 * event, and is a list of members below; the rest of the answer is never looked at. Metadata is write-once:
 * a second, different value is ignored, as the writer's own SetBackupMetadata() has refused it already. A
 * text that is missing in the answer changes nothing; a list is the writer's own and replaces ours.
 *
 * Everything is copied first and put in place afterwards, when nothing can fail any more.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"

typedef struct MergeText {
        size_t offset;
        unsigned events; /* 1 << BackupDocMerge */
        bool once;
} MergeText;

#define AT(event) (1U << (event))
#define AT_BACKUP (AT(MERGE_PREPARE_BACKUP) | AT(MERGE_POST_SNAPSHOT))
#define TEXT(member) offsetof(BackupComponent, member)

static const MergeText texts[] = {
        { TEXT(backup_stamp),               AT_BACKUP,                false },
        { TEXT(backup_metadata),            AT_BACKUP,                true  },
        { TEXT(restore_metadata),           AT(MERGE_PRE_RESTORE),    true  },
        { TEXT(prepare_for_backup_failure), AT(MERGE_PREPARE_BACKUP), false },
        { TEXT(post_snapshot_failure),      AT(MERGE_POST_SNAPSHOT),  false },
        { TEXT(pre_restore_failure),        AT(MERGE_PRE_RESTORE),    false },
        { TEXT(post_restore_failure),       AT(MERGE_POST_RESTORE),   false },
};

typedef struct MergeList {
        DocChild child;
        unsigned events;
} MergeList;

#define LIST(member, item, e) DOC_CHILD_LIST(DOC_ARRAY, BackupComponent, member, item, SIZE_MAX, e)

static const MergeList lists[] = {
        { LIST(partial_files, DocPartialFile, partial_file_element),              AT_BACKUP             },
        { LIST(differenced_files, DocDifferencedFile, differenced_files_element), AT_BACKUP             },
        { LIST(directed_targets, DocDirectedTarget, directed_target_element),     AT(MERGE_PRE_RESTORE) },
};

/* One component, its part of the answer, and copies of what is to be taken over. */
typedef struct MergeItem {
        BackupComponent *component;
        const BackupComponent *answer;
        BackupComponent copy;
} MergeItem;

static bool text_is_news(const MergeText *t, const MergeItem *item, BackupDocMerge what) {
        return (t->events & AT(what)) && DOC_MEMBER_CONST(item->answer, t->offset, char *) &&
               !(t->once && DOC_MEMBER_CONST(item->component, t->offset, char *));
}

static HRESULT item_copy_list(MergeItem *item, const DocChild *child) {
        const char *items = DOC_MEMBER_CONST(item->answer, child->items, void *);
        size_t n = DOC_MEMBER_CONST(item->answer, child->n, size_t);
        HRESULT hr;

        for (size_t i = 0; i < n; ++i) {
                void *copy;

                hr = doc_list_append(&item->copy, child, &copy);
                if (FAILED(hr))
                        return hr;

                hr = doc_copy(child->element, items + i * child->size, copy);
                if (FAILED(hr))
                        return hr;
        }

        return S_OK;
}

/* All that can fail. */
static HRESULT item_prepare(MergeItem *item, BackupDocMerge what) {
        HRESULT hr;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                size_t offset = texts[i].offset;

                if (!text_is_news(&texts[i], item, what))
                        continue;

                r = strdup_to(DOC_MEMBER_CONST(item->answer, offset, char *),
                              &DOC_MEMBER(&item->copy, offset, char *));
                if (r < 0)
                        return hresult_from_errno(r);
        }

        for (size_t i = 0; i < ELEMENTSOF(lists); ++i) {
                if (!(lists[i].events & AT(what)))
                        continue;

                hr = item_copy_list(item, &lists[i].child);
                if (FAILED(hr))
                        return hr;
        }

        return hresult_from_errno(strdup_to(item->answer->failure_message, &item->copy.failure_message));
}

/* Puts the members at @offset of the two in each other's place; what was replaced goes with the copy. */
static void swap_members(MergeItem *item, size_t offset, size_t size) {
        char *a = (char *) item->component + offset, *b = (char *) &item->copy + offset;

        for (size_t i = 0; i < size; ++i) {
                char byte = a[i];

                a[i] = b[i];
                b[i] = byte;
        }
}

static void item_commit(MergeItem *item, BackupDocMerge what) {
        BackupComponent *c = item->component;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i)
                if (DOC_MEMBER(&item->copy, texts[i].offset, char *))
                        swap_members(item, texts[i].offset, sizeof(char *));

        for (size_t i = 0; i < ELEMENTSOF(lists); ++i)
                if (lists[i].events & AT(what)) {
                        swap_members(item, lists[i].child.items, sizeof(void *));
                        swap_members(item, lists[i].child.n, sizeof(size_t));
                        swap_members(item, lists[i].child.capacity, sizeof(size_t));
                }

        if (what == MERGE_PRE_RESTORE && item->answer->restore_target != VSS_RT_UNDEFINED)
                c->restore_target = item->answer->restore_target;

        if (item->answer->has_failure) {
                c->has_failure = true;
                c->failure = item->answer->failure;
                c->failure_application = item->answer->failure_application;
                swap_members(item, TEXT(failure_message), sizeof(char *));
        }
}

static void items_free(MergeItem *items, size_t n) {
        for (size_t i = 0; i < n; ++i)
                doc_clear(&backup_component_element, &items[i].copy);

        free(items);
}

static HRESULT items_prepare(MergeItem *items,
                             BackupWriter *w,
                             const BackupWriter *answer,
                             BackupDocMerge what) {
        HRESULT hr;

        for (size_t i = 0; i < answer->n_components; ++i) {
                const BackupComponent *a = answer->components[i];

                /* One that was damaged before the writer saw it comes back as it was, and says nothing. */
                if (doc_extra_is_invalid(a->extra))
                        continue;

                items[i].answer = a;
                items[i].component = backup_writer_find_component(w, a->type, a->logical_path, a->name);
                if (!items[i].component || doc_extra_is_invalid(items[i].component->extra))
                        return VSS_E_INVALID_XML_DOCUMENT;

                hr = item_prepare(&items[i], what);
                if (FAILED(hr))
                        return hr;
        }

        return S_OK;
}

HRESULT backup_doc_merge_part(BackupWriter *w, const BackupDoc *part, BackupDocMerge what) {
        const BackupWriter *answer;
        MergeItem *items;
        HRESULT hr;

        if (part->n_writers == 0)
                return S_OK;

        /* A writer speaks for itself only. */
        answer = part->writers[0];
        if (part->n_writers > 1 || !guid_equal(&answer->writer_id, &w->writer_id) ||
            !guid_equal(&answer->instance_id, &w->instance_id))
                return VSS_E_INVALID_XML_DOCUMENT;
        if (answer->n_components == 0)
                return S_OK;

        items = calloc_checked(answer->n_components, sizeof(*items));
        if (!items)
                return E_OUTOFMEMORY;

        hr = items_prepare(items, w, answer, what);
        if (SUCCEEDED(hr))
                for (size_t i = 0; i < answer->n_components; ++i)
                        if (items[i].component)
                                item_commit(&items[i], what);

        items_free(items, answer->n_components);
        return hr;
}
