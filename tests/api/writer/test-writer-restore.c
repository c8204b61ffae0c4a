/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose Components Are Restored
 *
 * Instance ids are new at each start of a writer. Which of the instances that run now hears of a restore: the
 * one of the name that the document knows, any where it knows none, or the one that the requester wants.
 * [MS: nf-vswriter-cvsswriter-initialize; nf-vsbackup-ivssbackupcomponentsex-setselectedforrestoreex]
 */

#include <string.h>
#include <wchar.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static IVssComponent *only_component(IVssWriterComponents *components) {
        IVssComponent *c = NULL;
        UINT n = 0;

        ASSERT_RETURNS(IVssWriterComponents, GetComponentCount, S_OK,
                       IVssWriterComponents_GetComponentCount(components, &n));
        if (n != 1) {
                journal_say("%u components", n);
                return NULL;
        }
        ASSERT_RETURNS(IVssWriterComponents, GetComponent, S_OK,
                       IVssWriterComponents_GetComponent(components, 0, &c));
        return c;
}

/* In the backup, each writer signs what is its own. */
static void sign(Puppet *p, IVssWriterComponents *components) {
        IVssComponent *c = only_component(components);
        _cleanup_(freep) WCHAR *name = NULL;

        if (!c)
                return;
        assert_int_equal(wide_from_utf8(p->name, &name), 0);
        if (FAILED(IVssComponent_SetBackupMetadata(c, name)))
                journal_say("%s cannot sign", p->name);
        IVssComponent_Release(c);
}

/* In the restore, each says what it got, and leaves a word of its own in the document. */
static void receive(Puppet *p, IVssWriterComponents *components) {
        IVssComponent *c = only_component(components);
        _cleanup_(freep) WCHAR *name = NULL;
        BSTR signature = NULL;

        if (!c)
                return;
        assert_int_equal(wide_from_utf8(p->name, &name), 0);
        (void) IVssComponent_GetBackupMetadata(c, &signature);
        journal_say("%s gets what %ls had", p->name, signature ?: L"nobody");
        if (FAILED(IVssComponent_SetPreRestoreFailureMsg(c, name)))
                journal_say("%s cannot say anything", p->name);
        SysFreeString(signature);
        IVssComponent_Release(c);
}

static Puppet *subscribe(const char *name, const WCHAR *instance_name) {
        Puppet *p = puppet_new_unsubscribed(name, world->volume,
                                            &(PuppetOptions){ .instance_name = instance_name });

        p->acts[WIRE_EVENT_PREPARE_BACKUP].does = sign;
        p->acts[WIRE_EVENT_PRE_RESTORE].does = receive;
        assert_int_equal(puppet_subscribe(p), S_OK);
        return p;
}

static BSTR back_up(void) {
        Backup *b = backup_new();
        BSTR document;

        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        document = backup_document(b);
        backup_free(b);
        return document;
}

/* The instance that runs now under that name. */
static VSS_ID instance_of(Backup *b, const WCHAR *name) {
        VSS_ID found = { 0 };

        for (UINT i = 0; i < backup_writer_count(b); ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, id;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR friendly = NULL;

                assert_int_equal(IVssBackupComponents_GetWriterMetadata(b->api, i, &instance, &metadata),
                                 S_OK);
                assert_int_equal(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &friendly,
                                                                       &usage, &source),
                                 S_OK);
                if (wcscmp(friendly, name) == 0)
                        found = instance;
                SysFreeString(friendly);
                IVssExamineWriterMetadata_Release(metadata);
        }
        return found;
}

static BSTR restore(const WCHAR *document, const WCHAR *to) {
        Backup *b = backup_new_for_restore(document);
        IVssBackupComponentsEx *ex = (IVssBackupComponentsEx *) b->api3;
        VSS_ID instance = { 0 };
        BSTR after;

        assert_int_equal(backup_gather(b), S_OK);
        if (to)
                instance = instance_of(b, to);
        ASSERT_RETURNS(IVssBackupComponentsEx, SetSelectedForRestoreEx, S_OK,
                       IVssBackupComponentsEx_SetSelectedForRestoreEx(ex, puppet_writer_id, VSS_CT_FILEGROUP,
                                                                      NULL, L"data", true, instance));
        for (unsigned i = 0; i < 2; ++i) {
                IVssAsync *async = NULL;
                HRESULT hr = i == 0 ? IVssBackupComponents_PreRestore(b->api, &async) :
                                      IVssBackupComponents_PostRestore(b->api, &async);

                assert_int_equal(settle(hr, async), S_OK);
        }
        after = backup_document(b);
        backup_free(b);
        return after;
}

