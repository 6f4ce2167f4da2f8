import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { PrefixList, Topology } from '../../model/topology.ts'
import type { Cidr } from '../../net/cidr.ts'
import { type Ip, canonicalIp, formatIp, parseIp } from '../../net/ip.ts'
import { isNat64, isPrivateUse, nat64Ipv4 } from '../../net/special.ts'
import { showsAllPeerings } from '../peerings-read.ts'
import { holds, readPrefix } from '../prefixes.ts'
import type { Reading } from '../reading.ts'
import type { EndpointShown } from './endpoint.ts'
import { evidenceOf, rows } from './rows.ts'

/**
 * Whether an address counts as private: private use (RFC 1918, 100.64/10, ULA), inside any known VPC or
 * declared site, or an endpoint's. VPCs may hold public ranges, so the ranges alone don't tell.
 */
export function isPrivateAddress(ip: Ip, topology: Topology, endpoint: EndpointShown | null): boolean {
  if (isPrivateUse(ip) || endpoint !== null) return true
  const snapshots = [...topology.readings, ...topology.others]
  return (
    snapshots.some((s) => s.vpcs.some((v) => holds(ip.family === 4 ? v.ipv4Cidrs : v.ipv6Cidrs, ip))) ||
    topology.vantage.interfaces.some((i) => holds(ip.family === 4 ? i.vpcIpv4Cidrs : i.vpcIpv6Cidrs, ip)) ||
    topology.sites.some((s) => holds(s.prefixes, ip))
  )
}

function inPeerOrTrusted(ip: Ip, topology: Topology): boolean {
  const snapshots = [...topology.readings, ...topology.others]
  const sides = snapshots.flatMap((s) => s.peerings.flatMap((p) => [p.requester, p.accepter]))
  return (
    sides.some((side) => holds([...side.ipv4Cidrs, ...side.ipv6Cidrs], ip)) ||
    topology.trustedEndpoints.some((t) => holds(t.vpcCidrs, ip) || t.addresses.includes(formatIp(ip)))
  )
}

function nat64Prefixes(topology: Topology): Cidr[] {
  return (topology.nat64Prefixes ?? []).flatMap((text) => readPrefix(text) ?? [])
}

/**
 * Whether the lists that gateway endpoints take were read whole, for this family, and none holds the address.
 * Customers' lists can't show this; one such list that was not read hides the answer.
 */
function outsideLists(ip: Ip, readings: readonly Reading[]): boolean {
  if (readings.length === 0) return false
  return readings.every((reading) => {
    if (!reading.has('prefixLists')) return false
    const lists = reading.snapshot.prefixLists.filter(
      (l) => l.ownerId === 'AWS' && (l.family === ip.family || l.family === null) && isGatewayServiceList(l),
    )
    return lists.length > 0 && lists.every((l) => l.entries !== null && l.complete && !holds(l.entries, ip))
  })
}

/** Lists of the services that gateway endpoints exist for; the IPv6 twins carry `.ipv6.` in their name. */
function isGatewayServiceList(list: PrefixList): boolean {
  return /\.(s3|dynamodb|s3express)$/.test(list.name)
}

/**
 * What the address itself is consistent with. Membership in a prefix list shows whose address it is,
 * never the way to it; only an address outside every list excludes the gateway endpoint.
 */
export function addressEvidence(
  attempt: Attempt,
  endpoint: EndpointShown | null,
  readings: readonly Reading[],
  topology: Topology,
): Evidence[] {
  const parsed = parseIp(attempt.address)
  if (!parsed.ok) return []
  const ip = parsed.value
  const address = canonicalIp(attempt.address) ?? attempt.address
  const told = { source: 'dns', observedAtMs: attempt.stamp.wallMs }
  const evidence: Evidence[] = []
  const prefixes = nat64Prefixes(topology)
  const nat64 = ip.family === 6 && isNat64(ip, prefixes)
  const embedded = nat64 ? nat64Ipv4(ip, prefixes) : null

  if (endpoint !== null) {
    const known = rows[endpoint.row].rank === 'configured'
    evidence.push(
      known
        ? evidenceOf(endpoint.row, {
            ...told,
            because: endpoint.because,
            source: 'snapshot',
            assumptions: endpoint.assumptions,
          })
        : evidenceOf('endpoint.not_shown', { ...told, because: endpoint.because }),
    )
  } else if (isPrivateAddress(ip, topology, null)) {
    evidence.push(
      evidenceOf('address.private', {
        ...told,
        because: `${address} is private, and no endpoint that is known owns it`,
      }),
    )
  } else if (
    readings.length > 0 &&
    readings.every((r) => showsAllPeerings(r, topology.vantage)) &&
    !inPeerOrTrusted(ip, topology)
  ) {
    evidence.push(
      evidenceOf('address.public', {
        ...told,
        because: `${address} is public and in no range of this VPC, its peers or a declared endpoint`,
      }),
    )
  }

  if (nat64) {
    evidence.push(
      evidenceOf('address.nat64', {
        ...told,
        because: `${address} is a NAT64 address${embedded === null ? '' : ` for ${formatIp(embedded)}`}`,
      }),
    )
  }
  // Unwrapping serves membership only; a NAT64 address that can't be unwrapped shows nothing.
  const member = nat64 ? embedded : ip
  if (
    member !== null &&
    endpoint === null &&
    !isPrivateAddress(member, topology, null) &&
    outsideLists(member, readings)
  ) {
    evidence.push(
      evidenceOf('address.outside_list', {
        ...told,
        because: `${address} is in none of AWS's lists for this region that a gateway endpoint could take`,
        flags: ['answer_outside_list'],
      }),
    )
  }
  return evidence
}

/** The union of the endpoint evidence of several readings: the widest row stands. */
export function widest(shown: readonly (EndpointShown | null)[]): EndpointShown | null {
  const order = [
    'endpoint.not_shown',
    'endpoint.declared_address',
    'endpoint.trusted',
    'endpoint.own_vpc',
  ] as const
  if (shown.length === 0 || shown.some((s) => s === null)) {
    // One reading in which no endpoint owns it: whatever another one showed is not shown any more.
    const [any] = shown.filter((s) => s !== null)
    return any === undefined
      ? null
      : { ...any, row: 'endpoint.not_shown', because: `${any.because}; another reading does not show it` }
  }
  for (const row of order) {
    const found = shown.find((s) => s?.row === row)
    if (found) return found
  }
  return null
}
