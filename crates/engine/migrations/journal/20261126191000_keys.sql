-- RSA keys of channels that this computer made or imported. Public parts only.
CREATE TABLE own_rsa (
    workspace   TEXT NOT NULL REFERENCES workspace(id) ON DELETE CASCADE,
    sha256      TEXT NOT NULL,          -- of its SubjectPublicKeyInfo
    public      TEXT NOT NULL,          -- SubjectPublicKeyInfo, base64
    label       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (workspace, sha256)
) STRICT;

-- What was done for a key on this computer, by its id (an RSA key's SHA-256). Unix seconds.
CREATE TABLE key_care (
    workspace   TEXT NOT NULL REFERENCES workspace(id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    exported    INTEGER,                -- written to a file with a passphrase
    drilled     INTEGER,                -- that file was opened and proven to hold the key
    retired     INTEGER,                -- no longer meant for use here
    PRIMARY KEY (workspace, id)
) STRICT;
