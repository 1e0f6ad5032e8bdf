-- What storage cannot give back: workspaces with their pinned roots, the newest versions seen, jobs and their steps.
CREATE TABLE workspace (
    id          TEXT PRIMARY KEY,
    app         TEXT NOT NULL,
    name        TEXT NOT NULL,
    storage     TEXT NOT NULL,
    public_url  TEXT,
    sandbox     INTEGER NOT NULL DEFAULT 0,
    root        BLOB NOT NULL,          -- the pinned 1.root.json, exact bytes
    vault       TEXT NOT NULL,          -- 'os', or 'file:PATH'
    vault_why   TEXT,
    marks       TEXT NOT NULL DEFAULT '{"versions":{},"freshness":[]}',
    created     INTEGER NOT NULL,
    ready       INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Keys that this computer made or imported. Public parts only.
CREATE TABLE own_key (
    workspace   TEXT NOT NULL REFERENCES workspace(id) ON DELETE CASCADE,
    keyid       TEXT NOT NULL,
    public      TEXT NOT NULL,          -- hex
    label       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (workspace, keyid)
) STRICT;

CREATE TABLE job (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    workspace   TEXT NOT NULL,
    unit        TEXT NOT NULL,
    channel     TEXT,
    title       TEXT NOT NULL,
    state       TEXT NOT NULL,
    phase       TEXT NOT NULL,
    intent      TEXT NOT NULL,          -- JSON: what was asked for, enough to do it again
    error       TEXT,                   -- JSON
    receipt     TEXT,                   -- JSON
    started     INTEGER NOT NULL,
    touched     INTEGER NOT NULL,
    finished    INTEGER,
    dismissed   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every write of a publish, in order, recorded before it is done.
CREATE TABLE step (
    job         TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    kind        TEXT NOT NULL,          -- 'create', or 'commit' for the timestamp, or 'root' after it
    key         TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    size        INTEGER NOT NULL,
    body        BLOB,                   -- small objects
    path        TEXT,                   -- the bundle, in this computer's work folder
    expected    TEXT,                   -- for 'commit': SHA-256 of the timestamp that is replaced
    state       TEXT NOT NULL DEFAULT 'pending', -- 'pending', 'done', 'skipped'
    PRIMARY KEY (job, seq)
) STRICT;

CREATE TABLE setting (
    key         TEXT PRIMARY KEY,
    value       TEXT NOT NULL
) STRICT;
