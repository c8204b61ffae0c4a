/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where umbrad Listens
 *
 * The choice of the socket, one for the whole process, and the connect() to it.
 */

#include "wire/wire-socket.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"
#include "wire/wire-client.h"
#include "wire/wire-names.h"

static pthread_mutex_t socket_lock = PTHREAD_MUTEX_INITIALIZER;
static char *socket_override;

int wire_socket_override(const char *path) {
        char *copy = NULL;
        int r;

        if (path && !*path)
                return -EINVAL;
        if (path && strlen(path) >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
                return -ENAMETOOLONG;

        r = strdup_to(path, &copy);
        if (r < 0)
                return r;

        pthread_mutex_lock(&socket_lock);
        free(socket_override);
        socket_override = copy;
        pthread_mutex_unlock(&socket_lock);
        return 0;
}

int wire_socket_path(char **ret) {
        const char *path;
        int r;

        pthread_mutex_lock(&socket_lock);
        path = socket_override;
        if (!path)
                path = secure_getenv(WIRE_SOCKET_ENV);
        if (!path || !*path)
                path = WIRE_SOCKET_DEFAULT;
        r = strdup_to(path, ret);
        pthread_mutex_unlock(&socket_lock);

        return r;
}

static void timeval_from_usec(usec_t t, struct timeval *ret) {
        /* No time at all means for ever here, and more than a day does not fit every clock. */
        t = MIN(MAX(t, (usec_t) 1), 86400 * USEC_PER_SEC);
        ret->tv_sec = (time_t) (t / USEC_PER_SEC);
        ret->tv_usec = (suseconds_t) (t % USEC_PER_SEC);
}

int wire_socket_connect(const char *path, usec_t deadline, int *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t length = strlen(path);
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (length == 0 || length >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, length + 1);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;

        do {
                usec_t now = now_usec(CLOCK_MONOTONIC);
                struct timeval timeout;

                if (now >= deadline)
                        return -ETIMEDOUT;

                timeval_from_usec(deadline - now, &timeout);
                if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                        return -errno;

                r = connect(fd, (struct sockaddr *) &address,
                            (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length + 1));
        } while (r < 0 && errno == EINTR);
        if (r < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;

        r = fd_set_nonblock(fd, true);
        if (r < 0)
                return r;

        *ret = TAKE_FD(fd);
        return 0;
}
