/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-provider-com
 *
 * The program in which a provider of others works for one snapshot set. It is the only one that loads foreign
 * code: umbrad starts it with what the administrator registered, and takes from it what it would take from a
 * stranger.
 */

#include <getopt.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/guid.h"
#include "provider-com/provider-com.h"
#include "provider/provider-worker.h"

static GUID class_id, provider_id;

static const ProviderOps *find(const char *name) {
        return provider_com_setup(name, &class_id, &provider_id);
}

/* What stands before "--"; the rest is the worker's. */
static int parse_identity(int argc, char **argv) {
        static const struct option options[] = {
                { "class", required_argument, NULL, 'c' },
                { "id",    required_argument, NULL, 'i' },
                { 0 },
        };
        bool has_class = false, has_id = false;
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        has_class = guid_from_string(optarg, &class_id) >= 0;
                        break;
                case 'i':
                        has_id = guid_from_string(optarg, &provider_id) >= 0;
                        break;
                default:
                        return -1;
                }

        return has_class && has_id ? 0 : -1;
}

int main(int argc, char **argv) {
        int n;

        (void) setlocale(LC_ALL, "C.UTF-8"); /* what providers print may be names of files */
        if (parse_identity(argc, argv) < 0) {
                fprintf(stderr, "Usage: %s --class GUID --id GUID -- OPTION…, started by umbrad\n", argv[0]);
                return 2;
        }

        n = optind - 1;
        argv[n] = argv[0];
        optind = 0; /* anew */
        return provider_worker_main(find, argc - n, argv + n);
}
