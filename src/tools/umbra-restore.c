/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra restore
 *
 * The set is verified before anything is written. The writers of the chosen components are asked (a writer whose database is open refuses, and nothing has
 * been touched), files are put in place one by one, each whole or not at all, and the writers check what they got.
 *
 * Files that a component's file sets name and the set does not have are removed before the first file of the component gets its name: an old journal beside a new
 * database would be replayed into it.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/component-files.h"
#include "tools/progress.h"
#include "tools/restore-tree.h"
#include "tools/set-format.h"
#include "tools/set-reader.h"
#include "tools/tool-vss.h"
#include "tools/tree-walk.h"
#include "tools/verb.h"

/* A component of the set that is to be restored. */
typedef struct Chosen {
        const WriterMetadata *writer;
        const Component *component;
        GUID instance_id, writer_id; /* as the document has them */
        FileSet *files;
        bool cleared; /* stale files are gone */
        uint64_t n_restored, n_failed;
} Chosen;

typedef struct Path {
        UT_hash_handle hh;
        char path[];
} Path;

typedef struct Restore {
        const char *set, *to;
        char **component_names;
        SetReader *reader;
        RestoreTree *tree;
        WriterMetadata *writers;
        size_t n_writers;
        Chosen *chosen;
        size_t n_chosen, capacity;
        bool everything; /* files that belong to no component as well */
        Path *paths;     /* what the set has, of the chosen components */
        IVssBackupComponents *vss;
        uint64_t n_restored, n_failed;
} Restore;

static void restore_clear(Restore *r) {
        Path *p, *tmp;

        HASH_ITER(hh, r->paths, p, tmp) {
                HASH_DEL(r->paths, p);
                free(p);
        }
        for (size_t i = 0; i < r->n_chosen; ++i)
                file_set_free(r->chosen[i].files);
        free(r->chosen);
        for (size_t i = 0; i < r->n_writers; ++i)
                writer_metadata_clear(&r->writers[i]);
        free(r->writers);
        restore_tree_free(r->tree);
        set_reader_free(r->reader);
        strv_free(r->component_names);
        if (r->vss)
                IVssBackupComponents_Release(r->vss);
}

/* The set */

static int on_progress(uint64_t done, uint64_t total, void *userdata) {
        progress_total(total);
        progress_set(done);
        return tool_interrupted() ? -EINTR : 0;
}

static int damaged(Restore *r, int error, const char *so_far) {
        if (tool_interrupted()) {
                tool_error("interrupted; %s", so_far);
                return EXIT_INTERRUPTED;
        }
        errno = -error;
        if (error == -EBADMSG || error == -ENODATA) {
                tool_error("'%s' is damaged, or not a set: %s; %s", r->set,
                           r->reader ? set_reader_why(r->reader) ?: "it is not whole" : "it is not whole", so_far);
                return EXIT_DAMAGED;
        }
        return tool_error("cannot read '%s': %m; %s", r->set, so_far);
}

static int open_set(Restore *r) {
        int k;

        progress_begin("Checking", 0);
        k = set_reader_open(r->set, on_progress, NULL, &r->reader);
        if (k >= 0)
                k = set_reader_verify_seal(r->reader);
        if (k >= 0)
                k = set_reader_load(r->reader);
        progress_end();
        return k < 0 ? damaged(r, k, "nothing was written") : EXIT_OK;
}

static int read_writers(Restore *r) {
        for (size_t n = 1;; ++n) {
                _cleanup_(freep) char *name = NULL;
                _cleanup_(freep) WCHAR *wide = NULL;
                IVssExamineWriterMetadata *metadata = NULL;
                WriterMetadata *grown;
                const char *text;
                HRESULT hr;
                BSTR xml;

                if (format_to(&name, SET_WRITER_DOCUMENT, n) < 0)
                        return tool_fail(E_OUTOFMEMORY, "Cannot read the set");
                text = set_reader_text(r->reader, name);
                if (!text)
                        return EXIT_OK;
                wide = tool_wide(text);
                xml = SysAllocString(wide);
                hr = CreateVssExamineWriterMetadata(xml, &metadata);
                SysFreeString(xml);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot read '%s' of the set", name);
                grown = reallocarray(r->writers, n, sizeof(*grown));
                if (!grown)
                        return tool_fail(E_OUTOFMEMORY, "Cannot read the set");
                r->writers = grown;
                hr = writer_metadata_read(metadata, &r->writers[r->n_writers]);
                IVssExamineWriterMetadata_Release(metadata);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot read '%s' of the set", name);
                ++r->n_writers;
        }
}

