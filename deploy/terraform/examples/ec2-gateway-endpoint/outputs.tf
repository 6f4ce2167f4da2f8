output "instance_profile" {
  description = "For the hosts."
  value       = module.iam.instance_profile_name
}

output "configuration" {
  description = "What the agents' configuration needs beside the defaults."
  value       = module.canary.configuration
}
