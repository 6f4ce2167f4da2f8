mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = { outputs = { Arn = "arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000000" } }
  }
}

variables {
  signer_role_arns   = ["arn:aws:iam::111122223333:role/pathproof"]
  administrator_arns = ["arn:aws:iam::111122223333:role/security"]
}

run "signs_and_nothing_else" {
  command = apply

  assert {
    condition     = jsondecode(aws_cloudformation_stack.key.template_body).Resources.Key.Properties.KeyUsage == "SIGN_VERIFY" && jsondecode(aws_cloudformation_stack.key.template_body).Resources.Key.Properties.KeySpec == "ECC_NIST_EDWARDS25519"
    error_message = "the ledger's signatures are Ed25519"
  }
  assert {
    condition     = alltrue([for s in local.policy.Statement : contains(s.Action, "kms:Sign") ? s.Sid == "Sign" : true]) && !contains(local.policy.Statement[0].Action, "kms:Sign")
    error_message = "none but the agents may sign"
  }
  assert {
    condition     = output.key_arn == "arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000000"
    error_message = "the agents need the key's ARN"
  }
}

run "refuses_a_key_that_nobody_manages" {
  command = plan

  variables {
    administrator_arns = []
  }

  expect_failures = [var.administrator_arns]
}
