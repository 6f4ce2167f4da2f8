-- Which exceptions were granted, and until when?
SELECT target, waiver_reason, waiver_ticket, waiver_until_ms, MIN(ts) AS first_ts, MAX(ts) AS last_ts
FROM pathproof_verdicts
WHERE origin = 'ORIGIN' AND waiver_reason IS NOT NULL
GROUP BY target, waiver_reason, waiver_ticket, waiver_until_ms
ORDER BY target, waiver_until_ms
