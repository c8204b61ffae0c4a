/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Views from several threads at once: nothing is lost, nothing is torn, and closing a view is a line that no
 * call crosses. Mostly for ThreadSanitizer's eyes.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <wchar.h>

#include "base/alloc.h"
#include "view-test.h"
#include "view/component.h"
#include "view/create-metadata.h"
#include "view/examine-metadata.h"

enum { THREADS = 4, ROUNDS = 500 };

typedef struct Job {
        IVssComponentEx2 *component;
        IVssExamineWriterMetadataEx2 *metadata;
        IVssCreateWriterMetadataEx *create;
        atomic_uint n_added;
        unsigned index;
} Job;

static void run(void *(*function)(void *), Job *jobs) {
        pthread_t threads[THREADS];

        for (unsigned i = 0; i < THREADS; ++i) {
                jobs[i].index = i;
                assert_int_equal(pthread_create(&threads[i], NULL, function, &jobs[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *use_component(void *arg) {
        Job *job = arg;

        for (unsigned i = 0; i < ROUNDS; ++i) {
                BSTR s = NULL;
                HRESULT hr;
                void *p;

                hr = IVssComponentEx2_AddPartialFile(job->component, L"/a", L"b", L"0:1", NULL);
                if (hr == VSS_E_OBJECT_NOT_FOUND)
                        break; /* closed meanwhile */
                job->n_added++;

                (void) IVssComponentEx2_SetBackupStamp(job->component, i % 2 ? L"odd" : L"even");
                if (IVssComponentEx2_GetBackupStamp(job->component, &s) == S_OK &&
                    wcscmp(s, L"odd") != 0 && wcscmp(s, L"even") != 0)
                        fprintf(stderr, "torn\n");
                bstr_free(s);
                (void) IVssComponentEx2_QueryInterface(job->component, &IID_IVssComponent, &p);
                IVssComponentEx2_Release(job->component);
        }

        return NULL;
}

static ViewOwner *owner_new(IVssComponentEx2 **ret) {
        BackupComponent *c;
        ViewOwner *owner;
        BackupWriter *w;
        BackupDoc *d;

        assert_int_equal(backup_doc_new(&d), 0);
        assert_int_equal(backup_doc_add_writer(d, &GUID_NULL, &GUID_NULL, NULL, 0, &w), S_OK);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, NULL, "n", &c), S_OK);
        assert_int_equal(view_owner_new(d, VIEW_POST_SNAPSHOT, &owner), 0);
        assert_int_equal(component_new(owner, c, ret), S_OK);
        return owner;
}

static void test_that_a_component_loses_nothing(void **state) {
        Job jobs[THREADS] = { 0 };
        IVssComponentEx2 *component;
        ViewOwner *owner = owner_new(&component);
        UINT n;

        for (unsigned i = 0; i < THREADS; ++i)
                jobs[i].component = component;
        run(use_component, jobs);

        assert_int_equal(IVssComponentEx2_GetPartialFileCount(component, &n), S_OK);
        assert_int_equal(n, THREADS * ROUNDS);
        assert_int_equal(IVssComponentEx2_Release(component), 0);
        view_owner_unref(owner);
}

static void *close_view(void *arg) {
        backup_doc_free(view_owner_take_doc(arg));
        return NULL;
}

static void test_that_no_call_is_under_way_once_a_view_is_closed(void **state) {
        for (unsigned round = 0; round < 20; ++round) {
                Job jobs[THREADS] = { 0 };
                IVssComponentEx2 *component;
                ViewOwner *owner = owner_new(&component);
                pthread_t closer;

                for (unsigned i = 0; i < THREADS; ++i)
                        jobs[i].component = component;

                /* The document is freed under their hands, and nobody touches it. */
                assert_int_equal(pthread_create(&closer, NULL, close_view, owner), 0);
                run(use_component, jobs);
                assert_int_equal(pthread_join(closer, NULL), 0);

                assert_int_equal(IVssComponentEx2_Release(component), 0);
                view_owner_unref(owner);
        }
}

#define ID L"11111111-2222-3333-4444-555555555555"
#define XML(n)                                                                                         \
        L"<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\"><IDENTIFICATION writerId=\"" ID   \
        L"\" instanceId=\"" ID L"\" majorVersion=\"" n L"\" minorVersion=\"" n                        \
        L"\"/><BACKUP_LOCATIONS><DATABASE componentName=\"c" n L"\"/></BACKUP_LOCATIONS></WRITER_METADATA>"

static void *use_metadata(void *arg) {
        WCHAR one[] = XML(L"1"), two[] = XML(L"2");
        Job *job = arg;

        for (unsigned i = 0; i < ROUNDS; ++i) {
                PVSSCOMPONENTINFO info;
                DWORD major, minor;
                IVssWMComponent *c;

                if (job->index == 0)
                        (void) IVssExamineWriterMetadataEx2_LoadFromXML(job->metadata, i % 2 ? one : two);

                if (IVssExamineWriterMetadataEx2_GetVersion(job->metadata, &major, &minor) != S_OK ||
                    major != minor)
                        fprintf(stderr, "torn\n");
                if (IVssExamineWriterMetadataEx2_GetComponent(job->metadata, 0, &c) != S_OK)
                        continue;
                if (IVssWMComponent_GetComponentInfo(c, &info) == S_OK)
                        (void) IVssWMComponent_FreeComponentInfo(c, info);
                IVssWMComponent_Release(c);
                job->n_added++;
        }

        return NULL;
}

static void test_that_metadata_can_be_replaced_while_others_read(void **state) {
        IVssExamineWriterMetadataEx2 *m;
        Job jobs[THREADS] = { 0 };

        assert_int_equal(examine_metadata_from_xml(XML(L"1"), &m), S_OK);
        for (unsigned i = 0; i < THREADS; ++i)
                jobs[i].metadata = m;
        run(use_metadata, jobs);

        for (unsigned i = 0; i < THREADS; ++i)
                assert_int_equal(jobs[i].n_added, ROUNDS);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void *describe(void *arg) {
        Job *job = arg;

        for (unsigned i = 0; i < ROUNDS; ++i) {
                WCHAR name[32];
                BSTR s;

                swprintf(name, ELEMENTSOF(name), L"%u", i);
                if (IVssCreateWriterMetadataEx_AddComponent(job->create, VSS_CT_FILEGROUP, NULL, name, NULL,
                                                            NULL, 0, false, false, true, true, 0) == S_OK)
                        job->n_added++;
                (void) IVssCreateWriterMetadataEx_AddFilesToFileGroup(job->create, NULL, name, L"/a", L"*",
                                                                      true, NULL, 0xF0F);
                if (i % 100 == 0 && IVssCreateWriterMetadataEx_SaveAsXML(job->create, &s) == S_OK)
                        bstr_free(s);
        }

        return NULL;
}

static void test_that_a_component_is_added_once_however_many_try(void **state) {
        _cleanup_(create_metadata_freep) CreateMetadata *create = NULL;
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        Job jobs[THREADS] = { 0 };
        unsigned n_added = 0;

        assert_int_equal(writer_doc_new(&doc), 0);
        assert_int_equal(create_metadata_new(doc, &create), S_OK);
        for (unsigned i = 0; i < THREADS; ++i)
                jobs[i].create = create_metadata_iface(create);
        run(describe, jobs);

        for (unsigned i = 0; i < THREADS; ++i)
                n_added += jobs[i].n_added;
        assert_int_equal(n_added, ROUNDS);
        assert_int_equal(doc->n_components, ROUNDS);
        for (unsigned i = 0; i < ROUNDS; ++i)
                assert_int_equal(doc->components[i].files.n, THREADS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_component_loses_nothing),
                cmocka_unit_test(test_that_no_call_is_under_way_once_a_view_is_closed),
                cmocka_unit_test(test_that_metadata_can_be_replaced_while_others_read),
                cmocka_unit_test(test_that_a_component_is_added_once_however_many_try),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
