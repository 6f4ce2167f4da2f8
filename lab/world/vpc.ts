/**
 * What happens to a packet inside VPCs: local delivery, route targets, and what lies behind them. Written from
 * AWS's user guides (VPC, PrivateLink, Transit Gateway), not from any judge of them.
 */
import type { PathClass } from '../../model/path.ts'
import { embeddedIpv4, familyOf, isPrivateAddress, lengthOf, within, withinAny } from './bits.ts'
import type {
  Journey,
  LegEnd,
  Station,
  World,
  WorldEndpoint,
  WorldInterface,
  WorldNat,
  WorldRoute,
  WorldTable,
} from './types.ts'
import { tableOf, winningRoute } from './winner.ts'

/** A packet on its way. */
export interface Trip {
  world: World
  source: string
  destination: string
  port: number
  hops: string[]
  /** A NAT gateway or an appliance has put its own address on it. */
  translated: boolean
  /** It came into the VPC from outside (peering, transit, VPN): gateway endpoints and internet gateways don't serve it. */
  foreign: boolean
  /** Every station so far is one whose inside the account's own API shows. */
  shown: boolean
  steps: number
  trail: Station[]
}

/** Notes that the packets go by an interface, as they are now. */
export function passes(trip: Trip, id: string, way: 'out' | 'in'): void {
  trip.trail.push({ at: 'interface', id, way, source: trip.source, destination: trip.destination })
}

/** The end of the journey. */
export function ends(trip: Trip, how: PathClass, why: string, to: string | null = null): Journey {
  trip.hops.push(why)
  return { delivered: how !== 'blocked', class: how, hops: trip.hops, to, shown: trip.shown }
}

const drop = (trip: Trip, why: string): Journey => ends(trip, 'blocked', why)

/** Whether anything answers at a public address, and what. */
function serviceAt(trip: Trip): string | null {
  const { world, destination, port } = trip
  const found = world.services.find(
    ({ addresses, ports }) => ports.includes(port) && withinAny(destination, addresses),
  )
  return found?.id ?? null
}

/** Out into the world of public addresses. */
function leaves(trip: Trip, how: PathClass, by: string): Journey {
  if (isPrivateAddress(trip.destination)) return drop(trip, `${by}: nobody routes a private address there`)
  const to = serviceAt(trip)
  return to === null ? drop(trip, `${by}: nothing answers`) : ends(trip, how, by, to)
}

function ownerOf(world: World, vpc: string, address: string): WorldInterface | null {
  return (
    world.interfaces.find(
      (eni) =>
        eni.vpc === vpc &&
        (eni.ipv4.some((own) => own.address === address) ||
          eni.ipv6.includes(address) ||
          withinAny(address, [...eni.ipv4Prefixes, ...eni.ipv6Prefixes])),
    ) ?? null
  )
}

/** An endpoint that nobody but AWS stands behind: a service of AWS's own, not one offered by a customer. */
function isAwsService({ service }: WorldEndpoint): boolean {
  return service.startsWith('com.amazonaws.') && !service.startsWith('com.amazonaws.vpce.')
}

function serves(trip: Trip, service: string | null): boolean {
  return trip.world.services.some(({ id, ports }) => id === service && ports.includes(trip.port))
}

/** To an address inside a VPC. */
function deliver(trip: Trip, vpc: string): Journey {
  const eni = ownerOf(trip.world, vpc, trip.destination)
  if (eni === null) return drop(trip, `no interface has ${trip.destination} in ${vpc}`)
  passes(trip, eni.id, 'in')
  const endpoint = trip.world.endpoints.find(({ interfaces }) => interfaces.includes(eni.id))
  if (eni.owner !== trip.world.account || endpoint === undefined) trip.shown = false
  if (endpoint === undefined) {
    return serves(trip, eni.serves)
      ? ends(trip, 'relay', `${eni.id} answers`, eni.serves)
      : drop(trip, `${eni.id} does not answer`)
  }
  if (endpoint.state !== 'available' && endpoint.state !== 'partial') {
    return drop(trip, `${endpoint.id} is ${endpoint.state}`)
  }
  if (!serves(trip, endpoint.reaches)) return drop(trip, `nothing answers behind ${endpoint.id}`)
  if (endpoint.type === 'Interface' && isAwsService(endpoint)) {
    return ends(trip, 'interface_endpoint', `${eni.id} of ${endpoint.id}`, endpoint.reaches)
  }
  if (endpoint.type === 'GatewayLoadBalancer') return drop(trip, `${endpoint.id} answers nobody`)
  return ends(trip, 'relay', `${endpoint.id} leads to somebody's service`, endpoint.reaches)
}

