-- What the update server counted, as cells that replace each other, and the history of rollouts from storage.
ALTER TABLE channel ADD COLUMN rollout_signable INTEGER NOT NULL DEFAULT 0;  -- keys of this computer suffice for a rollout

CREATE TABLE server_reading (
    workspace   TEXT PRIMARY KEY,
    epoch       TEXT,                   -- identity of the server's database
    cursor      INTEGER NOT NULL DEFAULT 0,
    as_of       TEXT,                   -- when the server made the last page
    public_url  TEXT,
    offline     TEXT                    -- JSON: why the last attempt failed
) STRICT;

CREATE TABLE server_channel (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    status      TEXT NOT NULL,          -- JSON
    PRIMARY KEY (workspace, unit, channel)
) STRICT;

-- In all of these, build 0 is the embedded build.
CREATE TABLE active_cell (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    day         INTEGER NOT NULL,       -- days since 1970-01-01
    dialect     TEXT NOT NULL,
    platform    TEXT NOT NULL,
    native      TEXT NOT NULL,
    build       INTEGER NOT NULL,
    installs    INTEGER NOT NULL,
    PRIMARY KEY (workspace, unit, channel, day, dialect, platform, native, build)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_cell (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    day         INTEGER NOT NULL,
    build       INTEGER NOT NULL,
    installs    INTEGER NOT NULL,
    PRIMARY KEY (workspace, unit, channel, day, build)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome_cell (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    build       INTEGER NOT NULL,
    attempt     TEXT NOT NULL,
    dialect     TEXT NOT NULL,
    platform    TEXT NOT NULL,
    native      TEXT NOT NULL,
    states      TEXT NOT NULL,          -- JSON: state to installs
    reasons     TEXT NOT NULL,          -- JSON: reason to installs
    PRIMARY KEY (workspace, unit, channel, build, attempt, dialect, platform, native)
) STRICT, WITHOUT ROWID;

CREATE TABLE minute_cell (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    build       INTEGER NOT NULL,
    attempt     TEXT NOT NULL,
    at          INTEGER NOT NULL,       -- Unix seconds
    confirmed   INTEGER NOT NULL,
    rolled_back INTEGER NOT NULL,
    PRIMARY KEY (workspace, unit, channel, build, attempt, at)
) STRICT, WITHOUT ROWID;

-- Committed versions of a rollout role, proven by the chain of hashes when they were read. They never change.
CREATE TABLE rollout_version (
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    sha256      TEXT NOT NULL,          -- of the role's file
    at          TEXT NOT NULL,
    by          TEXT NOT NULL,
    action      TEXT NOT NULL,
    document    TEXT,                   -- JSON: the rollout document; nothing before the first release
    PRIMARY KEY (workspace, unit, channel, version)
) STRICT, WITHOUT ROWID;
