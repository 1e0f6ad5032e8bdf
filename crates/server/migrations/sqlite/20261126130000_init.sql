-- What devices report, by install, and the roll-ups made of it. Rows that name an install expire; roll-ups stay.

-- 'epoch': identity of this database. 'network_key': key of the network hashes, hex. 'seq': number of the last change of
-- a cell. 'expired': day of the last expiry.
CREATE TABLE meta (
    name        TEXT PRIMARY KEY,
    value       TEXT NOT NULL
) STRICT;

CREATE TABLE workspace (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE
) STRICT;

-- A channel of a unit.
CREATE TABLE scope (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace(id),
    unit        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    UNIQUE (workspace, unit, channel)
) STRICT;

-- What devices say freely, by number. kind 0: a place, with its native version. 1: a plugin and its version.
-- 2: a reason.
CREATE TABLE word (
    id          INTEGER PRIMARY KEY,
    scope       INTEGER NOT NULL REFERENCES scope(id),
    kind        INTEGER NOT NULL,
    dialect     TEXT NOT NULL,
    platform    TEXT NOT NULL,
    text        TEXT NOT NULL,
    used        INTEGER NOT NULL,           -- day
    installs    INTEGER NOT NULL DEFAULT 0, -- of a plugin
    UNIQUE (scope, kind, dialect, platform, text)
) STRICT;

-- A release in one attempt to roll out, with what counts for the gate.
CREATE TABLE rollout (
    id          INTEGER PRIMARY KEY,
    scope       INTEGER NOT NULL REFERENCES scope(id),
    build       INTEGER NOT NULL,
    attempt     TEXT NOT NULL,
    used        INTEGER NOT NULL,
    sample      INTEGER NOT NULL DEFAULT 0,
    failures    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (scope, attempt, build)
) STRICT;

CREATE TABLE install (
    key         INTEGER PRIMARY KEY,
    scope       INTEGER NOT NULL,
    id          TEXT NOT NULL,
    place       INTEGER NOT NULL,
    plugin      INTEGER NOT NULL,           -- 0: unknown
    running     INTEGER NOT NULL,           -- build; 0: the embedded build
    first_seen  INTEGER NOT NULL,           -- Unix seconds
    last_day    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX install_id ON install (id, scope);

-- How far an install came with a release in one attempt. 'network' is a keyed hash, kept where the gate counts it.
CREATE TABLE attempt (
    install     INTEGER NOT NULL,
    rollout     INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    reason      INTEGER NOT NULL DEFAULT 0, -- 0: none
    network     INTEGER,                    -- NULL: the gate does not count it
    at          INTEGER NOT NULL,           -- Unix seconds of the last change
    PRIMARY KEY (install, rollout)
) STRICT, WITHOUT ROWID;

-- Roll-ups. kind 0 active: a = place, b = day, c = build. 1 daily: a = scope, b = day, c = build.
-- 2 outcome: a = place, b = rollout, n0 … n5 by state. 3 minute: a = rollout, b = Unix seconds, n0 confirmed, n1 rolled back.
CREATE TABLE cell (
    kind        INTEGER NOT NULL,
    a           INTEGER NOT NULL,
    b           INTEGER NOT NULL,
    c           INTEGER NOT NULL,
    workspace   INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    n0          INTEGER NOT NULL,
    n1          INTEGER NOT NULL,
    n2          INTEGER NOT NULL,
    n3          INTEGER NOT NULL,
    n4          INTEGER NOT NULL,
    n5          INTEGER NOT NULL,
    PRIMARY KEY (kind, a, b, c)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cell_seq ON cell (workspace, seq);

-- Reasons of an outcome cell.
CREATE TABLE cell_reason (
    place       INTEGER NOT NULL,
    rollout     INTEGER NOT NULL,
    reason      INTEGER NOT NULL,
    installs    INTEGER NOT NULL,
    PRIMARY KEY (place, rollout, reason)
) STRICT, WITHOUT ROWID;

-- What counts for the gate by network, for the cap. Most networks have few installs: the indexes hold the others.
CREATE TABLE gate_network (
    rollout     INTEGER NOT NULL,
    network     INTEGER NOT NULL,
    sample      INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    PRIMARY KEY (rollout, network)
) STRICT, WITHOUT ROWID;
CREATE INDEX gate_network_large ON gate_network (rollout, sample) WHERE sample > 3;
CREATE INDEX gate_network_failing ON gate_network (rollout, failures) WHERE failures > 0;

-- Attempts that the gate stopped.
CREATE TABLE gate_stop (
    scope       INTEGER NOT NULL,
    attempt     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (scope, attempt)
) STRICT, WITHOUT ROWID;

-- Newest versions seen of each registry, JSON.
CREATE TABLE high_water (
    workspace   TEXT PRIMARY KEY,
    marks       TEXT NOT NULL
) STRICT;