/** Ways through the edge of a VPC that keep or map the address. */
function publicGateway(
  trip: Trip,
  vpc: string,
  id: string,
  kind: 'internet' | 'egress-only' | 'carrier',
): Journey {
  const { world, source, destination } = trip
  const list =
    kind === 'internet'
      ? world.internetGateways
      : kind === 'carrier'
        ? world.carrierGateways
        : world.egressOnlyGateways
  if (!list.some((gateway) => gateway.id === id && gateway.vpcs.includes(vpc))) {
    return drop(trip, `${id} is not attached to ${vpc}`)
  }
  const how = trip.translated ? 'nat_gateway' : 'internet_gateway'
  if (familyOf(destination) === 6) {
    const own = world.vpcs.find((item) => item.id === vpc)?.ipv6 ?? []
    if (kind === 'carrier' || !within(source, '2000::/3') || !withinAny(source, own)) {
      return drop(trip, `${id}: ${source} is no global address of ${vpc}`)
    }
    return embeddedIpv4(destination) !== null ? leavesByNat64(trip, id) : leaves(trip, 'internet_gateway', id)
  }
  if (kind === 'egress-only') return drop(trip, `${id} carries IPv6 only`)
  const mapped = world.interfaces.some(
    (eni) => eni.vpc === vpc && eni.ipv4.some((own) => own.address === source && own.public !== null),
  )
  return mapped ? leaves(trip, how, id) : drop(trip, `${id}: ${source} has no public address`)
}

/** A NAT64 address that no NAT gateway has unwrapped: some networks do it, most drop it. */
function leavesByNat64(trip: Trip, by: string): Journey {
  trip.shown = false
  const inner = embeddedIpv4(trip.destination)
  const { nat64Outside } = trip.world.fate
  if (inner === null || nat64Outside === 'blocked') return drop(trip, `${by}: nobody unwraps NAT64`)
  trip.destination = inner
  return leaves(trip, nat64Outside, `${by}, and a NAT64 beyond it`)
}

function throughNat(trip: Trip, vpc: string, nat: WorldNat): Journey {
  if (nat.vpc !== vpc || nat.state !== 'available') return drop(trip, `${nat.id} is ${nat.state}`)
  const station = nat.availability === 'zonal' ? (nat.interfaces[0] ?? nat.id) : nat.id
  passes(trip, station, 'in')
  if (familyOf(trip.destination) === 6) {
    const inner = embeddedIpv4(trip.destination)
    if (inner === null) return drop(trip, `${nat.id} does not carry IPv6`)
    trip.destination = inner
  }
  trip.translated = true
  trip.foreign = false
  trip.source = nat.private[0] ?? '0.0.0.0'
  trip.hops.push(`${nat.id} puts ${trip.source} on it`)
  passes(trip, station, 'out')
  if (nat.appliances.length > 0) trip.shown = false
  if (nat.appliances.length > 0 && nat.appliancesDo !== 'returns') {
    return nat.appliancesDo === 'relays'
      ? relayed(trip, nat.appliances[0] ?? '')
      : drop(trip, 'dropped by an appliance')
  }
  if (nat.availability === 'zonal') {
    return nat.subnet === null ? drop(trip, `${nat.id} is nowhere`) : enterSubnet(trip, nat.subnet)
  }
  const table = trip.world.tables.find(({ id }) => id === nat.table)
  // A regional NAT gateway has no subnet and no ENI: its public addresses are its own.
  return table === undefined ? drop(trip, `${nat.id} has no table`) : enterTable(trip, table, nat)
}

