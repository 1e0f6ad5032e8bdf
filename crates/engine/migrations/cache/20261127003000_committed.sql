-- The committed metadata files of the last reading, so that requests can be weighed against them without storage.
CREATE TABLE committed (
    workspace   TEXT NOT NULL,
    role        TEXT NOT NULL,          -- timestamp, or a role that others may be asked to sign
    file        BLOB NOT NULL,          -- exact bytes, verified when they were read
    PRIMARY KEY (workspace, role)
) STRICT, WITHOUT ROWID;
