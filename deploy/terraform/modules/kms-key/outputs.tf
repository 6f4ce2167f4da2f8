output "key_arn" {
  description = "For ledger.kms_key."
  value       = aws_cloudformation_stack.key.outputs["Arn"]
}
