-- SPDX-License-Identifier: LGPL-2.1-or-later

-- The catalog, version 5: how a deed is done, where its provider has decided that before it began.

ALTER TABLE deed ADD COLUMN how TEXT;
