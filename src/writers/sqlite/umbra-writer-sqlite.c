/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-writer-sqlite
 *
 * Brings SQLite databases to rest while a shadow copy is taken, whatever programs use them. See
 * umbra-writer-sqlite(8).
 */

#include "writers/sqlite/sqlite-writer.h"
#include "writers/writer-main.h"

static const WriterProgram program = {
        .name = "umbra-writer-sqlite",
        .summary = "Saves SQLite databases consistently while programs use them: their writers are held\n"
                   "for the moment of the copy, their readers are not.",
        .default_config = SQLITE_CONFIG_DEFAULT,
        .load = sqlite_writer_load,
        .create = sqlite_writer_create,
        .unload = sqlite_writer_unload,
};

int main(int argc, char *argv[]) {
        return writer_main(&program, argc, argv);
}
