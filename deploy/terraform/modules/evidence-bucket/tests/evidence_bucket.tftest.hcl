mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { id = "my-evidence" }
  }
}

variables {
  bucket       = "my-evidence"
  endpoint_ids = ["vpce-0123456789abcdef0"]
}

run "nobody_changes_what_was_written" {
  command = plan

  assert {
    condition     = aws_s3_bucket.evidence.object_lock_enabled && aws_s3_bucket_object_lock_configuration.evidence.rule[0].default_retention[0].mode == "COMPLIANCE"
    error_message = "Object Lock in compliance mode is the default"
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.evidence.restrict_public_buckets && aws_s3_bucket_public_access_block.evidence.block_public_policy
    error_message = "the bucket is not public"
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_s3_bucket_policy.evidence.policy).Statement : s.Effect == "Deny"])
    error_message = "the bucket's policy takes away, it gives nothing"
  }
}

run "refuses_a_bucket_that_anybody_may_write" {
  command = plan

  variables {
    endpoint_ids = []
  }

  expect_failures = [var.endpoint_ids]
}
