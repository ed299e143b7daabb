-- What BI tools read: plain names, instants as the database's own times, days of the reporting zone.
-- A day begins at midnight there, which is no fixed hour in UTC: twelve hours into it, the date is the same
-- in every zone from UTC-11 to UTC+12.

CREATE VIEW v_daily_brand_sentiment AS
SELECT CAST(to_timestamp(start_ms / 1000 + 43200) AT TIME ZONE 'UTC' AS DATE) AS day, brand, channel,
       SUM(volume) AS volume, SUM(positive) AS positive, SUM(neutral) AS neutral, SUM(negative) AS negative,
       CASE WHEN SUM(volume) > 0 THEN 1.0 * SUM(negative) / SUM(volume) END AS negative_share,
       CASE WHEN SUM(volume) > 0 THEN SUM(score_sum) / 10000.0 / SUM(volume) END AS mean_score
FROM windows WHERE size = '1d' AND topic = 'all'
GROUP BY start_ms, brand, channel;

CREATE VIEW v_daily_topic_sentiment AS
SELECT CAST(to_timestamp(start_ms / 1000 + 43200) AT TIME ZONE 'UTC' AS DATE) AS day, brand, topic,
       SUM(volume) AS volume, SUM(positive) AS positive, SUM(neutral) AS neutral, SUM(negative) AS negative,
       CASE WHEN SUM(volume) > 0 THEN 1.0 * SUM(negative) / SUM(volume) END AS negative_share,
       CASE WHEN SUM(volume) > 0 THEN SUM(score_sum) / 10000.0 / SUM(volume) END AS mean_score
FROM windows WHERE size = '1d' AND topic <> 'all'
GROUP BY start_ms, brand, topic;

CREATE VIEW v_hourly_volume AS
SELECT to_timestamp(start_ms / 1000.0) AS hour, brand, channel,
       volume, positive, neutral, negative, author_count AS authors
FROM windows WHERE size = '1h' AND topic = 'all';

CREATE VIEW v_nps_daily AS
SELECT CAST(to_timestamp(start_ms / 1000 + 43200) AT TIME ZONE 'UTC' AS DATE) AS day, brand, channel,
       nps_promoters AS promoters, nps_passives AS passives, nps_detractors AS detractors,
       nps_promoters + nps_passives + nps_detractors AS answers,
       100.0 * (nps_promoters - nps_detractors) / (nps_promoters + nps_passives + nps_detractors) AS nps
FROM windows WHERE size = '1d' AND topic = 'all' AND nps_promoters + nps_passives + nps_detractors > 0;

CREATE VIEW v_csat_daily AS
SELECT CAST(to_timestamp(start_ms / 1000 + 43200) AT TIME ZONE 'UTC' AS DATE) AS day, brand, channel, csat_count AS answers, csat_satisfied AS satisfied,
       100.0 * csat_satisfied / csat_count AS csat, 1.0 * csat_sum / csat_count AS mean_answer
FROM windows WHERE size = '1d' AND topic = 'all' AND csat_count > 0;

CREATE VIEW v_ces_daily AS
SELECT CAST(to_timestamp(start_ms / 1000 + 43200) AT TIME ZONE 'UTC' AS DATE) AS day, brand, channel, ces_count AS answers, 1.0 * ces_sum / ces_count AS ces
FROM windows WHERE size = '1d' AND topic = 'all' AND ces_count > 0;

CREATE VIEW v_feedback AS
SELECT id, revision, brand, channel, source, native_id, product, store, region,
       to_timestamp(occurred_at_ms / 1000.0) AS occurred_at, to_timestamp(observed_at_ms / 1000.0) AS observed_at, author, text,
       label, score, confidence, topics, keywords, rules, nps, csat, ces, url, place, line, drill
FROM feedback;

CREATE VIEW v_alerts AS
SELECT id, brand, topic, title, severity, state, is_open, signals, escalation, drill,
       to_timestamp(raised_at_ms / 1000.0) AS raised_at, to_timestamp(updated_at_ms / 1000.0) AS updated_at, to_timestamp(next_due_at_ms / 1000.0) AS next_due_at,
       to_timestamp(acknowledge_due_at_ms / 1000.0) AS acknowledge_due_at, to_timestamp(acknowledge_met_at_ms / 1000.0) AS acknowledged_at,
       to_timestamp(respond_due_at_ms / 1000.0) AS respond_due_at, to_timestamp(respond_met_at_ms / 1000.0) AS responded_at,
       (acknowledge_met_at_ms - raised_at_ms) / 60000.0 AS minutes_to_acknowledge,
       (respond_met_at_ms - raised_at_ms) / 60000.0 AS minutes_to_respond,
       (acknowledge_breached_at_ms IS NOT NULL OR respond_breached_at_ms IS NOT NULL) AS breached
FROM alerts;

CREATE VIEW v_deliveries AS
SELECT id, alert, brand, kind, receiver, provider, state, attempts,
       to_timestamp(at_ms / 1000.0) AS at, to_timestamp(delivered_at_ms / 1000.0) AS delivered_at,
       (delivered_at_ms - observed_at_ms) / 1000.0 AS seconds_from_observed
FROM deliveries;

CREATE VIEW v_dead_letters AS
SELECT id, stage, origin, reason, to_timestamp(at_ms / 1000.0) AS at FROM dead_letters;
