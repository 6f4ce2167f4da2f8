import type { Attempt } from '../model/observation.ts'
import type { Vantage } from '../model/topology.ts'
import { cidrContains } from '../net/cidr.ts'
import { type Ip, canonicalIp, parseIp } from '../net/ip.ts'
import { specialPurpose } from '../net/special.ts'
import { holds, readPrefix } from './prefixes.ts'
import type { Reading } from './reading.ts'

export type OwnInterface =
  | { known: true; id: string; subnetId: string; vpcId: string; localAddress: string }
  | { known: false; because: string }

interface Candidate {
  id: string
  subnetId: string | null
  vpcId: string | null
}

const unknown = (because: string): OwnInterface => ({ known: false, because })

function owns(ip: Ip, addresses: readonly string[], prefixes: readonly string[]): boolean {
  const text = (a: string) => {
    const parsed = parseIp(a)
    return parsed.ok && parsed.value.family === ip.family && parsed.value.value === ip.value
  }
  return addresses.some(text) || holds(prefixes, ip)
}

/**
 * The one network interface that this attempt left by: the device that the kernel named for exactly
 * this source and destination is hardware or a VLAN, its MAC is that of an ENI that the instance's
 * metadata or the API shows, and that ENI owns the socket's local address. Anything less (containers
 * behind SNAT, VPN clients, bridges, several candidates) is no interface at all, with the reason.
 */
export function ownInterface(attempt: Attempt, vantage: Vantage, reading: Reading): OwnInterface {
  const { host } = attempt
  if (vantage.kind === 'on-prem') return unknown('this host is on-prem: no subnet routes its packets')
  if (host.method === 'none' || host.device === null) {
    return unknown(`the kernel's route for this connection is not known (${host.detail ?? 'not asked'})`)
  }
  if (host.method === 'ip_route_get' && host.selectorRules !== false) {
    return unknown(
      host.selectorRules === null
        ? 'the policy-routing rules of this host could not be read'
        : 'a policy-routing rule by mark, port, protocol or user may send this connection by another device',
    )
  }
  if (host.redirect === 'possible') {
    return unknown('a redirect on this host (nat OUTPUT, TPROXY or xfrm policy) may match this connection')
  }
  if (host.deviceKind !== 'physical' && host.deviceKind !== 'vlan') {
    return unknown(
      `the device ${host.device} is ${host.deviceKind ?? 'of unknown kind'}, not the network interface itself`,
    )
  }
  if (host.mac === null || host.mac === '') return unknown(`the device ${host.device} has no MAC address`)
  const local = attempt.localAddress ?? host.source
  const parsed = local === null ? null : parseIp(local)
  if (local === null || parsed === null || !parsed.ok) {
    return unknown('the local address of this connection is not known')
  }
  if (parsed.value.family !== attempt.family) {
    return unknown(`the local address ${local} is not of the family of ${attempt.address}`)
  }
  if (attempt.localAddress !== null && host.source !== null) {
    const source = canonicalIp(host.source)
    if (source !== null && source !== canonicalIp(attempt.localAddress)) {
      return unknown(
        `the kernel was asked for source ${source}, but the socket was bound to ${attempt.localAddress}`,
      )
    }
  }
  const mac = host.mac.toLowerCase()
  const candidates = new Map<string, Candidate[]>()
  let macSeen = false
  const add = (c: Candidate) => candidates.set(c.id, [...(candidates.get(c.id) ?? []), c])
  for (const i of vantage.interfaces) {
    if (i.mac.toLowerCase() !== mac) continue
    macSeen = true
    if (owns(parsed.value, [...i.ipv4, ...i.ipv6], [...i.ipv4Prefixes, ...i.ipv6Prefixes])) add(i)
  }
  for (const i of reading.snapshot.networkInterfaces) {
    if (i.macAddress.toLowerCase() !== mac) continue
    macSeen = true
    const addresses = [...i.ipv4.map((a) => a.address), ...i.ipv6]
    if (owns(parsed.value, addresses, [...i.ipv4Prefixes, ...i.ipv6Prefixes])) add(i)
  }
  if (!macSeen) {
    return unknown(`no ENI with the MAC ${mac} of ${host.device} is shown by instance metadata or the API`)
  }
  if (candidates.size === 0) {
    return unknown(`the ENI with the MAC ${mac} does not own the local address ${local}`)
  }
  if (candidates.size > 1) {
    return unknown(
      `several ENIs show the MAC ${mac} and the address ${local}: ${[...candidates.keys()].join(', ')}`,
    )
  }
  const [[id, shown]] = [...candidates] as [[string, Candidate[]]]
  const subnets = new Set(shown.flatMap((c) => (c.subnetId ? [c.subnetId] : [])))
  const vpcs = new Set(shown.flatMap((c) => (c.vpcId ? [c.vpcId] : [])))
  const [subnetId] = subnets
  const [vpcId] = vpcs
  if (subnets.size !== 1 || vpcs.size !== 1 || subnetId === undefined || vpcId === undefined) {
    return unknown(`instance metadata and the API do not agree on the subnet and VPC of ${id}`)
  }
  const hop = whyNotByRouter(attempt, subnetId, vantage, reading)
  if (hop !== null) return unknown(hop)
  return { known: true, id, subnetId, vpcId, localAddress: local }
}

/**
 * Why the next hop is not shown to be the VPC's router, null if it is. The router has the first host address of
 * the subnet (VPC guide, "Subnet CIDR reservations"); a route on the host by any other next hop leads to a
 * neighbour, and the subnet's table never sees what that does with the packets. The router's IPv6 address is
 * link-local and follows from nothing that can be read: only other kinds of next hop are told from it.
 */
function whyNotByRouter(
  attempt: Attempt,
  subnetId: string,
  vantage: Vantage,
  reading: Reading,
): string | null {
  const { gateway } = attempt.host
  if (attempt.family === 6) {
    const hop = gateway === null ? null : parseIp(gateway)
    const linkLocal = hop?.ok && specialPurpose(hop.value) === 'link_local'
    if (gateway === null) {
      const to = parseIp(attempt.address)
      const ranges = reading.snapshot.subnets.flatMap((s) => (s.id === subnetId ? s.ipv6Cidrs : []))
      return to.ok && owns(to.value, [], ranges)
        ? null
        : `the kernel sends ${attempt.address} straight onto the link, or its next hop is not known`
    }
    return linkLocal ? null : `the kernel's next hop ${gateway} is not a router's link-local address`
  }
  const cidrs = [
    ...vantage.interfaces.flatMap((i) =>
      i.subnetId === subnetId && i.subnetIpv4Cidr ? [i.subnetIpv4Cidr] : [],
    ),
    ...reading.snapshot.subnets.flatMap((s) => (s.id === subnetId && s.ipv4Cidr ? [s.ipv4Cidr] : [])),
  ]
  const [text] = cidrs
  const cidr = text === undefined ? null : readPrefix(text)
  if (text === undefined || cidr === null || cidrs.some((c) => c !== text)) {
    return `the range of ${subnetId} is not known, so neither is the address of its router`
  }
  const destination = parseIp(attempt.address)
  if (gateway === null) {
    return destination.ok && cidrContains(cidr, destination.value)
      ? null
      : `the kernel sends ${attempt.address} straight onto the link, not to the VPC's router`
  }
  const hop = parseIp(gateway)
  const router = cidr.value + 1n
  return hop.ok && hop.value.family === 4 && hop.value.value === router
    ? null
    : `the kernel's next hop ${gateway} is not the VPC's router of ${text}`
}
