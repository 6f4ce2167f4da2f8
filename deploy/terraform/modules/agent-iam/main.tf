resource "aws_iam_policy" "agent" {
  name        = var.name
  description = "What pathproof asks AWS for: no more than reading, and putting its evidence where it was told to"
  policy      = var.policy_json
  tags        = var.tags
}

resource "aws_iam_role" "agent" {
  count = var.role_name == null ? 1 : 0

  name                 = var.name
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
  tags = var.tags
}

resource "aws_iam_instance_profile" "agent" {
  count = var.role_name == null ? 1 : 0

  name = var.name
  role = aws_iam_role.agent[0].name
  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "agent" {
  role       = var.role_name == null ? aws_iam_role.agent[0].name : var.role_name
  policy_arn = aws_iam_policy.agent.arn
}
