variable "bucket" {
  description = "Bucket that is made for the shared snapshot of one account and region."
  type        = string
}

variable "writer_role_arns" {
  description = "Roles that publish the snapshot. Whoever can write it decides what the agents believe of the account."
  type        = list(string)

  validation {
    condition     = length(var.writer_role_arns) > 0
    error_message = "writer_role_arns: expected at least one role."
  }
}

variable "endpoint_ids" {
  description = "Endpoints of S3 by which agents read and the writer writes."
  type        = list(string)

  validation {
    condition     = length(var.endpoint_ids) > 0
    error_message = "endpoint_ids: expected at least one vpce- id."
  }
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