/* Components */

static const WriterMetadata *writer_of(const Restore *r, const GUID *instance_id) {
        for (size_t i = 0; i < r->n_writers; ++i)
                if (guid_equal(&r->writers[i].instance_id, instance_id))
                        return &r->writers[i];
        return NULL;
}

static bool is_wanted(const Restore *r, const WriterMetadata *w, const Component *c) {
        if (!r->component_names)
                return true;
        STRV_FOREACH(name, r->component_names) {
                const char *colon = strchr(*name, ':');

                if (strcmp(c->full, *name) == 0 || strcmp(c->name, *name) == 0)
                        return true;
                if (colon && strncmp(w->name, *name, (size_t) (colon - *name)) == 0 && w->name[colon - *name] == '\0' &&
                    (strcmp(c->full, colon + 1) == 0 || strcmp(c->name, colon + 1) == 0))
                        return true;
        }
        return false;
}

static int choose(Restore *r, const GUID *instance_id, const GUID *writer_id, IVssComponent *component) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        const WriterMetadata *w = writer_of(r, instance_id);
        BSTR bpath = NULL, bname = NULL;
        const Component *c;
        Chosen *chosen;
        HRESULT hr;

        hr = IVssComponent_GetLogicalPath(component, &bpath);
        if (SUCCEEDED(hr))
                hr = IVssComponent_GetComponentName(component, &bname);
        path = tool_take_bstr(bpath);
        name = tool_take_bstr(bname);
        c = w ? writer_metadata_find(w, path, name) : NULL;
        if (FAILED(hr) || !c)
                return tool_error("the set has a component '%s' that its writer's metadata does not", name);
        if (!is_wanted(r, w, c))
                return EXIT_OK;

        if (ARRAY_RESERVE(r->chosen, r->capacity, r->n_chosen + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        chosen = &r->chosen[r->n_chosen];
        *chosen = (Chosen){ .writer = w, .component = c, .instance_id = *instance_id, .writer_id = *writer_id };
        if (file_set_new(&chosen->files) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        ++r->n_chosen;
        hr = component_add_files(w, c, chosen->files);
        return FAILED(hr) ? tool_fail(hr, "Cannot plan the restore of '%s'", c->full) : EXIT_OK;
}

typedef int (*EachComponent)(Restore *r, const GUID *instance_id, const GUID *writer_id, IVssComponent *component);

static int for_each_component(Restore *r, EachComponent each) {
        int code = EXIT_OK;
        UINT n_writers = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterComponentsCount(r->vss, &n_writers);
        for (UINT i = 0; SUCCEEDED(hr) && code == EXIT_OK && i < n_writers; ++i) {
                IVssWriterComponentsExt *part = NULL;
                VSS_ID instance, id;
                UINT n = 0;

                hr = IVssBackupComponents_GetWriterComponents(r->vss, i, &part);
                if (FAILED(hr))
                        break;
                hr = IVssWriterComponents_GetWriterInfo(&part->components, &instance, &id);
                if (SUCCEEDED(hr))
                        hr = IVssWriterComponents_GetComponentCount(&part->components, &n);
                for (UINT k = 0; SUCCEEDED(hr) && code == EXIT_OK && k < n; ++k) {
                        IVssComponent *component = NULL;

                        hr = IVssWriterComponents_GetComponent(&part->components, k, &component);
                        if (FAILED(hr))
                                break;
                        code = each(r, &instance, &id, component);
                        IVssComponent_Release(component);
                }
                IUnknown_Release(&part->unknown);
        }
        return FAILED(hr) ? tool_fail(hr, "Cannot read the components of the set") : code;
}

static HRESULT select_chosen(Restore *r) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < r->n_chosen && SUCCEEDED(hr); ++i) {
                const Component *c = r->chosen[i].component;
                _cleanup_(freep) WCHAR *path = tool_wide(*c->logical_path ? c->logical_path : NULL), *name = tool_wide(c->name);

                hr = IVssBackupComponents_SetSelectedForRestore(r->vss, r->chosen[i].writer_id, c->type, path, name, true);
        }
        return hr;
}

