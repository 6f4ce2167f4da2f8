/**
 * What the lab plays of the host's own kernel. A namespace has no physical device, and a laptop has no ENI, so
 * device, MAC and routes are the world's in both ways of running; what goes over sockets is real.
 */
import type { Family, HostRoute } from '../model/observation.ts'
import { familyOf, lengthOf, within } from './world/bits.ts'
import type { World, WorldDevice, WorldHostRoute } from './world/types.ts'

export interface HostAddress {
  device: string
  address: string
  family: Family
  mac: string
  linkLocal: boolean
}

/** The host's own addresses, as `os.networkInterfaces()` would give them; a family that is not usable has none. */
export function hostAddresses(world: World): HostAddress[] {
  const { devices, ipv4Usable, ipv6Usable } = world.host
  return devices.flatMap(({ name, mac, addresses }) =>
    addresses
      .map((address) => ({
        device: name,
        address,
        family: familyOf(address),
        mac,
        linkLocal: isLinkLocal(address),
      }))
      .filter(({ family }) => (family === 4 ? ipv4Usable : ipv6Usable)),
  )
}

function isLinkLocal(address: string): boolean {
  return within(address, familyOf(address) === 4 ? '169.254.0.0/16' : 'fe80::/10')
}

function weight({ from, to }: WorldHostRoute): number {
  return (from === null ? 0 : 1000) + lengthOf(to)
}

/** The routing table's answer: rules by source first, then the longest prefix. Rules with selectors don't show in it. */
function routeFor(world: World, source: string | null, destination: string): WorldHostRoute | null {
  const [best] = world.host.routes
    .filter(
      ({ to, from, selector }) =>
        !selector && within(destination, to) && (from === null || (source !== null && within(source, from))),
    )
    .toSorted((one, other) => weight(other) - weight(one))
  return best ?? null
}

/** The address that the kernel would choose for a connection to `destination`; null: it has none, or no route. */
export function sourceFor(world: World, destination: string): string | null {
  const route = routeFor(world, null, destination)
  const family = familyOf(destination)
  const own = hostAddresses(world).find(
    (each) => each.device === route?.device && each.family === family && !each.linkLocal,
  )
  return own?.address ?? null
}

/** What `ip route get DESTINATION from SOURCE` and a look at the rules would say on this host. */
export function hostRoute(world: World, destination: string, source: string | null): HostRoute {
  const route = routeFor(world, source, destination)
  const device: WorldDevice | undefined = world.host.devices.find(({ name }) => name === route?.device)
  return {
    method: 'ip_route_get',
    device: device?.name ?? null,
    deviceKind: device?.kind ?? null,
    mac: device?.mac ?? null,
    gateway: route?.gateway ?? null,
    source: source ?? sourceFor(world, destination),
    selectorRules: world.host.routes.some(({ selector }) => selector),
    redirect: world.host.redirects.some(({ to }) => within(destination, to)) ? 'possible' : 'none',
    detail: device === undefined ? `no route to ${destination}` : null,
  }
}
