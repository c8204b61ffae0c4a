/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a writer's answer may change, and that nothing else of it counts.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "doc-fill.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "lib/test-util.h"

static const GUID writer_id = { .Data1 = 1 }, instance_id = { .Data1 = 2 };

/* A document with two components of one writer. */
static BackupDoc *make(void) {
        BackupDoc *d;
        BackupWriter *w;

        assert_int_equal(backup_doc_new(&d), 0);
        assert_int_equal(backup_doc_add_writer(d, &instance_id, &writer_id, NULL, 0, &w), S_OK);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, NULL, "one", NULL), S_OK);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_FILEGROUP, "p", "two", NULL), S_OK);
        return d;
}

/* Everything that an answer can hold at all, in every component. */
static BackupDoc *make_answer(void) {
        BackupDoc *d = make();

        for (size_t i = 0; i < 2; ++i) {
                BackupComponent *c = d->writers[0]->components[i];

                for (size_t k = 0; k < backup_component_element.n_fields; ++k) {
                        const DocField *f = &backup_component_element.fields[k];

                        if (f->type == DOC_TEXT && !DOC_MEMBER(c, f->offset, char *) &&
                            strcmp(f->name, "logicalPath") != 0)
                                assert_int_equal(strdup_to("answer", &DOC_MEMBER(c, f->offset, char *)), 0);
                }
                assert_int_equal(strdup_to("answer", &c->backup_metadata), 0);
                assert_int_equal(strdup_to("answer", &c->restore_metadata), 0);
                c->backup_succeeded = c->additional_restores = c->selected_for_restore = TRI_YES;
                c->restore_target = VSS_RT_ALTERNATE;
                c->file_restore_status = VSS_RS_ALL;
                c->authoritative_restore = true;
                c->roll_forward = VSS_RF_ALL;
                c->consistency = CONSISTENCY_APPLICATION;
                c->has_failure = true;
                c->failure = VSS_E_WRITERERROR_RETRYABLE;
                c->failure_application = E_FAIL;
                assert_int_equal(backup_component_add_partial_file(c, "a", "b", "0:1", NULL), 0);
                assert_int_equal(backup_component_add_differenced_file(c, "a", "b", true, NULL, 1), 0);
                assert_int_equal(backup_component_add_directed_target(c, "a", "b", "0:1", "d", "e", "0:1"),
                                 0);
                assert_int_equal(backup_component_add_restore_subcomponent(c, "a", "b", false), 0);
                assert_int_equal(doc_filespecs_add(&c->mappings, "a", "b", false, "c", 0), 0);
                assert_int_equal(doc_filespecs_add(&c->new_targets, "a", "b", false, "c", 0), 0);
        }

        return d;
}

