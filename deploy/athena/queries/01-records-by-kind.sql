-- What does the ledger hold, and from when to when?
SELECT kind, COUNT(*) AS records, MIN(seq) AS first_seq, MAX(seq) AS last_seq, MIN(ts) AS first_ts, MAX(ts) AS last_ts
FROM pathproof_records
WHERE origin = 'ORIGIN'
GROUP BY kind
ORDER BY kind
