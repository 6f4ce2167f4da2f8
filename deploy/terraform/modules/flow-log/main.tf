locals {
  to_logs = var.destination == "cloud-watch-logs"

  # The fields by which an endpoint can be told from an internet gateway. AWS's default format of 14 fields can't.
  fields = [
    "version", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end",
    "action", "log-status", "pkt-srcaddr", "pkt-dstaddr", "tcp-flags", "pkt-dst-aws-service", "flow-direction", "traffic-path",
    "reject-reason", "interface-type", "next-hop-interface-id", "next-hop-interface-type", "next-hop-vpc-id", "resource-id",
  ]
  format = join(" ", [for f in local.fields : "$${${f}}"])
}

resource "aws_flow_log" "this" {
  vpc_id    = var.vpc_id
  subnet_id = var.subnet_id
  eni_id    = var.network_interface_id

  # Both: a packet that was refused says as much as one that passed.
  traffic_type             = "ALL"
  max_aggregation_interval = var.max_aggregation_interval
  log_format               = local.format

  log_destination_type = var.destination
  log_destination      = local.to_logs ? aws_cloudwatch_log_group.this[0].arn : var.bucket_arn
  iam_role_arn         = local.to_logs ? aws_iam_role.delivery[0].arn : null

  dynamic "destination_options" {
    for_each = local.to_logs ? [] : [1]
    content {
      file_format                = "parquet"
      hive_compatible_partitions = false
      per_hour_partition         = true
    }
  }

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    precondition {
      condition     = length([for id in [var.vpc_id, var.subnet_id, var.network_interface_id] : id if id != null]) == 1
      error_message = "Give one of vpc_id, subnet_id and network_interface_id."
    }
    precondition {
      condition     = local.to_logs || var.bucket_arn != null
      error_message = "destination s3 needs bucket_arn."
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count = local.to_logs ? 1 : 0

  name              = var.log_group_name
  retention_in_days = var.retention_in_days
  tags              = var.tags
}

resource "aws_iam_role" "delivery" {
  count = local.to_logs ? 1 : 0

  name = "${var.name}-flow-log"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "delivery" {
  count = local.to_logs ? 1 : 0

  name = "deliver"
  role = aws_iam_role.delivery[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"]
      Resource = ["${aws_cloudwatch_log_group.this[0].arn}:*"]
    }]
  })
}
