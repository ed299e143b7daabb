-- What is counted by name in the windows of an hour and of a day: words and phrases, and answers on scales. Sums of deltas, as windows are.

CREATE TABLE terms (
    size     TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    brand    TEXT NOT NULL,
    channel  TEXT NOT NULL,
    term     TEXT NOT NULL,
    mentions BIGINT NOT NULL,
    negative BIGINT NOT NULL,
    PRIMARY KEY (size, start_ms, brand, channel, term)
) WITHOUT ROWID;

CREATE TABLE ratings (
    size       TEXT NOT NULL,
    start_ms   BIGINT NOT NULL,
    brand      TEXT NOT NULL,
    channel    TEXT NOT NULL,
    product    TEXT NOT NULL,
    question   TEXT NOT NULL,
    scale_from BIGINT NOT NULL,
    scale_to   BIGINT NOT NULL,
    answers    BIGINT NOT NULL,
    top        BIGINT NOT NULL,
    bottom     BIGINT NOT NULL,
    value_sum  BIGINT NOT NULL,
    PRIMARY KEY (size, start_ms, brand, channel, product, question, scale_from, scale_to)
) WITHOUT ROWID;

CREATE VIEW v_hourly_terms AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', start_ms / 1000.0, 'unixepoch') AS hour, brand, channel, term, mentions, negative,
       1.0 * negative / mentions AS negative_share
FROM terms WHERE size = '1h' AND mentions > 0;

-- Each day's terms beside the seven days before. The rise is the share of feedback that holds the term over its share before, half a mention
-- added to both (so that what is new has one); NULL where there is nothing before.
CREATE VIEW v_daily_terms AS
WITH said AS (
    SELECT start_ms, brand, term, SUM(mentions) AS mentions, SUM(negative) AS negative
    FROM terms WHERE size = '1d' GROUP BY start_ms, brand, term
), heard AS (
    SELECT start_ms, brand, SUM(volume) AS volume FROM windows WHERE size = '1d' AND topic = 'all' GROUP BY start_ms, brand
), said_before AS (
    SELECT start_ms, brand, term, mentions, negative, COALESCE(SUM(mentions) OVER
        (PARTITION BY brand, term ORDER BY start_ms RANGE BETWEEN 604800000 PRECEDING AND 1 PRECEDING), 0) AS mentions_before
    FROM said
), heard_before AS (
    SELECT start_ms, brand, volume, COALESCE(SUM(volume) OVER
        (PARTITION BY brand ORDER BY start_ms RANGE BETWEEN 604800000 PRECEDING AND 1 PRECEDING), 0) AS volume_before
    FROM heard
)
SELECT date(s.start_ms / 1000 + 43200, 'unixepoch') AS day, s.brand, s.term, s.mentions, s.negative,
       1.0 * s.negative / s.mentions AS negative_share, h.volume, s.mentions_before, h.volume_before,
       CASE WHEN h.volume > 0 AND h.volume_before > 0
            THEN (s.mentions + 0.5) / h.volume / ((s.mentions_before + 0.5) / h.volume_before) END AS rise
FROM said_before s JOIN heard_before h ON h.start_ms = s.start_ms AND h.brand = s.brand
WHERE s.mentions > 0;

CREATE VIEW v_daily_ratings AS
SELECT date(start_ms / 1000 + 43200, 'unixepoch') AS day, brand, channel, NULLIF(product, '') AS product, question, scale_from, scale_to, answers,
       value_sum / 1000.0 / answers AS mean_answer, 100.0 * top / answers AS top_two_box,
       CASE WHEN scale_from = 0 AND scale_to = 10 THEN 100.0 * (top - bottom) / answers END AS nps
FROM ratings WHERE size = '1d' AND answers > 0;