function relayed(trip: Trip, by: string, service: string | null = null): Journey {
  const to = service ?? serviceAt(trip)
  return to === null || !serves(trip, to)
    ? drop(trip, `${by}: nothing answers`)
    : ends(trip, 'relay', `relayed by ${by}`, to)
}

/** Handed to an interface that is not the packet's destination: an appliance, or a neighbour. */
export function throughInterface(trip: Trip, eni: WorldInterface): Journey {
  trip.shown = false
  trip.hops.push(`${eni.id} ${eni.forwards}`)
  passes(trip, eni.id, 'in')
  if (eni.forwards === 'relays') return relayed(trip, eni.id, eni.serves)
  if (eni.forwards === 'drops' || eni.sourceCheck) return drop(trip, `${eni.id} does not forward`)
  if (eni.forwards === 'translates') {
    const own = familyOf(trip.destination) === 6 ? eni.ipv6[0] : eni.ipv4[0]?.address
    if (own === undefined) return drop(trip, `${eni.id} has no address of this family`)
    trip.source = own
    trip.translated = true
    trip.foreign = false
  }
  passes(trip, eni.id, 'out')
  return enterSubnet(trip, eni.subnet)
}

function throughEndpoint(trip: Trip, vpc: string, route: WorldRoute): Journey {
  const { world, destination } = trip
  const endpoint = world.endpoints.find(({ id }) => id === route.via)
  if (endpoint === undefined || (endpoint.state !== 'available' && endpoint.state !== 'partial')) {
    return drop(trip, `${route.via} is not there`)
  }
  if (endpoint.owner !== world.account) trip.shown = false
  if (endpoint.type === 'GatewayLoadBalancer') {
    trip.shown = false
    trip.hops.push(`${endpoint.id} ${endpoint.appliances}`)
    if (endpoint.appliances === 'relays') return relayed(trip, endpoint.id, endpoint.reaches)
    const subnet = endpoint.subnets[0]
    return endpoint.appliances === 'drops' || subnet === undefined
      ? drop(trip, `dropped behind ${endpoint.id}`)
      : enterSubnet(trip, subnet)
  }
  if (endpoint.type !== 'Gateway' || endpoint.vpc !== vpc)
    return drop(trip, `${endpoint.id} carries no routes here`)
  if (trip.foreign) return drop(trip, `${endpoint.id} serves only its own VPC`)
  const service = world.services.find(({ id }) => id === endpoint.reaches)?.service
  const answers = world.services.find(
    (item) =>
      item.kind === 'aws' &&
      item.service === service &&
      item.ports.includes(trip.port) &&
      withinAny(destination, item.addresses),
  )
  if (answers === undefined) return drop(trip, `${endpoint.id}: nothing answers`)
  return ends(trip, trip.translated ? 'nat_gateway_endpoint' : 'gateway_endpoint', endpoint.id, answers.id)
}

function throughPeering(trip: Trip, vpc: string, id: string): Journey {
  const peering = trip.world.peerings.find((item) => item.id === id)
  if (peering === undefined || peering.status !== 'active') return drop(trip, `${id} is not active`)
  if (peering.requester !== vpc && peering.accepter !== vpc) return drop(trip, `${id} is not of ${vpc}`)
  const other = peering.requester === vpc ? peering.accepter : peering.requester
  const far = trip.world.vpcs.find((item) => item.id === other)
  if (far === undefined || !withinAny(trip.destination, [...far.ipv4, ...far.ipv6])) {
    return drop(trip, `${id}: a peering carries only what is for the other VPC`)
  }
  trip.foreign = true
  trip.shown = false
  trip.hops.push(`${id} to ${other}`)
  return deliver(trip, other)
}

