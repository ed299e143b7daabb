-- The timeline of every alert, line by line; each line carries the hash of the one before. Lines are added and never changed.

CREATE TABLE timeline (
    alert    TEXT NOT NULL,
    number   BIGINT NOT NULL,
    brand    TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    actor    TEXT NOT NULL,
    event    TEXT NOT NULL,
    drill    BOOLEAN NOT NULL,
    hash     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (alert, number)
);
CREATE TRIGGER timeline_is_not_changed BEFORE UPDATE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
CREATE TRIGGER timeline_is_not_deleted BEFORE DELETE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
