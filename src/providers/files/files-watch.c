/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Touched What
 *
 * A thread takes the events out of the kernel as they come, as there may be many and nobody knows how long it is to
 * the next pass, and keeps the handle of each file once. Only who takes them asks which inodes those are.
 */

#include "providers/files/files-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define EVENTS_SIZE ((size_t) 64 * 1024)
#define READS_MAX 4096U /* of some thousand events each: should they come faster than they can be read */
#define HANDLE_MAX 28U /* 20 of btrfs are the most that file systems with leases have */
#define START_SLOTS 1024U

#define WATCHED_EVENTS                                                                                       \
        (FAN_OPEN | FAN_CLOSE_WRITE | FAN_MODIFY | FAN_ATTRIB | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM |     \
         FAN_MOVED_TO | FAN_ONDIR)

/* One file, by its handle. */
typedef struct Touched {
        int32_t type;
        uint8_t bytes; /* 0: an empty slot */
        bool written;
        unsigned char handle[HANDLE_MAX];
} Touched;

typedef struct TouchedSet {
        Touched *slots;
        size_t n_slots, n_used;
} TouchedSet;

struct FilesWatch {
        pthread_mutex_t lock; /* guards what is between here … */
        TouchedSet set;
        char *events;
        pid_t own; /* the thread whose events do not count; 0: none */
        bool lost; /* … and here */
        pthread_t reader;
        bool has_reader;
        int fan_fd, stop_fd, from_fd; /* the last one is borrowed */
        FilesTrust trust;
};

static uint64_t hash_handle(const Touched *t) {
        uint64_t h = 14695981039346656037ULL ^ (uint64_t) (uint32_t) t->type; /* FNV-1a */

        for (size_t i = 0; i < t->bytes; ++i)
                h = (h ^ t->handle[i]) * 1099511628211ULL;

        return h ^ h >> 32;
}

static Touched *find_slot(Touched *slots, size_t n_slots, const Touched *t) {
        size_t i = hash_handle(t) & (n_slots - 1);

        while (slots[i].bytes != 0 && (slots[i].type != t->type || slots[i].bytes != t->bytes ||
                                       memcmp(slots[i].handle, t->handle, t->bytes) != 0))
                i = (i + 1) & (n_slots - 1);

        return &slots[i];
}

static int set_grow(TouchedSet *set) {
        size_t n = set->n_slots == 0 ? START_SLOTS : set->n_slots * 2;
        Touched *slots;

        slots = calloc_checked(n, sizeof(*slots));
        if (!slots)
                return -ENOMEM;

        for (size_t i = 0; i < set->n_slots; ++i)
                if (set->slots[i].bytes != 0)
                        *find_slot(slots, n, &set->slots[i]) = set->slots[i];

        free(set->slots);
        set->slots = slots;
        set->n_slots = n;
        return 0;
}

static int set_add(TouchedSet *set, const Touched *t) {
        Touched *slot;
        int r;

        if (set->n_used * 2 >= set->n_slots) {
                if (set->n_used >= FILES_WATCH_MAX)
                        return -EOVERFLOW;
                r = set_grow(set);
                if (r < 0)
                        return r;
        }

        slot = find_slot(set->slots, set->n_slots, t);
        if (slot->bytes == 0) {
                *slot = *t;
                ++set->n_used;
        }
        slot->written = slot->written || t->written;
        return 0;
}

static void set_clear(TouchedSet *set) {
        free(set->slots);
        *set = (TouchedSet){ 0 };
}

/* An event as the kernel gives it, one after the other without regard to alignment. */
typedef struct Event {
        struct fanotify_event_metadata data;
        struct fanotify_event_info_header info;
        fsid_t fsid;
        unsigned handle_bytes;
        int handle_type;
        const char *handle;
} Event;

static void read_bytes(void *to, const char **from, const char *end, size_t size) {
        if ((size_t) (end - *from) < size) {
                memset(to, 0, size);
                *from = end;
                return;
        }

        memcpy(to, *from, size);
        *from += size;
}