/** What lies behind a transit, a tunnel, a line. */
export function enterLeg(trip: Trip, end: LegEnd): Journey {
  trip.shown = false
  if (end === 'dropped') return drop(trip, 'dropped behind it')
  if ('interface' in end) {
    const eni = trip.world.interfaces.find(({ id }) => id === end.interface)
    return eni === undefined ? drop(trip, `${end.interface} is not there`) : throughInterface(trip, eni)
  }
  if ('vpc' in end) {
    trip.foreign = true
    trip.hops.push(`into ${end.vpc}`)
    const table = trip.world.tables.find(({ id }) => id === end.table)
    return table === undefined ? drop(trip, `${end.table} is not there`) : enterTable(trip, table)
  }
  if (end.class === 'blocked') return drop(trip, 'dropped behind it')
  if (end.class === 'relay') return relayed(trip, 'somebody behind it', end.service ?? null)
  const inner = embeddedIpv4(trip.destination)
  if (inner !== null) return leavesByNat64(trip, end.class)
  return leaves(trip, end.class, end.class)
}

function throughTransit(trip: Trip, id: string): Journey {
  const transit = trip.world.transits.find((item) => item.id === id)
  const legs = (transit?.leads ?? []).filter(({ to }) => within(trip.destination, to))
  const best = legs.toSorted((a, b) => lengthOf(b.to) - lengthOf(a.to))[0]
  trip.foreign = true
  trip.shown = false
  trip.hops.push(id)
  return best === undefined ? drop(trip, `${id} leads nowhere`) : enterLeg(trip, best.ends)
}

/** Looks the destination up in a table and does what the winning route says. `nat`: the regional NAT gateway that asks. */
function enterTable(trip: Trip, table: WorldTable, nat: WorldNat | null = null): Journey {
  trip.steps += 1
  if (trip.steps > 12) return drop(trip, 'goes round in a circle')
  const { world, destination } = trip
  if (table.owner !== world.account) trip.shown = false
  if (withinAny(destination, ['169.254.168.0/22', 'fd00:ec2::/32'])) return drop(trip, 'cannot be routed')
  const route = winningRoute(world, table, destination)
  if (route === null) return drop(trip, `${table.id}: no route`)
  trip.hops.push(`${table.id}: ${route.to} -> ${route.via}`)
  if (route.state !== 'active') return drop(trip, route.state)
  trip.trail.push({ at: 'route', vpc: table.vpc, via: route.via })
  const { via } = route
  if (via === 'local') return deliver(trip, table.vpc)
  if (via.startsWith('igw-')) {
    const attached = world.internetGateways.some(({ id, vpcs }) => id === via && vpcs.includes(table.vpc))
    return nat !== null && attached && nat.public.length > 0 && nat.connectivity === 'public'
      ? leaves(trip, 'nat_gateway', via)
      : publicGateway(trip, table.vpc, via, 'internet')
  }
  if (via.startsWith('eigw-')) return publicGateway(trip, table.vpc, via, 'egress-only')
  if (via.startsWith('cagw-')) return publicGateway(trip, table.vpc, via, 'carrier')
  if (via.startsWith('nat-')) {
    const gateway = world.natGateways.find(({ id }) => id === via)
    return gateway === undefined ? drop(trip, `${via} is not there`) : throughNat(trip, table.vpc, gateway)
  }
  if (via.startsWith('vpce-')) return throughEndpoint(trip, table.vpc, route)
  if (via.startsWith('pcx-')) return throughPeering(trip, table.vpc, via)
  if (via.startsWith('eni-') || via.startsWith('i-')) {
    const eni = world.interfaces.find(({ id, instance }) => id === via || instance === via)
    return eni === undefined ? drop(trip, `${via} is not there`) : throughInterface(trip, eni)
  }
  return throughTransit(trip, via)
}

/** Leaves an interface in a subnet: its access list, then its table. */
export function enterSubnet(trip: Trip, subnet: string): Journey {
  const { world, destination } = trip
  const place = world.subnets.find(({ id }) => id === subnet)
  if (place !== undefined && withinAny(destination, place.denies)) {
    trip.trail.push({ at: 'denied', subnet })
    return drop(trip, `denied by the ACL of ${subnet}`)
  }
  const table = tableOf(world, subnet)
  return table === null ? drop(trip, `${subnet} has no table`) : enterTable(trip, table)
}
