-- How many connections were made to find it?
SELECT target, SUM(connections) AS connections
FROM pathproof_looks
WHERE origin = 'ORIGIN'
GROUP BY target
ORDER BY target
