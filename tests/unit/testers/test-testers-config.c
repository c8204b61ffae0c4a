/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configurations of the testers: every mistake is found, in its line, and the schemas in docs/schema say the same as
 * the tables that read.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "lib/test-util.h"
#include "testers/betest.h"
#include "testers/test-writer-config.h"
#include "xsd.h"

/* Mistakes */

typedef int (*LoadFunc)(const char *file, void *ret);

static int load_writer(const char *file, void *ret) {
        return test_writer_config_load(file, ret);
}

static int load_betest(const char *file, void *ret) {
        return betest_config_load_xml(file, ret);
}

static int load_list(const char *file, void *ret) {
        return betest_config_load_list(file, ret);
}

/* What @load says on stderr about @text; the caller frees. NULL: it took it. */
static char *complaint(LoadFunc load, const char *text) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *file = path_in(dir, "config"), *log = path_in(dir, "log");
        int saved = dup(STDERR_FILENO), fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), r;
        void *config = NULL;

        assert_true(saved >= 0 && fd >= 0);
        write_file(dir, "config", text);
        (void) dup2(fd, STDERR_FILENO);
        r = load(file, &config);
        (void) dup2(saved, STDERR_FILENO);
        fd_close(saved);
        fd_close(fd);
        config_free(config);
        return r < 0 ? read_file(dir, "log") : NULL;
}

#define METHOD "<RestoreMethod method=\"RESTORE_IF_CAN_REPLACE\"/>\n"

