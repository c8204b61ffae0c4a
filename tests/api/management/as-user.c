/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls of Others
 */

#include "api/management/as-user.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test-util.h"

HRESULT as_user(uid_t uid, HRESULT (*call)(void *userdata), void *userdata) {
        int fds[2], status = -1;
        HRESULT hr = E_FAIL;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(1);
                hr = call(userdata);
                _exit(write(fds[1], &hr, sizeof(hr)) == sizeof(hr) ? 0 : 2);
        }
        (void) close(fds[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(read(fds[0], &hr, sizeof(hr)), sizeof(hr));
        (void) close(fds[0]);
        return hr;
}
