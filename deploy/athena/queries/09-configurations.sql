-- Which program ran with which configuration, and since when?
SELECT
  seq,
  ts,
  json_extract_scalar(body, '$.event') AS event,
  json_extract_scalar(body, '$.version') AS version,
  json_extract_scalar(body, '$.configuration') AS configuration
FROM pathproof_records
WHERE origin = 'ORIGIN' AND kind = 'lifecycle'
ORDER BY seq
