variable "name" {
  description = "Name of the flow log, and of what is made for it."
  type        = string
  default     = "pathproof"
}

variable "vpc_id" {
  description = "VPC whose flows are recorded. Give one of vpc_id, subnet_id and network_interface_id."
  type        = string
  default     = null
}

variable "subnet_id" {
  description = "Subnet whose flows are recorded."
  type        = string
  default     = null
}

variable "network_interface_id" {
  description = "Network interface whose flows are recorded."
  type        = string
  default     = null
}

variable "destination" {
  description = "cloud-watch-logs or s3. CloudWatch Logs costs more for each gigabyte and is quicker; large fleets take S3."
  type        = string
  default     = "cloud-watch-logs"

  validation {
    condition     = contains(["cloud-watch-logs", "s3"], var.destination)
    error_message = "destination: expected cloud-watch-logs or s3."
  }
}

variable "log_group_name" {
  description = "Log group that is made for the records."
  type        = string
  default     = "/pathproof/flow"
}

variable "retention_in_days" {
  description = "How long CloudWatch Logs keeps the records."
  type        = number
  default     = 30
}

variable "bucket_arn" {
  description = "ARN of the bucket that takes the records, with a folder if one is wanted (destination s3)."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_arn == null ? true : can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]+(/.*)?$", var.bucket_arn))
    error_message = "bucket_arn: expected arn:aws:s3:::bucket or arn:aws:s3:::bucket/folder."
  }
}

variable "max_aggregation_interval" {
  description = "Seconds over which packets are added up: 60 or 600. Instances of the Nitro system record each minute in any case."
  type        = number
  default     = 60

  validation {
    condition     = contains([60, 600], var.max_aggregation_interval)
    error_message = "max_aggregation_interval: expected 60 or 600."
  }
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