/* Is the writer of each chosen component running? Its word is wanted before and after. */
static int check_present(Restore *r) {
        for (size_t i = 0; i < r->n_chosen; ++i) {
                bool present = false;
                UINT n = 0;

                (void) IVssBackupComponents_GetWriterMetadataCount(r->vss, &n);
                for (UINT k = 0; k < n && !present; ++k) {
                        IVssExamineWriterMetadata *metadata = NULL;
                        BSTR name = NULL;
                        VSS_USAGE_TYPE usage;
                        VSS_SOURCE_TYPE source;
                        VSS_ID instance, id;

                        if (FAILED(IVssBackupComponents_GetWriterMetadata(r->vss, k, &instance, &metadata)))
                                continue;
                        if (SUCCEEDED(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage, &source)))
                                present = guid_equal(&id, &r->chosen[i].writer_id);
                        SysFreeString(name);
                        IVssExamineWriterMetadata_Release(metadata);
                }
                if (!present) {
                        tool_error("the writer '%s' of component '%s' is not running, so nobody can say whether it may be replaced; start it, "
                                   "or take the files with --to DIR. Nothing was written.",
                                   r->chosen[i].writer->name, r->chosen[i].component->full);
                        return EXIT_WRITER;
                }
        }
        return EXIT_OK;
}

/* What the writers say: their states, and the failure messages of their components. */
static int print_message(Restore *r, const GUID *instance_id, const GUID *writer_id, IVssComponent *component) {
        BSTR before = NULL, after = NULL, name = NULL;
        _cleanup_(freep) char *pre = NULL, *post = NULL, *called = NULL;

        (void) IVssComponent_GetPreRestoreFailureMsg(component, &before);
        (void) IVssComponent_GetPostRestoreFailureMsg(component, &after);
        (void) IVssComponent_GetComponentName(component, &name);
        pre = tool_take_bstr(before);
        post = tool_take_bstr(after);
        called = tool_take_bstr(name);
        if (*pre)
                fprintf(stderr, "umbra: component '%s': %s\n", called, pre);
        if (*post)
                fprintf(stderr, "umbra: component '%s': %s\n", called, post);
        return EXIT_OK;
}

static int check_writers(Restore *r, const char *when) {
        WriterStatus *list = NULL;
        size_t n = 0;
        int code = EXIT_OK;
        HRESULT hr;

        hr = tool_writer_statuses(r->vss, &list, &n);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask the writers how they are");
        for (size_t i = 0; i < n; ++i) {
                bool chosen = false;

                for (size_t k = 0; k < r->n_chosen; ++k)
                        chosen = chosen || guid_equal(&r->chosen[k].writer_id, &list[i].writer_id);
                if (!chosen || !tool_writer_failed(&list[i]))
                        continue;
                fprintf(stderr, "umbra: %s, writer '%s' %s: %s%s%s\n", when, list[i].name, tool_writer_state(list[i].state),
                        hresult_name(list[i].failure), *list[i].message ? ": " : "", list[i].message);
                code = EXIT_WRITER;
        }
        tool_writer_statuses_free(list, n);
        if (code != EXIT_OK)
                (void) for_each_component(r, print_message);
        return code;
}

/* Before the first file */