static void expect_said(const WCHAR *document, const WCHAR *name) {
        WCHAR needle[128];

        swprintf(needle, ELEMENTSOF(needle), L"preRestoreFailureMsg=\"%ls\"", name);
        if (!wcsstr(document, needle))
                fail_msg("'%ls' is not in %ls", needle, document);
}

static void test_that_a_writer_that_was_started_again_is_restored(void **state) {
        Puppet *p = subscribe("first life", L"home");
        BSTR document = back_up(), after;

        puppet_free(p);
        p = subscribe("second life", L"home");
        journal_clear();
        after = restore(document, NULL);
        assert_int_equal(journal_count("second life pre-restore"), 1);
        assert_int_equal(journal_count("second life post-restore"), 1);
        assert_true(journal_has("second life gets what first life had"));
        expect_said(after, L"second life"); /* what it says comes back in the document */
        SysFreeString(after);
        SysFreeString(document);
        puppet_free(p);
}

static void test_that_instances_are_known_by_their_names(void **state) {
        Puppet *red = subscribe("red", L"red"), *blue = subscribe("blue", L"blue"), *other;
        BSTR document = back_up(), after;

        puppet_free(red);
        puppet_free(blue);
        other = subscribe("green", L"green"); /* of that class as well, and none of those */
        blue = subscribe("new blue", L"blue");
        red = subscribe("new red", L"red");
        journal_clear();
        after = restore(document, NULL);
        assert_true(journal_has("new red gets what red had"));
        assert_true(journal_has("new blue gets what blue had"));
        assert_int_equal(journal_count("green pre-restore") + journal_count("green post-restore"), 0);
        expect_said(after, L"new red");
        expect_said(after, L"new blue");
        REACHES_RULE(CVssWriter, "Initialize", "multi-instance writers that need restore events must pass");
        SysFreeString(after);
        SysFreeString(document);
        puppet_free(red);
        puppet_free(blue);
        puppet_free(other);
}

static void test_that_each_of_several_without_a_name_gets_one_part(void **state) {
        Puppet *a = subscribe("a", L""), *b = subscribe("b", L"");
        BSTR document = back_up(), after;

        puppet_free(a);
        puppet_free(b);
        a = subscribe("c", L"");
        b = subscribe("d", L"");
        journal_clear();
        after = restore(document, NULL);
        assert_int_equal(journal_count("c pre-restore"), 1);
        assert_int_equal(journal_count("d pre-restore"), 1);
        assert_int_equal(journal_count("c gets what a had") + journal_count("c gets what b had"), 1);
        assert_int_equal(journal_count("d gets what a had") + journal_count("d gets what b had"), 1);
        REACHES_RULE(CVssWriter, "Subscribe",
                     "Server 2003: several instances of a class take part in backup only if");
        SysFreeString(after);
        SysFreeString(document);
        puppet_free(a);
        puppet_free(b);
}

static void test_that_a_component_can_move_to_another_instance(void **state) {
        Puppet *old = subscribe("old", L"old"), *new;
        BSTR document = back_up(), after;

        new = subscribe("new", L"new");
        journal_clear();
        after = restore(document, L"new");
        assert_true(journal_has("new gets what old had"));
        assert_int_equal(journal_count("new post-restore"), 1);
        assert_int_equal(journal_count("old pre-restore") + journal_count("old post-restore"), 0);
        expect_said(after, L"new");
        REACHES_RULE(IVssBackupComponentsEx, "SetSelectedForRestoreEx", "instanceId defaults to GUID_NULL");
        SysFreeString(after);

        /* One that has such a component itself keeps to its own. */
        puppet_free(old);
        old = subscribe("old", L"old");
        SysFreeString(document);
        document = back_up();
        journal_clear();
        after = restore(document, L"new");
        assert_true(journal_has("new gets what new had"));
        assert_int_equal(journal_count("old pre-restore"), 0);
        SysFreeString(after);
        SysFreeString(document);
        puppet_free(old);
        puppet_free(new);
}

static void test_that_one_that_is_gone_hears_nothing_and_the_others_are_restored(void **state) {
        Puppet *p = subscribe("stays", L"stays"), *gone = subscribe("goes", L"goes");
        BSTR document = back_up(), after;

        puppet_free(gone);
        journal_clear();
        after = restore(document, NULL);
        assert_int_equal(journal_count("stays pre-restore"), 1);
        assert_true(journal_has("stays gets what stays had"));
        SysFreeString(after);
        SysFreeString(document);
        puppet_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_that_was_started_again_is_restored),
                cmocka_unit_test(test_that_instances_are_known_by_their_names),
                cmocka_unit_test(test_that_each_of_several_without_a_name_gets_one_part),
                cmocka_unit_test(test_that_a_component_can_move_to_another_instance),
                cmocka_unit_test(test_that_one_that_is_gone_hears_nothing_and_the_others_are_restored),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
