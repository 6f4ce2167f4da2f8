import { cidrContains, inAny, networkOf, parseCidr } from './cidr.ts'
import type { Cidr } from './cidr.ts'
import { formatIp, mappedIpv4 } from './ip.ts'
import type { Ip } from './ip.ts'

/** What a special block is for, after the IANA special-purpose address registries (RFC 6890, RFC 8190). */
export type SpecialPurpose =
  | 'unspecified'
  | 'this_network'
  | 'loopback'
  | 'private_use'
  | 'shared'
  | 'unique_local'
  | 'link_local'
  | 'site_local'
  | 'multicast'
  | 'broadcast'
  | 'documentation'
  | 'benchmarking'
  | 'ietf_protocol'
  | 'reserved'
  | 'discard'
  | 'ipv4_mapped'
  | 'ipv4_compatible'
  | 'nat64'
  | 'nat64_local'
  | '6to4'
  | 'teredo'
  | 'orchid'
  | 'segment_routing'

/** A prefix written in this file; a slip of the pen is a bug. */
function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** Of nested blocks the inner one comes first. */
const blocks: readonly { purpose: SpecialPurpose; prefix: Cidr; rfc: string }[] = (
  [
    ['unspecified', '0.0.0.0/32', 'RFC 1122 section 3.2.1.3'],
    ['this_network', '0.0.0.0/8', 'RFC 791 section 3.2'],
    ['private_use', '10.0.0.0/8', 'RFC 1918'],
    ['shared', '100.64.0.0/10', 'RFC 6598'],
    ['loopback', '127.0.0.0/8', 'RFC 1122 section 3.2.1.3'],
    ['link_local', '169.254.0.0/16', 'RFC 3927'],
    ['private_use', '172.16.0.0/12', 'RFC 1918'],
    ['ietf_protocol', '192.0.0.0/24', 'RFC 6890 section 2.1'],
    ['documentation', '192.0.2.0/24', 'RFC 5737'],
    ['6to4', '192.88.99.0/24', 'RFC 7526'],
    ['private_use', '192.168.0.0/16', 'RFC 1918'],
    ['benchmarking', '198.18.0.0/15', 'RFC 2544'],
    ['documentation', '198.51.100.0/24', 'RFC 5737'],
    ['documentation', '203.0.113.0/24', 'RFC 5737'],
    ['multicast', '224.0.0.0/4', 'RFC 5771'],
    ['broadcast', '255.255.255.255/32', 'RFC 919'],
    ['reserved', '240.0.0.0/4', 'RFC 1112 section 4'],
    ['unspecified', '::/128', 'RFC 4291 section 2.5.2'],
    ['loopback', '::1/128', 'RFC 4291 section 2.5.3'],
    ['ipv4_compatible', '::/96', 'RFC 4291 section 2.5.5.1'],
    ['ipv4_mapped', '::ffff:0:0/96', 'RFC 4291 section 2.5.5.2'],
    ['nat64', '64:ff9b::/96', 'RFC 6052'],
    ['nat64_local', '64:ff9b:1::/48', 'RFC 8215'],
    ['discard', '100::/64', 'RFC 6666'],
    ['discard', '100:0:0:1::/64', 'RFC 9780'],
    ['teredo', '2001::/32', 'RFC 4380'],
    ['benchmarking', '2001:2::/48', 'RFC 5180'],
    ['orchid', '2001:10::/28', 'RFC 4843'],
    ['orchid', '2001:20::/28', 'RFC 7343'],
    ['ietf_protocol', '2001::/23', 'RFC 2928'],
    ['documentation', '2001:db8::/32', 'RFC 3849'],
    ['6to4', '2002::/16', 'RFC 3056'],
    ['documentation', '3fff::/20', 'RFC 9637'],
    ['segment_routing', '5f00::/16', 'RFC 9602'],
    ['unique_local', 'fc00::/7', 'RFC 4193'],
    ['link_local', 'fe80::/10', 'RFC 4291 section 2.5.6'],
    ['site_local', 'fec0::/10', 'RFC 3879'],
    ['multicast', 'ff00::/8', 'RFC 4291 section 2.7'],
  ] as const
).map(([purpose, text, rfc]) => ({ purpose, prefix: cidr(text), rfc }))

