import type { Basis, Evidence, Flag } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import type { RouteLookup } from '../../aws/route.ts'
import { type Ip, parseIp } from '../../net/ip.ts'
import type { OwnInterface } from '../own-interface.ts'
import { all, union, without } from '../possible.ts'
import { readPrefix } from '../prefixes.ts'
import type { Reading } from '../reading.ts'
import type { EndpointShown } from './endpoint.ts'
import {
  type Behind,
  type Possibility,
  type Question,
  destinationOf,
  possibilityOf,
  say,
  targetOf,
} from './route-target.ts'
import { evidenceOf, rows } from './rows.ts'
import { rewritingAssumed } from '../rewriting.ts'

/** One look-up on the way: which table, which route. */
export interface Hop {
  routeTable: string | null
  association: 'explicit' | 'main' | 'own' | null
  /** CIDR or `pl-…`; null where nothing matched. */
  destination: string | null
  matchedPrefix: string | null
  prefixList: string | null
  target: string | null
  state: string | null
  origin: string | null
}

/** What all routes that may win leave possible for one address, with the way through the tables. */
export interface RouteReading extends Behind {
  hops: Hop[]
  basis: Basis
}

/** What every route that may win leaves, together. */
function readLookup(q: Question, lookup: RouteLookup, hops: Hop[]): RouteReading {
  const association = lookup.table?.association ?? null
  const hop = (more: Partial<Hop>): Hop => ({
    routeTable: lookup.table?.id ?? null,
    association: q.nat !== null && q.nat.availability === 'regional' ? 'own' : association,
    destination: null,
    matchedPrefix: null,
    prefixList: null,
    target: null,
    state: null,
    origin: null,
    ...more,
  })
  const possibilities: Possibility[] = []
  const destinations: string[] = []
  const targets: string[] = []
  for (const winner of lookup.winners) {
    const { route } = winner
    destinations.push(destinationOf(route))
    targets.push(targetOf(route))
    hops.push(
      hop({
        destination: destinationOf(route),
        matchedPrefix: winner.matchedPrefix,
        prefixList: winner.prefixList?.id ?? null,
        target: targetOf(route),
        state: route.state,
        origin: route.origin,
      }),
    )
    const by =
      winner.prefixList === null
        ? destinationOf(route)
        : `${destinationOf(route)} (${winner.prefixList.name}, ${winner.matchedPrefix})`
    const p = possibilityOf(q, route, winner.prefixList)
    possibilities.push({ ...p, because: `${by} → ${p.because}` })
  }
  const certain = without(union(...possibilities.map((p) => p.leaves)), 'blocked')
  for (const route of lookup.maybe) {
    destinations.push(destinationOf(route))
    targets.push(targetOf(route))
    const list =
      route.destination.kind === 'prefix_list'
        ? (q.reading.snapshot.prefixLists.find((l) => l.id === destinationOf(route)) ?? null)
        : null
    const p = possibilityOf(q, route, list)
    possibilities.push({
      ...p,
      because: `${destinationOf(route)} could not be read, so its route may win: ${p.because}`,
      unread: true,
    })
  }
  // By what could be read nothing gets through: that an unread list alone carries the packets is a guess, and a
  // list that turned out not to hold the address would be a contradiction. Not knowing it must not be worth more.
  if (lookup.maybe.length > 0 && certain.length === 0) {
    possibilities.push(
      say('route.unmodelled', 'without the lists that could not be read nothing would get through', {
        unread: true,
      }),
    )
  }
  if (lookup.unreadable > 0) {
    possibilities.push(
      say('route.unmodelled', `${lookup.unreadable} route(s) of the table could not be read at all`, {
        unread: true,
      }),
    )
  }
  if (possibilities.length === 0) {
    hops.push(hop({}))
    possibilities.push(say('route.no_match', 'no route matches: nothing gets out'))
  }
  const distinct = new Set(possibilities.map((p) => p.row))
  const [first] = possibilities as [Possibility]
  return {
    possible: union(...possibilities.map((p) => p.leaves)),
    row: distinct.size === 1 ? first.row : 'route.several',
    because: [...new Set(possibilities.map((p) => p.because))],
    assumptions: [...new Set(possibilities.flatMap((p) => p.assumptions))],
    hops,
    unreadList: possibilities.some((p) => p.unread),
    basis: {
      networkInterface: q.own.id,
      routeTable: lookup.table?.id ?? '',
      route: [...new Set(destinations)].sort().join(' '),
      target: [[...new Set(targets)].sort().join(' '), ...beyond(q, lookup, hops)].join('>'),
    },
  }
}

/**
 * Where the tables behind NAT gateways lead. Two ways through one gateway are two: one may end at an endpoint, and what
 * records say of the other, which goes on to the internet, contradicts nothing about it.
 */
function beyond(q: Question, { table }: RouteLookup, hops: readonly Hop[]): string[] {
  if (q.nat !== null) return []
  const targets = hops.flatMap(({ routeTable, target }) =>
    routeTable !== (table?.id ?? null) && target !== null ? [target] : [],
  )
  return [...new Set(targets)].sort()
}

/** The routes of the attempt's own interface for `ip`, read by the rule table; null where no table could be read. */
export function readRoute(
  ip: Ip,
  own: Extract<OwnInterface, { known: true }>,
  lookup: RouteLookup,
  endpoint: EndpointShown | null,
  reading: Reading,
  topology: Topology,
): RouteReading | null {
  if (!lookup.readable) return null
  const nat64 = (topology.nat64Prefixes ?? []).flatMap((text) => readPrefix(text) ?? [])
  const hops: Hop[] = []
  const follow = (q: Question, next: RouteLookup) => readLookup(q, next, hops)
  return follow({ ip, topology, reading, own, endpoint, nat64, nat: null, visited: [], follow }, lookup)
}

/** Route evidence of one attempt under one reading, or why there is none. */
export function routeEvidence(
  attempt: Attempt,
  own: OwnInterface,
  lookup: RouteLookup | null,
  endpoint: EndpointShown | null,
  reading: Reading,
  topology: Topology,
): { evidence: Evidence; read: RouteReading } | { because: string } {
  const parsed = parseIp(attempt.address)
  if (!parsed.ok) return { because: parsed.error }
  if (!own.known) return { because: own.because }
  if (lookup === null) return { because: 'no route table was looked up' }
  const read = readRoute(parsed.value, own, lookup, endpoint, reading, topology)
  if (read === null) return { because: lookup.because.join('; ') }
  const flags: Flag[] = read.unreadList ? ['unread_prefix_list'] : []
  const part = reading.snapshot.parts.routeTables
  const assumptions = [...read.assumptions, rewritingAssumed(attempt.host)]
  if (attempt.host.method === 'only_device')
    assumptions.push('the main routing table of this host decides (ip is not installed)')
  if (attempt.family === 6) assumptions.push("the IPv6 next hop is the VPC's router")
  assumptions.push("the account's answers describe what its network does")
  if (part.read && part.dated === 'mtime' && part.atMs !== null) {
    assumptions.push(`the snapshot is as old as its files say: as of ${new Date(part.atMs).toISOString()}`)
  }
  return {
    read,
    evidence: evidenceOf(read.row, {
      because: `${lookup.table?.id ?? 'the table'} of ${own.subnetId} (${own.id}): ${read.because.join('; or ')}`,
      source: reading.snapshot.source,
      observedAtMs: part.read && part.atMs !== null ? part.atMs : attempt.stamp.wallMs,
      possible: rows[read.row].rank === 'configured' ? read.possible : all,
      flags,
      assumptions,
    }),
  }
}
