# Hosts on-prem behind Direct Connect: they reach S3 by an interface endpoint, sign their ledgers by KMS and keep copies
# where nobody can change them. Their credentials come from IAM Roles Anywhere or from SSM; the role is there already.

provider "aws" {
  region = var.region
}

module "policy" {
  source = "../../modules/agent-policy"

  direct_connect = true
  kms_key_arn    = module.key.key_arn
  anchor_bucket  = { bucket = var.evidence_bucket, keys = "ledgers/" }
}

module "iam" {
  source = "../../modules/agent-iam"

  role_name   = var.role_name
  policy_json = module.policy.json
}

module "key" {
  source = "../../modules/kms-key"

  signer_role_arns   = [var.role_arn]
  administrator_arns = var.administrator_arns
}

module "evidence" {
  source = "../../modules/evidence-bucket"

  bucket       = var.evidence_bucket
  endpoint_ids = [var.s3_endpoint_id]
}
