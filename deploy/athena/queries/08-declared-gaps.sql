-- What does the ledger itself say that it could not keep, or that went wrong with it?
SELECT
  seq,
  ts,
  kind,
  json_extract_scalar(body, '$.reason') AS reason,
  json_extract_scalar(body, '$.fromTs') AS from_ts,
  json_extract_scalar(body, '$.toTs') AS to_ts
FROM pathproof_records
WHERE origin = 'ORIGIN' AND kind IN ('gap', 'recovery', 'damage', 'prune', 'clock')
ORDER BY seq
