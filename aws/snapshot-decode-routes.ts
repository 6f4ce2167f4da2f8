import { fieldsOf, shown } from './snapshot-decode-fields.ts'
import { safeText } from '../model/text.ts'
import type { Route, RouteDestination, RouteTable, RouteTarget, TargetKind } from '../model/topology.ts'
import type { Fields, Notes } from './snapshot-decode-fields.ts'

/** Fields of a route that name its target (EC2 API, `Route`). `GatewayId` is told apart by its prefix. */
const targetFields: Readonly<Record<string, TargetKind>> = {
  GatewayId: 'unknown',
  NatGatewayId: 'nat_gateway',
  TransitGatewayId: 'transit_gateway',
  VpcPeeringConnectionId: 'peering',
  NetworkInterfaceId: 'network_interface',
  InstanceId: 'instance',
  EgressOnlyInternetGatewayId: 'egress_only_internet_gateway',
  CarrierGatewayId: 'carrier_gateway',
  LocalGatewayId: 'local_gateway',
  CoreNetworkArn: 'core_network',
  OdbNetworkArn: 'odb_network',
  IpAddress: 'ip_address',
}

const otherRouteFields: ReadonlySet<string> = new Set([
  'DestinationCidrBlock',
  'DestinationIpv6CidrBlock',
  'DestinationPrefixListId',
  'InstanceOwnerId',
  'Origin',
  'State',
])

const unknownTarget = (field: string | null): RouteTarget => ({ kind: 'unknown', id: field })

function gatewayTarget(id: string): RouteTarget {
  if (id === 'local') return { kind: 'local', id }
  if (id.startsWith('igw-')) return { kind: 'internet_gateway', id }
  if (id.startsWith('vgw-')) return { kind: 'virtual_private_gateway', id }
  if (id.startsWith('vpce-')) return { kind: 'vpc_endpoint', id }
  return unknownTarget('GatewayId')
}

const anywhere = 'the route is taken to lead anywhere; a newer version may know this kind of target'

function decodeTarget(route: Fields, notes: Notes): RouteTarget {
  const present = route.names().filter((name) => route.raw(name) !== null && !otherRouteFields.has(name))
  const known = present.filter((name) => Object.hasOwn(targetFields, name))
  // AWS names the instance beside its interface; the interface is what the packets go to
  const named = known.filter((name) => !(name === 'InstanceId' && known.includes('NetworkInterfaceId')))
  const [field] = named
  if (field === undefined) {
    const strange = present.length === 0 ? null : safeText(present.join(', '), 100)
    notes.add(
      route.place,
      strange === null ? 'the route names no target' : `the target is not known: ${strange}`,
      'a field like GatewayId or NatGatewayId',
      anywhere,
    )
    return unknownTarget(strange)
  }
  const strange = present.filter(
    (name) => !known.includes(name) && /(Id|Arn|Address|Target|Gateway)$/.test(name),
  )
  if (strange.length > 0) {
    const names = safeText(strange.join(', '), 100)
    notes.add(route.place, `beside ${field} stands what may be the target: ${names}`, 'one target', anywhere)
    return unknownTarget(names)
  }
  if (named.length > 1) {
    notes.add(route.place, `several targets at once: ${named.join(', ')}`, 'one target')
    return unknownTarget(named.join(', '))
  }
  const id = route.word(field)
  if (id === null || id === '') return unknownTarget(field)
  const target = field === 'GatewayId' ? gatewayTarget(id) : { kind: targetFields[field] ?? 'unknown', id }
  if (target.kind === 'unknown') {
    notes.add(
      `${route.place}.${field}`,
      `${shown(id)} is no gateway that is known`,
      'local, igw-…, vgw-… or vpce-…',
      anywhere,
    )
  }
  return target
}

/** Exactly one of the three destination fields; null (and a note) otherwise. */
function decodeDestination(route: Fields, notes: Notes): RouteDestination | null {
  const fields = ['DestinationCidrBlock', 'DestinationIpv6CidrBlock', 'DestinationPrefixListId']
  const present = fields.filter((name) => route.raw(name) !== undefined && route.raw(name) !== null)
  const [field] = present
  if (field === undefined || present.length > 1) {
    const problem =
      field === undefined ? 'the route has no destination' : `several destinations: ${present.join(', ')}`
    notes.add(route.place, problem, `one of ${fields.join(', ')}`)
    return null
  }
  if (field === 'DestinationPrefixListId') {
    const id = route.word(field)
    return id === null || id === '' ? null : { kind: 'prefix_list', id }
  }
  const cidr = route.cidr(field, field === 'DestinationCidrBlock' ? 4 : 6)
  return cidr === null ? null : { kind: 'cidr', cidr }
}

const states: Readonly<Record<string, Route['state']>> = {
  active: 'active',
  blackhole: 'blackhole',
  filtered: 'filtered',
}

