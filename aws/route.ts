import { cidrContains, parseCidr } from '../net/cidr.ts'
import { formatIp, mappedIpv4 } from '../net/ip.ts'
import { possibleWinners } from './route-rank.ts'
import { routeTableOfSubnet } from './route-table-of-subnet.ts'
import type { Cidr } from '../net/cidr.ts'
import type { Ip } from '../net/ip.ts'
import type { PrefixList, Route, RouteTable, Snapshot } from '../model/topology.ts'
import type { Candidate } from './route-rank.ts'

export { routeTableOfSubnet } from './route-table-of-subnet.ts'

/** A route that may carry the packets. */
export interface WinningRoute {
  route: Route
  /** The CIDR that matched: the destination, or the list's entry. */
  matchedPrefix: string
  /** The list whose entry matched; null for a CIDR route. */
  prefixList: PrefixList | null
}

/** Which routes may carry packets to one address. What their targets leave possible is for the rules to say. */
export interface RouteLookup {
  /** Null: the table is not known, or not to be relied on (see `because`). */
  table: { id: string; association: 'explicit' | 'main' } | null
  /**
   * Every route that may win: more than one where AWS's texts can be read both ways, or lists tie. Each keeps its state: a
   * blackhole wins as well. Empty while `readable`, with nothing in `maybe` and nothing unreadable: no way.
   */
  winners: WinningRoute[]
  /** Routes whose list or destination was not read, or not whole: possible as well, whatever else matched. */
  maybe: Route[]
  /** Routes of the table that were not understood at all: each may lead this address anywhere. */
  unreadable: number
  /** False: no table, or the address is none that tables route. Then this is no evidence at all. */
  readable: boolean
  /** In words: why these routes, and what was ambiguous. */
  because: string[]
}

const noEvidence = (because: string): RouteLookup => ({
  table: null,
  winners: [],
  maybe: [],
  unreadable: 0,
  readable: false,
  because: [because],
})

/**
 * The routes that may carry packets from a subnet to `address`, by the table in force there. IPv4 and IPv6 are apart; an
 * IPv4-mapped address is looked up as IPv4, as the kernel sends it. Never throws.
 */
export function lookupSubnetRoute(
  snapshot: Snapshot,
  subnetId: string,
  vpcId: string,
  address: Ip,
): RouteLookup {
  const found = routeTableOfSubnet(snapshot, subnetId, vpcId)
  if (found.table === null) return noEvidence(found.because)
  return lookup(snapshot, found.table, found.association, address, found.because)
}

/** The same for a table named by its id, as a regional NAT gateway has one of its own. */
export function lookupTableRoute(snapshot: Snapshot, tableId: string, address: Ip): RouteLookup {
  const part = snapshot.parts.routeTables
  if (!part.read) return noEvidence(`the route tables were not read: ${part.detail}`)
  const tables = snapshot.routeTables.filter((table) => table.id === tableId)
  const [table] = tables
  if (table === undefined || tables.length > 1) {
    return noEvidence(`the table ${tableId} ${table === undefined ? 'was not read' : 'was read twice'}`)
  }
  return lookup(snapshot, table, table.main ? 'main' : 'explicit', address, `the table is ${tableId}`)
}

