mock_provider "aws" {
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::111122223333:policy/pathproof" }
  }
}

variables {
  policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
}

run "makes_a_role_for_ec2" {
  command = apply

  assert {
    condition     = jsondecode(aws_iam_role.agent[0].assume_role_policy).Statement[0].Principal.Service == "ec2.amazonaws.com"
    error_message = "only EC2 may take the role on"
  }
  assert {
    condition     = output.instance_profile_name == "pathproof"
    error_message = "there is no instance profile"
  }
}

run "attaches_to_a_role_that_is_there" {
  command = apply

  variables {
    role_name = "web"
  }

  assert {
    condition     = length(aws_iam_role.agent) == 0 && output.role_name == "web" && output.instance_profile_name == null
    error_message = "nothing but the policy is made for a role that is there"
  }
}

run "refuses_what_is_no_policy" {
  command = plan

  variables {
    policy_json = "allow everything"
  }

  expect_failures = [var.policy_json]
}
