-- How each source fares, and what is usual for it, as it was last told.

CREATE TABLE sources (
    source   TEXT NOT NULL PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    document TEXT NOT NULL
);
