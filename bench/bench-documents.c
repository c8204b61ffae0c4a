/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Large Documents
 *
 * A Backup Components Document of 100,000 components and a writer's document of 19,000 file lists, loaded
 * and saved by us and, in turns, by libxml2. Ours is what LoadFromXML(), InitializeForRestore() and
 * SaveAsXML() do: from the BSTR to the model, and back to a BSTR. Theirs is xmlReadMemory(), which makes a
 * tree of the same bytes, and xmlDocDumpMemory(), which writes the tree down again: its whole reader and
 * its whole writer, without a line of anybody else's, and a tree is what a program would have instead of
 * our model. Of each the best of several rounds; prints "name value" lines, which bench/run makes figures
 * of.
 */

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bstr.h"
#include "base/guid.h"
#include "base/macro.h"
#include "doc/backup-doc.h"
#include "doc/writer-doc.h"
#include "view/writer-components.h"

#define ROUNDS 7U
#define WRITERS 100U
#define COMPONENTS 100000U
#define FILE_LISTS 19000U
#define FILE_LISTS_OF_ONE 100U
#define CALLS 200000U

static void check(bool is_true, const char *what) {
        if (is_true)
                return;

        fprintf(stderr, "bench-documents: %s\n", what);
        exit(EXIT_FAILURE);
}

/* Of this thread, so that others on the machine count as little as possible. */
static double now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

/* What one thing took, in each round; the best counts. */
typedef struct Time {
        double best, begun;
} Time;

static void time_begin(Time *t) {
        t->begun = now();
}

static void time_end(Time *t) {
        double usec = now() - t->begun;

        t->best = t->best <= 0 || usec < t->best ? usec : t->best;
}

typedef struct Times {
        Time load, save, their_load, their_save;
} Times;

static void times_print(const char *name, const Times *t, size_t size) {
        printf("%s-size %zu\n", name, size);
        printf("%s-load %.0f\n%s-load-libxml2 %.0f\n", name, t->load.best, name, t->their_load.best);
        printf("%s-save %.0f\n%s-save-libxml2 %.0f\n", name, t->save.best, name, t->their_save.best);
}

