-- What people corrected, the latest of each piece of feedback. The words stay in feedback, and go with it.

CREATE TABLE corrections (
    feedback TEXT NOT NULL PRIMARY KEY,
    id       TEXT NOT NULL,
    revision BIGINT NOT NULL,
    label    TEXT NOT NULL,
    actor    TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    document TEXT NOT NULL
);
