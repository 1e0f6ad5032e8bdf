-- Everything here can be read again from storage.
CREATE TABLE reading (
    workspace   TEXT PRIMARY KEY,
    read_at     INTEGER,                -- last verified reading, Unix seconds
    offline     TEXT,                   -- JSON: why the last attempt failed
    settings    TEXT,                   -- JSON: settings from the top-level targets
    root        INTEGER,
    signed_at   TEXT,                   -- snapshot
    expires     TEXT,                   -- the earlier of snapshot and timestamp
    key_names   TEXT                    -- JSON: key id to name
) STRICT;

CREATE TABLE channel (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    threshold   INTEGER NOT NULL,
    approval_version INTEGER NOT NULL,
    approval_expires TEXT NOT NULL,
    rollout_expires TEXT NOT NULL,
    rollout     TEXT,                   -- JSON: the rollout document
    rollout_at  TEXT,
    rollout_by  TEXT,
    signable    INTEGER NOT NULL,       -- keys of this computer suffice for an approval and a rollout
    PRIMARY KEY (workspace, unit, channel)
) STRICT;

CREATE TABLE approval (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    build       INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    manifest    TEXT NOT NULL,          -- JSON
    approved    TEXT NOT NULL,
    PRIMARY KEY (workspace, unit, channel, build)
) STRICT;

CREATE TABLE inventory (
    sha256      TEXT PRIMARY KEY,
    body        BLOB NOT NULL
) STRICT;
