import type { Attempt } from '../../model/observation.ts'
import type { Snapshot, Topology, TrustedEndpoint, VpcEndpoint } from '../../model/topology.ts'
import type { RouteLookup } from '../../aws/route.ts'
import { type Ip, canonicalIp, parseIp } from '../../net/ip.ts'
import { isPrivateUse } from '../../net/special.ts'
import { readKnownHostname } from '../hostnames.ts'
import type { OwnInterface } from '../own-interface.ts'
import { holds } from '../prefixes.ts'
import { type Reading, readingAt } from '../reading.ts'
import { reachedBy } from './endpoint-reach.ts'
import { rewritingAssumed } from '../rewriting.ts'

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

/** An interface endpoint of one of AWS's own services, in a state in which it carries packets. */
export function isOwnInterfaceEndpoint(endpoint: VpcEndpoint): boolean {
  return whyNotOurs(endpoint) === null
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

/** Whether the name of another endpoint answers `address` too, as where a name server answers whatever it is asked. */
function sharedAnswer(address: string, name: string, topology: Topology): boolean {
  return topology.trustedEndpoints.some((t) => {
    const other = declaredName(t)
    return other !== name && 'dnsName' in t.declared && t.addresses.includes(address)
  })
}

/** Whether a description says that `name`, or for a wildcard one below it, is the endpoint's own. */
function describesName({ dnsNames }: VpcEndpoint, name: string): boolean {
  return dnsNames.some((own) => (own.startsWith('*.') ? name.endsWith(own.slice(1)) : name === own))
}

/**
 * Endpoints of further accounts that hold `address`. An attempt is judged on what was known when it began, and the union
 * with later readings stands: a reading from before the attempt must show it, and no reading of the same account and region
 * that counts may lack it.
 */
function ofFurtherAccounts(address: string, attempt: Attempt, topology: Topology): VpcEndpoint[] {
  const { wallMs } = attempt.stamp
  const shownBy = (other: Snapshot, isFirst: boolean): VpcEndpoint[] | null => {
    const at = readingAt(other, wallMs, topology.limits, isFirst)
    if (!at.has('endpoints') || !at.has('networkInterfaces')) return null
    return endpointsAt(at.snapshot, address).filter((e) => whyNotOurs(e) === null)
  }
  const placeOf = ({ account, region, source }: Snapshot) => `${account ?? source} ${region}`
  const found = new Map<string, VpcEndpoint>()
  for (const before of topology.others) {
    const alike = topology.others.filter((other) => placeOf(other) === placeOf(before))
    for (const endpoint of shownBy(before, true) ?? []) {
      const stays = alike.every(
        (other) => other === before || (shownBy(other, false)?.some((e) => e.id === endpoint.id) ?? true),
      )
      if (stays) found.set(`${placeOf(before)} ${endpoint.id}`, endpoint)
    }
  }
  return [...found.values()]
}

/**
 * Row 3: an endpoint that was declared, or stands in a further account's snapshot, or in any snapshot and its own name
 * answers the address, and that is reached by a way that leads to it.
 *
 * Why a description of whatever age will do for the last kind: an endpoint's id is never given again, and neither its
 * service nor its VPC can change; its name (which can't be guessed) answers the addresses of its interfaces and is gone with
 * it. So what must be fresh is the answer, of this cycle, and the way: the peering to that very VPC, read now, and the one
 * route that wins. Nobody has vouched for such an endpoint, so nothing else leads to it: no `via`, no site. An answer that
 * several endpoints' names share is none of these: somebody else answers.
 */
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
  const assumedOfHost = topology.vantage.kind === 'on-prem' ? [rewritingAssumed(attempt.host)] : []
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
    if (entry.found === true && sharedAnswer(address, name, topology)) continue
    const parsed = bare ? null : readKnownHostname(name)
    const endpointId = parsed?.ok ? parsed.name.endpointId : null
    if (!bare && (endpointId === null || !parsed?.ok || !awsOwnedService(parsed.name.service ?? ''))) continue
    const known = [...topology.readings, ...topology.others].flatMap((s) => s.endpoints)
    const descriptions = known.filter((e) => e.id === endpointId)
    const [described] = descriptions
    // A description that says that it is no such endpoint beats the declaration, whichever reading it is in.
    if (descriptions.some((e) => whyNotOurs(e) !== null)) continue
    const found = entry.found === true
    if (found && !descriptions.some((e) => describesName(e, name))) continue
    const via = found ? null : entry.via
    const result = shown(
      name,
      endpointId ?? name,
      { via, vpcId: described?.vpcId ?? null },
      bare,
      found
        ? `the name service's answer for ${name} is AWS's`
        : `trusted_endpoints: ${name}${via === null ? '' : ` via ${via}`}`,
    )
    if (result !== null) return result
  }

  for (const endpoint of ofFurtherAccounts(address, attempt, topology)) {
    const vias = topology.trustedEndpoints
      .filter((t) => 'dnsName' in t.declared && namesEndpoint(t.declared.dnsName, endpoint.id))
      .map((t) => t.via)
    for (const via of [null, ...vias]) {
      const result = shown(endpoint.id, endpoint.id, { via, vpcId: endpoint.vpcId }, false, null)
      if (result !== null) return result
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
