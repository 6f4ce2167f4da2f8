mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/pathproof/flow" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/pathproof-flow-log" }
  }
}

run "to_logs" {
  command = apply

  variables {
    vpc_id = "vpc-0123456789abcdef0"
  }

  assert {
    condition     = strcontains(aws_flow_log.this.log_format, "$${traffic-path}") && aws_flow_log.this.traffic_type == "ALL"
    error_message = "without traffic-path an endpoint can't be told from an internet gateway"
  }
  assert {
    condition     = aws_flow_log.this.max_aggregation_interval == 60 && output.log_group_name == "/pathproof/flow"
    error_message = "the records must come within minutes, to a log group of their own"
  }
}

run "to_s3" {
  command = apply

  variables {
    subnet_id   = "subnet-0123456789abcdef0"
    destination = "s3"
    bucket_arn  = "arn:aws:s3:::my-flow-logs/vpc"
  }

  assert {
    condition     = length(aws_iam_role.delivery) == 0 && output.log_group_name == null
    error_message = "delivery to S3 takes no role and no log group"
  }
}

run "refuses_two_places" {
  command = plan

  variables {
    vpc_id    = "vpc-0123456789abcdef0"
    subnet_id = "subnet-0123456789abcdef0"
  }

  expect_failures = [aws_flow_log.this]
}
