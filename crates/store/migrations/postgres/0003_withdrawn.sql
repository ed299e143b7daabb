-- A piece that was deleted at its source stays as an empty row, so that an earlier revision that comes late does not bring
-- it back; nobody is shown it.

ALTER TABLE feedback ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;

CREATE OR REPLACE VIEW v_feedback AS
SELECT id, revision, brand, channel, source, native_id, product, store, region,
       to_timestamp(occurred_at_ms / 1000.0) AS occurred_at, to_timestamp(observed_at_ms / 1000.0) AS observed_at, author, text,
       label, score, confidence, topics, keywords, rules, nps, csat, ces, url, place, line, drill
FROM feedback
WHERE NOT withdrawn;
