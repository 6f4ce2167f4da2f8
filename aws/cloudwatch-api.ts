import {
  type MetricSeries,
  type MetricsQuery,
  type MetricsResult,
  endpointMetricNames,
  natMetricNames,
} from './cloudwatch-query.ts'
import type { RecordsFailure } from './flow-query.ts'
import type { ReadingDeps, ReadingLimits } from './flow-logs-api.ts'
import { endlessPages, notRecords, recordsFailureOf } from './records-errors.ts'

const permission = 'cloudwatch:GetMetricData'
/** Queries that one call may hold (CloudWatch API, GetMetricData). */
const mostPerCall = 500
const mostMetrics = 1000
const periodSeconds = 60

type Wanted = { key: Omit<MetricSeries, 'points'>; query: Record<string, unknown> }

function metricStat(
  namespace: string,
  metric: string,
  dimensions: [string, string][],
): Record<string, unknown> {
  return {
    Metric: {
      Namespace: namespace,
      MetricName: metric,
      Dimensions: dimensions.map(([Name, Value]) => ({ Name, Value })),
    },
    Period: periodSeconds,
    Stat: 'Sum',
  }
}

/** Every metric of a query; an endpoint's are found only with all of its dimensions, whose names have spaces in them. */
export function wantedMetrics({ endpoints, natGatewayIds }: MetricsQuery): Wanted[] {
  const wanted: Wanted[] = []
  const add = (key: Wanted['key'], stat: Record<string, unknown>): void => {
    wanted.push({ key, query: { Id: `m${wanted.length}`, MetricStat: stat, ReturnData: true } })
  }
  for (const { endpointId, serviceName, vpcId } of endpoints) {
    const dimensions: [string, string][] = [
      ['Endpoint Type', 'Interface'],
      ['Service Name', serviceName],
      ['VPC Endpoint Id', endpointId],
      ['VPC Id', vpcId],
    ]
    for (const metric of endpointMetricNames) {
      const key = { of: 'endpoint', id: endpointId, metric } as const
      add(key, metricStat('AWS/PrivateLinkEndpoints', metric, dimensions))
    }
  }
  for (const id of natGatewayIds) {
    for (const metric of natMetricNames) {
      add({ of: 'nat_gateway', id, metric }, metricStat('AWS/NATGateway', metric, [['NatGatewayId', id]]))
    }
  }
  return wanted
}

/** Reads one minute's sums of the metrics of endpoints and NAT gateways. Never rejects; bounded; costs money per metric. */
export async function readMetrics(
  query: MetricsQuery,
  limits: ReadingLimits,
  deps: ReadingDeps,
): Promise<MetricsResult> {
  const all = wantedMetrics(query)
  const wanted = all.slice(0, mostMetrics)
  const result: MetricsResult = {
    series: [],
    fromMs: query.fromMs,
    toMs: query.toMs,
    truncated: all.length > wanted.length,
    metricsRequested: 0,
    failure: null,
  }
  for (let from = 0; from < wanted.length && result.failure === null; from += mostPerCall) {
    await readCall(wanted.slice(from, from + mostPerCall), query, result, limits, deps)
  }
  return result
}

async function readCall(
  wanted: readonly Wanted[],
  { fromMs, toMs }: MetricsQuery,
  result: MetricsResult,
  limits: ReadingLimits,
  deps: ReadingDeps,
): Promise<void> {
  const points = new Map<string, Map<number, number>>()
  const tokens = new Set<string>()
  let token: string | null = null
  for (let pages = 1; ; pages++) {
    const limit = AbortSignal.timeout(limits.callSeconds * 1000)
    const input = {
      MetricDataQueries: wanted.map(({ query }) => query),
      StartTime: new Date(fromMs),
      EndTime: new Date(toMs),
      ScanBy: 'TimestampAscending',
      ...(token !== null && { NextToken: token }),
    }
    result.metricsRequested += wanted.length
    const answer = await deps.api.call(permission, input, AbortSignal.any([limits.deadline, limit]))
    if (!answer.ok) {
      const { hostname, lastAnswer, error } = answer
      const ended = limits.deadline.aborted
        ? limits.deadlineSeconds
        : limit.aborted
          ? limits.callSeconds
          : null
      const call = { permission, hostname, region: deps.region, endedAfterSeconds: ended, lastAnswer }
      result.failure = recordsFailureOf(error, call, 'CloudWatch metrics')
      return
    }
    const failure = takePoints(answer.output['MetricDataResults'], points, { fromMs, toMs }, deps.region)
    if (failure !== null) {
      result.failure = failure
      return
    }
    const next = answer.output['NextToken']
    if (typeof next !== 'string' || next === '') break
    if (tokens.has(next)) {
      result.failure = endlessPages(permission)
      return
    }
    tokens.add(next)
    token = next
    if (pages >= limits.mostPages) {
      result.truncated = true
      break
    }
  }
  for (const { key, query } of wanted) {
    const found = [...(points.get(String(query['Id'])) ?? [])].sort(([a], [b]) => a - b)
    result.series.push({ ...key, points: found.map(([atMs, sum]) => ({ atMs, sum })) } as MetricSeries)
  }
}

/** Points of the minutes asked for, by metric; others and nonsense are left out. */
function takePoints(
  list: unknown,
  points: Map<string, Map<number, number>>,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  region: string,
): RecordsFailure | null {
  if (!Array.isArray(list)) {
    return notRecords(permission, `monitoring.${region}`, 'it has no "MetricDataResults"')
  }
  for (const item of list as unknown[]) {
    const { Id: id, Timestamps: times, Values: values } = (item ?? {}) as Readonly<Record<string, unknown>>
    if (typeof id !== 'string' || !Array.isArray(times) || !Array.isArray(values)) continue
    const known = points.get(id) ?? new Map<number, number>()
    points.set(id, known)
    for (const [index, time] of (times as unknown[]).entries()) {
      const value: unknown = values[index]
      const atMs = time instanceof Date ? time.getTime() : Number.NaN
      if (atMs >= fromMs && atMs < toMs && typeof value === 'number' && Number.isFinite(value) && value >= 0)
        known.set(atMs, value)
    }
  }
  return null
}
