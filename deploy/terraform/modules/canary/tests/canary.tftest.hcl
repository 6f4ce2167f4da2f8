mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { id = "my-canary" }
  }
}

variables {
  bucket      = "my-canary"
  endpoint_id = "vpce-0123456789abcdef0"
}

run "denies_two_objects_to_the_wrong_side" {
  command = apply

  assert {
    condition     = length(jsondecode(output.policy_json).Statement) == 2
    error_message = "one statement for the positive object, one for the negative"
  }
  assert {
    condition     = length(aws_s3_object.canary) == 3
    error_message = "three objects"
  }
}

run "refuses_addresses_without_their_vpc" {
  command = plan

  variables {
    source_addresses = ["10.0.1.50"]
  }

  expect_failures = [aws_s3_bucket.canary]
}
