output "policy_json" {
  description = "The bucket's policy."
  value       = local.policy
}

output "configuration" {
  description = "For the agent's configuration, as YAML."
  value = yamlencode({
    canary = merge(
      {
        every    = "5m"
        bucket   = var.bucket
        control  = var.keys.control
        positive = var.keys.positive
        negative = var.keys.negative
        endpoint = var.endpoint_id
      },
      { for key, value in { vpc = var.vpc_id } : key => value if value != null },
      { for key, value in { source_ip = true } : key => value if length(var.source_addresses) > 0 },
      { for key, value in { source_addresses = var.source_addresses } : key => value if length(value) > 0 },
    )
  })
}
