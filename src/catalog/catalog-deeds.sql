-- SPDX-License-Identifier: LGPL-2.1-or-later

-- The catalog, version 4: what is being done to a snapshot and must go on after a crash. A row is there from
-- before the first byte changes until all of it is over. (An exposure needs none: it is a column.)

CREATE TABLE deed (
        snapshot_id BLOB NOT NULL PRIMARY KEY REFERENCES snapshot (id) ON DELETE CASCADE,
        kind        TEXT NOT NULL CHECK (kind IN ('revert', 'break')),
        target      TEXT, -- the directory that becomes what the snapshot is; NULL: there is none
        flags       INTEGER NOT NULL -- of the call that began it
) STRICT, WITHOUT ROWID;
