variable "bucket" {
  description = "Bucket that is made for the canary. Nothing else belongs into it."
  type        = string
}

variable "endpoint_id" {
  description = "The gateway or interface endpoint of S3 that the requests have to come by."
  type        = string

  validation {
    condition     = can(regex("^vpce-[0-9a-f]{8,17}$", var.endpoint_id))
    error_message = "endpoint_id: expected vpce- and hexadecimal digits."
  }
}

variable "vpc_id" {
  description = "VPC that the requests have to come from; null: any that the endpoint serves."
  type        = string
  default     = null
}

variable "source_addresses" {
  description = "Private addresses of the hosts (canary.source_ip); needs vpc_id. Empty: not looked at."
  type        = list(string)
  default     = []
}

variable "keys" {
  description = "Keys of the three objects."
  type = object({
    control  = optional(string, "control")
    positive = optional(string, "positive")
    negative = optional(string, "negative")
  })
  default = {}
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
