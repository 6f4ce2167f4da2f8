output "configuration" {
  description = "What the agents' configuration needs beside the defaults."
  value = yamlencode({
    ledger = {
      kms_key = module.key.key_arn
      anchors = { s3 = { bucket = module.evidence.bucket, prefix = "ledgers", object_lock = "compliance" } }
    }
  })
}
