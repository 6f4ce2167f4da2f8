-- Which connections took it, and by what is that known?
SELECT
  seq,
  json_extract_scalar(body, '$.hostname') AS hostname,
  json_extract_scalar(body, '$.address') AS address,
  json_extract_scalar(body, '$.proof') AS proof,
  json_extract_scalar(body, '$.evidence[0].rule') AS rule,
  json_extract_scalar(body, '$.evidence[0].because') AS because
FROM pathproof_records
WHERE origin = 'ORIGIN' AND kind = 'attempt_verdict' AND json_extract_scalar(body, '$.state') = 'public'
ORDER BY seq
