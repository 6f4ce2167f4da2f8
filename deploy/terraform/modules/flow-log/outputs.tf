output "flow_log_id" {
  description = "The flow log."
  value       = aws_flow_log.this.id
}

output "format" {
  description = "Its format, for flow_logs.format where the agent can't look it up."
  value       = local.format
}

output "log_group_name" {
  description = "Log group of the records; null where they go to S3."
  value       = one(aws_cloudwatch_log_group.this[*].name)
}
