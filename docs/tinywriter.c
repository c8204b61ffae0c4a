/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest writer: it keeps the lines it reads in a file, and rests while a shadow copy is taken.
 * cc tinywriter.c $(pkg-config --cflags --libs vssapi) -o tinywriter && ./tinywriter /srv/notes */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <umbra.h>
#include <unistd.h>

static const VSS_ID my_id = { 0x6f0a2c71, 0x3d1b, 0x4e58, { 0x8a, 0x77, 0x74, 0x69, 0x6e, 0x79, 0x77, 0x72 } }; /* uuidgen */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static bool resting;
static wchar_t directory[4096];

static bool on_identify(void *app, IVssCreateWriterMetadataEx *m) {
        return IVssCreateWriterMetadataEx_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL, VSS_WRE_NEVER, false) == S_OK &&
               IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"notes", NULL, NULL, 0, false, false, true, true, 0) == S_OK &&
               IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"notes", directory, L"*", true, NULL, 0xF0F) == S_OK;
}

static bool rest(void *app) { /* waits for the line that is being written */
        return resting || (resting = pthread_mutex_lock(&writing) == 0);
}

static bool go_on(void *app) { /* may come more often than rest() */
        return !resting || !(resting = pthread_mutex_unlock(&writing) != 0);
}

int main(int argc, char *argv[]) {
        static const UmbraWriterCallbacks callbacks = { sizeof(callbacks), .OnIdentify = on_identify, .OnPrepareSnapshot = go_on,
                                                        .OnFreeze = rest, .OnThaw = go_on, .OnAbort = go_on };
        UmbraWriter *writer = NULL;
        FILE *notes;

        if (argc != 2 || chdir(argv[1]) < 0 || mbstowcs(directory, argv[1], 4095) > 4094)
                return 2;
        if (FAILED(umbra_writer_new(&callbacks, NULL, &writer)) ||
            FAILED(umbra_writer_initialize(writer, my_id, L"Notes", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END,
                                           UMBRA_FREEZE_TIMEOUT_MSEC, VSS_AWS_NO_ALTERNATE_WRITER, false, NULL)) ||
            FAILED(umbra_writer_subscribe(writer, INFINITE, UMBRA_WRITER_EVENTS)))
                fprintf(stderr, "Shadow copies will not be consistent: %s\n", umbra_last_error());
        for (char line[1024]; fgets(line, sizeof(line), stdin); pthread_mutex_unlock(&writing)) {
                pthread_mutex_lock(&writing);
                if (!(notes = fopen("notes", "a")) || fputs(line, notes) < 0 || fclose(notes) != 0)
                        perror("notes");
        }
        umbra_writer_free(writer);
}
