-- Rises of brands' volumes, which inform and raise no alert.

CREATE TABLE rises (
    id       TEXT NOT NULL PRIMARY KEY,
    brand    TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    document TEXT NOT NULL
);

CREATE INDEX rises_by_time ON rises (at_ms);
