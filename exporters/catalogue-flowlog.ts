import { metric } from './metric.ts'

export const flowAttemptResults = [
  'confirmed',
  'contradicted',
  'no_record',
  'unavailable',
  'ambiguous',
  'overflow',
] as const
/** Why a flow log could not be read, or not whole: a bound was reached, or a file or line was not what it should be. */
export const flowErrorReasons = [
  'denied',
  'throttled',
  'credentials',
  'unreachable',
  'timeout',
  'missing',
  'invalid',
  'failed',
  'truncated',
  'bad_file',
  'bad_line',
] as const
/** AWS's names of services in flow records (VPC guide, `pkt-dst-aws-service`), and what is none of them. */
export const flowServices = [
  ...['AMAZON', 'AMAZON_APPFLOW', 'AMAZON_CONNECT', 'API_GATEWAY', 'CHIME_MEETINGS', 'CHIME_VOICECONNECTOR'],
  ...['CLOUD9', 'CLOUDFRONT', 'CODEBUILD', 'DYNAMODB', 'EBS', 'EC2', 'EC2_INSTANCE_CONNECT'],
  ...['GLOBALACCELERATOR', 'KINESIS_VIDEO_STREAMS', 'ROUTE53', 'ROUTE53_HEALTHCHECKS'],
  ...['ROUTE53_HEALTHCHECKS_PUBLISHING', 'ROUTE53_RESOLVER', 'S3', 'WORKSPACES_GATEWAYS', 'none', 'other'],
] as const
const onFlows = ['service', 'traffic_path', 'next_hop_type', 'action'] as const
const flowLabelValues = {
  service: flowServices,
  traffic_path: ['1', '2', '3', '4', '5', '6', '7', '8', 'none', 'other'],
  next_hop_type: [
    ...['vpc_endpoint', 'nat_gateway', 'regional_nat_gateway', 'network_load_balancer', 'transit_gateway'],
    ...['none', 'other'],
  ],
  action: ['accept', 'reject', 'none', 'other'],
} as const

/** The metrics of flow logs. */
export const flowlogCatalogue = [
  metric(
    'pathproof_flowlog_lag_seconds',
    'gauge',
    'process',
    [],
    'Age of the youngest flow record that was read. NaN before the first.',
  ),
  metric(
    'pathproof_flowlog_attempts_total',
    'counter',
    'process',
    ['result'],
    'Own attempts that were looked for in flow logs, by result.',
    { result: flowAttemptResults },
  ),
  metric(
    'pathproof_flowlog_flows_total',
    'counter',
    'process',
    onFlows,
    'Flows out of the network interfaces of this host, those of all programs, as flow logs counted them.',
    flowLabelValues,
  ),
  metric(
    'pathproof_flowlog_bytes_total',
    'counter',
    'process',
    onFlows,
    'Bytes of the flows out of the network interfaces of this host, as flow logs counted them.',
    flowLabelValues,
  ),
  metric(
    'pathproof_flowlog_errors_total',
    'counter',
    'process',
    ['reason'],
    'Readings of a flow log that failed or left something out, by reason.',
    { reason: flowErrorReasons },
  ),
  metric(
    'pathproof_flowlog_interfaces',
    'gauge',
    'process',
    ['state'],
    'Network interfaces at which packets of own attempts can be seen: with a flow log that can be read, and without.',
    { state: ['covered', 'uncovered'] },
  ),
  metric(
    'pathproof_flowlog_covered_seconds',
    'gauge',
    'process',
    [],
    'Time of the last 24 hours whose flow records have all been counted as far as is known.',
  ),
  metric(
    'pathproof_clock_offset_seconds',
    'gauge',
    'process',
    [],
    "By how much AWS's clock is ahead of this host's, by the dates of its answers. Beyond 60 s no flow record confirms. NaN while not known.",
  ),
] as const
