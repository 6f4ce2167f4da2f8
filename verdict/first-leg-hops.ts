import type { Trace, VirtualInterface } from '../model/first-leg.ts'
import type { Attempt } from '../model/observation.ts'
import type { Site, Topology } from '../model/topology.ts'
import { type Ip, canonicalIp, parseIp } from '../net/ip.ts'
import { isPrivateUse, specialPurpose } from '../net/special.ts'
import { holds as within } from './prefixes.ts'

/** A station on the way that something showed. */
export interface Hop {
  address: string
  ip: Ip
  /** The kernel's own next hop, or a hop of a trace. */
  by: 'kernel' | 'trace'
  /** Distance in a trace; 0 for the kernel's. */
  ttl: number
}

/** All traces to the attempt's own address and port, from its own address. */
export function tracesOf(attempt: Attempt, topology: Topology): Trace[] {
  const local = attempt.localAddress ?? attempt.host.source
  const to = canonicalIp(attempt.address) ?? attempt.address
  return (topology.traces ?? []).filter(
    ({ address, port, source }) =>
      address === to && port === attempt.port && (source === null || source === local),
  )
}

/** The newest of them; null: there is none. */
export function traceOf(attempt: Attempt, topology: Topology): Trace | null {
  return tracesOf(attempt, topology).toSorted((a, b) => b.atMs - a.atMs)[0] ?? null
}

/** Every station that was seen before the destination itself. */
export function hopsOf(attempt: Attempt, trace: Trace | null): Hop[] {
  const destination = canonicalIp(attempt.address)
  const one = (text: string, by: Hop['by'], ttl: number): Hop[] => {
    const address = canonicalIp(text)
    const parsed = parseIp(text)
    if (address === null || !parsed.ok || address === destination) return []
    return [{ address, ip: parsed.value, by, ttl }]
  }
  const { gateway } = attempt.host
  return [
    ...(gateway === null ? [] : one(gateway, 'kernel', 0)),
    ...(trace?.result.traced === true
      ? trace.result.hops.flatMap(({ ttl, addresses }) => addresses.flatMap((a) => one(a, 'trace', ttl)))
      : []),
  ]
}

/** Whether a virtual interface can carry packets: available, and no BGP session of it that is told is down. */
export function isUp({ state, peers }: VirtualInterface): boolean {
  return state === 'available' && peers.some(({ up }) => up === true)
}

function equals(text: string | null, ip: Ip): boolean {
  const parsed = text === null ? null : parseIp(text.split('/', 1)[0] ?? '')
  return parsed?.ok === true && parsed.value.family === ip.family && parsed.value.value === ip.value
}

/** Virtual interfaces one end of which is this hop. */
export function interfacesAt(ip: Ip, topology: Topology): VirtualInterface[] {
  return (topology.directConnect?.interfaces ?? []).filter(({ peers }) =>
    peers.some((peer) => equals(peer.amazonAddress, ip) || equals(peer.customerAddress, ip)),
  )
}

function declared(ip: Ip, sites: readonly Site[]): boolean {
  return sites.some((site) => within(site.prefixes, ip) || within(site.nextHops, ip))
}

/** AWS's own by its prefix lists, its VPCs, its end of a virtual interface, or what it advertises over a public one. */
function ofAws(ip: Ip, topology: Topology): boolean {
  const snapshots = [...topology.readings, ...topology.others]
  return (
    snapshots.some(
      (s) =>
        s.prefixLists.some((l) => l.ownerId === 'AWS' && l.entries !== null && within(l.entries, ip)) ||
        s.vpcs.some((v) => within([...v.ipv4Cidrs, ...v.ipv6Cidrs], ip)),
    ) ||
    interfacesAt(ip, topology).length > 0 ||
    (topology.directConnect?.interfaces ?? []).some(
      (vif) => vif.type === 'public' && isUp(vif) && vif.advertised !== null && within(vif.advertised, ip),
    )
  )
}

/** A public hop that is neither AWS's nor declared: a provider's line, as far as anybody can tell. */
export function isUnknownPublic({ ip }: Hop, topology: Topology): boolean {
  if (isPrivateUse(ip) || specialPurpose(ip) === 'link_local') return false
  return !declared(ip, topology.sites) && !ofAws(ip, topology)
}

/**
 * A link-local hop behind the kernel's next one that nobody declared: both ends of a private virtual interface and both ends
 * of a VPN tunnel may be such addresses (Direct Connect guide, "Create a private virtual interface"; Site-to-Site VPN guide,
 * "Tunnel options").
 */
export function isUnknownLinkLocal({ ip, by }: Hop, topology: Topology): boolean {
  if (by !== 'trace' || ip.family !== 4 || specialPurpose(ip) !== 'link_local') return false
  return !declared(ip, topology.sites) && interfacesAt(ip, topology).length === 0
}
