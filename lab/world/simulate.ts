import { familyOf, lengthOf, mappedIpv4, nthAddress, within, withinAny } from './bits.ts'
import { enterLeg, enterSubnet, ends, passes, throughInterface, type Trip } from './vpc.ts'
import type { Journey, Packet, Station, World, WorldDevice, WorldLeg, WorldSubnet } from './types.ts'

/** Of the legs that cover the destination the one with the longest prefix, the first of equals. */
export function legTo(legs: readonly WorldLeg[], destination: string): WorldLeg | null {
  let best: WorldLeg | null = null
  for (const leg of legs) {
    if (!within(destination, leg.to)) continue
    if (best === null || lengthOf(leg.to) > lengthOf(best.to)) best = leg
  }
  return best
}

/** The host's kernel route: policy rules by source first, then the longest prefix. Null: no route, or no such device. */
export function kernelRoute(
  world: World,
  source: string,
  destination: string,
): { device: WorldDevice; gateway: string | null } | null {
  const usable = world.host.routes.filter(
    ({ from, to, applies }) => applies && within(destination, to) && (from === null || within(source, from)),
  )
  const weight = (route: (typeof usable)[number]): number =>
    (route.selector ? 2000 : 0) + (route.from === null ? 0 : 1000) + lengthOf(route.to)
  const best = usable.reduce<(typeof usable)[number] | null>(
    (winner, route) => (winner === null || weight(route) > weight(winner) ? route : winner),
    null,
  )
  const device = world.host.devices.find(({ name }) => name === best?.device)
  if (best === null || device === undefined) return null
  const subnet = 'interface' in device.leads ? subnetOf(world, device.leads.interface) : null
  const ranges = subnet === null ? [] : [...(subnet.ipv4 === null ? [] : [subnet.ipv4]), ...subnet.ipv6]
  const onLink = withinAny(destination, ranges)
  return { device, gateway: onLink ? null : best.gateway }
}

function subnetOf(world: World, eni: string): WorldSubnet | null {
  const id = world.interfaces.find((item) => item.id === eni)?.subnet
  return world.subnets.find((subnet) => subnet.id === id) ?? null
}

/**
 * Whether a next hop is the router of the VPC: the first address of the subnet, link-local for IPv6. Any other is a
 * neighbour, which gets the packet before any table of the VPC sees it.
 */
function isRouter(gateway: string, subnet: WorldSubnet | null): boolean {
  if (familyOf(gateway) === 6) return within(gateway, 'fe80::/10')
  return subnet !== null && subnet.ipv4 !== null && gateway === nthAddress(subnet.ipv4, 1)
}

/**
 * Where the packets of one connection truly go, from the host to whoever answers. Ways that AWS's texts leave
 * open are decided by the world's fate; there is no doubt in a world. `trail` gets the points that they pass.
 */
export function travel(world: World, packet: Packet, trail: Station[] = []): Journey {
  const { port } = packet
  const inner = mappedIpv4(packet.destination)
  const destination = inner ?? packet.destination
  const source = inner === null ? packet.source : (mappedIpv4(packet.source) ?? packet.source)
  const trip: Trip = {
    world,
    source,
    destination,
    port,
    hops: [],
    translated: false,
    foreign: false,
    shown: true,
    steps: 0,
    trail,
  }
  if (familyOf(source) !== familyOf(destination)) return ends(trip, 'blocked', 'a source of the other family')
  const usable = destination.includes(':') ? world.host.ipv6Usable : world.host.ipv4Usable
  if (!usable) return ends(trip, 'blocked', 'the host has no usable address of this family')
  const redirect = world.host.redirects.find(({ to }) => within(destination, to))
  if (redirect !== undefined) {
    trip.hops.push('redirected on the host')
    return enterLeg(trip, redirect.ends)
  }
  const way = kernelRoute(world, source, destination)
  if (way === null) return ends(trip, 'blocked', 'the host has no route')
  const { device, gateway } = way
  trip.hops.push(`device ${device.name}`)
  const { leads } = device
  if ('legs' in leads) {
    const leg = legTo(leads.legs, destination)
    trip.foreign = true
    return leg === null ? ends(trip, 'blocked', 'nothing behind the device') : enterLeg(trip, leg.ends)
  }
  const eni = world.interfaces.find(({ id }) => id === leads.interface)
  if (eni === undefined) return ends(trip, 'blocked', 'the device is not attached')
  if ('translatedTo' in leads) {
    trip.source = leads.translatedTo
    trip.shown = false
    trip.hops.push(`source becomes ${trip.source}`)
  }
  const own =
    eni.ipv4.some(({ address }) => address === trip.source) ||
    eni.ipv6.includes(trip.source) ||
    [...eni.ipv4Prefixes, ...eni.ipv6Prefixes].some((prefix) => within(trip.source, prefix))
  if (!own && eni.sourceCheck) return ends(trip, 'blocked', `${eni.id} drops packets that are not its own`)
  trip.hops.push(eni.id)
  passes(trip, eni.id, 'out')
  if (gateway !== null && !('translatedTo' in leads) && !isRouter(gateway, subnetOf(world, eni.id))) {
    const neighbour = world.interfaces.find(
      (item) =>
        item.subnet === eni.subnet &&
        (item.ipv6.includes(gateway) || item.ipv4.some(({ address }) => address === gateway)),
    )
    return neighbour === undefined
      ? ends(trip, 'blocked', `no neighbour has ${gateway}`)
      : throughInterface(trip, neighbour)
  }
  return enterSubnet(trip, eni.subnet)
}

/**
 * Where a packet ends that has been handed to a transit (`tgw-…`, `vgw-…`, a core network), or with `site` to the
 * lines of an on-prem host.
 */
export function behind(world: World, transit: string, destination: string, port = 443): Journey {
  const trip: Trip = {
    world,
    source: '0.0.0.0',
    destination,
    port,
    hops: [],
    translated: false,
    foreign: true,
    shown: false,
    steps: 0,
    trail: [],
  }
  const lines = world.host.devices.flatMap(({ leads }) => ('legs' in leads ? leads.legs : []))
  const legs = transit === 'site' ? lines : (world.transits.find(({ id }) => id === transit)?.leads ?? [])
  const leg = legTo(legs, destination)
  return leg === null ? ends(trip, 'blocked', `${transit} leads nowhere`) : enterLeg(trip, leg.ends)
}
