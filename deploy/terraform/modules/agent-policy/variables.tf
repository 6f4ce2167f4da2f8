variable "partition" {
  description = "Partition of the ARNs: aws, aws-cn, aws-us-gov, ..."
  type        = string
  default     = "aws"

  validation {
    condition     = can(regex("^aws(-[a-z]+)*$", var.partition))
    error_message = "partition: expected aws, aws-cn, aws-us-gov or another AWS partition."
  }
}

variable "account" {
  description = "The agent reads the account by the EC2 API (topology.source: aws)."
  type        = bool
  default     = true
}

variable "posture" {
  description = "The agent looks at the posture of the account (posture.enabled)."
  type        = bool
  default     = true
}

variable "shared_snapshot_objects" {
  description = "ARNs of shared snapshots that are read instead (topology.source: s3), with their keys."
  type        = list(string)
  default     = []
}

variable "further_account_role_arns" {
  description = "Roles in further accounts whose endpoints are read (topology.also)."
  type        = list(string)
  default     = []
}

variable "flow_logs" {
  description = <<-EOT
    Flow records as evidence (flow_logs); null: not read. {}: the agent finds the flow logs by itself;
    name one of them to allow no more than that. role_arn: a role in another account that reads them.
  EOT
  type = object({
    log_group = optional(string)
    bucket    = optional(string)
    prefix    = optional(string)
    role_arn  = optional(string)
  })
  default = null

  validation {
    condition     = var.flow_logs == null ? true : !(var.flow_logs.log_group != null && var.flow_logs.bucket != null)
    error_message = "flow_logs: name log_group or bucket, not both."
  }
}

variable "cloudwatch_read" {
  description = "CloudWatch's metrics of endpoints and NAT gateways (cloudwatch). They cost money."
  type        = bool
  default     = false
}

variable "cloudwatch_namespace" {
  description = "Namespace of the custom metrics that the agent puts (exporters.cloudwatch); null: none. They cost money."
  type        = string
  default     = null
}

variable "canary" {
  description = "Bucket and keys of the canary (canary); null: none."
  type = object({
    bucket   = string
    control  = string
    positive = string
    negative = string
  })
  default = null
}

variable "direct_connect" {
  description = "Virtual interfaces and their routes, for the first leg (direct_connect)."
  type        = bool
  default     = false
}

variable "cloudtrail_actions" {
  description = "Management calls that are the witnesses of cloudtrail, as `pathproof config iam` prints them for the services that are watched; empty: none."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key that signs the ledger (ledger.kms_key); null: none."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[^:]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, not of an alias."
  }
}

variable "anchor_log_group" {
  description = "Log group for the ledger's checkpoints (ledger.anchors.cloudwatch_logs); null: none."
  type        = string
  default     = null
}

variable "anchor_bucket" {
  description = "Bucket for the ledger's sealed segments and checkpoints (ledger.anchors.s3); null: none. keys: what the keys begin with, with a slash at the end."
  type = object({
    bucket      = string
    keys        = optional(string, "")
    object_lock = optional(bool, true)
  })
  default = null
}
