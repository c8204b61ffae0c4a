/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application with one rule: the files left and right hold the same number. Its writer keeps that true of
 * every shadow copy.
 * cc example-writer.c $(pkg-config --cflags --libs vssapi) -o example-writer && ./example-writer /srv/numbers */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <umbra.h>
#include <unistd.h>

static const VSS_ID my_id = { 0x3f1c2d40, 0x7a5e, 0x4b1f, { 0x9c, 0x55, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c } }; /* uuidgen */
static pthread_mutex_t may_write = PTHREAD_MUTEX_INITIALIZER;
static bool frozen; /* used by the callbacks only, which all come on one thread */
static wchar_t directory[4096];

static bool on_identify(void *app, IVssCreateWriterMetadataEx *m) {
        return SUCCEEDED(IVssCreateWriterMetadataEx_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL,
                                                                     VSS_WRE_NEVER, false)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"data", L"The numbers", NULL, 0,
                                                                 false, false, true, true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"data", directory, L"*", true, NULL, 0xF0F));
}

static bool on_prepare_snapshot(void *app) {
        return true; /* a database would write a checkpoint here: it may take its time */
}

static bool on_freeze(void *app) {
        pthread_mutex_lock(&may_write); /* waits for the write that is under way, and then nobody writes */
        frozen = true;
        return true;
}

static bool wake(void *app) { /* OnAbort may come without OnFreeze, and more than once */
        if (frozen)
                pthread_mutex_unlock(&may_write);
        frozen = false;
        return true;
}

static void write_number(const char *name, unsigned long number) {
        FILE *f = fopen(name, "w");

        if (!f || fprintf(f, "%lu\n", number) < 0 || fclose(f) != 0)
                exit(1);
}

int main(int argc, char *argv[]) {
        static const UmbraWriterCallbacks callbacks = { .size = sizeof(callbacks),
                                                        .OnIdentify = on_identify,
                                                        .OnPrepareSnapshot = on_prepare_snapshot,
                                                        .OnFreeze = on_freeze,
                                                        .OnThaw = wake,
                                                        .OnAbort = wake };
        UmbraWriter *writer;

        if (argc != 2 || chdir(argv[1]) < 0 || mbstowcs(directory, argv[1], 4095) == (size_t) -1)
                return 2;
        if (FAILED(umbra_writer_new(&callbacks, NULL, &writer)) ||
            FAILED(umbra_writer_initialize(writer, my_id, L"The Numbers", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END,
                                           UMBRA_FREEZE_TIMEOUT_MSEC, VSS_AWS_NO_ALTERNATE_WRITER, false, NULL)) ||
            FAILED(umbra_writer_subscribe(writer, INFINITE, UMBRA_WRITER_EVENTS)))
                fprintf(stderr, "Shadow copies will not be consistent: %s\n", umbra_last_error());

        for (unsigned long number = 0;; ++number) { /* the application */
                pthread_mutex_lock(&may_write);
                write_number("left", number);
                write_number("right", number);
                pthread_mutex_unlock(&may_write);
                usleep(1000);
        }
}
