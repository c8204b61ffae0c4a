-- SPDX-License-Identifier: LGPL-2.1-or-later

-- The catalog, version 3: the third step of catalog-migrate.c.

-- Writers that are a document and no process. The document is kept byte for byte.
CREATE TABLE express_writer (
        sequence    INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of registration
        writer_id   BLOB NOT NULL UNIQUE CHECK (length(writer_id) = 16),
        instance_id BLOB NOT NULL UNIQUE CHECK (length(instance_id) = 16),
        document    BLOB NOT NULL
) STRICT;