static int begin(Restore *r) {
        const char *document = set_reader_text(r->reader, SET_FINAL_DOCUMENT) ?: set_reader_text(r->reader, SET_DOCUMENT);
        _cleanup_(freep) WCHAR *wide = NULL;
        HRESULT hr;
        BSTR xml;
        int code;

        if (!document)
                return damaged(r, -EBADMSG, "nothing was written");
        code = read_writers(r);
        if (code != EXIT_OK)
                return code;
        r->vss = tool_connect(&code);
        if (!r->vss)
                return code;

        wide = tool_wide(document);
        xml = SysAllocString(wide);
        hr = IVssBackupComponents_InitializeForRestore(r->vss, xml);
        SysFreeString(xml);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(r->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin the restore");
        code = for_each_component(r, choose);
        if (code != EXIT_OK)
                return code;
        if (r->component_names && r->n_chosen == 0)
                return tool_error("the set has no component of that name; umbra show '%s' shows them", r->set);
        code = check_present(r);
        if (code != EXIT_OK)
                return code;

        hr = select_chosen(r);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_PreRestore(r->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot prepare the restore");
        code = check_writers(r, "preparing");
        if (code != EXIT_OK)
                tool_say("Nothing was written.");
        return code;
}

/* Where the writer wants its files: alternate places, if it said so. */
static int map_alternates(Restore *r, const GUID *instance_id, const GUID *writer_id, IVssComponent *component) {
        VSS_RESTORE_TARGET target = VSS_RT_ORIGINAL;
        const WriterMetadata *w = writer_of(r, instance_id);
        UINT n = 0;

        if (!w || FAILED(IVssComponent_GetRestoreTarget(component, &target)))
                return EXIT_OK;
        if (target != VSS_RT_ALTERNATE && w->restore_method != VSS_RME_RESTORE_TO_ALTERNATE_LOCATION)
                return EXIT_OK;
        for (;; ++n) {
                _cleanup_(freep) char *from = NULL, *to = NULL;
                IVssWMFiledesc *desc = NULL;
                BSTR path = NULL, place = NULL;
                int k = -EINVAL;

                if (FAILED(IVssExamineWriterMetadata_GetAlternateLocationMapping(w->metadata, n, &desc)))
                        return EXIT_OK;
                if (SUCCEEDED(IVssWMFiledesc_GetPath(desc, &path)) && SUCCEEDED(IVssWMFiledesc_GetAlternateLocation(desc, &place))) {
                        _cleanup_(freep) char *text = tool_text(path);

                        to = tool_text(place);
                        if (file_set_normalise(text, &from) >= 0)
                                k = restore_tree_map(r->tree, from, to);
                }
                SysFreeString(path);
                SysFreeString(place);
                IVssWMFiledesc_Release(desc);
                if (k < 0)
                        return tool_error("the writer '%s' names an alternate location that cannot be used", w->name);
        }
}

/* Files */

static Chosen *owner_of(Restore *r, const char *path) {
        for (size_t i = 0; i < r->n_chosen; ++i)
                if (file_set_contains(r->chosen[i].files, path))
                        return &r->chosen[i];
        return NULL;
}

static const char *path_of_member(const char *member) {
        size_t length = strlen(SET_DATA_PREFIX);

        return strncmp(member, SET_DATA_PREFIX, length) == 0 && member[length] == '/' ? member + length : NULL;
}

static int remember_path(const SetIndexLine *line, void *userdata) {
        const char *path = path_of_member(line->name);
        Restore *r = userdata;
        Path *p;

        if (!path || !owner_of(r, path))
                return 0;
        p = malloc(sizeof(*p) + strlen(path) + 1);
        if (!p)
                return -ENOMEM;
        strcpy(p->path, path);
        HASH_ADD_STR(r->paths, path, p);
        return 0;
}


static int remove_stale(int dir_fd, const char *name, const char *path, void *userdata) {
        Restore *r = userdata;
        Path *p = NULL;

        HASH_FIND_STR(r->paths, path, p);
        if (p)
                return 0;
        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        tool_say("Removed '%s', which the set does not have.", path);
        return 0;
}

/* An old journal must not meet a new database. */
static int clear_stale(Restore *r, Chosen *c) {
        static const TreeVisitor visitor = { .file = remove_stale };
        _cleanup_(strv_freep) char **roots = NULL;
        int k;

        if (c->cleared)
                return 0;
        k = file_set_roots(c->files, &roots);
        if (k < 0)
                return k;
        STRV_FOREACH(root, roots) {
                _cleanup_(freep) char *place = NULL;
                _cleanup_(closep) int fd = -EBADF;

                k = restore_tree_destination(r->tree, *root, true, &place);
                if (k < 0)
                        return k;
                fd = place ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
                if (fd < 0)
                        continue; /* not there: nothing stale */
                k = tree_walk(c->files, *root, fd, &visitor, r);
                if (k < 0)
                        return k;
        }
        c->cleared = true;
        return 0;
}

static int before_file(const char *path, void *userdata) {
        Restore *r = userdata;
        Chosen *c = owner_of(r, path);

        return c && !r->to ? clear_stale(r, c) : 0;
}

static void file_restored(const char *path, void *userdata) {
        Restore *r = userdata;
        Chosen *c = owner_of(r, path);

        ++r->n_restored;
        if (c)
                ++c->n_restored;
}

static void file_failed(const char *path, int error, const char *sentence, void *userdata) {
        Restore *r = userdata;
        Chosen *c = owner_of(r, path);

        fprintf(stderr, "umbra: cannot restore '%s': %s\n", path, sentence ?: strerror(error < 0 ? -error : error));
        ++r->n_failed;
        if (c)
                ++c->n_failed;
}

/* RESTORE_IF_NOT_THERE: one file of the component is there, so none of it is touched. */
static int exists_already(int dir_fd, const char *name, const char *path, void *userdata) {
        return 1;
}

static bool must_stay(Restore *r, Chosen *c) {
        static const TreeVisitor visitor = { .file = exists_already };
        _cleanup_(strv_freep) char **roots = NULL;

        if (c->writer->restore_method != VSS_RME_RESTORE_IF_NOT_THERE || file_set_roots(c->files, &roots) < 0)
                return false;
        STRV_FOREACH(root, roots) {
                _cleanup_(closep) int fd = open(*root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (fd >= 0 && tree_walk(c->files, *root, fd, &visitor, NULL) > 0)
                        return true;
        }
        return false;
}

static int add_files(Restore *r) {
        SetStream *stream = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        int k;

        k = set_stream_open(r->reader, &stream);
        while (k >= 0 && (k = set_stream_next(stream, &entry, &line)) > 0) {
                const char *path = path_of_member(line->name);
                Chosen *c;

                if (tool_interrupted()) {
                        k = -EINTR;
                        break;
                }
                if (!path)
                        continue;
                c = r->to ? NULL : owner_of(r, path);
                if (!r->to && !c && !r->everything)
                        continue;
                k = restore_tree_add(r->tree, stream, entry, line, !r->to);
        }
        if (k >= 0)
                k = restore_tree_finish(r->tree);
        set_stream_free(stream);
        return k;
}

static int restore_files(Restore *r) {
        static const RestoreCallbacks callbacks = { .before = before_file, .restored = file_restored, .failed = file_failed };
        int k, code = EXIT_OK;

        k = restore_tree_new(&callbacks, r, &r->tree);
        if (k >= 0)
                k = restore_tree_map(r->tree, "/", r->to ?: "/");
        if (k < 0) {
                errno = -k;
                return tool_error("cannot write to '%s': %m", r->to ?: "/");
        }
        if (r->vss)
                code = for_each_component(r, map_alternates);
        if (code != EXIT_OK)
                return code;
        k = set_reader_for_each(r->reader, remember_path, r);
        if (k < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");

        progress_begin("Restoring", set_reader_size(r->reader));
        k = add_files(r);
        progress_end();
        if (k < 0)
                return damaged(r, k, "some files are new and some old; the restore can be run again");
        if (r->n_failed > 0)
                return tool_error("%" PRIu64 " files could not be restored; the others were", r->n_failed);
        return EXIT_OK;
}

/* And after the last */

static HRESULT report_files(Restore *r, int code) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < r->n_chosen && SUCCEEDED(hr); ++i) {
                const Chosen *c = &r->chosen[i];
                _cleanup_(freep) WCHAR *path = tool_wide(*c->component->logical_path ? c->component->logical_path : NULL);
                _cleanup_(freep) WCHAR *name = tool_wide(c->component->name);
                VSS_FILE_RESTORE_STATUS status = code == EXIT_OK && c->n_failed == 0 ? VSS_RS_ALL :
                                                 c->n_restored == 0                  ? VSS_RS_NONE :
                                                                                       VSS_RS_FAILED;

                hr = IVssBackupComponents_SetFileRestoreStatus(r->vss, c->writer_id, c->component->type, path, name, status);
        }
        return hr;
}

static int finish(Restore *r, int code) {
        HRESULT hr;
        int checked;

        hr = report_files(r, code);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_PostRestore(r->vss, &async));
        if (FAILED(hr)) {
                checked = tool_fail(hr, "Cannot end the restore");
                return code != EXIT_OK ? code : checked;
        }
        checked = check_writers(r, "checking what was restored");
        if (code == EXIT_OK && checked == EXIT_OK)
                for (size_t i = 0; i < r->n_chosen; ++i)
                        tool_say("Component '%s': restored, and its writer is content.", r->chosen[i].component->full);
        return code != EXIT_OK ? code : checked;
}

static int restore_with_writers(Restore *r) {
        int code;

        code = begin(r);
        if (code != EXIT_OK)
                return code;
        for (size_t i = 0; i < r->n_chosen; ++i)
                if (must_stay(r, &r->chosen[i])) {
                        tool_error("files of component '%s' are there, and its writer wants them restored only if they are not; nothing was written",
                                   r->chosen[i].component->full);
                        code = EXIT_WRITER;
                }
        if (code == EXIT_OK)
                code = restore_files(r);
        return finish(r, code);
}

static int parse(Restore *r, int argc, char *argv[]) {
        enum { OPT_COMPONENT = 1, OPT_TO };
        static const struct option options[] = {
                { "component", required_argument, NULL, OPT_COMPONENT },
                { "to", required_argument, NULL, OPT_TO },
                TOOL_OPTIONS,
                { 0 },
        };
        int opt, k;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_COMPONENT:
                        (void) strv_append(&r->component_names, optarg);
                        break;
                case OPT_TO:
                        r->to = optarg;
                        break;
                default:
                        k = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_restore);
                        if (k != 0)
                                return k > 0 ? EXIT_OK : EXIT_USAGE;
                }
        if (argc - optind != 1) {
                fprintf(stderr, "umbra restore takes one set; - is standard input.\n");
                return EXIT_USAGE;
        }
        if (r->to && r->component_names) {
                fprintf(stderr, "umbra: --to takes the files of the whole set; leave out --component\n");
                return EXIT_USAGE;
        }
        r->set = argv[optind];
        r->everything = !r->component_names;
        return -1;
}

