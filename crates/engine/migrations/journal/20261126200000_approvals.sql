-- What waits for signatures of other people: own requests, and proposals of others that this console has seen.
CREATE TABLE approval (
    id          TEXT PRIMARY KEY,       -- the request's id
    workspace   TEXT NOT NULL REFERENCES workspace(id) ON DELETE CASCADE,
    own         INTEGER NOT NULL,       -- 1 = asked for here
    state       TEXT NOT NULL,          -- 'open', 'done', 'withdrawn', 'refused', 'replaced'
    title       TEXT NOT NULL,
    unit        TEXT,
    channel     TEXT,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    intent      TEXT,                   -- JSON: what is done once it is signed; of own ones
    request     BLOB NOT NULL,          -- the request file with the signatures so far
    notes       TEXT NOT NULL,          -- JSON: who signed or refused, and when
    job         TEXT                    -- the publish that it became
) STRICT;
CREATE INDEX approval_workspace ON approval (workspace, created);
