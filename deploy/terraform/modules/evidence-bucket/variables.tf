variable "bucket" {
  description = "Bucket that is made for sealed segments and checkpoints of ledgers."
  type        = string
}

variable "endpoint_ids" {
  description = "Endpoints of S3 by which the agents write. Nobody writes by another way."
  type        = list(string)

  validation {
    condition     = length(var.endpoint_ids) > 0 && alltrue([for id in var.endpoint_ids : can(regex("^vpce-[0-9a-f]{8,17}$", id))])
    error_message = "endpoint_ids: expected at least one vpce- id."
  }
}

variable "retention_days" {
  description = "How long nobody can change or delete an object. PCI DSS asks for 12 months of audit logs."
  type        = number
  default     = 400

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 36500
    error_message = "retention_days: expected 1 to 36500."
  }
}

variable "mode" {
  description = "COMPLIANCE: nobody can shorten it, not even the account's root. GOVERNANCE: who has the permission can."
  type        = string
  default     = "COMPLIANCE"

  validation {
    condition     = contains(["COMPLIANCE", "GOVERNANCE"], var.mode)
    error_message = "mode: expected COMPLIANCE or GOVERNANCE."
  }
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
