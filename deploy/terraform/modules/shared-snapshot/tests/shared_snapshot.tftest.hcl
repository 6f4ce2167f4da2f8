mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { id = "my-snapshots" }
  }
}

variables {
  bucket           = "my-snapshots"
  writer_role_arns = ["arn:aws:iam::111122223333:role/pathproof-writer"]
  endpoint_ids     = ["vpce-0123456789abcdef0"]
}

run "only_the_writer_writes" {
  command = apply

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.snapshot.policy).Statement[2].Condition.ArnNotEquals["aws:PrincipalArn"][0] == var.writer_role_arns[0]
    error_message = "nobody else may put a snapshot there"
  }
}

run "refuses_to_go_without_a_writer" {
  command = plan

  variables {
    writer_role_arns = []
  }

  expect_failures = [var.writer_role_arns]
}
