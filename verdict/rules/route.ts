import type { Basis, Evidence, Flag } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { NatGateway, PrefixList, Route, Topology } from '../../model/topology.ts'
import { type RouteLookup, lookupSubnetRoute, lookupTableRoute } from '../../aws/route.ts'
import { type Cidr, parseCidr } from '../../net/cidr.ts'
import { type Ip, formatIp, parseIp } from '../../net/ip.ts'
import { nat64Ipv4 } from '../../net/special.ts'
import type { OwnInterface } from '../own-interface.ts'
import { type Possible, all, union, without } from '../possible.ts'
import type { Reading } from '../reading.ts'
import { isPrivateAddress } from './address.ts'
import type { EndpointShown } from './endpoint.ts'
import { type RowId, evidenceOf, rows } from './rows.ts'

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

/** What one route that may win leaves possible. */
interface Possibility {
  row: RowId
  leaves: Possible
  because: string
  assumptions: string[]
  unread: boolean
}

/** What all routes that may win leave possible for one address, with the way through the tables. */
export interface RouteReading {
  possible: Possible
  row: RowId
  because: string[]
  assumptions: string[]
  hops: Hop[]
  basis: Basis
  unreadList: boolean
}

interface Question {
  ip: Ip
  topology: Topology
  reading: Reading
  own: Extract<OwnInterface, { known: true }>
  /** What the address is known to be; null where no endpoint holds it. */
  endpoint: EndpointShown | null
  nat64: readonly Cidr[]
  /** Set behind a NAT gateway: its classes differ, and its tables must not lead back to it. */
  nat: NatGateway | null
  visited: readonly string[]
  hops: Hop[]
}

function destinationOf(route: Route): string {
  return route.destination.kind === 'cidr' ? route.destination.cidr : route.destination.id
}

function targetOf(route: Route): string {
  return route.target.id ?? route.target.kind
}

const say = (row: RowId, because: string, more: Partial<Possibility> = {}): Possibility => ({
  row,
  leaves: rows[row].leaves,
  because,
  assumptions: [],
  unread: false,
  ...more,
})

function gatewayEndpoint(q: Question, route: Route, list: PrefixList | null): Possibility {
  const id = targetOf(route)
  const inNat: RowId = q.nat === null ? 'route.gateway_endpoint' : 'route.nat_gateway_endpoint'
  const trusted = q.topology.trustedEndpoints.some(
    (t) => 'gateway' in t.declared && t.declared.gateway === id,
  )
  const awsList = list !== null && list.ownerId === 'AWS'
  const described = q.reading.snapshot.endpoints.find((e) => e.id === id)
  if (described === undefined) {
    // Only a reading in which it does not stand shows that it is another account's.
    if (awsList && trusted && q.reading.has('endpoints')) {
      return say(inNat, `${id} takes ${list.name}, declared as a gateway endpoint of this VPC's owner`, {
        assumptions: [`trusted_endpoints: gateway ${id}`],
      })
    }
    return say(
      'route.endpoint_not_described',
      `${id} is not described by the account's endpoints as last read`,
    )
  }
  // Behind a NAT gateway the endpoint must be in the NAT gateway's VPC, not in the host's.
  const vpcId = q.nat?.vpcId ?? q.own.vpcId
  if (
    described.type === 'Gateway' &&
    described.state === 'available' &&
    described.vpcId === vpcId &&
    awsList
  ) {
    return say(inNat, `${id} is a gateway endpoint for ${described.serviceName}`)
  }
  return say(
    'route.endpoint_not_described',
    `${id} is of type ${described.type}, state ${described.state}, and does not fit the list that leads to it`,
  )
}

function internetGateway(q: Question): Possibility {
  if (q.nat !== null) {
    return q.nat.connectivity === 'private'
      ? say(
          'route.nat_private_internet_gateway',
          `${q.nat.id} is a private NAT gateway: nothing passes to the internet gateway`,
        )
      : say('route.nat_internet_gateway', `${q.nat.id} sends it on to the internet gateway`)
  }
  if (q.ip.family === 6)
    return say('route.internet_gateway', 'the internet gateway takes IPv6 from any global address')
  if (!q.reading.has('networkInterfaces')) {
    return say('route.internet_gateway', 'the public addresses of this interface could not be read')
  }
  const shown = q.reading.snapshot.networkInterfaces.find((i) => i.id === q.own.id)
  if (shown === undefined)
    return say('route.internet_gateway', `${q.own.id} itself is not in the account's reading`)
  const associated = shown.ipv4.find((a) => a.address === q.own.localAddress)?.publicAddress ?? null
  return associated === null
    ? say(
        'route.internet_gateway_no_public_address',
        `${q.own.localAddress} has no public address: the internet gateway drops it`,
      )
    : say('route.internet_gateway', `${q.own.localAddress} leaves as ${associated} by the internet gateway`)
}

