variable "region" {
  description = "Region of the endpoint."
  type        = string
  default     = "eu-west-1"
}

variable "role_name" {
  description = "Role of the hosts."
  type        = string
}

variable "role_arn" {
  description = "Its ARN."
  type        = string
}

variable "administrator_arns" {
  description = "Who manages the ledger's key."
  type        = list(string)
}

variable "s3_endpoint_id" {
  description = "Interface endpoint for S3 by which the hosts write their evidence."
  type        = string
}

variable "evidence_bucket" {
  description = "Name of the bucket that is made for it."
  type        = string
}