/**
 * `Advertisement` (VPC Route Server) stays unknown: where AWS ranks it among static and propagated routes of the same
 * length is not written down, and an unknown origin keeps both ways open.
 */
const origins: Readonly<Record<string, Route['origin']>> = {
  Advertisement: 'unknown',
  CreateRouteTable: 'local',
  CreateRoute: 'static',
  EnableVgwRoutePropagation: 'propagated',
}

/** A word that AWS has added since (or none at all) is noted and becomes `otherwise`. */
function wordOf<T>(route: Fields, name: string, table: Readonly<Record<string, T>>, otherwise: T): T {
  const word = route.word(name)
  if (word !== null && Object.hasOwn(table, word)) return table[word] ?? otherwise
  const known = Object.keys(table).join(', ')
  route.notes.add(
    `${route.place}.${name}`,
    `${shown(route.raw(name))} stands here`,
    known,
    'all that it may mean stays possible',
  )
  return otherwise
}

function decodeRoute(value: unknown, place: string, notes: Notes): Route | null {
  const route = fieldsOf(value, place, notes)
  if (route === null) return null
  const destination = decodeDestination(route, notes)
  if (destination === null) return null
  return {
    destination,
    target: decodeTarget(route, notes),
    state: wordOf(route, 'State', states, 'unknown'),
    origin: wordOf(route, 'Origin', origins, 'unknown'),
  }
}

interface Association {
  main: boolean
  subnetId: string | null
  gatewayId: string | null
  /** In transit (associating, disassociating, …): either table may be in force. */
  settled: boolean
}

function decodeAssociation(entry: Fields): Association {
  const main = entry.flag('Main') === true
  const subnetId = entry.word('SubnetId')
  const gatewayId = entry.word('GatewayId') ?? entry.word('PublicIpv4Pool')
  if (!main && subnetId === null && gatewayId === null) {
    entry.damage(
      'SubnetId',
      'the association names neither a subnet nor a gateway, and is not the main one',
      'one of them',
    )
  }
  const state = entry.object('AssociationState')?.word('State') ?? 'associated'
  if (state !== 'associated') {
    const expected = 'associated; until then it is not known which table is in force'
    entry.notes.add(`${entry.place}.AssociationState`, `the association is ${shown(state)}`, expected)
  }
  return { main, subnetId, gatewayId, settled: state === 'associated' }
}

/** A route table with what the model has no word for: whether its main association is in transit. */
export interface DecodedTable {
  table: RouteTable
  mainInTransit: boolean
}

/**
 * One element of `RouteTables`. A route without a readable destination is counted in `unreadableRoutes`; a table whose id,
 * VPC or associations can't be read is damaged, for it may belong to any subnet. A subnet whose association is in transit
 * is listed twice, which look-ups read as two tables: neither is known to be in force.
 */
export function decodeRouteTable(entry: Fields): DecodedTable {
  const { notes } = entry
  const table: RouteTable = {
    id: entry.requiredWord('RouteTableId'),
    vpcId: entry.requiredWord('VpcId'),
    main: false,
    subnetIds: [],
    gatewayIds: [],
    routes: [],
    unreadableRoutes: 0,
  }
  if (!Array.isArray(entry.raw('Associations'))) {
    entry.damage(
      'Associations',
      `${shown(entry.raw('Associations'))} stands here`,
      'a list, empty if there are none',
    )
  }
  let mainInTransit = false
  for (const association of entry.objects('Associations').map(decodeAssociation)) {
    if (association.main) {
      if (association.settled) table.main = true
      else mainInTransit = true
    }
    if (association.subnetId !== null) {
      table.subnetIds.push(association.subnetId)
      if (!association.settled) table.subnetIds.push(association.subnetId)
    }
    if (association.gatewayId !== null) table.gatewayIds.push(association.gatewayId)
  }
  const routes = entry.raw('Routes')
  if (!Array.isArray(routes)) {
    notes.add(`${entry.place}.Routes`, `${shown(routes)} stands here`, 'a list of routes')
    table.unreadableRoutes = 1
    return { table, mainInTransit }
  }
  for (const [index, value] of routes.entries()) {
    const route = decodeRoute(value, `${entry.place}.Routes[${index}]`, notes)
    if (route === null) table.unreadableRoutes += 1
    else table.routes.push(route)
  }
  return { table, mainInTransit }
}

/** Where a main association is in transit, no table of that VPC is known to be the main one. */
export function settleMainTables(decoded: readonly DecodedTable[]): RouteTable[] {
  const unsettled = new Set(decoded.filter((entry) => entry.mainInTransit).map((entry) => entry.table.vpcId))
  return decoded.map(({ table }) => (unsettled.has(table.vpcId) ? { ...table, main: false } : table))
}