function natGateway(q: Question, route: Route): Possibility {
  const id = targetOf(route)
  const lessGateway = (because: string) => say('route.nat_unread', because)
  const nat = q.reading.snapshot.natGateways.find((n) => n.id === id)
  if (nat === undefined) return lessGateway(`${id} could not be read, so what lies behind it is not known`)
  if (nat.state !== 'available') return lessGateway(`${id} is in state ${nat.state}`)
  if (nat.attachedAppliances.length > 0) return lessGateway(`${id} has appliances attached`)
  if (q.visited.includes(id)) return lessGateway(`${id} is reached from its own table: a loop`)
  const embedded = q.ip.family === 6 ? nat64Ipv4(q.ip, q.nat64) : null
  if (q.ip.family === 6 && embedded === null) {
    return lessGateway(`${id} translates IPv6 only for NAT64 addresses, and ${formatIp(q.ip)} is none`)
  }
  const ip = embedded ?? q.ip
  const table = nat.availability === 'regional' ? nat.routeTableId : null
  if (nat.availability === 'regional' ? table === null : nat.subnetId === null) {
    return lessGateway(`the route table of ${id} is not known`)
  }
  const lookup =
    table !== null
      ? lookupTableRoute(q.reading.snapshot, table, ip)
      : lookupSubnetRoute(q.reading.snapshot, nat.subnetId ?? '', nat.vpcId, ip)
  if (!lookup.readable)
    return lessGateway(`the route table of ${id} could not be read (${lookup.because.join('; ')})`)
  // Behind the gateway the packet starts afresh from its interface, whatever the address was to this VPC's own.
  const behind = readLookup({ ...q, ip, nat, endpoint: null, visited: [...q.visited, id] }, lookup)
  return say(behind.row, `${id}, in whose table ${behind.because.join('; ')}`, {
    leaves: without(union(behind.possible, ['blocked']), 'gateway_endpoint'),
    assumptions: behind.assumptions,
    unread: behind.unreadList,
  })
}

/** The row of one route that may win. Every target kind is here; what is not understood leaves all. */
function possibilityOf(q: Question, route: Route, list: PrefixList | null): Possibility {
  const target = route.target
  const id = targetOf(route)
  if (route.state === 'blackhole' || route.state === 'filtered') {
    return say('route.blackhole', `${id} is ${route.state}: the packets are dropped`)
  }
  if (route.state !== 'active')
    return say('route.state_unknown', `the route to ${id} is in a state that is not known`)
  switch (target.kind) {
    case 'vpc_endpoint':
      return route.destination.kind === 'prefix_list'
        ? gatewayEndpoint(q, route, list)
        : say(
            'route.vpce_by_cidr',
            `${id} takes a CIDR: an inspection endpoint, and what lies behind it is not known`,
          )
    case 'network_interface':
    case 'instance':
      return say('route.appliance', `${id} is an appliance, and what lies behind it is not known`)
    case 'nat_gateway':
      return natGateway(q, route)
    case 'internet_gateway':
      return internetGateway(q)
    case 'egress_only_internet_gateway':
    case 'carrier_gateway':
      return say('route.egress_only_or_carrier', `${id} leads out of the VPC to the internet side`)
    case 'transit_gateway':
    case 'peering':
    case 'core_network':
    case 'virtual_private_gateway':
      if (!isPrivateAddress(q.ip, q.topology, q.endpoint)) {
        return say('route.beyond_public', `${id} leads to networks that this account's tables don't show`)
      }
      return q.nat === null && q.endpoint?.row === 'endpoint.trusted'
        ? say('endpoint.trusted', q.endpoint.because, { assumptions: q.endpoint.assumptions })
        : say('route.beyond_private', `${id} leads to networks that this account's tables don't show`)
    case 'local':
      return localRoute(q)
    case 'local_gateway':
    case 'odb_network':
    case 'ip_address':
    case 'unknown':
      return say('route.unmodelled', `${id} is a kind of target whose way is not modelled`)
  }
}

function localRoute(q: Question): Possibility {
  if (q.nat === null && q.endpoint !== null) {
    if (q.endpoint.row === 'endpoint.own_vpc') return say('endpoint.own_vpc', q.endpoint.because)
    return say('route.local_endpoints_unread', q.endpoint.because)
  }
  if (q.nat === null && (!q.reading.has('endpoints') || !q.reading.has('networkInterfaces'))) {
    return say(
      'route.local_endpoints_unread',
      'the VPC itself holds the address, and its endpoints could not be read',
    )
  }
  return say('route.local', 'the VPC itself holds the address, and no endpoint that is known owns it')
}

/** What every route that may win leaves, together. */
function readLookup(q: Question, lookup: RouteLookup): RouteReading {
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
    q.hops.push(
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
    q.hops.push(hop({}))
    possibilities.push(say('route.no_match', 'no route matches: nothing gets out'))
  }
  const distinct = new Set(possibilities.map((p) => p.row))
  const [first] = possibilities as [Possibility]
  return {
    possible: union(...possibilities.map((p) => p.leaves)),
    row: distinct.size === 1 ? first.row : 'route.several',
    because: [...new Set(possibilities.map((p) => p.because))],
    assumptions: [...new Set(possibilities.flatMap((p) => p.assumptions))],
    hops: q.hops,
    unreadList: possibilities.some((p) => p.unread),
    basis: {
      networkInterface: q.own.id,
      routeTable: lookup.table?.id ?? '',
      route: [...new Set(destinations)].sort().join(' '),
      target: [[...new Set(targets)].sort().join(' '), ...beyond(q, lookup)].join('>'),
    },
  }
}

/**
 * Where the tables behind NAT gateways lead. Two ways through one gateway are two: one may end at an endpoint, and what
 * records say of the other, which goes on to the internet, contradicts nothing about it.
 */
function beyond(q: Question, { table }: RouteLookup): string[] {
  if (q.nat !== null) return []
  const targets = q.hops.flatMap(({ routeTable, target }) =>
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
  const nat64: Cidr[] = []
  for (const text of topology.nat64Prefixes ?? []) {
    const cidr = parseCidr(text)
    if (cidr.ok) nat64.push(cidr.value)
  }
  return readLookup({ ip, topology, reading, own, endpoint, nat64, nat: null, visited: [], hops: [] }, lookup)
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
  const assumptions = [...read.assumptions]
  if (attempt.host.redirect === 'unreadable')
    assumptions.push('no redirect on this host rewrites the connection')
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
