-- Sealed segments of ledgers in S3 (ledger.anchors.s3), as Athena reads them. Put your bucket and prefix in the place of
-- BUCKET/PREFIX (three times). One partition is one ledger: its origin, as it stands in the keys. Each query must name
-- the ledger, for the origins are not listed anywhere: WHERE origin = 'example.com/pathproof/host-1'.
-- A record can come twice only if somebody put a segment there twice: the ledger itself is checked by
-- `pathproof ledger verify`, not by queries.
CREATE EXTERNAL TABLE IF NOT EXISTS pathproof_lines (
  v int,
  seq bigint,
  ts string,
  mono_us bigint,
  boot_id string,
  agent_id string,
  kind string,
  prev string,
  body string
)
PARTITIONED BY (origin string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'false')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://BUCKET/PREFIX/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.origin.type' = 'injected',
  'storage.location.template' = 's3://BUCKET/PREFIX/${origin}/segments/'
);
