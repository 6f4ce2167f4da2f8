-- How often was each target looked at, and what was found?
SELECT l.target, v.state, COUNT(*) AS looks
FROM pathproof_looks l
JOIN pathproof_verdicts v ON v.origin = l.origin AND v.id = l.verdict
WHERE l.origin = 'ORIGIN'
GROUP BY l.target, v.state
ORDER BY l.target, v.state
