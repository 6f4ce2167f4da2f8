-- What the queries read, on Athena (Trino). duckdb.sql makes the same on DuckDB.
CREATE OR REPLACE VIEW pathproof_records AS
SELECT origin, seq, ts, kind, agent_id, boot_id, json_parse(body) AS body
FROM pathproof_lines;

-- One row for each verdict on a target that is written in full.
CREATE OR REPLACE VIEW pathproof_verdicts AS
SELECT
  origin,
  seq,
  ts,
  json_extract_scalar(body, '$.id') AS id,
  json_extract_scalar(body, '$.target') AS target,
  json_extract_scalar(body, '$.state') AS state,
  json_extract_scalar(body, '$.met') AS met,
  json_extract_scalar(body, '$.waiver.reason') AS waiver_reason,
  json_extract_scalar(body, '$.waiver.ticket') AS waiver_ticket,
  CAST(json_extract_scalar(body, '$.waiver.untilMs') AS bigint) AS waiver_until_ms
FROM pathproof_records
WHERE kind = 'target_verdict';

-- One row for each look: the first of a verdict, and those that found the same again.
CREATE OR REPLACE VIEW pathproof_looks AS
SELECT
  origin,
  seq,
  json_extract_scalar(body, '$.target') AS target,
  json_extract_scalar(body, '$.id') AS verdict,
  CAST(json_extract_scalar(body, '$.look.atMs') AS bigint) AS at_ms,
  json_array_length(json_extract(body, '$.made')) AS connections
FROM pathproof_records
WHERE kind = 'target_verdict' AND json_extract_scalar(body, '$.look.atMs') IS NOT NULL
UNION ALL
SELECT
  origin,
  seq,
  json_extract_scalar(look, '$.target') AS target,
  json_extract_scalar(look, '$.of') AS verdict,
  CAST(json_extract_scalar(look, '$.atMs') AS bigint) AS at_ms,
  json_array_length(json_extract(look, '$.made')) AS connections
FROM pathproof_records
CROSS JOIN UNNEST(CAST(json_extract(body, '$.looks') AS array(json))) AS t (look)
WHERE kind = 'verdict_repeat';
