# The least policy for what is switched on: the same statements as `pathproof config iam` prints for the configuration.
# Nothing here needs a provider.

locals {
  s3   = "arn:${var.partition}:s3:::"
  logs = "arn:${var.partition}:logs:*:*:log-group:"

  reads_flow_logs = var.flow_logs == null ? false : var.flow_logs.role_arn == null
  flow_group      = var.flow_logs == null ? null : var.flow_logs.log_group
  flow_bucket     = var.flow_logs == null ? null : var.flow_logs.bucket
  flow_prefix     = var.flow_logs == null ? null : var.flow_logs.prefix
  flow_role       = var.flow_logs == null ? null : var.flow_logs.role_arn
  flow_folder     = local.flow_bucket == null ? "*" : local.flow_prefix == null ? "" : "${local.flow_prefix}/"

  # Each: whether it is wanted, its id, its actions, its resources.
  all = [
    {
      on  = var.account
      sid = "PathproofReadAccount"
      actions = [
        "ec2:DescribeFlowLogs",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeManagedPrefixLists",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpcs",
        "ec2:GetManagedPrefixListEntries",
      ]
      # EC2's Describe actions have no resource-level permissions.
      resources = ["*"]
    },
    {
      on  = var.account && var.posture
      sid = "PathproofReadPosture"
      actions = [
        "ec2:DescribeEgressOnlyInternetGateways",
        "ec2:DescribeVpcBlockPublicAccessExclusions",
        "ec2:DescribeVpcBlockPublicAccessOptions",
      ]
      resources = ["*"]
    },
    {
      on        = length(var.shared_snapshot_objects) > 0
      sid       = "PathproofReadSharedSnapshot"
      actions   = ["s3:GetObject"]
      resources = var.shared_snapshot_objects
    },
    {
      on        = length(var.further_account_role_arns) > 0
      sid       = "PathproofAssumeRoles"
      actions   = ["sts:AssumeRole"]
      resources = sort(distinct(var.further_account_role_arns))
    },
    {
      on        = local.reads_flow_logs && local.flow_bucket == null
      sid       = "PathproofReadFlowLogs"
      actions   = ["logs:FilterLogEvents"]
      resources = ["${local.logs}${coalesce(local.flow_group, "*")}:*"]
    },
    {
      on        = local.reads_flow_logs && local.flow_group == null
      sid       = "PathproofListFlowLogFiles"
      actions   = ["s3:ListBucket"]
      resources = ["${local.s3}${coalesce(local.flow_bucket, "*")}"]
    },
    {
      on        = local.reads_flow_logs && local.flow_group == null
      sid       = "PathproofReadFlowLogFiles"
      actions   = ["s3:GetObject"]
      resources = ["${local.s3}${coalesce(local.flow_bucket, "*")}/${local.flow_folder}AWSLogs/*"]
    },
    {
      on        = local.flow_role != null
      sid       = "PathproofAssumeFlowLogRole"
      actions   = ["sts:AssumeRole"]
      resources = compact([local.flow_role])
    },
    {
      on        = var.cloudwatch_read
      sid       = "PathproofReadMetrics"
      actions   = ["cloudwatch:GetMetricData"]
      resources = ["*"]
    },
    {
      on        = var.canary != null
      sid       = "PathproofCanaryObjects"
      actions   = ["s3:GetObject"]
      resources = var.canary == null ? [] : [for key in [var.canary.control, var.canary.positive, var.canary.negative] : "${local.s3}${var.canary.bucket}/${key}"]
    },
    {
      on        = var.canary != null
      sid       = "PathproofCanaryPolicy"
      actions   = ["s3:GetBucketPolicy"]
      resources = var.canary == null ? [] : ["${local.s3}${var.canary.bucket}"]
    },
    {
      on        = var.direct_connect
      sid       = "PathproofDirectConnect"
      actions   = ["directconnect:DescribeVirtualInterfaces", "directconnect:ListVirtualInterfaceRoutes"]
      resources = ["*"]
    },
    {
      on        = length(var.cloudtrail_actions) > 0
      sid       = "PathproofCloudTrail"
      actions   = sort(distinct(concat(["cloudtrail:LookupEvents"], var.cloudtrail_actions)))
      resources = ["*"]
    },
    {
      on        = var.kms_key_arn != null
      sid       = "PathproofSignLedger"
      actions   = ["kms:GetPublicKey", "kms:Sign"]
      resources = compact([var.kms_key_arn])
    },
    {
      on        = var.anchor_log_group != null
      sid       = "PathproofAnchorCheckpoints"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = var.anchor_log_group == null ? [] : ["${local.logs}${var.anchor_log_group}:*"]
    },
    {
      on        = var.anchor_bucket != null
      sid       = "PathproofAnchorSegments"
      actions   = var.anchor_bucket == null ? [] : concat(["s3:PutObject"], var.anchor_bucket.object_lock ? ["s3:PutObjectRetention"] : [])
      resources = var.anchor_bucket == null ? [] : ["${local.s3}${var.anchor_bucket.bucket}/${var.anchor_bucket.keys}*"]
    },
  ]

  statements = [
    for s in local.all : {
      Sid      = s.sid
      Effect   = "Allow"
      Action   = s.actions
      Resource = s.resources
    } if s.on
  ]

  # PutMetricData has no resource-level permissions; its namespace is what can be bounded.
  metrics = var.cloudwatch_namespace == null ? [] : [{
    Sid       = "PathproofPutMetrics"
    Effect    = "Allow"
    Action    = ["cloudwatch:PutMetricData"]
    Resource  = ["*"]
    Condition = { StringEquals = { "cloudwatch:namespace" = var.cloudwatch_namespace } }
  }]
}
