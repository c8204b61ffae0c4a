-- SPDX-License-Identifier: LGPL-2.1-or-later

-- The catalog, version 5: how a deed is done, where its provider has decided that before it began; and which volume has the
-- directory that it changes, as something else may be mounted there, or nothing, when it goes on.

ALTER TABLE deed ADD COLUMN how TEXT;
ALTER TABLE deed ADD COLUMN target_id BLOB NOT NULL DEFAULT x'00000000000000000000000000000000'; -- nobody knows
