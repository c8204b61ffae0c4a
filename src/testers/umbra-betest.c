/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-betest
 *
 * The command line. Its options are those of BETest, without regard to case, behind a slash as on Windows or behind one
 * or two hyphens; those of umbra come behind two hyphens like everywhere here.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "testers/betest.h"
#include "testers/vss-text.h"
#include "testers/words.h"

static void help(void) {
        printf("umbra-betest [OPTIONS...]\n\n"
               "A backup and then a restore of what writers have, step by step, showing each call.\n"
               "Options may be written /B, -B or --b.\n\n"
               "  /B               only the backup\n"
               "  /R               only the restore; with /S\n"
               "  /Snapshot        only the shadow copy\n"
               "  /BC              only the end of a backup\n"
               "  /NBC             a backup without its end\n"
               "  /S FILE          where the Backup Components Document goes, or comes from\n"
               "  /D DIRECTORY     where the files go, or come from; without it none are copied\n"
               "  /X FILE          which components, as XML\n"
               "  /C FILE          which components, as a list\n"
               "  /T TYPE          FULL (default), COPY, INCREMENTAL, DIFFERENTIAL or LOG\n"
               "  /Pre FILE        the document of the backup that this one builds on\n"
               "  /O               with the bootable system state\n"
               "  /P               a persistent shadow copy\n"
               "  /Rollback        a shadow copy to roll the application back with\n"
               "  /Auth            an authoritative restore\n"
               "  /StopError       end with the first writer that fails\n"
               "  /V               more words\n\n"
               "  --metadata DIR   save the writers' metadata there\n"
               "  --json           one line of JSON per call\n"
               "  --output FILE    write there, not to standard output\n"
               "  --socket PATH    where umbrad listens (default: $UMBRA_SOCKET, else\n"
               "                   /run/umbra/umbra.sock)\n"
               "  --help           this\n"
               "  --version        the version\n\n"
               "It exits with 0 when all went well, 1 when a call or a file failed, 2 for wrong\n"
               "options, 3 when umbrad does not listen, 4 when it does not allow it, and 5 when a\n"
               "writer failed.\n\n"
               "See umbra-betest(1).\n");
}

typedef struct CommandLine {
        Betest betest;
        const char *xml, *list, *type, *output, *socket;
        bool json, help, version;
} CommandLine;

typedef struct Option {
        const char *name;
        size_t offset;
        bool takes_value; /* const char *, else bool */
        bool is_ours;
} Option;

#define FLAG(name, member) { name, offsetof(CommandLine, member), false, false }
#define VALUE(name, member) { name, offsetof(CommandLine, member), true, false }
#define OUR_FLAG(name, member) { name, offsetof(CommandLine, member), false, true }
#define OUR_VALUE(name, member) { name, offsetof(CommandLine, member), true, true }

static const Option options[] = {
        FLAG("Auth", betest.authoritative),
        FLAG("B", betest.backup),
        FLAG("BC", betest.only_complete),
        VALUE("C", list),
        VALUE("D", betest.directory),
        FLAG("NBC", betest.no_complete),
        FLAG("O", betest.bootable),
        FLAG("P", betest.persistent),
        VALUE("Pre", betest.previous_file),
        FLAG("R", betest.restore),
        FLAG("Rollback", betest.rollback),
        VALUE("S", betest.document_file),
        FLAG("Snapshot", betest.only_snapshot),
        FLAG("StopError", betest.stop_on_error),
        VALUE("T", type),
        FLAG("V", betest.verbose),
        VALUE("X", xml),
        OUR_VALUE("metadata", betest.metadata_directory),
        OUR_FLAG("json", json),
        OUR_VALUE("output", output),
        OUR_VALUE("socket", socket),
        OUR_FLAG("help", help),
        OUR_FLAG("version", version),
};

static const Option *find_option(const char *word) {
        bool two = strncmp(word, "--", 2) == 0;

        if (*word != '/' && *word != '-')
                return NULL;
        word += two ? 2 : 1;
        for (size_t i = 0; i < ELEMENTSOF(options); ++i)
                if (strcasecmp(options[i].name, word) == 0 && (!options[i].is_ours || two))
                        return &options[i];
        return NULL;
}

static _printf_(1, 2) int usage(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputs("; see umbra-betest --help\n", stderr);
        return -EINVAL;
}

