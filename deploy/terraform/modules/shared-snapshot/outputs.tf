output "bucket" {
  description = "For topology.s3.bucket."
  value       = aws_s3_bucket.snapshot.id
}