function prefix(text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/**
 * Addresses that never reach a route table: link-local ones stay on the link, and AWS's own services there
 * (169.254.168.0/22, fd00:ec2::/32) can't be routed (VPC guide, "Route tables").
 */
const unroutable: readonly Cidr[] = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'].map(prefix)

function lookup(
  snapshot: Snapshot,
  table: RouteTable,
  association: 'explicit' | 'main',
  given: Ip,
  why: string,
): RouteLookup {
  const address = mappedIpv4(given) ?? given
  const reserved = unroutable.some((cidr) => cidrContains(cidr, address))
  if (reserved)
    return noEvidence(`${formatIp(address)} is link-local or reserved by AWS: no route table decides on it`)
  const candidates: (Candidate & { prefixList: PrefixList | null })[] = []
  const maybe: Route[] = []
  const because = [why]
  for (const route of table.routes) {
    const match = matchRoute(snapshot, route, address)
    if (match.unread !== null) {
      maybe.push(route)
      because.push(`${describe(route)}: ${match.unread}, so it may win as well`)
    }
    if (match.cidr !== null) {
      const { text, length } = match.cidr
      candidates.push({ route, matchedPrefix: text, length, prefixList: match.prefixList })
    }
  }
  const possible = new Set<Candidate>(possibleWinners(candidates))
  const doubtful = maybe.length + table.unreadableRoutes
  // "list over static CIDR over propagated over list" goes in a circle: a route that was not read may bring back one that
  // another beats. None but a default route is beaten by all that can stand in a table.
  if (doubtful > 0) for (const candidate of candidates) if (candidate.length > 0) possible.add(candidate)
  const winners = distinct(
    candidates.filter((candidate) => possible.has(candidate)).sort((a, b) => b.length - a.length),
  )
  because.push(...explain(winners, doubtful, formatIp(address)))
  if (table.unreadableRoutes > 0) {
    because.push(`${table.unreadableRoutes} routes of ${table.id} were not understood: any of them may win`)
  }
  return {
    table: { id: table.id, association },
    winners,
    maybe,
    unreadable: table.unreadableRoutes,
    readable: true,
    because,
  }
}

interface Match {
  cidr: { text: string; length: number } | null
  prefixList: PrefixList | null
  /** Why more may match than what was read; null: all is known. */
  unread: string | null
}

const noMatch: Match = { cidr: null, prefixList: null, unread: null }

function matchRoute(snapshot: Snapshot, route: Route, address: Ip): Match {
  if (route.destination.kind === 'cidr') {
    const cidr = readPrefix(route.destination.cidr)
    if (cidr === null) return { ...noMatch, unread: 'its destination was not understood' }
    if (!cidrContains(cidr, address)) return noMatch
    return { ...noMatch, cidr: { text: route.destination.cidr, length: cidr.length } }
  }
  const { id } = route.destination
  const part = snapshot.parts.prefixLists
  if (!part.read) return { ...noMatch, unread: `the prefix lists were not read (${part.detail})` }
  const lists = snapshot.prefixLists.filter((list) => list.id === id)
  const [prefixList] = lists
  if (prefixList === undefined || lists.length > 1)
    return { ...noMatch, unread: `the list ${id} was not read` }
  // a list holds addresses of its own family only
  if (prefixList.family !== null && prefixList.family !== address.family) return noMatch
  if (prefixList.entries === null) return { ...noMatch, unread: `the entries of ${id} were not read` }
  let complete = prefixList.complete
  let cidr: Match['cidr'] = null
  for (const text of prefixList.entries) {
    const entry = readPrefix(text)
    if (entry === null) complete = false
    else if (cidrContains(entry, address) && entry.length > (cidr?.length ?? -1))
      cidr = { text, length: entry.length }
  }
  return { cidr, prefixList, unread: complete ? null : `the entries of ${id} were not read whole` }
}

/** Texts repeat over and over, cycle after cycle; the reading of a text never changes. */
const readings = new Map<string, Cidr | null>()
const mostReadings = 50_000

function readPrefix(text: string): Cidr | null {
  const before = readings.get(text)
  if (before !== undefined) return before
  const parsed = parseCidr(text)
  const cidr = parsed.ok ? parsed.value : null
  if (readings.size >= mostReadings) readings.clear()
  readings.set(text, cidr)
  return cidr
}

function distinct(candidates: readonly (Candidate & { prefixList: PrefixList | null })[]): WinningRoute[] {
  const seen = new Set<string>()
  return candidates.flatMap(({ route, matchedPrefix, prefixList }) => {
    const key = JSON.stringify([route, matchedPrefix])
    if (seen.has(key)) return []
    seen.add(key)
    return [{ route, matchedPrefix, prefixList }]
  })
}

function describe(route: Route): string {
  const { destination, target } = route
  const to = destination.kind === 'cidr' ? destination.cidr : destination.id
  const id = target.id ?? target.kind
  return `${to} → ${target.kind === 'unknown' ? `a target not understood (${id})` : id}`
}

function describeWinner({ route, matchedPrefix }: WinningRoute): string {
  const by = route.destination.kind === 'prefix_list' ? ` by its entry ${matchedPrefix}` : ''
  const state =
    route.state === 'active' ? '' : route.state === 'unknown' ? ' (state not known)' : ` (${route.state})`
  return `${describe(route)}${by}${state}`
}

function explain(winners: readonly WinningRoute[], doubtful: number, address: string): string[] {
  const [first, ...others] = winners
  if (first === undefined) {
    return [
      doubtful > 0
        ? `no route that was read holds ${address}`
        : `no route holds ${address}: nothing gets through`,
    ]
  }
  if (others.length === 0) return [`${describeWinner(first)} wins for ${address}`]
  return [
    `several routes may win for ${address}, for AWS's rules do not settle it, or something is not known: ` +
      winners.map(describeWinner).join('; '),
  ]
}
