run "reads_and_no_more" {
  command = apply

  variables {
    flow_logs = {}
  }

  assert {
    condition     = alltrue([for s in jsondecode(output.json).Statement : alltrue([for a in s.Action : can(regex("^(ec2:(Describe|Get)|logs:FilterLogEvents$|s3:(ListBucket|GetObject)$)", a))])])
    error_message = "reading asks for more than reading"
  }
}

run "puts_metrics_only_into_its_namespace" {
  command = apply

  variables {
    cloudwatch_namespace = "pathproof"
  }

  assert {
    condition     = one([for s in jsondecode(output.json).Statement : s if s.Sid == "PathproofPutMetrics"]).Condition.StringEquals["cloudwatch:namespace"] == "pathproof"
    error_message = "PutMetricData must be bounded by its namespace"
  }
}

run "refuses_an_alias_for_the_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/pathproof"
  }

  expect_failures = [var.kms_key_arn]
}
