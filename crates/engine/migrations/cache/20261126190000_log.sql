-- Files of the audit log as they were read, so that opening it again reads new ones only. Immutable, but for timestamp.json.
-- Everything in here is verified anew each time: this saves the way, not the proof.
CREATE TABLE log_file (
    root        TEXT NOT NULL,          -- SHA-256 of the pinned root: a registry made anew has another one
    name        TEXT NOT NULL,          -- key below the prefix
    body        BLOB NOT NULL,
    good        INTEGER NOT NULL,       -- 0: did not verify; only shown while storage is not reached
    PRIMARY KEY (root, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_reading (
    root        TEXT PRIMARY KEY,
    read_at     INTEGER NOT NULL,       -- storage was asked, Unix seconds
    proven_at   INTEGER                 -- every file was read from storage, Unix seconds
) STRICT;