/* Returns the size of the event at @p, 0 if it is none. What is missing in it is 0. */
static size_t read_event(const char *p, size_t size, Event *ret) {
        const char *end = p + size, *next = p;
        Event event;

        read_bytes(&event.data, &p, end, sizeof(event.data));
        if (event.data.vers != FANOTIFY_METADATA_VERSION || event.data.event_len < sizeof(event.data) ||
            event.data.event_len > size)
                return 0;

        end = next + event.data.event_len;
        read_bytes(&event.info, &p, end, sizeof(event.info));
        read_bytes(&event.fsid, &p, end, sizeof(event.fsid));
        read_bytes(&event.handle_bytes, &p, end, sizeof(event.handle_bytes));
        read_bytes(&event.handle_type, &p, end, sizeof(event.handle_type));
        event.handle = p;
        if ((size_t) (end - p) < event.handle_bytes)
                event.handle_bytes = 0;

        *ret = event;
        return event.data.event_len;
}

static void take_event(FilesWatch *w, const Event *event) {
        Touched t = { .type = event->handle_type,
                      .bytes = (uint8_t) event->handle_bytes,
                      .written = event->data.mask & FAN_CLOSE_WRITE };

        if (event->data.mask & FAN_Q_OVERFLOW) {
                w->lost = true;
                return;
        }

        /* Who opens a directory reads it: changes to it have events of their own. */
        if (w->lost || (w->own != 0 && event->data.pid == w->own) ||
            event->data.mask == (FAN_OPEN | FAN_ONDIR))
                return;

        if (event->info.info_type != FAN_EVENT_INFO_TYPE_FID || event->handle_bytes == 0 ||
            event->handle_bytes > HANDLE_MAX) {
                w->lost = true; /* nothing that we know, so it may be anything */
                return;
        }

        memcpy(t.handle, event->handle, event->handle_bytes);
        if (set_add(&w->set, &t) < 0)
                w->lost = true;
}

/* All that the kernel has by now. */
static void take_events(FilesWatch *w) {
        ssize_t n;

        for (unsigned i = 0; (n = read(w->fan_fd, w->events, EVENTS_SIZE)) > 0 || (n < 0 && errno == EINTR); ++i) {
                size_t size = n > 0 ? (size_t) n : 0;
                Event event;

                if (i >= READS_MAX) {
                        w->lost = true;
                        return;
                }

                for (const char *p = w->events; size > 0;) {
                        size_t used = read_event(p, size, &event);

                        if (used == 0) {
                                w->lost = true;
                                break;
                        }
                        take_event(w, &event);
                        p += used;
                        size -= used;
                }
        }

        if (n < 0 && errno != EAGAIN)
                w->lost = true;
}

static void *read_for_ever(void *userdata) {
        FilesWatch *w = userdata;
        struct pollfd fds[] = { { .fd = w->fan_fd, .events = POLLIN }, { .fd = w->stop_fd, .events = POLLIN } };

        for (;;) {
                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        return NULL; /* then the kernel keeps them, or says that it has lost some */
                if (fds[1].revents != 0)
                        return NULL;

                (void) pthread_mutex_lock(&w->lock);
                take_events(w);
                (void) pthread_mutex_unlock(&w->lock);
        }
}

FilesWatch *files_watch_free(FilesWatch *w) {
        if (!w)
                return NULL;

        if (w->has_reader) {
                (void) eventfd_write(w->stop_fd, 1);
                (void) pthread_join(w->reader, NULL);
        }
        set_clear(&w->set);
        (void) fd_close(w->fan_fd);
        (void) fd_close(w->stop_fd);
        (void) pthread_mutex_destroy(&w->lock);
        free(w->events);
        free(w);
        return NULL;
}

/* The thread gets no signals: those are for whoever waits for them. */
static int start_reader(FilesWatch *w) {
        sigset_t all, before;
        int r;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&w->reader, NULL, read_for_ever, w);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

        w->has_reader = r == 0;
        return -r;
}

