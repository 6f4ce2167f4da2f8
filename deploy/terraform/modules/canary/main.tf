data "aws_partition" "this" {}

locals {
  arn = "arn:${data.aws_partition.this.partition}:s3:::${var.bucket}"

  deny = { Effect = "Deny", Principal = "*", Action = "s3:GetObject" }

  # The same statements as `pathproof canary policy` prints; the agent reads them and attests nothing without.
  statements = concat(
    [jsonencode(merge(local.deny, {
      Sid       = "PathproofPositiveEndpoint"
      Resource  = "${local.arn}/${var.keys.positive}"
      Condition = { StringNotEquals = { "aws:SourceVpce" = var.endpoint_id } }
    }))],
    var.vpc_id == null ? [] : [jsonencode(merge(local.deny, {
      Sid       = "PathproofPositiveVpc"
      Resource  = "${local.arn}/${var.keys.positive}"
      Condition = { StringNotEquals = { "aws:SourceVpc" = var.vpc_id } }
    }))],
    length(var.source_addresses) == 0 ? [] : [jsonencode(merge(local.deny, {
      Sid       = "PathproofPositiveHost"
      Resource  = "${local.arn}/${var.keys.positive}"
      Condition = { NotIpAddress = { "aws:VpcSourceIp" = var.source_addresses } }
    }))],
    [jsonencode(merge(local.deny, {
      Sid       = "PathproofNegativeNoEndpoint"
      Resource  = "${local.arn}/${var.keys.negative}"
      Condition = { Null = { "aws:SourceVpce" = "false" } }
    }))],
  )
  policy = format("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", join(",", local.statements))
}

resource "aws_s3_bucket" "canary" {
  bucket = var.bucket
  tags   = var.tags

  lifecycle {
    precondition {
      condition     = length(var.source_addresses) == 0 || var.vpc_id != null
      error_message = "source_addresses needs vpc_id: private addresses mean nothing without their VPC."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "canary" {
  bucket = aws_s3_bucket.canary.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "canary" {
  bucket = aws_s3_bucket.canary.id
  policy = local.policy

  depends_on = [aws_s3_bucket_public_access_block.canary]
}

resource "aws_s3_object" "canary" {
  for_each = var.keys

  bucket  = aws_s3_bucket.canary.id
  key     = each.value
  content = each.key
  # A key of KMS would be one more thing that can refuse.
  server_side_encryption = "AES256"
}
