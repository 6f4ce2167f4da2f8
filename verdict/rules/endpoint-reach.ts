import type { Attempt } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import type { RouteLookup } from '../../aws/route.ts'
import { type Ip, parseIp } from '../../net/ip.ts'
import type { OwnInterface } from '../own-interface.ts'
import { holds } from '../prefixes.ts'
import type { Reading } from '../reading.ts'

/** How the packets get to a declared endpoint, or null if that is not shown. */
export function reachedBy(
  attempt: Attempt,
  ip: Ip,
  entry: { via: string | null; vpcId: string | null },
  own: OwnInterface,
  lookup: RouteLookup | null,
  reading: Reading | null,
  topology: Topology,
): string | null {
  if (topology.vantage.kind === 'on-prem') {
    const site = topology.sites.find((s) => s.name === entry.via)
    const local = attempt.localAddress ?? attempt.host.source
    const from = local === null ? null : parseIp(local)
    if (site === undefined || from === null || !from.ok) return null
    if (!holds(site.prefixes, from.value) || holds(site.prefixes, ip)) return null
    const kind = attempt.host.deviceKind
    if (kind !== 'physical' && kind !== 'vlan' && kind !== 'bond') return null
    if (attempt.host.redirect === 'possible' || attempt.host.method === 'none') return null
    if (attempt.host.method === 'ip_route_get' && attempt.host.selectorRules !== false) return null
    return `site ${site.name}, as declared`
  }
  if (!own.known || lookup === null || !lookup.readable || lookup.maybe.length > 0 || lookup.unreadable > 0)
    return null
  const targets = lookup.winners.map((w) => w.route)
  const [first] = targets
  if (first === undefined || targets.some((r) => r.state !== 'active')) return null
  if (targets.some((r) => r.target.kind !== first.target.kind || r.target.id !== first.target.id)) return null
  if (first.target.kind === 'peering') {
    const peering = reading?.snapshot.peerings.find((p) => p.id === first.target.id)
    if (peering === undefined || peering.status !== 'active' || entry.vpcId === null) return null
    const sides = [peering.requester.vpcId, peering.accepter.vpcId]
    if (!sides.includes(own.vpcId) || !sides.includes(entry.vpcId) || entry.vpcId === own.vpcId) return null
    return `the peering ${peering.id} with ${entry.vpcId}`
  }
  const declarable = ['transit_gateway', 'core_network', 'virtual_private_gateway']
  if (declarable.includes(first.target.kind) && entry.via !== null && first.target.id === entry.via) {
    return `${entry.via}, as declared`
  }
  return null
}