/* A handle is of use only if we may open by it. */
static int check_handles(int from_fd) {
        union {
                struct file_handle handle;
                char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } h = { .handle.handle_bytes = MAX_HANDLE_SZ };
        _cleanup_(closep) int fd = -EBADF;
        int mount_id;

        if (name_to_handle_at(from_fd, "", &h.handle, &mount_id, AT_EMPTY_PATH) < 0)
                return -errno;
        if (h.handle.handle_bytes > HANDLE_MAX)
                return -EOPNOTSUPP;

        fd = open_by_handle_at(from_fd, &h.handle, O_PATH | O_CLOEXEC);
        return fd < 0 ? -errno : 0;
}

int files_watch_new(int from_fd, const FilesTrust *trust, FilesWatch **ret) {
        unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
                         FAN_UNLIMITED_QUEUE | FAN_REPORT_FID | FAN_REPORT_TID;
        _cleanup_(files_watch_freep) FilesWatch *w = NULL;
        int r;

        if (!trust->leases)
                return -EOPNOTSUPP;

        r = check_handles(from_fd);
        if (r < 0)
                return r;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->fan_fd = w->stop_fd = w->from_fd = -EBADF;
        w->trust = *trust;
        (void) pthread_mutex_init(&w->lock, NULL);

        w->events = calloc_checked(EVENTS_SIZE, 1);
        if (!w->events)
                return -ENOMEM;

        w->from_fd = from_fd;
        w->stop_fd = eventfd(0, EFD_CLOEXEC);
        w->fan_fd = fanotify_init(flags, O_RDONLY | O_CLOEXEC);
        if (w->stop_fd < 0 || w->fan_fd < 0)
                return -errno;

        /* First what does not count: that we open every file to copy it. */
        (void) fanotify_mark(w->fan_fd,
                             FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
                             FAN_OPEN | FAN_ONDIR, from_fd, NULL);
        if (fanotify_mark(w->fan_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, WATCHED_EVENTS, from_fd, NULL) < 0)
                return -errno;

        r = start_reader(w);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

/* Says which inode a handle is of. 0: none of the volume's, or none any more. */
static int find_inode(const FilesWatch *w, const Touched *t, uint64_t *ret_ino) {
        union {
                struct file_handle handle;
                char room[sizeof(struct file_handle) + HANDLE_MAX];
        } h = { .handle = { .handle_bytes = t->bytes, .handle_type = t->type } };
        _cleanup_(closep) int fd = -EBADF;
        struct statx stx;
        int r;

        memcpy(h.room + offsetof(struct file_handle, f_handle), t->handle, t->bytes);
        fd = open_by_handle_at(w->from_fd, &h.handle, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno == ESTALE || errno == ENOENT ? 0 : -errno;

        r = files_stat(fd, "", &stx);
        if (r < 0)
                return r;

        *ret_ino = stx.stx_ino;
        return S_ISDIR(stx.stx_mode) && files_device(&stx) != w->trust.device ? 0 : 1;
}

int files_watch_take(FilesWatch *w, FilesTouched touched, void *userdata) {
        TouchedSet set;
        bool lost;
        int r = 0;

        (void) pthread_mutex_lock(&w->lock);
        take_events(w);
        set = w->set;
        lost = w->lost;
        w->set = (TouchedSet){ 0 };
        w->lost = false;
        w->own = gettid();
        (void) pthread_mutex_unlock(&w->lock);

        for (size_t i = 0; i < set.n_slots && !lost && r >= 0; ++i) {
                uint64_t ino;

                if (set.slots[i].bytes == 0)
                        continue;
                r = find_inode(w, &set.slots[i], &ino);
                if (r < 0)
                        lost = true; /* nobody knows what it was */
                else if (r > 0)
                        r = touched(ino, set.slots[i].written, userdata);
        }

        set_clear(&set);
        return lost ? -EOVERFLOW : MIN(r, 0);
}

void files_watch_rest(FilesWatch *w) {
        (void) pthread_mutex_lock(&w->lock);
        take_events(w);
        w->own = 0;
        (void) pthread_mutex_unlock(&w->lock);
}
