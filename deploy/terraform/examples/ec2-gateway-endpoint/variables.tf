variable "region" {
  description = "Region of the VPC."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_id" {
  description = "VPC of the hosts."
  type        = string
}

variable "s3_endpoint_id" {
  description = "Its gateway endpoint for S3."
  type        = string
}

variable "canary_bucket" {
  description = "Name of the bucket that is made for the canary."
  type        = string
}