static void test_that_each_event_takes_what_belongs_to_it_and_no_more(void **state) {
        static const struct {
                BackupDocMerge event;
                bool backup;
        } cases[] = {
                { MERGE_PREPARE_BACKUP, true  },
                { MERGE_POST_SNAPSHOT,  true  },
                { MERGE_PRE_RESTORE,    false },
                { MERGE_POST_RESTORE,   false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(backup_doc_freep) BackupDoc *d = make(), *answer = make_answer(),
                                                      *expected = make();
                BackupDocMerge event = cases[i].event;

                assert_int_equal(backup_doc_merge_part(d->writers[0], answer, event), S_OK);

                /* Built by hand, from the words of backup-doc.h. */
                for (size_t k = 0; k < 2; ++k) {
                        BackupComponent *c = expected->writers[0]->components[k];

                        if (cases[i].backup) {
                                assert_int_equal(strdup_to("answer", &c->backup_stamp), 0);
                                assert_int_equal(strdup_to("answer", &c->backup_metadata), 0);
                                assert_int_equal(backup_component_add_partial_file(c, "a", "b", "0:1", NULL),
                                                 0);
                                assert_int_equal(
                                        backup_component_add_differenced_file(c, "a", "b", true, NULL, 1),
                                        0);
                        }
                        if (event == MERGE_PRE_RESTORE) {
                                c->restore_target = VSS_RT_ALTERNATE;
                                assert_int_equal(strdup_to("answer", &c->restore_metadata), 0);
                                assert_int_equal(backup_component_add_directed_target(c, "a", "b", "0:1",
                                                                                      "d", "e", "0:1"),
                                                 0);
                        }
                        if (event == MERGE_PREPARE_BACKUP)
                                assert_int_equal(strdup_to("answer", &c->prepare_for_backup_failure), 0);
                        if (event == MERGE_POST_SNAPSHOT)
                                assert_int_equal(strdup_to("answer", &c->post_snapshot_failure), 0);
                        if (event == MERGE_PRE_RESTORE)
                                assert_int_equal(strdup_to("answer", &c->pre_restore_failure), 0);
                        if (event == MERGE_POST_RESTORE)
                                assert_int_equal(strdup_to("answer", &c->post_restore_failure), 0);
                        c->has_failure = true;
                        c->failure = VSS_E_WRITERERROR_RETRYABLE;
                        c->failure_application = E_FAIL;
                        assert_int_equal(strdup_to("answer", &c->failure_message), 0);
                }

                assert_true(doc_equal(backup_doc_format.root, d, expected));
        }
}

static void test_that_metadata_is_written_once(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = make(), *answer = make_answer();
        BackupComponent *c = d->writers[0]->components[0];

        assert_int_equal(strdup_to("first", &c->backup_metadata), 0);
        assert_int_equal(strdup_to("first", &c->restore_metadata), 0);
        assert_int_equal(strdup_to("first", &c->backup_stamp), 0);

        assert_int_equal(backup_doc_merge_part(d->writers[0], answer, MERGE_POST_SNAPSHOT), S_OK);
        assert_int_equal(backup_doc_merge_part(d->writers[0], answer, MERGE_PRE_RESTORE), S_OK);
        assert_string_equal(c->backup_metadata, "first");
        assert_string_equal(c->restore_metadata, "first");
        assert_string_equal(c->backup_stamp, "answer"); /* a stamp may change its mind */
        assert_string_equal(d->writers[0]->components[1]->backup_metadata, "answer");
}

static void test_that_an_empty_answer_takes_nothing_back(void **state) {
        for (BackupDocMerge event = MERGE_PREPARE_BACKUP; event <= MERGE_POST_RESTORE; ++event) {
                _cleanup_(backup_doc_freep) BackupDoc *d = make(), *nothing = NULL, *empty = make(),
                                                      *before = NULL;

                d->writers[0]->components[0]->restore_target = VSS_RT_DIRECTED;
                d->writers[0]->components[0]->has_failure = true;
                assert_int_equal(strdup_to("stamp", &d->writers[0]->components[0]->backup_stamp), 0);
                assert_int_equal(backup_doc_copy(d, &before), S_OK);
                assert_int_equal(backup_doc_new(&nothing), 0);

                assert_int_equal(backup_doc_merge_part(d->writers[0], nothing, event), S_OK);
                assert_int_equal(backup_doc_merge_part(d->writers[0], empty, event), S_OK);
                assert_true(doc_equal(backup_doc_format.root, d, before));
        }
}

static void test_that_a_later_event_adds_to_what_an_earlier_one_said(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = make(), *part = NULL;
        BackupComponent *c;

        for (unsigned i = 0; i < 2; ++i) {
                _cleanup_(freep) char *text = NULL;
                size_t size;

                /* As it goes over the wire: the writer sees what there is and adds to it. */
                assert_int_equal(backup_doc_write_part(d, d->writers[0], &text, &size), S_OK);
                part = backup_doc_free(part);
                assert_int_equal(backup_doc_read(text, size, &part), S_OK);
                c = backup_writer_find_component(part->writers[0], VSS_CT_DATABASE, NULL, "one");
                assert_int_equal(
                        backup_component_add_partial_file(c, "a", i ? "second" : "first", "0:1", NULL), 0);
                assert_int_equal(backup_doc_merge_part(d->writers[0], part,
                                                       i ? MERGE_POST_SNAPSHOT : MERGE_PREPARE_BACKUP),
                                 S_OK);
        }

        c = d->writers[0]->components[0];
        assert_int_equal(c->n_partial_files, 2);
        assert_string_equal(c->partial_files[0].filename, "first");
        assert_string_equal(c->partial_files[1].filename, "second");
}

static void test_that_a_success_overrides_a_failure_only_when_said(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = make(), *answer = make_answer();
        BackupComponent *c = d->writers[0]->components[0];

        assert_int_equal(backup_doc_merge_part(d->writers[0], answer, MERGE_PREPARE_BACKUP), S_OK);
        assert_int_equal(c->failure, VSS_E_WRITERERROR_RETRYABLE);

        answer->writers[0]->components[0]->failure = S_OK;
        free(answer->writers[0]->components[0]->failure_message);
        answer->writers[0]->components[0]->failure_message = NULL;
        assert_int_equal(backup_doc_merge_part(d->writers[0], answer, MERGE_POST_SNAPSHOT), S_OK);
        assert_true(c->has_failure);
        assert_int_equal(c->failure, S_OK);
        assert_null(c->failure_message);
}

static void test_that_a_writer_speaks_for_its_own_components_only(void **state) {
        static const GUID other = { .Data1 = 99 };
        _cleanup_(backup_doc_freep) BackupDoc *d = make(), *before = make();

        for (unsigned i = 0; i < 4; ++i) {
                _cleanup_(backup_doc_freep) BackupDoc *answer = make_answer();

                switch (i) {
                case 0: /* a component nobody asked about, after one that is right */
                        assert_int_equal(backup_writer_add_component(answer->writers[0], VSS_CT_DATABASE,
                                                                     NULL, "three", NULL),
                                         S_OK);
                        break;
                case 1: /* another class */
                        answer->writers[0]->writer_id = other;
                        break;
                case 2: /* another instance */
                        answer->writers[0]->instance_id = other;
                        break;
                case 3: /* another writer besides */
                        assert_int_equal(backup_doc_add_writer(answer, &other, &other, NULL, 0, NULL), S_OK);
                        break;
                }

                assert_int_equal(backup_doc_merge_part(d->writers[0], answer, MERGE_POST_SNAPSHOT),
                                 VSS_E_INVALID_XML_DOCUMENT);
                assert_true(doc_equal(backup_doc_format.root, d, before));
        }
}

static void test_that_a_failed_allocation_changes_nothing(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = make(), *answer = make_answer(), *before = make();
        HRESULT hr = E_OUTOFMEMORY;

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = backup_doc_merge_part(d->writers[0], answer, MERGE_POST_SNAPSHOT);
                fault_clear();

                if (hr == E_OUTOFMEMORY)
                        assert_true(doc_equal(backup_doc_format.root, d, before));
        }

        assert_int_equal(hr, S_OK);
        assert_string_equal(d->writers[0]->components[0]->backup_stamp, "answer");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_each_event_takes_what_belongs_to_it_and_no_more),
                cmocka_unit_test(test_that_metadata_is_written_once),
                cmocka_unit_test(test_that_an_empty_answer_takes_nothing_back),
                cmocka_unit_test(test_that_a_later_event_adds_to_what_an_earlier_one_said),
                cmocka_unit_test(test_that_a_success_overrides_a_failure_only_when_said),
                cmocka_unit_test(test_that_a_writer_speaks_for_its_own_components_only),
                cmocka_unit_test(test_that_a_failed_allocation_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