static void their_round(Times *t, const char *text, size_t size) {
        xmlChar *saved = NULL;
        int saved_size = 0;
        xmlDoc *doc;

        time_begin(&t->their_load);
        doc = xmlReadMemory(text, (int) size, NULL, "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_COMPACT);
        time_end(&t->their_load);
        check(doc, "xmlReadMemory()");

        time_begin(&t->their_save);
        xmlDocDumpMemory(doc, &saved, &saved_size);
        time_end(&t->their_save);
        check(saved_size > 0 && (size_t) saved_size >= size, "xmlDocDumpMemory()");

        xmlFree(saved);
        xmlFreeDoc(doc);
}

static void set_text(char **member, const char *text) {
        *member = strdup(text);
        check(*member, "strdup()");
}

static void fill_component(BackupComponent *c, unsigned i) {
        char text[128];

        (void) snprintf(text, sizeof(text), "stamp of component %u", i);
        set_text(&c->backup_stamp, text);
        set_text(&c->caption, "A database & its \"log\"");
        set_text(&c->backup_metadata, "<state generation=\"17\" checkpoint=\"0000001A:00000040\"/>");
        c->backup_succeeded = TRI_YES;
        c->consistency = CONSISTENCY_APPLICATION;
        check(backup_component_add_partial_file(c, "/var/lib/server/databases", "main.db",
                                                "0:4096, 65536:8192", NULL) == 0,
              "a partial file");
        check(backup_component_add_differenced_file(c, "/var/lib/server/databases", "*.log", true, NULL,
                                                    133000000000000000) == 0, "a differenced file");
}

static BackupDoc *backup_doc_make(unsigned n_writers, unsigned n) {
        BackupDoc *d = NULL;

        check(backup_doc_new(&d) == 0, "a document");
        for (unsigned w = 0; w < n_writers; ++w) {
                const GUID id = { .Data1 = w + 1 };
                BackupWriter *writer;

                check(backup_doc_add_writer(d, &id, &id, "server", 0, &writer) == S_OK, "a writer");
                for (unsigned i = 0; i < n / n_writers; ++i) {
                        BackupComponent *c;
                        char name[64];

                        (void) snprintf(name, sizeof(name), "database-%u", i);
                        check(backup_writer_add_component(writer, VSS_CT_DATABASE, "server\\instance", name,
                                                          &c) == S_OK,
                              "a component");
                        fill_component(c, i);
                }
        }

        return d;
}

static void backup_documents(void) {
        _cleanup_(backup_doc_freep) BackupDoc *made = backup_doc_make(WRITERS, COMPONENTS);
        _cleanup_(freep) char *text = NULL;
        Times t = { 0 };
        size_t size;

        check(backup_doc_write(made, &text, &size) == S_OK, "saving");
        for (unsigned i = 0; i < ROUNDS; ++i) {
                _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
                _cleanup_(freep) char *loaded = NULL, *saved = NULL;
                BSTR xml = NULL, saved_xml = NULL;
                size_t saved_size;

                check(bstr_from_utf8(text, &xml) == 0, "a BSTR");
                time_begin(&t.load);
                check(utf8_from_bstr(xml, &loaded) == 0, "loading");
                check(backup_doc_read(loaded, size, &d) == S_OK, "loading");
                time_end(&t.load);
                bstr_free(xml);

                time_begin(&t.save);
                check(backup_doc_write(d, &saved, &saved_size) == S_OK, "saving");
                check(bstr_from_utf8(saved, &saved_xml) == 0, "saving");
                time_end(&t.save);

                check(saved_size == size && memcmp(saved, text, size) == 0,
                      "other bytes came out than went in");
                bstr_free(saved_xml);

                their_round(&t, text, size);
        }

        times_print("backup", &t, size);
}

static WriterDoc *writer_doc_make(void) {
        WriterDocComponent *c = NULL;
        WriterDoc *d = NULL;

        check(writer_doc_new(&d) == 0, "a document");
        for (unsigned i = 0; i < FILE_LISTS; ++i) {
                char text[128];

                if (i % FILE_LISTS_OF_ONE == 0) {
                        (void) snprintf(text, sizeof(text), "component-%u", i / FILE_LISTS_OF_ONE);
                        check(writer_doc_add_component(d, VSS_CT_FILEGROUP, NULL, text, &c) == S_OK,
                              "a component");
                }

                (void) snprintf(text, sizeof(text), "/usr/lib/system/component-store/assembly-%u/", i);
                check(doc_filespecs_add(&c->files, text, "*", i % 2, NULL, 3855) == 0, "a file list");
        }

        return d;
}

static void writer_documents(void) {
        _cleanup_(writer_doc_freep) WriterDoc *made = writer_doc_make();
        _cleanup_(freep) char *text = NULL;
        Times t = { 0 };
        size_t size;

        check(writer_doc_write(made, &text, &size) == S_OK, "saving");
        for (unsigned i = 0; i < 4 * ROUNDS; ++i) {
                _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
                _cleanup_(freep) char *loaded = NULL, *saved = NULL;
                BSTR xml = NULL, saved_xml = NULL;
                size_t saved_size;

                check(bstr_from_utf8(text, &xml) == 0, "a BSTR");
                time_begin(&t.load);
                check(utf8_from_bstr(xml, &loaded) == 0, "loading");
                check(writer_doc_read(loaded, size, &d) == S_OK, "loading");
                time_end(&t.load);
                bstr_free(xml);

                time_begin(&t.save);
                check(writer_doc_write(d, &saved, &saved_size) == S_OK, "saving");
                check(bstr_from_utf8(saved, &saved_xml) == 0, "saving");
                time_end(&t.save);

                check(saved_size == size && memcmp(saved, text, size) == 0,
                      "other bytes came out than went in");
                bstr_free(saved_xml);

                their_round(&t, text, size);
        }

        times_print("writer", &t, size);
}

/* Nanoseconds of one GetComponent() with its Release(), all over the list. */
static double get_component_nsec(unsigned n) {
        _cleanup_(view_owner_unrefp) ViewOwner *owner = NULL;
        IVssWriterComponentsExt *components = NULL;
        BackupDoc *d = backup_doc_make(1, n);
        Time t = { 0 };

        check(view_owner_new(d, VIEW_READ_ONLY, &owner) == 0, "a view");
        check(writer_components_ext_new(owner, d->writers[0], &components) == S_OK, "the components");

        for (unsigned round = 0; round < ROUNDS; ++round) {
                time_begin(&t);
                for (unsigned i = 0; i < CALLS; ++i) {
                        IVssComponent *c = NULL;

                        check(IVssWriterComponents_GetComponent(&components->components,
                                                                (UINT) (i * 7919ULL % n), &c) == S_OK,
                              "GetComponent()");
                        (void) IVssComponent_Release(c);
                }
                time_end(&t);
        }

        (void) IUnknown_Release(&components->unknown);
        return t.best * 1e3 / CALLS;
}

int main(void) {
        backup_documents();
        writer_documents();
        printf("get-component-1000 %.1f\nget-component-100000 %.1f\n", get_component_nsec(1000),
               get_component_nsec(COMPONENTS));
        return EXIT_SUCCESS;
}