static int parse_words(CommandLine *c, int argc, char *argv[]) {
        for (int i = 1; i < argc; ++i) {
                const Option *o = find_option(argv[i]);

                if (!o)
                        return usage("'%s' is no option", argv[i]);
                if (!o->takes_value)
                        *(bool *) ((char *) c + o->offset) = true;
                else if (i + 1 == argc)
                        return usage("'%s' needs a value", argv[i]);
                else
                        *(const char **) ((char *) c + o->offset) = argv[++i];
        }
        return 0;
}

static int parse_type(CommandLine *c) {
        c->betest.type = VSS_BT_FULL;
        for (const ConfigWord *w = backup_type_words; c->type && w->word; ++w)
                if (strcasecmp(w->word, c->type) == 0) {
                        c->betest.type = (VSS_BACKUP_TYPE) w->value;
                        return 0;
                }
        return c->type ? usage("'%s' is no type of backup", c->type) : 0;
}

/* What goes with what. */
static int check(const CommandLine *c) {
        const Betest *b = &c->betest;
        unsigned n_modes = b->backup + b->restore + b->only_snapshot + b->only_complete;

        if (n_modes > 1)
                return usage("only one of /B, /R, /BC and /Snapshot can be meant");
        if ((b->restore || b->only_complete) && !b->document_file)
                return usage("%s needs the document of a backup: /S FILE", b->restore ? "/R" : "/BC");
        if (c->xml && c->list)
                return usage("only one of /X and /C can be meant");
        if (b->previous_file && b->type != VSS_BT_INCREMENTAL && b->type != VSS_BT_DIFFERENTIAL && b->type != VSS_BT_LOG)
                return usage("/Pre goes with /T INCREMENTAL, DIFFERENTIAL or LOG");
        return 0;
}

static int load_config(const CommandLine *c, BetestConfig **ret) {
        if (c->xml)
                return betest_config_load_xml(c->xml, ret);
        if (c->list)
                return betest_config_load_list(c->list, ret);
        return 0;
}

/* The backup was taken by another process (/NBC); its writers are told that it is over. */
static void only_complete(Betest *b) {
        b->document = betest_load_document(b, b->document_file);
        if (!b->document || !betest_connect(b))
                return;
        if (SUCCEEDED(BETEST_CALL(b, InitializeForBackup, b->document)) && SUCCEEDED(BETEST_WAIT(b, GatherWriterMetadata)) &&
            SUCCEEDED(BETEST_WAIT(b, BackupComplete)))
                (void) betest_writers_are_well(b);
        betest_disconnect(b);
}

static void run(Betest *b) {
        json_t *record;

        if (b->only_complete)
                only_complete(b);
        else {
                if (!b->restore)
                        betest_backup(b);
                if (b->restore || (!b->backup && !b->only_snapshot && b->status == BETEST_OK))
                        betest_restore(b);
        }
        record = record_new("finished", b->status == BETEST_OK ? "well" : "badly");
        record_number(record, "files", b->n_files);
        record_number(record, "exitCode", b->status);
        report_emit(b->report, record);
}

int main(int argc, char *argv[]) {
        CommandLine c = { 0 };
        BetestConfig *config = NULL;
        int r;

        if (parse_words(&c, argc, argv) < 0)
                return BETEST_USAGE;
        if (c.help || c.version) {
                if (c.help)
                        help();
                else
                        puts("umbra-betest " UMBRA_VERSION);
                return BETEST_OK;
        }
        if (parse_type(&c) < 0 || check(&c) < 0 || load_config(&c, &config) < 0)
                return BETEST_USAGE;
        if (FAILED(umbra_set_socket(c.socket))) {
                (void) usage("'%s' is too long for a socket", c.socket);
                betest_config_free(config);
                return BETEST_USAGE;
        }
        r = report_new(c.output, c.json, &c.betest.report);
        if (r < 0) {
                fprintf(stderr, "Cannot write to '%s': %s\n", c.output, strerror(-r));
                betest_config_free(config);
                return BETEST_FAILED;
        }

        c.betest.config = config;
        run(&c.betest);
        report_free(c.betest.report);
        SysFreeString(c.betest.document);
        free(c.betest.shadows);
        betest_config_free(config);
        return (int) c.betest.status;
}