function blockOf(ip: Ip) {
  return blocks.find((block) => cidrContains(block.prefix, ip)) ?? null
}

/**
 * What the address's block is set aside for; null for ordinary global unicast. Says nothing of the address inside an
 * IPv4-mapped or NAT64 one: unwrap with `mappedIpv4` or `nat64Ipv4` and ask again.
 */
export function specialPurpose(ip: Ip): SpecialPurpose | null {
  return blockOf(ip)?.purpose ?? null
}

/**
 * RFC 1918, RFC 6598 (100.64.0.0/10) and RFC 4193 (fc00::/7) only. Public ranges used inside a VPC or a site are for
 * whoever knows their CIDRs. Families never mix: `::ffff:10.0.0.1` is not private use until it is unwrapped.
 */
export function isPrivateUse(ip: Ip): boolean {
  const purpose = specialPurpose(ip)
  return purpose === 'private_use' || purpose === 'shared' || purpose === 'unique_local'
}

const ipv4Compatible = cidr('::/96')
const ipv4Mapped = cidr('::ffff:0:0/96')
const wellKnownNat64 = cidr('64:ff9b::/96')
const localNat64 = cidr('64:ff9b:1::/48')
/** RFC 6052 section 2.2. */
const nat64Lengths = [32, 40, 48, 56, 64, 96]

/**
 * The IPv4 bits of an IPv6 address under a NAT64 prefix of `length` (RFC 6052 section 2.2). Bits 64 to 71 (`u`, must be zero)
 * split the address at lengths 40 to 64; what follows the IPv4 bits is the `suffix` (should be zero).
 */
function nat64Layout(value: bigint, length: number): { ipv4: bigint; u: bigint; suffix: bigint } {
  if (length === 96) return { ipv4: value & 0xffff_ffffn, u: 0n, suffix: 0n }
  const u = (value >> 56n) & 0xffn
  const withoutU = ((value >> 64n) << 56n) | (value & ((1n << 56n) - 1n))
  const suffixBits = BigInt(120 - length - 32)
  return {
    ipv4: (withoutU >> suffixBits) & 0xffff_ffffn,
    u,
    suffix: withoutU & ((1n << suffixBits) - 1n),
  }
}

function usableNat64(prefixes: readonly Cidr[]): Cidr[] {
  return prefixes.filter((prefix) => prefix.family === 6 && nat64Lengths.includes(prefix.length))
}

/**
 * Whether the address lies under a NAT64 prefix: 64:ff9b::/96 (RFC 6052), 64:ff9b:1::/48 (RFC 8215) or one of `prefixes`. True
 * also where `nat64Ipv4` can't tell the IPv4 address. Given prefixes of other lengths than RFC 6052's are ignored.
 */
export function isNat64(ip: Ip, prefixes: readonly Cidr[] = []): boolean {
  return inAny([wellKnownNat64, localNat64, ...usableNat64(prefixes)], ip)
}

/**
 * The IPv4 address that a NAT64 prefix wraps (RFC 6052 section 2.3), or null: not under such a prefix, or not in its layout.
 * The longest prefix that holds the address alone decides; a given one comes before the built-in of the same length. Given prefixes
 * of other lengths than 32, 40, 48, 56, 64 and 96 are ignored. From 64:ff9b:1::/48 networks carve prefixes of every length
 * (RFC 8215), so unless it is given itself its own layout is believed only if the suffix is zero.
 */
export function nat64Ipv4(ip: Ip, prefixes: readonly Cidr[] = []): Ip | null {
  if (ip.family !== 6) return null
  const given = usableNat64(prefixes)
  const holding = [...given, wellKnownNat64, localNat64].filter((prefix) => cidrContains(prefix, ip))
  if (holding.length === 0) return null
  const prefix = holding.reduce((best, next) => (next.length > best.length ? next : best))
  const { ipv4, u, suffix } = nat64Layout(ip.value, prefix.length)
  if (u !== 0n || (prefix === localNat64 && suffix !== 0n)) return null
  return { family: 4, value: ipv4 }
}

