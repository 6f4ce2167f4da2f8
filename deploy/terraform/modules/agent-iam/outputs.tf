output "policy_arn" {
  description = "ARN of the policy."
  value       = aws_iam_policy.agent.arn
}

output "role_name" {
  description = "Role that has the policy."
  value       = aws_iam_role_policy_attachment.agent.role
}

output "instance_profile_name" {
  description = "Instance profile for the hosts; null where the role was there before."
  value       = one(aws_iam_instance_profile.agent[*].name)
}