static int run_restore(int argc, char *argv[]) {
        Restore r = { 0 };
        int code;

        code = parse(&r, argc, argv);
        if (code < 0) {
                tool_catch_interrupts();
                code = open_set(&r);
                if (code == EXIT_OK && r.to && mkdir_p(r.to, 0755) < 0)
                        code = tool_error("cannot make '%s': %m", r.to);
                if (code == EXIT_OK)
                        code = r.to ? restore_files(&r) : restore_with_writers(&r);
                if (code == EXIT_OK)
                        tool_say("Restored %" PRIu64 " files.", r.n_restored);
        }
        restore_clear(&r);
        return code;
}

const Verb verb_restore = {
        .name = "restore",
        .summary = "put a set, or components of it, back in place",
        .help = "umbra restore SET [--component NAME]… [--to DIR]\n\n"
                "The set is verified first. Then the writers are asked: one whose files are in use refuses, and nothing is\n"
                "written. Each file is restored beside and renamed into place, so a restore that is interrupted leaves\n"
                "the old file or the new one, and can be run again. Files of a component that the set does not have (an\n"
                "old journal beside a database) are removed. At the end the writers verify what they got.\n\n"
                "  --component NAME   this component only, as umbra show names it, or WRITER:NAME\n"
                "  --to DIR           just the files, below DIR, without writers\n"
                "  --quiet            no progress\n\n"
                "Exit codes: 5 a writer refused, or what it got is not good; 6 the set is damaged; 1 files could not be written.\n",
        .run = run_restore,
};
