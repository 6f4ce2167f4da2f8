import type { MetadataInterface } from '../model/topology.ts'
import { formatCidr, parseCidr } from '../net/cidr.ts'
import { canonicalIp } from '../net/ip.ts'

/** One ENI of this instance, with its public addresses. */
export interface InstanceInterface extends MetadataInterface {
  subnetIpv4Cidr: string | null
  /** Public or Elastic addresses that are associated to its private ones. */
  publicIpv4: string[]
}

/** Lengths of the prefixes that can be delegated to an ENI (EC2 user guide, "Prefix delegation"). */
const delegatedLength = { 4: 28, 6: 80 } as const

function lines(text: string | null): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

/** MACs in the listing of `network/interfaces/macs/`: lower case, without the slash that ends a directory. */
export function parseMacs(text: string | null): { macs: string[]; problems: string[] } {
  const macs = new Set<string>()
  const problems: string[] = []
  for (const line of lines(text)) {
    const mac = line.replace(/\/$/, '').toLowerCase()
    if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) && mac !== '00:00:00:00:00:00') macs.add(mac)
    else if (problems.length === 0) problems.push('the metadata service lists something that is no MAC')
  }
  return { macs: [...macs], problems }
}

/**
 * What `get` (a key below `macs/<mac>/` → its text, null: not set) says of one interface; null without an id. Values
 * that are not of AWS's form are left out and named: an address that is not shown to be the ENI's is no evidence.
 */
export async function parseInterface(
  mac: string,
  get: (key: string) => Promise<string | null>,
): Promise<{ shown: InstanceInterface | null; problems: string[] }> {
  const keys = [
    'interface-id',
    'subnet-id',
    'vpc-id',
    'subnet-ipv4-cidr-block',
    'local-ipv4s',
    'ipv6s',
    'public-ipv4s',
    'ipv4-prefix',
    'ipv6-prefix',
    'vpc-ipv4-cidr-blocks',
    'vpc-ipv6-cidr-blocks',
  ] as const
  const texts = new Map<string, string | null>()
  await Promise.all(keys.map(async (key) => texts.set(key, await get(key))))
  const problems: string[] = []
  const odd = (key: string): void => {
    problems.push(`${key} of the interface ${mac} is not of AWS's form`)
  }
  const each = (key: (typeof keys)[number], read: (line: string) => string | null): string[] => {
    const found = lines(texts.get(key) ?? null).map(read)
    if (found.includes(null)) odd(key)
    return found.filter((value) => value !== null)
  }
  const only = (key: (typeof keys)[number], pattern: RegExp): string | null => {
    const found = each(key, (line) => (pattern.test(line) ? line : null))
    return found.length === 1 ? (found[0] ?? null) : null
  }
  const address = (family: 4 | 6) => (line: string) => {
    const ip = canonicalIp(line)
    return ip !== null && ip.includes(':') === (family === 6) ? ip : null
  }
  const prefix = (family: 4 | 6, length?: number) => (line: string) => {
    const cidr = parseCidr(line)
    if (!cidr.ok || cidr.value.family !== family) return null
    return length === undefined || cidr.value.length === length ? formatCidr(cidr.value) : null
  }
  const id = only('interface-id', /^eni-[0-9a-f]{8,32}$/)
  if (id === null) return { shown: null, problems: [`the interface with the MAC ${mac} has no id`] }
  const subnetRanges = each('subnet-ipv4-cidr-block', prefix(4))
  const shown: InstanceInterface = {
    id,
    mac,
    subnetId: only('subnet-id', /^subnet-[0-9a-f]{8,32}$/),
    vpcId: only('vpc-id', /^vpc-[0-9a-f]{8,32}$/),
    subnetIpv4Cidr: subnetRanges.length === 1 ? (subnetRanges[0] ?? null) : null,
    ipv4: each('local-ipv4s', address(4)),
    ipv6: each('ipv6s', address(6)),
    ipv4Prefixes: each('ipv4-prefix', prefix(4, delegatedLength[4])),
    ipv6Prefixes: each('ipv6-prefix', prefix(6, delegatedLength[6])),
    vpcIpv4Cidrs: each('vpc-ipv4-cidr-blocks', prefix(4)),
    vpcIpv6Cidrs: each('vpc-ipv6-cidr-blocks', prefix(6)),
    publicIpv4: each('public-ipv4s', address(4)),
  }
  return { shown, problems }
}
