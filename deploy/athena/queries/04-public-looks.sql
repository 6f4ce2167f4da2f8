-- When was a public path seen? One row for each verdict that said so, with the looks that it stood for.
SELECT l.target, v.id, v.state, v.seq, MIN(l.at_ms) AS first_look_ms, MAX(l.at_ms) AS last_look_ms, COUNT(*) AS looks
FROM pathproof_looks l
JOIN pathproof_verdicts v ON v.origin = l.origin AND v.id = l.verdict
WHERE l.origin = 'ORIGIN' AND v.state IN ('public', 'mixed')
GROUP BY l.target, v.id, v.state, v.seq
ORDER BY v.seq