/** 192.0.0.170 and 192.0.0.171, the only A records of ipv4only.arpa (RFC 7050 section 2.2). */
const wellKnownIpv4 = [0xc00000aan, 0xc00000abn]

/**
 * The NAT64 prefixes that the AAAA answers of `ipv4only.arpa` give away (RFC 7050 section 3), without duplicates, in order of the answers.
 * An answer counts if it holds a well-known address in one layout of RFC 6052: the one with a zero suffix, else the only one. Several
 * are ambiguous and give nothing, and neither do answers that no translator could serve (IPv4-mapped, multicast and such).
 */
export function nat64PrefixesFromIpv4OnlyArpa(addresses: readonly Ip[]): Cidr[] {
  const found: Cidr[] = []
  for (const ip of addresses) {
    if (ip.family !== 6 || forbiddenBlock(ip) || inAny([ipv4Compatible, ipv4Mapped], ip)) continue
    const layouts = nat64Lengths
      .map((length) => ({ length, ...nat64Layout(ip.value, length) }))
      .filter(({ ipv4, u }) => u === 0n && wellKnownIpv4.includes(ipv4))
    // two layouts with a zero suffix can't both be: the longer one's last octet would stand in the other's suffix
    const layout =
      layouts.find(({ suffix }) => suffix === 0n) ?? (layouts.length === 1 ? layouts[0] : undefined)
    if (!layout) continue
    const prefix = networkOf(ip, layout.length)
    // all zeros would take in the addresses that mean something else
    if (prefix.value === 0n) continue
    if (!found.some(({ value, length }) => value === prefix.value && length === prefix.length))
      found.push(prefix)
  }
  return found
}

/** Instance metadata, the VPC's resolver and time service on IPv6; the IPv4 ones are link-local. */
const ec2Services = cidr('fd00:ec2::/32')

const forbiddenPurposes: Partial<Record<SpecialPurpose, string>> = {
  unspecified: 'the unspecified address',
  this_network: '"this network"',
  loopback: 'loopback',
  link_local: 'link-local, where instance metadata lives',
  multicast: 'multicast',
  broadcast: 'the broadcast address',
}

function forbiddenBlock(ip: Ip): string | null {
  if (cidrContains(ec2Services, ip)) return 'in fd00:ec2::/32, where instance metadata lives'
  const block = blockOf(ip)
  const words = block && forbiddenPurposes[block.purpose]
  return words ? `${words} (${block.rfc})` : null
}

const sixToFour = cidr('2002::/16')

/** The address itself and every IPv4 address that some stack or translator would dial instead. */
function dialledInstead(ip: Ip, nat64Prefixes: readonly Cidr[]): Ip[] {
  const wrapped: (Ip | null)[] = [mappedIpv4(ip), nat64Ipv4(ip, nat64Prefixes)]
  if (cidrContains(ipv4Compatible, ip)) wrapped.push({ family: 4, value: ip.value & 0xffff_ffffn })
  if (cidrContains(sixToFour, ip)) wrapped.push({ family: 4, value: (ip.value >> 80n) & 0xffff_ffffn })
  return [ip, ...wrapped.filter((inner) => inner !== null)]
}

/**
 * Why an address from a name or a configuration must never be dialled as a target, or null if it may: unspecified, 0.0.0.0/8,
 * loopback, link-local (169.254.0.0/16, fe80::/10), fd00:ec2::/32, multicast, broadcast. The IPv4 address inside an IPv4-mapped,
 * IPv4-compatible, 6to4 or NAT64 address (also under `nat64Prefixes`) is held to the same. Not for resolvers: 169.254.169.253 is one.
 */
export function forbiddenTarget(ip: Ip, nat64Prefixes: readonly Cidr[] = []): string | null {
  for (const dialled of dialledInstead(ip, nat64Prefixes)) {
    const why = forbiddenBlock(dialled)
    if (why === null) continue
    const means = dialled === ip ? '' : ` means ${formatIp(dialled)}, which`
    return `${formatIp(ip)}${means} is ${why}; it is never dialled as a target`
  }
  return null
}
