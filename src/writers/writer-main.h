/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Program around a Writer
 *
 * What all writers that come with umbra do alike: options, waiting for umbrad, telling the service manager,
 * and going away in good order. A writer fills in a WriterProgram and returns writer_main() from main(). It
 * is written against the public headers, like any application's own.
 */

#include <umbra-writer.h>

typedef struct WriterProgram {
        const char *name;           /* "umbra-writer-sqlite" */
        const char *summary;        /* the paragraph in --help */
        const char *default_config; /* its path */

        /* Reads the configuration. What is wrong is logged. */
        int (*load)(const char *config_path, void **ret_app);
        /* Makes the writer and says who it is: umbra_writer_new() and umbra_writer_initialize(). */
        HRESULT (*create)(void *app, UmbraWriter **ret);
        /* After the last callback. Takes NULL. */
        void (*unload)(void *app);
} WriterProgram;

/* Runs until SIGTERM or SIGINT. Returns what main() returns: 0, 1 for a failure, 2 for wrong options. */
int writer_main(const WriterProgram *program, int argc, char *argv[]);
