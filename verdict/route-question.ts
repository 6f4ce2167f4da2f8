import type { Evidence } from '../model/evidence.ts'
import type { Attempt } from '../model/observation.ts'
import { type PathClass, type PathState, pathClasses } from '../model/path.ts'
import type { Snapshot, Topology } from '../model/topology.ts'
import { type RouteLookup, lookupSubnetRoute } from '../aws/route.ts'
import type { Ip } from '../net/ip.ts'
import { eliminate } from './eliminate.ts'
import { wouldBeState } from './judge.ts'
import type { OwnInterface } from './own-interface.ts'
import { readingAt } from './reading.ts'
import { addressEvidence } from './rules/address.ts'
import { endpointShown } from './rules/endpoint.ts'
import { type Hop, readRoute } from './rules/route.ts'
import { evidenceOf } from './rules/rows.ts'

/** Where packets set out from, by the account's own data; no host is asked. */
export type Origin = Extract<OwnInterface, { known: true }>

export interface RouteAnswer {
  lookup: RouteLookup
  hops: Hop[]
  possible: PathClass[]
  /** What it would be if a connection came about. */
  state: PathState
  because: string[]
}

/**
 * Which way the account's configuration sends packets from `origin` to `address`, and what that leaves. Says
 * nothing of any host and nothing of now: the snapshot is taken as it is, however old.
 */
export function askRoute(
  address: string,
  ip: Ip,
  origin: Origin,
  snapshot: Snapshot,
  nowMs: number,
): RouteAnswer {
  const limits = { routeTablesMaxAgeSeconds: Infinity, otherMaxAgeSeconds: Infinity }
  const vantage: Topology['vantage'] = {
    kind: 'unknown',
    because: [],
    instanceId: null,
    accountId: null,
    region: null,
    interfaces: [],
  }
  const topology: Topology = {
    vantage,
    readings: [snapshot],
    others: [],
    trustedEndpoints: [],
    sites: [],
    limits,
  }
  const reading = readingAt(snapshot, nowMs, limits)
  const attempt = imagined(address, ip, origin, nowMs)
  const lookup = lookupSubnetRoute(reading.snapshot, origin.subnetId, origin.vpcId, ip)
  const endpoint = endpointShown(attempt, origin, lookup, reading, topology)
  const read = readRoute(ip, origin, lookup, endpoint, reading, topology)
  const evidence: Evidence[] = addressEvidence(attempt, endpoint, [reading], topology)
  if (read !== null) {
    evidence.unshift(
      evidenceOf(read.row, {
        because: read.because.join('; or '),
        source: snapshot.source,
        observedAtMs: nowMs,
        possible: read.possible,
      }),
    )
  }
  const elimination = eliminate(evidence, pathClasses)
  const because = [
    ...(read?.because ?? lookup.because),
    ...evidence.slice(read === null ? 0 : 1).map((e) => e.because),
    ...elimination.conflicts.map((c) => c.because),
  ]
  return {
    lookup,
    hops: read?.hops ?? [],
    possible: elimination.possible,
    state: wouldBeState(elimination),
    because: [...new Set(because)],
  }
}

function imagined(address: string, ip: Ip, origin: Origin, nowMs: number): Attempt {
  return {
    kind: 'attempt',
    stamp: { id: 'route', wallMs: nowMs, monotonicMs: 0, bootId: '', snapshot: null, configuration: null },
    hostname: '',
    port: 443,
    address,
    family: ip.family,
    localAddress: origin.localAddress === '' ? null : origin.localAddress,
    localPort: null,
    resolvers: [],
    outcome: { reached: 'not_dialled' },
    http: null,
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
    host: {
      method: 'none',
      device: null,
      deviceKind: null,
      mac: null,
      gateway: null,
      source: null,
      selectorRules: null,
      redirect: 'unreadable',
      detail: null,
    },
    proxyVariables: [],
  }
}
