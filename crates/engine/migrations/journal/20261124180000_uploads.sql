-- Uploads in parts, mirrors, single files. Nothing of what was recorded before changes.
ALTER TABLE step ADD COLUMN target INTEGER NOT NULL DEFAULT 0;  -- 0 = the registry, then the mirrors of the job
ALTER TABLE step ADD COLUMN source TEXT;                        -- JSON: a single file, taken out of the bundle when it is sent
ALTER TABLE job ADD COLUMN targets TEXT;                        -- JSON: addresses, the registry first

-- Uploads in parts that were begun. Content decides the key, so any job with the same bytes goes on with one.
CREATE TABLE upload (
    address     TEXT NOT NULL,
    key         TEXT NOT NULL,
    upload      TEXT NOT NULL,          -- the storage's id of it
    part_size   INTEGER NOT NULL,
    begun       INTEGER NOT NULL,
    PRIMARY KEY (address, key)
) STRICT;

CREATE TABLE upload_part (
    address     TEXT NOT NULL,
    key         TEXT NOT NULL,
    number      INTEGER NOT NULL,       -- from 0
    size        INTEGER NOT NULL,
    tag         TEXT NOT NULL,
    PRIMARY KEY (address, key, number),
    FOREIGN KEY (address, key) REFERENCES upload (address, key) ON DELETE CASCADE
) STRICT;

-- Further places that get the same objects.
CREATE TABLE mirror (
    workspace   TEXT NOT NULL REFERENCES workspace(id) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    added       INTEGER NOT NULL,
    PRIMARY KEY (workspace, address)
) STRICT;
