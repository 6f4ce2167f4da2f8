/**
 * What a scenario says of AWS's records: which flow logs there are, how badly they are kept, what else goes over the
 * network, and how late CloudTrail and CloudWatch are. Plain data that survives JSON; durations in seconds.
 */

/** A flow log as `CreateFlowLogs` made it, and how well it is kept. Belongs to the world: its API lists it. */
export interface FlowLog {
  /** `fl-0a000001` */
  id: string
  /** `eni-…`, `subnet-…`, `vpc-…`, or `nat-…` of a regional NAT gateway. */
  resource: string
  trafficType: 'ALL' | 'ACCEPT' | 'REJECT'
  destination: FlowDestination
  /** `${field-name}` tokens, blanks between; null: the 14 fields of version 2. */
  format: string | null
  /** `MaxAggregationInterval`; a window never crosses a multiple of it. */
  aggregationSeconds: 60 | 600
  /** From a window's end to the record's arrival. AWS: about 5 min to CloudWatch Logs, 10 min to S3, at best. */
  deliverySeconds: number
  /** Each record is up to so much later than that, so that they arrive in disorder. */
  jitterSeconds: number
  /** Unix milliseconds; nothing is captured before. */
  createdMs: number
  /** `FAILED`: nothing is delivered any more. */
  status: 'SUCCESS' | 'FAILED'
  /** `Access error`, `Rate limited`, `Unknown error`; null: none. */
  error: string | null
  /** Share of records that never arrive and leave no trace, 0 to 1. */
  lost: number
  /** Share of records that arrive twice. */
  doubled: number
  /** Share of windows of one interface that end in a SKIPDATA line. */
  skipped: number
  /** Share of the records of such a window that the line stands for. */
  skippedHides: number
  /** NODATA lines for windows of an interface without traffic. */
  noData: boolean
  /** Records that say what is not so. The first one that fits counts. */
  wrong: WrongRecord[]
}

export type FlowDestination =
  | { type: 'cloud-watch-logs'; group: string }
  | {
      type: 's3'
      bucket: string
      /** Folder in front of `AWSLogs/`, without slashes at its ends; may be empty. */
      prefix: string
      /** `aws-account-id=…/aws-service=vpcflowlogs/aws-region=…/year=…/month=…/day=…/` */
      hive: boolean
      /** A folder per hour. */
      hourly: boolean
    }

/** Lies of the metadata, which AWS calls best effort. */
export interface WrongRecord {
  /** Of the packet; the record of either direction. */
  remote: string
  interface: string | null
  direction: 'egress' | 'ingress' | null
  /** Field name → text, `-` included. */
  fields: Record<string, string>
}

/** Another program's connections from an interface of the world, at a steady pace. */
export interface WorkloadFlow {
  /** ENI that they leave by. */
  interface: string
  /** Null: the interface's primary address. */
  source: string | null
  /** An address, or a CIDR out of which each connection takes one. */
  destination: string
  port: number
  /** IANA number: 6, 17. */
  protocol: number
  /** One connection each so many seconds. */
  everySeconds: number
  /** Of each direction, per connection. */
  bytes: number
}

/** How the world's network is seen by flow logs. Not of one log. */
export interface FlowPlan {
  /** The same seed: the same losses, delays, ports and event ids. */
  seed: number
  /** False: the host's instance type has no Nitro, and its records say 2 for both 7 and 8. */
  nitro: boolean
  /** NAT gateways put a port of their own on the outer leg, or leave the client's. */
  natPorts: 'changed' | 'kept'
  /** `traffic-path` of what goes to a transit gateway or a core network, on which AWS's texts say nothing. */
  transitPath: '1' | '-'
  /** Spelling of `vpc_endpoint` and its like in `interface-type` and `next-hop-interface-type`. */
  typeSpelling: 'underscore' | 'hyphen'
  workload: WorkloadFlow[]
}

export const usualFlowPlan: FlowPlan = {
  seed: 1,
  nitro: true,
  natPorts: 'changed',
  transitPath: '1',
  typeSpelling: 'underscore',
  workload: [],
}

/** The set of fields that lets path classes be told apart. */
export const fullFormat =
  '${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${pkt-srcaddr} ${pkt-dstaddr} ${tcp-flags} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path} ${reject-reason} ${interface-type} ${next-hop-interface-id} ${next-hop-interface-type} ${next-hop-vpc-id} ${resource-id}'

/** The usual log: all traffic of one resource to a group of CloudWatch Logs, each minute, five minutes late. */
export function usualFlowLog(id: string, resource: string): FlowLog {
  return {
    id,
    resource,
    trafficType: 'ALL',
    destination: { type: 'cloud-watch-logs', group: '/vpc/flow' },
    format: fullFormat,
    aggregationSeconds: 60,
    deliverySeconds: 300,
    jitterSeconds: 0,
    createdMs: 0,
    status: 'SUCCESS',
    error: null,
    lost: 0,
    doubled: 0,
    skipped: 0,
    skippedHides: 1,
    noData: true,
    wrong: [],
  }
}

/** CloudTrail as a scenario wants it. */
export interface TrailOptions {
  /** From a call to its appearance in `LookupEvents`. */
  latenessSeconds: number
  /** Event sources (`kms.amazonaws.com`) whose records never have `vpcEndpointId`. */
  withoutEndpoint: string[]
  /** Share of calls that never appear. */
  lost: number
  /** `LookupEvents` per second and account before it is throttled. */
  requestsPerSecond: number
}

export const usualTrail: TrailOptions = {
  latenessSeconds: 300,
  withoutEndpoint: [],
  lost: 0,
  requestsPerSecond: 2,
}

/** CloudWatch's own metrics as a scenario wants them. */
export interface MetricsOptions {
  /** From the end of a minute to its appearance. */
  latenessSeconds: number
}

export const usualMetrics: MetricsOptions = { latenessSeconds: 120 }
