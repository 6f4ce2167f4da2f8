output "json" {
  description = "The policy as JSON."
  # Encoded one by one: statements with and without a condition are of different types.
  value = format("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", join(",", concat(
    [for s in local.statements : jsonencode(s)],
    [for s in local.metrics : jsonencode(s)],
  )))
}
