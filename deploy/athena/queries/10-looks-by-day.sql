-- How many looks were made on each day? Beside what was planned, `pathproof report` says.
SELECT target, at_ms / 86400000 AS day_number, COUNT(*) AS looks, SUM(connections) AS connections
FROM (SELECT origin, target, connections, at_ms - at_ms % 86400000 AS at_ms FROM pathproof_looks) whole_days
WHERE origin = 'ORIGIN'
GROUP BY target, at_ms / 86400000
ORDER BY target, day_number
