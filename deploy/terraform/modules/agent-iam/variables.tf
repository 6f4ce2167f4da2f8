variable "name" {
  description = "Name of the policy, and of role and instance profile where these are made."
  type        = string
  default     = "pathproof"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "name: expected 1 to 64 of the characters that IAM takes: letters, digits, + = , . @ _ -"
  }
}

variable "policy_json" {
  description = "The policy: the output of modules/agent-policy, or what `pathproof config iam` prints."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy_json).Statement)
    error_message = "policy_json: expected an IAM policy as JSON."
  }
}

variable "role_name" {
  description = "Role to which the policy is attached, which the host has already; null: a role and an instance profile for EC2 are made."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the role that is made; null: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
