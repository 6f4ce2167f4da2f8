/**
 * Where flow logs see a connection: at each interface that its packets pass, once for each direction. Source: VPC user
 * guide, "Flow log records", and its examples for NAT gateways.
 */
import type { Station, World, WorldInterface } from '../world/types.ts'
import { tableOf, winningRoute } from '../world/winner.ts'
import type { FlowPlan } from './types.ts'

/** What one interface sees of a connection in one direction. */
export interface Sighting {
  /** Null: a regional NAT gateway, which has no ENI. */
  eni: WorldInterface | null
  /** Id of a regional NAT gateway. */
  nat: string | null
  direction: 'ingress' | 'egress'
  /** From the server to the client. */
  reply: boolean
  /** Of the packet. */
  source: string
  destination: string
  /** `traffic-path`; `-` for ingress. */
  path: string
  /** The receiving interface of egress, the sending one of ingress. */
  next: NextHop | null
  /** A network ACL let nothing out here. */
  denied: boolean
  /** The client's port here is one that a NAT gateway or an appliance has put there. */
  translated: boolean
}

export type NextHop = { eni: WorldInterface } | { nat: string }

type Pass = Extract<Station, { at: 'interface' }>

/** In the order of the packets' way, each with its reply behind it. */
export function sightingsOf(world: World, trail: readonly Station[], plan: FlowPlan): Sighting[] {
  const passes = trail.flatMap((station, index) => (station.at === 'interface' ? [{ station, index }] : []))
  const client = passes[0]?.station.source
  return passes.flatMap(({ station, index }, n): Sighting[] => {
    const here = placeOf(world, station.id)
    const before = passes[n - 1]?.station ?? null
    const after = passes[n + 1]?.station ?? null
    const behind = trail[index + 1]
    const translated = station.source !== client
    const common = { ...here, denied: false, translated }
    const there = { source: station.source, destination: station.destination }
    const back = { source: station.destination, destination: station.source }
    if (station.way === 'in') {
      const next = before?.way === 'out' ? nextOf(world, before) : null
      const forward = { ...common, ...there, direction: 'ingress' as const, reply: false, path: '-', next }
      const path = replyPath(world, here.eni, station.source, plan)
      return [forward, { ...common, ...back, direction: 'egress', reply: true, path, next }]
    }
    const next = after?.way === 'in' ? nextOf(world, after) : handedTo(world, behind)
    const path = pathOf(world, behind, here.eni, plan)
    const denied = behind?.at === 'denied'
    const forward = { ...common, ...there, direction: 'egress' as const, reply: false, path, next, denied }
    return [forward, { ...common, ...back, direction: 'ingress', reply: true, path: '-', next }]
  })
}

function placeOf(world: World, id: string): { eni: WorldInterface | null; nat: string | null } {
  const eni = world.interfaces.find((item) => item.id === id) ?? null
  return { eni, nat: eni === null ? id : null }
}

function nextOf(world: World, { id }: Pass): NextHop {
  const eni = world.interfaces.find((item) => item.id === id)
  return eni === undefined ? { nat: id } : { eni }
}

/** A Gateway Load Balancer endpoint has an interface; gateways and gateway endpoints have none. */
function handedTo(world: World, station: Station | undefined): NextHop | null {
  if (station?.at !== 'route') return null
  const first = world.endpoints.find(({ id }) => id === station.via)?.interfaces[0]
  const eni = world.interfaces.find(({ id }) => id === first)
  return eni === undefined ? null : { eni }
}

/** The way out of an interface: what stands behind it in the trail. */
function pathOf(
  world: World,
  station: Station | undefined,
  eni: WorldInterface | null,
  plan: FlowPlan,
): string {
  // handed to a neighbour of the subnet, before any route
  if (station?.at === 'interface') return station.way === 'in' ? '1' : '-'
  return station?.at === 'route' ? pathBy(world, station.via, station.vpc, eni, plan) : '-'
}

/** Of the answers that leave an interface: by the table of its subnet. */
function replyPath(world: World, eni: WorldInterface | null, client: string, plan: FlowPlan): string {
  const table = eni === null ? null : tableOf(world, eni.subnet)
  const route = table === null ? null : winningRoute(world, table, client)
  return eni === null || route === null ? '-' : pathBy(world, route.via, eni.vpc, eni, plan)
}

function pathBy(world: World, via: string, vpc: string, eni: WorldInterface | null, plan: FlowPlan): string {
  // requester-managed interfaces are on AWS's own machines
  const nitro = plan.nitro || eni === null || eni.instance === null
  if (via === 'local' || /^(nat|eni|i)-/u.test(via)) return '1'
  if (/^e?igw-/u.test(via)) return nitro ? '8' : '2'
  if (via.startsWith('vpce-')) {
    const type = world.endpoints.find(({ id }) => id === via)?.type
    if (type !== 'Gateway') return '1'
    return nitro ? '7' : '2'
  }
  if (via.startsWith('vgw-')) return '3'
  if (via.startsWith('pcx-')) return peeringPath(world, via, vpc)
  if (via.startsWith('lgw-')) return '6'
  return via.startsWith('tgw-') || via.includes(':networkmanager:') ? plan.transitPath : '-'
}

function peeringPath(world: World, id: string, vpc: string): string {
  const peering = world.peerings.find((item) => item.id === id)
  const other = peering?.requester === vpc ? peering.accepter : peering?.requester
  const regionOf = (wanted: string | undefined): string | undefined =>
    world.vpcs.find((item) => item.id === wanted)?.region
  return regionOf(other) === regionOf(vpc) ? '4' : '5'
}
