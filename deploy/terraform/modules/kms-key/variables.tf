variable "name" {
  description = "Name of the stack that makes the key, and alias of the key (without alias/)."
  type        = string
  default     = "pathproof-ledger"
}

variable "signer_role_arns" {
  description = "Roles of the agents that sign with it."
  type        = list(string)

  validation {
    condition     = length(var.signer_role_arns) > 0
    error_message = "signer_role_arns: expected at least one role."
  }
}

variable "administrator_arns" {
  description = "Who may manage the key. They can't sign."
  type        = list(string)

  validation {
    condition     = length(var.administrator_arns) > 0
    error_message = "administrator_arns: expected at least one; a key that nobody manages can't be got rid of."
  }
}

variable "deletion_window_in_days" {
  description = "Days between asking for its deletion and the deletion. What it signed stays verifiable by its public key."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of the key."
  type        = map(string)
  default     = {}
}
