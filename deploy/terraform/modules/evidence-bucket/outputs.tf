output "bucket" {
  description = "For ledger.anchors.s3.bucket."
  value       = aws_s3_bucket.evidence.id
}

output "arn" {
  description = "ARN of the bucket."
  value       = local.arn
}
