/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The other end of a wire, in the same process: a thread that listens on a socket of its own and one thread
 * per connection that speaks D-Bus as umbrad does. It understands these, on any path and interface:
 *
 *   Echo(v…) → v…        the same arguments back
 *   Later(u ms, s) → s   the text, after so many milliseconds; others are answered meanwhile
 *   Fail(i hr, s) → error made by wire_error_set()
 *   Never()              no answer
 *   Close()              the connection ends instead of an answer
 *   Garbage()            bytes that are no message
 *   Sleep(u ms)          the connection does not even read for so long
 */

typedef enum FakeServerMode {
        FAKE_SERVER_TALKS,
        FAKE_SERVER_CLOSES, /* every connection, at once */
        FAKE_SERVER_MUTE,   /* accepts and says nothing */
        FAKE_SERVER_FULL,   /* listens, never accepts, and its queue is full */
} FakeServerMode;

typedef struct FakeServer FakeServer;

FakeServer *fake_server_start(FakeServerMode mode);
const char *fake_server_path(const FakeServer *s);
void fake_server_stop(FakeServer *s);
