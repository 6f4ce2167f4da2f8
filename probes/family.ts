import type { HostAccess } from '../model/host.ts'
import type { Family, FamilyObservation, HostRoute, Stamp } from '../model/observation.ts'
import { hasNoRoute } from './host-route.ts'

/**
 * Destinations to ask the kernel's route for (nothing is sent) before a family may be called unusable: documentation
 * addresses (RFC 5737, RFC 3849), which only a default route holds, and one of each large block that AWS numbers its services and
 * VPCs from, for hosts that have routes to some of these only. Ask for every known address of the family as well.
 */
export const familyDestinations: Readonly<Record<Family, readonly string[]>> = {
  4: [
    '192.0.2.1',
    '10.0.0.1',
    '172.31.0.1',
    '192.168.0.1',
    '3.5.0.1',
    '16.12.0.1',
    '18.34.0.1',
    '52.216.0.1',
    '54.231.0.1',
  ],
  6: [
    '2001:db8::1',
    '2600:1f00::1',
    '2600:9000::1',
    '2606:f40::1',
    '2406:da00::1',
    '2a05:d000::1',
    '2804:800::1',
    'fd00::1',
  ],
}

/**
 * Whether the kernel has a usable address and route of `family`. Not usable: no address but link-local and
 * loopback ones, or the kernel says "Network is unreachable" for every destination that was asked (at least one).
 * Whatever could not be asked leaves it usable. `addresses` and `routes` are what `HostAccess` gives; pure.
 */
export function familyUsable(
  family: Family,
  addresses: ReturnType<HostAccess['addresses']>,
  routes: readonly HostRoute[],
  stamp: Stamp,
): FamilyObservation {
  const observe = (usable: boolean, because: string): FamilyObservation => ({
    kind: 'family',
    stamp,
    family,
    usable,
    because,
  })
  const own = addresses.filter((one) => one.family === family && !one.linkLocal)
  const first = own[0]
  if (!first) return observe(false, `this host has no IPv${family} address other than link-local ones`)
  if (routes.length > 0 && routes.every(hasNoRoute)) {
    return observe(
      false,
      `the kernel has no IPv${family} route to any of ${routes.length} destinations asked`,
    )
  }
  return observe(true, `${first.device} has ${first.address}`)
}
