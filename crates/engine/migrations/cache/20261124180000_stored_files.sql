-- Stored bytes of single files by the file's own hash: what was compressed once is not compressed again.
CREATE TABLE stored_file (
    encoder     TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    stored      TEXT NOT NULL,          -- JSON
    PRIMARY KEY (encoder, sha256)
) STRICT;
