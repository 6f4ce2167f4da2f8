-- The same on DuckDB, over the segments that lie in a ledger's own directory (or a copy of the bucket): put its path in
-- the place of DIRECTORY, and its origin in that of ORIGIN. Segments that are not sealed yet are read as well.
CREATE OR REPLACE MACRO json_extract_scalar(document, path) AS json_extract_string(document, path);

CREATE OR REPLACE VIEW pathproof_records AS
SELECT 'ORIGIN' AS origin, seq, ts, kind, agent_id, boot_id, body
FROM read_json(
  'DIRECTORY/segments/*.jsonl*',
  format = 'newline_delimited',
  columns = {v: 'INTEGER', seq: 'BIGINT', ts: 'VARCHAR', mono_us: 'BIGINT', boot_id: 'VARCHAR', agent_id: 'VARCHAR', kind: 'VARCHAR', prev: 'VARCHAR', body: 'JSON'}
);

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
FROM (
  SELECT origin, seq, unnest(CAST(json_extract(body, '$.looks') AS JSON[])) AS look
  FROM pathproof_records
  WHERE kind = 'verdict_repeat'
);
