locals {
  policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administer"
        Effect    = "Allow"
        Principal = { AWS = var.administrator_arns }
        Action = [
          "kms:CancelKeyDeletion", "kms:DescribeKey", "kms:DisableKey", "kms:EnableKey", "kms:GetKeyPolicy", "kms:GetPublicKey",
          "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
          "kms:UpdateKeyDescription", "kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias",
        ]
        Resource = "*"
      },
      {
        Sid       = "Sign"
        Effect    = "Allow"
        Principal = { AWS = var.signer_role_arns }
        Action    = ["kms:Sign"]
        Resource  = "*"
        Condition = { StringEquals = { "kms:SigningAlgorithm" = "ED25519_SHA_512" } }
      },
      {
        Sid       = "ReadPublicKey"
        Effect    = "Allow"
        Principal = { AWS = var.signer_role_arns }
        Action    = ["kms:GetPublicKey"]
        Resource  = "*"
      },
    ]
  }
}

# By CloudFormation: aws_kms_key of the provider's version 5 does not know the key spec yet.
resource "aws_cloudformation_stack" "key" {
  name = var.name
  template_body = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Resources = {
      Key = {
        Type                = "AWS::KMS::Key"
        DeletionPolicy      = "Retain"
        UpdateReplacePolicy = "Retain"
        Properties = {
          Description         = "Signs the checkpoints of pathproof's ledgers"
          KeySpec             = "ECC_NIST_EDWARDS25519"
          KeyUsage            = "SIGN_VERIFY"
          PendingWindowInDays = var.deletion_window_in_days
          KeyPolicy           = local.policy
        }
      }
    }
    Outputs = { Arn = { Value = { "Fn::GetAtt" = ["Key", "Arn"] } } }
  })
  tags = var.tags
}

resource "aws_kms_alias" "ledger" {
  name          = "alias/${var.name}"
  target_key_id = aws_cloudformation_stack.key.outputs["Arn"]
}
