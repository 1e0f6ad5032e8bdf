-- A gate stays shut for a release until a person lets it go out anew ('opened', Unix seconds as it was signed). What counts
-- for it is counted since the server learned of that ('since', by its own clock; 0 = since the beginning).

ALTER TABLE rollout ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollout ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE rollout SET opened = coalesce(unixepoch(attempt), 0);

-- Releases that a gate stopped.
CREATE TABLE gate_latch (
    scope       INTEGER NOT NULL,
    build       INTEGER NOT NULL,
    opened      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (scope, build, opened)
) STRICT, WITHOUT ROWID;

-- Until now an attempt was stopped; it was opened when it began.
INSERT INTO gate_latch (scope, build, opened, at)
    SELECT r.scope, r.build, unixepoch(r.attempt), s.at FROM gate_stop s
        JOIN rollout r ON r.scope = s.scope AND r.attempt = s.attempt
    WHERE unixepoch(r.attempt) IS NOT NULL;
DROP TABLE gate_stop;
