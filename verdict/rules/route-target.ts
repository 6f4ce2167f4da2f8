import type { NatGateway, PrefixList, Route, Topology } from '../../model/topology.ts'
import { type RouteLookup, lookupSubnetRoute, lookupTableRoute } from '../../aws/route.ts'
import type { Cidr } from '../../net/cidr.ts'
import { type Ip, formatIp } from '../../net/ip.ts'
import { nat64Ipv4 } from '../../net/special.ts'
import type { OwnInterface } from '../own-interface.ts'
import { type Possible, union, without } from '../possible.ts'
import type { Reading } from '../reading.ts'
import { isPrivateAddress } from './address.ts'
import type { EndpointShown } from './endpoint.ts'
import { type RowId, rows } from './rows.ts'

/** What one route that may win leaves possible. */
export interface Possibility {
  row: RowId
  leaves: Possible
  because: string
  assumptions: string[]
  unread: boolean
}

/** What all routes of a table leave that may win. */
export interface Behind {
  possible: Possible
  row: RowId
  because: string[]
  assumptions: string[]
  unreadList: boolean
}

/** One look-up, and what is known beside it. */
export interface Question {
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
  /** What a further table leaves, behind a NAT gateway. */
  follow(q: Question, lookup: RouteLookup): Behind
}

export function destinationOf(route: Route): string {
  return route.destination.kind === 'cidr' ? route.destination.cidr : route.destination.id
}

export function targetOf(route: Route): string {
  return route.target.id ?? route.target.kind
}

export const say = (row: RowId, because: string, more: Partial<Possibility> = {}): Possibility => ({
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
  const behind = q.follow({ ...q, ip, nat, endpoint: null, visited: [...q.visited, id] }, lookup)
  return say(behind.row, `${id}, in whose table ${behind.because.join('; ')}`, {
    leaves: without(union(behind.possible, ['blocked']), 'gateway_endpoint'),
    assumptions: behind.assumptions,
    unread: behind.unreadList,
  })
}

/** The row of one route that may win. Every target kind is here; what is not understood leaves all. */
export function possibilityOf(q: Question, route: Route, list: PrefixList | null): Possibility {
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
