import { partitionOfRegion } from '../../aws/partitions.ts'
import type { Config } from '../config/config.ts'
import type { IamFeature } from './iam.ts'

/** That of the targets' region; where none is named, the largest. */
function partitionOf({ targets }: Config): string {
  return partitionOfRegion(targets.flatMap(({ region }) => region ?? [])[0] ?? '')?.id ?? 'aws'
}

/** With a role the records are read by it, and the agent's own policy only lets it be taken on. */
const reads = ({ flowLogs }: Config): boolean => flowLogs.enabled && flowLogs.roleArn === null

/**
 * What reading flow records and CloudWatch's metrics takes. Where the configuration names the log group or bucket, only that;
 * else any log group that a flow log may deliver to, and in any bucket the files that flow logs have written.
 */
export const recordsFeatures: readonly IamFeature[] = [
  {
    sid: 'PathproofReadFlowLogs',
    purpose: 'reading flow records in CloudWatch Logs (flow_logs)',
    actions: ['logs:FilterLogEvents'],
    resources(config) {
      const { logGroup } = config.flowLogs
      return [`arn:${partitionOf(config)}:logs:*:*:log-group:${logGroup ?? '*'}:*`]
    },
    enabled: (config) => reads(config) && config.flowLogs.s3 === null,
  },
  {
    sid: 'PathproofListFlowLogFiles',
    purpose: 'finding files of flow records in S3 (flow_logs)',
    actions: ['s3:ListBucket'],
    resources: (config) => [`arn:${partitionOf(config)}:s3:::${config.flowLogs.s3?.bucket ?? '*'}`],
    enabled: (config) => reads(config) && config.flowLogs.logGroup === null,
  },
  {
    sid: 'PathproofReadFlowLogFiles',
    purpose: 'reading files of flow records in S3 (flow_logs)',
    actions: ['s3:GetObject'],
    resources(config) {
      const { s3 } = config.flowLogs
      const folder = s3 === null ? '*' : s3.prefix === null ? '' : `${s3.prefix}/`
      return [`arn:${partitionOf(config)}:s3:::${s3?.bucket ?? '*'}/${folder}AWSLogs/*`]
    },
    enabled: (config) => reads(config) && config.flowLogs.logGroup === null,
  },
  {
    sid: 'PathproofAssumeFlowLogRole',
    purpose: 'reading flow records of another account (flow_logs with role_arn)',
    actions: ['sts:AssumeRole'],
    resources: ({ flowLogs }) => (flowLogs.roleArn === null ? [] : [flowLogs.roleArn]),
    enabled: ({ flowLogs }) => flowLogs.enabled && flowLogs.roleArn !== null,
  },
  {
    sid: 'PathproofReadMetrics',
    purpose: "CloudWatch's metrics of endpoints and NAT gateways (cloudwatch)",
    // GetMetricData has no resource-level permissions (Service Authorization Reference, "Amazon CloudWatch")
    actions: ['cloudwatch:GetMetricData'],
    enabled: ({ cloudwatch }) => cloudwatch !== null,
  },
]
