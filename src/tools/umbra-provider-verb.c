/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra provider
 *
 * Making providers of others known to umbrad, and forgetting them. What one is, and where its shared object belongs, is in vsadmin.h.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsadmin.h>

#include "base/guid.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static inline void admin_releasep(IVssAdmin **a) {
        if (*a)
                IVssAdmin_Release(*a);
}

static IVssAdmin *admin_connect(int *ret_exit) {
        IVssAdmin *admin = NULL;
        HRESULT hr;

        hr = CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdmin, (void **) &admin);
        if (FAILED(hr))
                *ret_exit = tool_refused(hr);
        return admin;
}

/* -1 when there is none of this name. */
static int type_from_string(const char *s) {
        static const struct {
                const char *name;
                VSS_PROVIDER_TYPE type;
        } types[] = {
                { "software", VSS_PROV_SOFTWARE },
                { "hardware", VSS_PROV_HARDWARE },
                { "fileshare", VSS_PROV_FILESHARE },
        };

        for (size_t i = 0; i < ELEMENTSOF(types); ++i)
                if (strcmp(types[i].name, s) == 0)
                        return (int) types[i].type;
        return -1;
}

typedef struct Registration {
        const char *name, *version;
        GUID id, class_id;
        int type;
        bool has_id, has_class, wrong;
} Registration;

enum { OPT_CLASS = 0x100, OPT_ID, OPT_TYPE, OPT_VERSION };

static int parse_registration(Registration *r, int argc, char *argv[]) {
        static const struct option options[] = {
                { "class", required_argument, NULL, OPT_CLASS },
                { "id", required_argument, NULL, OPT_ID },
                { "type", required_argument, NULL, OPT_TYPE },
                { "version", required_argument, NULL, OPT_VERSION },
                TOOL_OPTIONS,
                { 0 },
        };
        int c, taken;

        optind = 0;
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPT_CLASS:
                        r->has_class = guid_from_string(optarg, &r->class_id) >= 0;
                        r->wrong |= !r->has_class;
                        break;
                case OPT_ID:
                        r->has_id = guid_from_string(optarg, &r->id) >= 0;
                        r->wrong |= !r->has_id;
                        break;
                case OPT_TYPE:
                        r->type = type_from_string(optarg);
                        r->wrong |= r->type < 0;
                        break;
                case OPT_VERSION:
                        r->version = optarg;
                        break;
                default:
                        taken = tool_option(c == 'h' ? TOOL_OPT_HELP : c, &verb_provider);
                        if (taken != 0)
                                return taken > 0 ? EXIT_OK : EXIT_USAGE;
                }

        if (r->wrong || !r->has_class || argc - optind != 1) {
                fputs("umbra: provider register: a name, --class GUID, and --type software, hardware or fileshare\n"
                      "See umbra provider --help.\n",
                      stderr);
                return EXIT_USAGE;
        }
        r->name = argv[optind];
        return -1;
}

static int run_register(int argc, char *argv[]) {
        Registration r = { .version = "1.0", .type = VSS_PROV_SOFTWARE };
        _cleanup_(admin_releasep) IVssAdmin *admin = NULL;
        _cleanup_(freep) WCHAR *name = NULL, *version = NULL;
        GUID version_id;
        HRESULT hr;
        int code;

        code = parse_registration(&r, argc, argv);
        if (code >= 0)
                return code;
        admin = admin_connect(&code);
        if (!admin)
                return code;

        name = tool_wide(r.name);
        version = tool_wide(r.version);
        guid_generate(&version_id);
        hr = IVssAdmin_RegisterProvider(admin, r.has_id ? r.id : r.class_id, r.class_id, name,
                                        (VSS_PROVIDER_TYPE) r.type, version, version_id);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot register the provider '%s'", r.name);

        tool_say("Registered '%s'. It is asked from the next snapshot on.", r.name);
        return EXIT_OK;
}

static int run_unregister(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        _cleanup_(admin_releasep) IVssAdmin *admin = NULL;
        HRESULT hr;
        int c, code;
        GUID id;

        optind = 0;
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                code = tool_option(c == 'h' ? TOOL_OPT_HELP : c, &verb_provider);
                if (code != 0)
                        return code > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (argc - optind != 1 || guid_from_string(argv[optind], &id) < 0) {
                fputs("umbra: provider unregister: the id of the provider, as 'umbra providers' shows it\n", stderr);
                return EXIT_USAGE;
        }

        admin = admin_connect(&code);
        if (!admin)
                return code;
        hr = IVssAdmin_UnregisterProvider(admin, id);
        return FAILED(hr) ? tool_fail(hr, "Cannot unregister the provider %s", argv[optind]) : EXIT_OK;
}

static int run_provider(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        int c, code;

        if (argc > 1 && strcmp(argv[1], "list") == 0)
                return verb_providers.run(argc - 1, argv + 1);
        if (argc > 1 && strcmp(argv[1], "register") == 0)
                return run_register(argc - 1, argv + 1);
        if (argc > 1 && strcmp(argv[1], "unregister") == 0)
                return run_unregister(argc - 1, argv + 1);

        optind = 0;
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                code = tool_option(c == 'h' ? TOOL_OPT_HELP : c, &verb_provider);
                if (code != 0)
                        return code > 0 ? EXIT_OK : EXIT_USAGE;
        }
        fputs(verb_provider.help, stderr);
        return EXIT_USAGE;
}

const Verb verb_provider = {
        .name = "provider",
        .summary = "register providers of others, and forget them",
        .help = "umbra provider register NAME --class GUID [--id GUID] [--type TYPE] [--version TEXT]\n"
                "umbra provider unregister ID\n"
                "umbra provider list\n\n"
                "A provider of others is a shared object, LIBDIR/umbra/providers/CLASS-GUID.so, which root owns. Registered, it\n"
                "is asked for every volume before umbra's own providers are. For a disk array that has a command line, a script\n"
                "/etc/umbra/arrays/CLASS-GUID does instead, see umbra-array-script(7).\n\n"
                "  --class GUID    the class id: which shared object it is\n"
                "  --id GUID       the provider's id (default: the class id)\n"
                "  --type TYPE     software (default), hardware or fileshare: which interface of vsprov.h it has\n"
                "  --version TEXT  shown in lists (default: 1.0)\n\n"
                "Only an administrator may; a provider that has shadow copies cannot be unregistered.\n",
        .run = run_provider,
};
