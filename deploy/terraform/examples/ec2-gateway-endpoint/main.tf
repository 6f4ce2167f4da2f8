# Hosts in a VPC with a gateway endpoint for S3: the agent reads the account and the flow records, a canary attests.

provider "aws" {
  region = var.region
}

module "flow_log" {
  source = "../../modules/flow-log"

  vpc_id = var.vpc_id
}

module "canary" {
  source = "../../modules/canary"

  bucket      = var.canary_bucket
  endpoint_id = var.s3_endpoint_id
  vpc_id      = var.vpc_id
}

module "policy" {
  source = "../../modules/agent-policy"

  flow_logs = { log_group = module.flow_log.log_group_name }
  canary    = { bucket = var.canary_bucket, control = "control", positive = "positive", negative = "negative" }
}

module "iam" {
  source = "../../modules/agent-iam"

  policy_json = module.policy.json
}
