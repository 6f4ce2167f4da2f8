-- Are numbers missing in the chain? (None should be; pruned segments are missing from the beginning only.)
SELECT before_seq, seq
FROM (
  SELECT seq, LAG(seq) OVER (ORDER BY seq) AS before_seq
  FROM pathproof_records
  WHERE origin = 'ORIGIN'
) numbered
WHERE seq <> before_seq + 1
ORDER BY seq
