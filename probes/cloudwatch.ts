import type { MetricSeries, MetricsEndpoint, MetricsQuery, MetricsResult } from '../aws/cloudwatch-query.ts'
import type { Snapshot } from '../model/topology.ts'

const minuteMs = 60_000
/** CloudWatch has a minute's points up to so much later; what is younger may still come. */
const unsettledMs = 3 * minuteMs
/** Metrics cost money: more endpoints than one host uses are not asked for. */
const mostEach = 20

/** An own attempt as far as CloudWatch could have counted it. */
export interface CountedAttempt {
  hostname: string
  atMs: number
  /** Whether TLS was completed. */
  connected: boolean
  /** The interface endpoint, or NAT gateway, by which it went as far as its verdict knows. */
  endpointId: string | null
  natGatewayId: string | null
}

export interface CloudwatchWord {
  of: 'endpoint' | 'nat_gateway'
  id: string
  /** `silent`: nothing follows. */
  says: 'corroborates' | 'contradicts' | 'silent'
  text: string
}

/** What stands beside the verdicts; no verdict rests on it. */
export interface CloudwatchDocument {
  schema: 'pathproof.cloudwatch/1'
  fromMs: number
  toMs: number
  words: CloudwatchWord[]
  /** What could not be read and what would mend it; null: nothing was in the way. */
  failure: { detail: string; nextStep: string } | null
  metricsRequested: number
}

/**
 * The minutes that are asked for, whole ones that are over for three minutes, from where the last reading ended (null: the
 * last five); null: none is due. At most an hour.
 */
export function metricsQuery(
  used: { endpoints: readonly MetricsEndpoint[]; natGatewayIds: readonly string[] },
  lastToMs: number | null,
  nowMs: number,
): MetricsQuery | null {
  const toMs = Math.floor((nowMs - unsettledMs) / minuteMs) * minuteMs
  const fromMs = Math.max(lastToMs ?? toMs - 5 * minuteMs, toMs - 60 * minuteMs)
  const endpoints = used.endpoints.slice(0, mostEach)
  const natGatewayIds = used.natGatewayIds.slice(0, mostEach)
  if (fromMs >= toMs || endpoints.length + natGatewayIds.length === 0) return null
  return { endpoints, natGatewayIds, fromMs, toMs }
}

/** What CloudWatch's dimensions need to be told of the endpoints by these ids; only interface endpoints have metrics. */
export function metricsEndpoints(snapshot: Snapshot | null, ids: readonly string[]): MetricsEndpoint[] {
  if (snapshot === null) return []
  return snapshot.endpoints
    .filter(({ id, type, serviceRegion }) => {
      // none are published for endpoints of services in another region
      const here = serviceRegion === null || serviceRegion === snapshot.region
      return type === 'Interface' && here && ids.includes(id)
    })
    .map(({ id, serviceName, vpcId }) => ({ endpointId: id, serviceName, vpcId }))
}

/**
 * Lays the sums of all clients beside this host's own attempts, in words. An endpoint that counted no new connection in the
 * minute of a completed one contradicts; one that did corroborates weakly, for it may be another's. A minute without a
 * point says nothing: points are published only where there was traffic, and late. Never evidence.
 */
export function cloudwatchWords(
  result: MetricsResult,
  attempts: readonly CountedAttempt[],
): CloudwatchDocument {
  const { series, fromMs, toMs, failure, metricsRequested } = result
  const words: CloudwatchWord[] = []
  for (const one of series) {
    if (one.of === 'endpoint' && one.metric === 'NewConnections') {
      const own = attempts.filter(({ endpointId, connected }) => connected && endpointId === one.id)
      words.push(endpointWord(one, own, { fromMs, toMs }))
    }
    if (one.of === 'nat_gateway' && one.metric === 'BytesOutToDestination') words.push(natWord(one))
  }
  return {
    schema: 'pathproof.cloudwatch/1',
    fromMs,
    toMs,
    words,
    failure: failure === null ? null : { detail: failure.detail, nextStep: failure.nextStep },
    metricsRequested,
  }
}

interface Window {
  fromMs: number
  toMs: number
}

/** The sums of the minutes that an attempt may have been counted in; null: not all of them are there. */
function sumsAround(points: MetricSeries['points'], atMs: number, { fromMs, toMs }: Window): number[] | null {
  const minute = Math.floor(atMs / minuteMs) * minuteMs
  // clocks differ by seconds
  const minutes = [minute - minuteMs, minute, minute + minuteMs]
  if (minutes.some((at) => at < fromMs || at >= toMs)) return null
  const sums = minutes.map((at) => points.find((point) => point.atMs === at)?.sum)
  return sums.every((sum) => sum !== undefined) ? sums : null
}

function endpointWord(one: MetricSeries, own: readonly CountedAttempt[], window: Window): CloudwatchWord {
  const { id, points } = one
  const word = (says: CloudwatchWord['says'], text: string): CloudwatchWord => ({
    of: 'endpoint',
    id,
    says,
    text,
  })
  if (own.length === 0)
    return word('silent', `no completed connection of this host by ${id} lies in this time`)
  const against = own.find(({ atMs }) => sumsAround(points, atMs, window)?.every((sum) => sum === 0))
  if (against !== undefined) {
    const at = new Date(against.atMs).toISOString()
    return word(
      'contradicts',
      `${id} counted no new connection of anybody around ${at}, when ${against.hostname} was connected and should have gone by it`,
    )
  }
  const minuteOf = ({ atMs }: CountedAttempt): number => Math.floor(atMs / minuteMs) * minuteMs
  const seen = own.filter((attempt) =>
    points.some(({ atMs, sum }) => sum > 0 && Math.abs(atMs - minuteOf(attempt)) <= minuteMs),
  )
  return seen.length === 0
    ? word(
        'silent',
        `CloudWatch has no points of ${id} for the minutes of this host's connections; that is no zero`,
      )
    : word(
        'corroborates',
        `${id} counted new connections around ${seen.length} of ${own.length} of this host's; they may be another client's`,
      )
}

function natWord({ id, points }: MetricSeries): CloudwatchWord {
  const bytes = points.reduce((sum, point) => sum + point.sum, 0)
  const text =
    points.length === 0
      ? `CloudWatch has no points of ${id}; that is no zero`
      : bytes > 0
        ? `${id} sent ${bytes.toLocaleString('en-US')} bytes to destinations: somebody uses it, this host or another`
        : `${id} sent nothing to destinations in the minutes that have a point`
  return { of: 'nat_gateway', id, says: 'silent', text }
}
