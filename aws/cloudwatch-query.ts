/**
 * What is asked of CloudWatch and what it gave. Plain data that survives JSON. Names and dimensions: PrivateLink guide,
 * "CloudWatch metrics for AWS PrivateLink"; VPC guide, "NAT gateway metrics and dimensions".
 */
import type { RecordsFailure } from './flow-query.ts'

/** An interface endpoint; CloudWatch gives nothing unless all its dimensions are named. */
export interface MetricsEndpoint {
  endpointId: string
  serviceName: string
  vpcId: string
}

export interface MetricsQuery {
  endpoints: MetricsEndpoint[]
  natGatewayIds: string[]
  /** Unix milliseconds, whole minutes; `toMs` not included. */
  fromMs: number
  toMs: number
}

/** The sums that are asked for: of an endpoint, and of a NAT gateway. */
export const endpointMetricNames = ['NewConnections', 'BytesProcessed'] as const
export const natMetricNames = ['ConnectionAttemptCount', 'BytesOutToDestination'] as const

export type EndpointMetricName = (typeof endpointMetricNames)[number]
export type NatMetricName = (typeof natMetricNames)[number]

/**
 * Points of one metric, one minute each, in the order of time. CloudWatch has points only where there was traffic, and
 * publishes them minutes late: a minute without a point is not a zero.
 */
export type MetricSeries = { points: { atMs: number; sum: number }[] } & (
  | { of: 'endpoint'; id: string; metric: EndpointMetricName }
  | { of: 'nat_gateway'; id: string; metric: NatMetricName }
)

export interface MetricsResult {
  series: MetricSeries[]
  /** Minutes asked for: the bounds that were sent. */
  fromMs: number
  toMs: number
  /** More was asked for or answered than one reading takes. */
  truncated: boolean
  /** Metrics asked for, each of which AWS charges for. */
  metricsRequested: number
  failure: RecordsFailure | null
}
