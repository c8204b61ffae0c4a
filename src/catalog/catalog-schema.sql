-- SPDX-License-Identifier: LGPL-2.1-or-later

-- The catalog, version 1: the first step of catalog-migrate.c. Never edited once released; what changes
-- later is a further step there.
--
-- GUIDs are their 16 bytes as they lie in memory. Paths are the bytes that Linux has, which TEXT keeps as
-- they are. Times are microseconds since 1970, UTC.

-- Volumes that were ever used, so that their GUID names can be found again. They stay.
CREATE TABLE volume (
        id   BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        path TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot_set (
        id              BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        snapshots_count INTEGER NOT NULL, -- at creation; later some may be gone
        machine         TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
        sequence     INTEGER PRIMARY KEY AUTOINCREMENT, -- oldest first, whatever the clock said
        id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        set_id       BLOB NOT NULL REFERENCES snapshot_set (id),
        state        TEXT NOT NULL CHECK (state IN ('planned', 'created', 'deleting')),
        provider     TEXT NOT NULL,
        provider_id  BLOB NOT NULL CHECK (length(provider_id) = 16),
        volume_id    BLOB NOT NULL REFERENCES volume (id),
        volume       TEXT NOT NULL, -- its path when the snapshot was made
        note         TEXT, -- the provider's, from which it finds the snapshot again
        device       TEXT, -- where the snapshot is read
        exposed_name TEXT,
        exposed_path TEXT,
        context      INTEGER NOT NULL,
        consistency  INTEGER NOT NULL,
        created_usec INTEGER NOT NULL CHECK (created_usec >= 0) -- 0 while planned
) STRICT;

CREATE INDEX snapshot_by_set ON snapshot (set_id);
CREATE INDEX snapshot_by_volume ON snapshot (volume_id);
