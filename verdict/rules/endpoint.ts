import type { Attempt } from '../../model/observation.ts'
import type { Snapshot, Topology, TrustedEndpoint, VpcEndpoint } from '../../model/topology.ts'
import { parseHostname } from '../../aws/hostname.ts'
import type { RouteLookup } from '../../aws/route.ts'
import { parseCidr, cidrContains } from '../../net/cidr.ts'
import { type Ip, canonicalIp, parseIp } from '../../net/ip.ts'
import { isPrivateUse } from '../../net/special.ts'
import type { OwnInterface } from '../own-interface.ts'
import { type Reading, readingAt } from '../reading.ts'

/** What is shown about an address that belongs, or may belong, to an endpoint's network interface. */
export interface EndpointShown {
  row: 'endpoint.own_vpc' | 'endpoint.trusted' | 'endpoint.declared_address' | 'endpoint.not_shown'
  endpoint: string
  because: string
  assumptions: string[]
}

/** AWS's own services are not under `com.amazonaws.vpce.`; what is there belongs to somebody else. */
export function awsOwnedService(serviceName: string): boolean {
  return (
    serviceName !== '' &&
    !serviceName.startsWith('com.amazonaws.vpce.') &&
    !/(^|\.)vpce-svc-/.test(serviceName)
  )
}

const usableStates = new Set(['available', 'partial'])

function holds(prefixes: readonly string[], ip: Ip): boolean {
  return prefixes.some((p) => {
    const cidr = parseCidr(p)
    return cidr.ok && cidrContains(cidr.value, ip)
  })
}

function endpointsAt(snapshot: Snapshot, address: string): VpcEndpoint[] {
  const owners = new Set(
    snapshot.networkInterfaces
      .filter((i) => i.ipv4.some((a) => a.address === address) || i.ipv6.includes(address))
      .map((i) => i.id),
  )
  if (owners.size === 0) return []
  return snapshot.endpoints.filter((e) => e.networkInterfaceIds.some((id) => owners.has(id)))
}

function whyNotOurs(endpoint: VpcEndpoint): string | null {
  if (endpoint.type !== 'Interface') return `is of type ${endpoint.type}`
  if (!usableStates.has(endpoint.state)) return `is in state ${endpoint.state}`
  if (!awsOwnedService(endpoint.serviceName)) return `serves ${endpoint.serviceName}, which is not AWS's own`
  return null
}

/** Row 1: an interface endpoint of AWS's own service in this VPC, reached by the VPC's `local` route and nothing else. */
function inOwnVpc(
  address: string,
  own: OwnInterface,
  lookup: RouteLookup | null,
  reading: Reading,
): EndpointShown | null {
  const found = endpointsAt(reading.snapshot, address)
  const [endpoint] = found
  if (endpoint === undefined) return null
  const notShown = (because: string): EndpointShown => ({
    row: 'endpoint.not_shown',
    endpoint: endpoint.id,
    because: `${address} is also the address of ${endpoint.id}, but ${because}`,
    assumptions: [],
  })
  for (const e of found) {
    const why = whyNotOurs(e)
    if (why !== null) return notShown(`${e.id} ${why}`)
  }
  if (!own.known) return notShown(own.because)
  if (found.some((e) => e.vpcId !== own.vpcId)) return notShown('that endpoint is in another VPC')
  if (lookup === null || !lookup.readable || lookup.winners.length === 0) {
    return notShown('the route to it could not be read')
  }
  const local = lookup.winners.every((w) => w.route.target.kind === 'local' && w.route.state === 'active')
  if (!local || lookup.maybe.length > 0 || lookup.unreadable > 0) {
    return notShown('the route that wins is not (only) the local route of the VPC')
  }
  return {
    row: 'endpoint.own_vpc',
    endpoint: endpoint.id,
    because: `${address} is an interface of ${endpoint.id} (${endpoint.serviceName}, ${endpoint.state}) in ${own.vpcId}, reached by the VPC's local route`,
    assumptions: [],
  }
}

