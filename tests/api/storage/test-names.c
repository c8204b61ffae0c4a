/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that loads the library at run time finds what it looks for.
 */

#include <dlfcn.h>
#include <string.h>
#include <vsbackup.h>

#include "lib/test-util.h"

static void test_that_every_name_is_found(void **state) {
        static const struct {
                const char *name, *plain;
        } cases[] = {
                { "?CreateVssBackupComponents@@YAJPEAPEAVIVssBackupComponents@@@Z", "CreateVssBackupComponentsInternal" },
                { "?CreateVssBackupComponents@@YGJPAPAVIVssBackupComponents@@@Z", "CreateVssBackupComponentsInternal" },
                { "?CreateVssExamineWriterMetadata@@YAJPEAGPEAPEAVIVssExamineWriterMetadata@@@Z",
                  "CreateVssExamineWriterMetadataInternal" },
                { "?CreateVssExamineWriterMetadata@@YGJPAGPAPAVIVssExamineWriterMetadata@@@Z",
                  "CreateVssExamineWriterMetadataInternal" },
                { "CreateVssBackupComponents", NULL },
                { "CreateVssExamineWriterMetadata", NULL },
                { "CreateVssExpressWriterInternal", NULL },
                { "GetProviderMgmtInterface", NULL },
                { "GetProviderMgmtInterfaceInternal", NULL },
                { "IsVolumeSnapshotted", NULL },
                { "IsVolumeSnapshottedInternal", NULL },
                { "ShouldBlockRevert", NULL },
                { "ShouldBlockRevertInternal", NULL },
                { "VssFreeSnapshotProperties", NULL },
                { "VssFreeSnapshotPropertiesInternal", NULL },
        };
        void *library = dlopen("libvssapi.so.0", RTLD_NOW);

        assert_non_null(library);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                void *found = dlsym(library, cases[i].name);

                if (!found)
                        fail_msg("%s", dlerror());
                if (cases[i].plain)
                        assert_ptr_equal(found, dlsym(library, cases[i].plain));
        }
        assert_null(dlsym(library, "?CreateVssBackupComponents@@YAXXZ"));
        assert_int_equal(dlclose(library), 0);
}

static void test_that_what_is_found_is_the_function(void **state) {
        HRESULT (*create)(IVssBackupComponents **ret);
        void *library = dlopen("libvssapi.so.0", RTLD_NOW), *found;

        assert_non_null(library);
        found = dlsym(library, "?CreateVssBackupComponents@@YAJPEAPEAVIVssBackupComponents@@@Z");
        assert_non_null(found);
        memcpy(&create, &found, sizeof(create));
        assert_int_equal(create(NULL), E_INVALIDARG);
        assert_int_equal(dlclose(library), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_name_is_found),
                cmocka_unit_test(test_that_what_is_found_is_the_function),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
