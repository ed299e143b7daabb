-- Instants are milliseconds since 1970-01-01T00:00:00Z. Lists and documents are JSON.

CREATE TABLE feedback (
    id             TEXT NOT NULL PRIMARY KEY,
    revision       BIGINT NOT NULL,
    brand          TEXT NOT NULL,
    channel        TEXT NOT NULL,
    source         TEXT NOT NULL,
    native_id      TEXT NOT NULL,
    product        TEXT,
    store          TEXT,
    region         TEXT,
    occurred_at_ms BIGINT NOT NULL,
    observed_at_ms BIGINT NOT NULL,
    author         TEXT,
    text           TEXT NOT NULL,
    label          TEXT NOT NULL,
    score          DOUBLE PRECISION NOT NULL,
    confidence     DOUBLE PRECISION NOT NULL,
    topics         TEXT NOT NULL,
    keywords       TEXT NOT NULL,
    rules          TEXT NOT NULL,
    nps            BIGINT,
    csat           BIGINT,
    ces            BIGINT,
    url            TEXT,
    place          TEXT,
    line           BIGINT,
    drill          BOOLEAN NOT NULL,
    document       TEXT NOT NULL
);
CREATE INDEX feedback_newest ON feedback (occurred_at_ms, id);
CREATE INDEX feedback_newest_of_brand ON feedback (brand, occurred_at_ms, id);
-- Few pieces meet a rule; those that do are looked for.
CREATE INDEX feedback_newest_with_rules ON feedback (occurred_at_ms, id) WHERE rules <> '[]';

-- Sums of deltas: revision rises by one with every transaction that touches a row.
CREATE TABLE windows (
    size           TEXT NOT NULL,
    start_ms       BIGINT NOT NULL,
    topic          TEXT NOT NULL,
    brand          TEXT NOT NULL,
    channel        TEXT NOT NULL,
    revision       BIGINT NOT NULL,
    updated_at_ms  BIGINT NOT NULL,
    volume         BIGINT NOT NULL,
    positive       BIGINT NOT NULL,
    neutral        BIGINT NOT NULL,
    negative       BIGINT NOT NULL,
    score_sum      BIGINT NOT NULL,
    nps_promoters  BIGINT NOT NULL,
    nps_passives   BIGINT NOT NULL,
    nps_detractors BIGINT NOT NULL,
    csat_count     BIGINT NOT NULL,
    csat_satisfied BIGINT NOT NULL,
    csat_sum       BIGINT NOT NULL,
    ces_count      BIGINT NOT NULL,
    ces_sum        BIGINT NOT NULL,
    author_count   BIGINT NOT NULL,
    authors        BYTEA NOT NULL,
    keywords       TEXT NOT NULL,
    -- Screens read one size and one topic over a range of time.
    PRIMARY KEY (size, topic, start_ms, brand, channel)
);
CREATE INDEX windows_of_brand ON windows (brand, size, topic, start_ms);

CREATE TABLE alerts (
    id                 TEXT NOT NULL PRIMARY KEY,
    revision           BIGINT NOT NULL,
    brand              TEXT NOT NULL,
    topic              TEXT NOT NULL,
    title              TEXT NOT NULL,
    severity           TEXT NOT NULL,
    severity_rank      BIGINT NOT NULL,
    state              TEXT NOT NULL,
    is_open            BOOLEAN NOT NULL,
    signals            BIGINT NOT NULL,
    escalation         TEXT,
    raised_at_ms       BIGINT NOT NULL,
    updated_at_ms      BIGINT NOT NULL,
    next_due_at_ms     BIGINT,
    acknowledge_due_at_ms      BIGINT,
    acknowledge_met_at_ms      BIGINT,
    acknowledge_breached_at_ms BIGINT,
    respond_due_at_ms          BIGINT,
    respond_met_at_ms          BIGINT,
    respond_breached_at_ms     BIGINT,
    drill              BOOLEAN NOT NULL,
    document           TEXT NOT NULL
);
CREATE INDEX alerts_by_urgency ON alerts (is_open, severity_rank, next_due_at_ms);
CREATE INDEX alerts_newest ON alerts (raised_at_ms);

CREATE TABLE deliveries (
    id             TEXT NOT NULL PRIMARY KEY,
    alert          TEXT NOT NULL,
    alert_revision BIGINT NOT NULL,
    brand          TEXT NOT NULL,
    kind           TEXT NOT NULL,
    receiver       TEXT NOT NULL,
    provider       TEXT NOT NULL,
    state          TEXT NOT NULL,
    attempts       BIGINT NOT NULL,
    observed_at_ms BIGINT NOT NULL,
    at_ms          BIGINT NOT NULL,
    delivered_at_ms BIGINT,
    document       TEXT NOT NULL
);
CREATE INDEX deliveries_of_alert ON deliveries (alert, at_ms);
CREATE INDEX deliveries_by_state ON deliveries (state);

-- Every row of the ledger as it was written; nothing here is ever changed.
CREATE TABLE delivery_attempts (
    id       TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    state    TEXT NOT NULL,
    alert    TEXT NOT NULL,
    receiver TEXT NOT NULL,
    answer   TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    PRIMARY KEY (id, attempts, state)
);
CREATE INDEX delivery_attempts_of_alert ON delivery_attempts (alert, at_ms);

CREATE TABLE dead_letters (
    id       TEXT NOT NULL PRIMARY KEY,
    stage    TEXT NOT NULL,
    origin   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX dead_letters_newest ON dead_letters (at_ms, id);

-- What was applied, partition by partition: written in the same transaction as the rows.
CREATE TABLE progress (
    reader      TEXT NOT NULL,
    topic       TEXT NOT NULL,
    partition   BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (reader, topic, partition)
);

CREATE TABLE tokens (
    id            TEXT NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    hash          BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);

CREATE TABLE audit (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms  BIGINT NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