/** How the packets get to a declared endpoint, or null if that is not shown. */
function reachedBy(
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

/**
 * Interface endpoints have addresses of their VPC's subnets. A name that answers another one is not answered by
 * what made the endpoint: a spoofed or wildcard answer would turn the way out into a declared way in.
 */
function mayBeAnEndpoints(ip: Ip, entry: TrustedEndpoint, topology: Topology): boolean {
  const snapshots = [...topology.readings, ...topology.others]
  const sides = snapshots.flatMap((s) => s.peerings.flatMap((p) => [p.requester, p.accepter]))
  const vpcs = [...snapshots.flatMap((s) => s.vpcs), ...sides]
  return (
    isPrivateUse(ip) ||
    holds([...entry.vpcCidrs, ...vpcs.flatMap((v) => [...v.ipv4Cidrs, ...v.ipv6Cidrs])], ip)
  )
}

function declaredName(entry: TrustedEndpoint): string | null {
  if ('dnsName' in entry.declared) return entry.declared.dnsName
  if ('address' in entry.declared) return entry.declared.address
  return null
}

/** Whether a `vpce-…` name is this endpoint's: its id is followed by a dash, so that no id is taken for a longer one. */
function namesEndpoint(dnsName: string, id: string): boolean {
  return dnsName.split('.').some((label) => label.startsWith(`${id}-`))
}

/** Row 3: an endpoint that was declared, or stands in a further account's snapshot, and is reached by a way that leads to it. */
function trusted(
  attempt: Attempt,
  ip: Ip,
  address: string,
  own: OwnInterface,
  lookup: RouteLookup | null,
  reading: Reading | null,
  topology: Topology,
): EndpointShown | null {
  let matched: EndpointShown | null = null
  // In a VPC the route evidence says it.
  const assumedOfHost =
    topology.vantage.kind === 'on-prem' && attempt.host.redirect === 'unreadable'
      ? ['no redirect on this host rewrites the connection']
      : []
  const shown = (
    name: string,
    endpoint: string,
    entry: { via: string | null; vpcId: string | null },
    bare: boolean,
    assumption: string | null,
  ): EndpointShown | null => {
    const way = reachedBy(attempt, ip, entry, own, lookup, reading, topology)
    if (way === null) {
      matched ??= {
        row: 'endpoint.not_shown',
        endpoint,
        because: `${address} is what ${name} answers, but no way that leads to it is shown`,
        assumptions: [],
      }
      return null
    }
    return {
      row: bare ? 'endpoint.declared_address' : 'endpoint.trusted',
      endpoint,
      because: `${address} is what ${name} answers, reached by ${way}`,
      assumptions: [...(assumption === null ? [] : [assumption]), ...assumedOfHost],
    }
  }

  for (const entry of topology.trustedEndpoints) {
    const name = declaredName(entry)
    if (name === null) continue
    const bare = 'address' in entry.declared
    const answers = bare ? [canonicalIp(name) ?? ''] : entry.addresses
    if (!answers.includes(address) || !mayBeAnEndpoints(ip, entry, topology)) continue
    const parsed = bare ? null : parseHostname(name)
    const endpointId = parsed?.ok ? parsed.name.endpointId : null
    if (!bare && (endpointId === null || !parsed?.ok || !awsOwnedService(parsed.name.service ?? ''))) continue
    const known = [...topology.readings, ...topology.others].flatMap((s) => s.endpoints)
    const descriptions = known.filter((e) => e.id === endpointId)
    const [described] = descriptions
    // A description that says that it is no such endpoint beats the declaration, whichever reading it is in.
    if (descriptions.some((e) => whyNotOurs(e) !== null)) continue
    const result = shown(
      name,
      endpointId ?? name,
      { via: entry.via, vpcId: described?.vpcId ?? null },
      bare,
      `trusted_endpoints: ${name}${entry.via === null ? '' : ` via ${entry.via}`}`,
    )
    if (result !== null) return result
  }

  for (const other of topology.others) {
    const at = readingAt(other, attempt.stamp.wallMs, topology.limits)
    for (const endpoint of endpointsAt(at.snapshot, address)) {
      if (whyNotOurs(endpoint) !== null) continue
      const vias = topology.trustedEndpoints
        .filter((t) => 'dnsName' in t.declared && namesEndpoint(t.declared.dnsName, endpoint.id))
        .map((t) => t.via)
      for (const via of [null, ...vias]) {
        const result = shown(endpoint.id, endpoint.id, { via, vpcId: endpoint.vpcId }, false, null)
        if (result !== null) return result
      }
    }
  }
  return matched
}

/**
 * What is shown about the endpoint, if any, that owns `address` (rows 1 to 3 of the address table).
 * Null: no endpoint that is known in any way has this address.
 */
export function endpointShown(
  attempt: Attempt,
  own: OwnInterface,
  lookup: RouteLookup | null,
  reading: Reading | null,
  topology: Topology,
): EndpointShown | null {
  const parsed = parseIp(attempt.address)
  if (!parsed.ok) return null
  const address = canonicalIp(attempt.address) ?? attempt.address
  const inside = reading === null ? null : inOwnVpc(address, own, lookup, reading)
  if (inside?.row === 'endpoint.own_vpc') return inside
  const declared = trusted(attempt, parsed.value, address, own, lookup, reading, topology)
  if (declared !== null && declared.row !== 'endpoint.not_shown') {
    // An address that another endpoint holds as well, in whatever reading and however old, may be either one's; one
    // of this very VPC has no business behind a gateway.
    const holders = [...topology.readings, ...topology.others].flatMap((s) => endpointsAt(s, address))
    const other = holders.find((e) => e.id !== declared.endpoint || (own.known && e.vpcId === own.vpcId))
    if (other === undefined) return declared
    return (
      inside ?? {
        row: 'endpoint.not_shown',
        endpoint: other.id,
        because: `${declared.because}; but it is, or was, the address of ${other.id} as well`,
        assumptions: [],
      }
    )
  }
  if (inside !== null) return inside
  if (declared !== null) return declared
  for (const snapshot of [...topology.readings, ...topology.others]) {
    const [old] = endpointsAt(snapshot, address)
    if (old === undefined) continue
    return {
      row: 'endpoint.not_shown',
      endpoint: old.id,
      because: `${address} was the address of ${old.id} in a reading that is too old, or in another account`,
      assumptions: [],
    }
  }
  return null
}
