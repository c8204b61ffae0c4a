-- SPDX-License-Identifier: LGPL-2.1-or-later

-- What administrators decided: a further step of catalog-migrate.c. Never edited once released.

-- Providers of others: what IVssAdmin::RegisterProvider() said.
CREATE TABLE provider (
        id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        class_id   BLOB NOT NULL CHECK (length(class_id) = 16),
        name       TEXT NOT NULL,
        type       INTEGER NOT NULL,
        version    TEXT NOT NULL,
        version_id BLOB NOT NULL CHECK (length(version_id) = 16)
) STRICT, WITHOUT ROWID;

-- How much room the shadow copies of a volume may take, and where they lie: what
-- IVssDifferentialSoftwareSnapshotMgmt::AddDiffArea() and its kin said. Bytes; -1 is no limit. A passing
-- limit counts as long as the machine does not boot again.
CREATE TABLE area (
        volume_id       BLOB NOT NULL PRIMARY KEY REFERENCES volume (id),
        area_volume_id  BLOB NOT NULL REFERENCES volume (id),
        provider_id     BLOB NOT NULL CHECK (length(provider_id) = 16),
        maximum         INTEGER NOT NULL CHECK (maximum = -1 OR maximum > 0),
        passing_maximum INTEGER CHECK (passing_maximum = -1 OR passing_maximum > 0),
        passing_boot    BLOB CHECK (length(passing_boot) = 16)
) STRICT, WITHOUT ROWID;