static void test_that_every_mistake_is_told_with_its_line(void **state) {
        static const struct {
                LoadFunc load;
                const char *text;
                const char *complaint; /* after the name of the file; NULL: there is none */
        } cases[] = {
                { load_writer, "<TestWriter>" METHOD "</TestWriter>", NULL },
                { load_writer, "", ":1: not well-formed" },
                { load_writer, "<TestWriter>\n<RestoreMethod>\n</TestWriter>", ":3: not well-formed: Opening and ending tag mismatch" },
                { load_writer, "<BETest/>", ":1: the root element must be <TestWriter>, not <BETest>" },
                { load_writer, "<!DOCTYPE a [<!ENTITY b \"c\">]>\n<TestWriter>" METHOD "</TestWriter>", "a document type declaration" },
                { load_writer, "<TestWriter/>", ":1: <TestWriter> lacks its first element, <RestoreMethod>" },
                { load_writer, "<TestWriter>\n<ExcludeFile path=\"/a\" filespec=\"*\"/>\n" METHOD "</TestWriter>",
                  ":3: <RestoreMethod> must be the first element" },
                { load_writer, "<TestWriter>" METHOD METHOD "</TestWriter>", ":2: <RestoreMethod> must be the first element in <TestWriter>, and the only one" },
                { load_writer, "<TestWriter\n\nusage=\"NONE\">" METHOD "</TestWriter>",
                  ": <TestWriter usage=\"NONE\">: expected one of BOOTABLE_SYSTEM_STATE, SYSTEM_SERVICE, USER_DATA, OTHER" },
                { load_writer, "<TestWriter colour=\"red\">" METHOD "</TestWriter>", ":1: <TestWriter> has no attribute 'colour'; there are: usage," },
                { load_writer, "<TestWriter>" METHOD "<Colour/></TestWriter>", ":2: <TestWriter> has no element <Colour>; there are: RestoreMethod," },
                { load_writer, "<TestWriter>" METHOD "red</TestWriter>", "<TestWriter> contains text" },
                { load_writer, "<TestWriter>" METHOD "\n<ExcludeFile path=\"/a\"/></TestWriter>", ":3: <ExcludeFile> lacks the attribute 'filespec'" },
                { load_writer, "<TestWriter>" METHOD "<ExcludeFile path=\"a\" filespec=\"*\"/></TestWriter>", ":2: <ExcludeFile path=\"a\">: expected an absolute path" },
                { load_writer, "<TestWriter checkIncludes=\"true\">" METHOD "</TestWriter>", ":1: <TestWriter checkIncludes=\"true\">: expected yes or no" },
                { load_writer, "<TestWriter supportsLog=\"1\">" METHOD "</TestWriter>", ":1: <TestWriter supportsLog=\"1\">: expected yes or no" },
                { load_writer, "<TestWriter freezeTimeout=\"0\">" METHOD "</TestWriter>", "expected a number from 1 to 2147483647" },
                { load_writer, "<TestWriter freezeTimeout=\" 5\">" METHOD "</TestWriter>", "expected a number from" },
                { load_writer, "<TestWriter freezeTimeout=\"99999999999\">" METHOD "</TestWriter>", "expected a number from" },
                { load_writer, "<TestWriter writerId=\"5affb034\">" METHOD "</TestWriter>", "expected a GUID" },
                { load_writer, "<TestWriter>" METHOD "<FailEvent writerEvent=\"Freeze\" code=\"VSS_E_NOTHING\"/></TestWriter>",
                  "<FailEvent code=\"VSS_E_NOTHING\">: expected a name of vsserror.h, as VSS_E_WRITERERROR_TIMEOUT, or a number" },
                { load_writer, "<TestWriter>" METHOD "<FailEvent writerEvent=\"Freeze\" code=\"0x1FFFFFFFF\"/></TestWriter>", "expected a name" },
                { load_writer, "<TestWriter>" METHOD "<FailEvent writerEvent=\"Freeze\" code=\"-1\"/></TestWriter>", "expected a name" },
                { load_writer, "<TestWriter>" METHOD "<FailEvent writerEvent=\"PrepareForSnapsot\" code=\"2147754997\"/></TestWriter>", NULL },
                { load_writer,
                  "<TestWriter>" METHOD "<Component componentType=\"filegroup\" componentName=\"a\"/>\n\n"
                  "<Component componentType=\"database\" logicalPath=\"\" componentName=\"a\"/></TestWriter>",
                  ":4: there is a component of this name and logical path in line 2 already" },
                { load_writer,
                  "<TestWriter>" METHOD "<Component componentType=\"filegroup\" componentName=\"a\">\n<ComponentLogFile path=\"/a\" filespec=\"*\"/>"
                  "</Component></TestWriter>",
                  ":3: <ComponentLogFile> is for components of type database" },
                { load_writer,
                  "<TestWriter>" METHOD "<Component componentType=\"database\" componentName=\"a\">\n"
                  "<ComponentFile path=\"/a\" filespec=\"*\" recursive=\"yes\"/></Component></TestWriter>",
                  ":3: files of a database have neither recursive" },
                { load_betest, "<BETest/>", NULL },
                { load_betest, "<BETest>\n<Writer/></BETest>", ":2: <Writer> lacks the attribute 'writerid'" },
                { load_betest, "<BETest><Volume path=\"/\" recursive=\"no\"/></BETest>", "<Volume> has no attribute 'recursive'; there are: path, providerId" },
                { load_list, "", NULL },
                { load_list, "\"5affb034-969f-4919-8875-88f830d0ef89\" : \"a\", \"b\\c\";\n\n \"{5affb034-969f-4919-8875-88f830d0ef89}\" : \"d\" ;", NULL },
                { load_list, "\"5affb034\" : \"a\";", ":1: '5affb034' is not a GUID" },
                { load_list, "\n\"5affb034-969f-4919-8875-88f830d0ef89\" \"a\";", ":2: expected a colon" },
                { load_list, "\"5affb034-969f-4919-8875-88f830d0ef89\" : a;", ":1: expected the name of a component in quotation marks" },
                { load_list, "\"5affb034-969f-4919-8875-88f830d0ef89\" : \"a\"", ":1: expected a comma or a semicolon" },
                { load_list, "\"5affb034-969f-4919-8875-88f830d0ef89\" : \"a\n\";", ":1: expected the name of a component in quotation marks" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *said = complaint(cases[i].load, cases[i].text);

                if (!cases[i].complaint != !said || (said && !strstr(said, cases[i].complaint)))
                        fail_msg("%s\n  said: %s\n  not:  %s", cases[i].text, said ?: "nothing", cases[i].complaint ?: "nothing");
        }
}

static void test_that_all_mistakes_are_told_at_once(void **state) {
        _cleanup_(freep) char *said = complaint(load_writer, "<TestWriter usage=\"a\" level=\"b\">\n<A/>\n<B/>\n</TestWriter>");

        assert_non_null(said);
        assert_non_null(strstr(said, "usage"));
        assert_non_null(strstr(said, "level"));
        assert_non_null(strstr(said, "<A>"));
        assert_non_null(strstr(said, "<B>"));
        assert_non_null(strstr(said, "RestoreMethod"));
}

static void test_that_there_is_an_end_of_mistakes(void **state) {
        char text[8192] = "<TestWriter>";
        _cleanup_(freep) char *said = NULL;

        for (unsigned i = 0; i < 1000; ++i)
                strcat(text, "<A/>");
        strcat(text, "</TestWriter>");
        said = complaint(load_writer, text);
        assert_non_null(strstr(said, ": and more\n"));
        assert_true(strlen(said) < 8192);
}

/* Values */

static void test_that_what_is_not_said_has_the_documented_default(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *file = path_in(dir, "c");
        _cleanup_(test_writer_config_freep) TestWriterConfig *c = NULL;
        GUID id;

        write_file(dir, "c",
                   "<TestWriter supportsLog=\"yes\">" METHOD "<Component componentType=\"filegroup\" componentName=\"a\">"
                   "<ComponentFile path=\"/a\" filespec=\"*\" logSnapshotRequired=\"no\"/></Component></TestWriter>");
        assert_int_equal(test_writer_config_load(file, &c), 0);
        assert_int_equal(guid_from_string("5affb034-969f-4919-8875-88f830d0ef89", &id), 0);
        assert_memory_equal(&c->writer_id, &id, sizeof(id));
        assert_int_equal(c->usage, VSS_UT_USERDATA);
        assert_int_equal(c->verbosity, VERBOSITY_MEDIUM);
        assert_int_equal(c->schema, VSS_BS_LOG | VSS_BS_WRITER_SUPPORTS_NEW_TARGET);
        assert_int_equal(c->restore_method->writer_restore, VSS_WRE_ALWAYS);
        assert_true(c->components->selectable);
        assert_false(c->components->selectable_for_restore);
        assert_int_equal(c->components->files->mask, 0x70F);
        assert_null(c->components->node.next);
}

/* Schemas */

static const char *some_value(const ConfigAttribute *a) {
        switch (a->kind) {
        case CONFIG_PATH:
                return "/a";
        case CONFIG_BOOL:
        case CONFIG_BIT:
                return "yes";
        case CONFIG_NUMBER:
                return "5";
        case CONFIG_WORD:
                return a->words[0].word;
        case CONFIG_GUID:
                return "5affb034-969f-4919-8875-88f830d0ef89";
        case CONFIG_HRESULT:
                return "VSS_E_WRITERERROR_TIMEOUT";
        default:
                return "text";
        }
}

/* An element with all that the tables know, and all of its words in turn. */
static void print_everything(FILE *f, const ConfigElement *e) {
        fprintf(f, "<%s", e->name);
        for (const ConfigAttribute *a = e->attributes; a->name; ++a)
                fprintf(f, " %s=\"%s\"", a->name, some_value(a));
        fputs(">", f);
        for (const ConfigChild *c = e->children; c && c->element; ++c)
                print_everything(f, c->element);
        fprintf(f, "</%s>", e->name);
}

static const char *schema_path(const char *name) {
        static char path[4096];

        snprintf(path, sizeof(path), "%s/schema/%s", getenv("DOCS"), name);
        return path;
}

static bool is_known(const ConfigElement *e, const char *element, const char *attribute) {
        if (element && strcmp(e->name, element) == 0)
                return true;
        for (const ConfigAttribute *a = e->attributes; attribute && a->name; ++a)
                if (strcmp(a->name, attribute) == 0)
                        return true;
        for (const ConfigChild *c = e->children; c && c->element; ++c)
                if (is_known(c->element, element, attribute))
                        return true;
        return false;
}

static void assert_schema_has_nothing_else(const char *schema, const ConfigElement *root) {
        xmlDoc *doc = xmlReadFile(schema_path(schema), NULL, XML_PARSE_NONET);
        xmlXPathContext *context = xmlXPathNewContext(doc);
        xmlXPathObject *found;

        assert_non_null(doc);
        found = xmlXPathEval((const xmlChar *) "//*[local-name() = 'element' or local-name() = 'attribute']/@name", context);
        assert_true(found->nodesetval->nodeNr > 10);
        for (int i = 0; i < found->nodesetval->nodeNr; ++i) {
                xmlNode *attribute = found->nodesetval->nodeTab[i];
                xmlChar *name = xmlNodeGetContent(attribute);
                bool element = strcmp((const char *) attribute->parent->name, "element") == 0;

                if (!is_known(root, element ? (const char *) name : NULL, element ? NULL : (const char *) name))
                        fail_msg("%s has '%s', which the program does not know", schema, (const char *) name);
                xmlFree(name);
        }
        xmlXPathFreeObject(found);
        xmlXPathFreeContext(context);
        xmlFreeDoc(doc);
}

static void test_that_the_schemas_are_what_the_programs_read(void **state) {
        static const struct {
                const char *schema;
                const ConfigElement *root;
        } cases[] = {
                { "test-writer.xsd", &test_writer_element },
                { "betest.xsd", &betest_element },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                print_everything(f, cases[i].root);
                fclose(f);
                if (!xsd_accepts(schema_path(cases[i].schema), text, size))
                        fail_msg("%s does not take %s", cases[i].schema, text);
                assert_false(xsd_accepts(schema_path(cases[i].schema), "<Other/>", strlen("<Other/>")));
                assert_schema_has_nothing_else(cases[i].schema, cases[i].root);
        }
}

static void test_that_the_installed_examples_are_taken(void **state) {
        static const struct {
                LoadFunc load;
                const char *schema, *file;
        } cases[] = {
                { load_writer, "test-writer.xsd", "writer.xml" },
                { load_writer, "test-writer.xsd", "unfriendly.xml" },
                { load_betest, "betest.xsd", "components.xml" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *text = read_file(getenv("EXAMPLES"), cases[i].file), *said = NULL;

                assert_non_null(text);
                said = complaint(cases[i].load, text);
                if (said)
                        fail_msg("%s", said);
                assert_true(xsd_accepts(schema_path(cases[i].schema), text, strlen(text)));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_mistake_is_told_with_its_line),
                cmocka_unit_test(test_that_all_mistakes_are_told_at_once),
                cmocka_unit_test(test_that_there_is_an_end_of_mistakes),
                cmocka_unit_test(test_that_what_is_not_said_has_the_documented_default),
                cmocka_unit_test(test_that_the_schemas_are_what_the_programs_read),
                cmocka_unit_test(test_that_the_installed_examples_are_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
