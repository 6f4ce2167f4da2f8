import { parseHostname } from '../../aws/hostname.ts'
import { cidrOverlaps, parseCidr } from '../../net/cidr.ts'
import type { Cidr } from '../../net/cidr.ts'
import { parseIp } from '../../net/ip.ts'
import { isPrivateUse, specialPurpose } from '../../net/special.ts'
import { checkFirstLeg } from './check-first-leg.ts'
import type { Draft } from './draft.ts'
import { checkKnown, checkUnique, finding } from './findings.ts'
import type { Findings } from './findings.ts'
import { shown } from './problems.ts'

/** A resolver may be the host's own stub (127.0.0.53) or Amazon's (169.254.169.253), but not what can't answer DNS. */
function checkResolvers(findings: Findings, draft: Draft): void {
  checkUnique(
    findings,
    'resolvers',
    draft.resolvers.map(({ value }) => value.name),
  )
  const used = new Set(
    draft.targets.flatMap(({ value }) => [...(value.resolvers ?? []), ...(value.compare_resolvers ?? [])]),
  )
  for (const [index, { value }] of draft.resolvers.entries()) {
    const { name, address } = value
    if (name === 'system') {
      findings.errors.push(
        finding(
          ['resolvers', index, 'name'],
          '"system" means the resolver of the host itself',
          'another name',
        ),
      )
    } else if (name !== undefined && !used.has(name)) {
      findings.warnings.push(finding(['resolvers', index], `no target asks the resolver ${shown(name)}`))
    }
    const ip = address && parseIp(address.address)
    if (!ip?.ok || address === undefined) continue
    const purpose = specialPurpose(ip.value)
    const impossible = purpose === 'multicast' || purpose === 'unspecified' || purpose === 'broadcast'
    if (impossible || address.address === '169.254.169.254' || address.address === 'fd00:ec2::254') {
      const problem = `${shown(address.address)} is no name server: ${impossible ? purpose : 'instance metadata'}`
      findings.errors.push(finding(['resolvers', index, 'address'], problem, 'the address of a name server'))
    }
  }
}

/** Every prefix is compared with every other one before it; beyond this number overlaps are not looked for. */
const maxCompared = 2000

/** Whether private addresses are all that the prefix holds. No two of the private ranges are neighbours. */
function onlyPrivate({ family, value, length }: Cidr): boolean {
  const last = value | ((1n << BigInt((family === 4 ? 32 : 128) - length)) - 1n)
  return isPrivateUse({ family, value }) && isPrivateUse({ family, value: last })
}

/** Addresses of a site count as private, so a site that takes in half the internet would hide a public path. */
function checkSites(findings: Findings, draft: Draft): void {
  checkUnique(
    findings,
    'sites',
    draft.sites.map(({ value }) => value.name),
  )
  const seen: { cidr: Cidr; text: string; place: string }[] = []
  for (const [index, { value }] of draft.sites.entries()) {
    for (const [position, text] of (value.prefixes ?? []).entries()) {
      const cidr = parseCidr(text)
      if (!cidr.ok) continue
      const path = ['sites', index, 'prefixes', position]
      const shortest = cidr.value.family === 4 ? 8 : 16
      if (cidr.value.length < shortest) {
        const problem = `${shown(text)} is too wide for a site: every address in it would count as private`
        findings.errors.push(finding(path, problem, `a prefix of /${shortest} or longer`))
      } else if (!onlyPrivate(cidr.value)) {
        const problem = `${shown(text)} holds public addresses: they will count as its own`
        findings.warnings.push(finding(path, problem))
      }
      if (seen.length >= maxCompared) continue
      const other = seen.find((earlier) => cidrOverlaps(earlier.cidr, cidr.value))
      if (other !== undefined) {
        findings.warnings.push(
          finding(path, `${shown(text)} overlaps ${shown(other.text)} of ${other.place}`),
        )
      }
      seen.push({ cidr: cidr.value, text, place: `sites[${index}]` })
    }
  }
}

function checkTrustedEndpoints(findings: Findings, draft: Draft): void {
  const sites = draft.sites.flatMap(({ value }) => value.name ?? [])
  for (const [index, { given, value }] of draft.trustedEndpoints.entries()) {
    if (given === null) continue
    const path = ['trusted_endpoints', index]
    const ways = ['dns_name', 'address', 'gateway'].filter((key) => given.has(key))
    if (ways.length !== 1) {
      const problem = ways.length === 0 ? 'names no endpoint' : `has ${ways.join(' and ')}`
      findings.errors.push(finding(path, problem, 'one of dns_name, address, gateway'))
    }
    const { via, dns_name: dnsName } = value
    if (via !== undefined && !/^(tgw|vgw|core-network|cwan)-/.test(via)) {
      checkKnown(findings, [...path, 'via'], 'site', via, sites)
    }
    if (via !== undefined && given.has('gateway')) {
      const problem = 'stands beside gateway, to which the route table of the VPC leads'
      findings.errors.push(finding([...path, 'via'], problem, 'no via'))
    }
    const parsed = dnsName === undefined ? null : parseHostname(dnsName)
    if (parsed !== null && (!parsed.ok || parsed.name.style !== 'vpce' || parsed.name.endpointId === null)) {
      const problem = `${shown(dnsName)} is not the DNS name of an endpoint itself`
      findings.errors.push(
        finding(
          [...path, 'dns_name'],
          problem,
          'a name like vpce-0123456789abcdef0-abcdefgh.s3.eu-west-1.vpce.amazonaws.com',
        ),
      )
    }
  }
}

function checkNat64(findings: Findings, draft: Draft): void {
  for (const [index, text] of draft.nat64Prefixes.entries()) {
    const cidr = text === null ? null : parseCidr(text)
    if (cidr === null || !cidr.ok) continue
    if (cidr.value.family !== 6 || ![32, 40, 48, 56, 64, 96].includes(cidr.value.length)) {
      const problem = `${shown(text)} is no prefix of NAT64`
      findings.errors.push(
        finding(
          ['nat64_prefixes', index],
          problem,
          'an IPv6 prefix of length 32, 40, 48, 56, 64 or 96 (RFC 6052)',
        ),
      )
    }
  }
}

function checkPartitionRoots(findings: Findings, draft: Draft): void {
  for (const [index, { value }] of draft.partitionRoots.entries()) {
    if (value.partition !== 'aws') continue
    const problem =
      'the public roots serve this partition: a proxy whose certificates end in these roots is not told from AWS any more'
    findings.warnings.push(finding(['partition_roots', index], problem))
  }
}

/** Checks the sections that describe networks, as far as several keys or the meaning of addresses are concerned. */
export function checkNetwork(findings: Findings, draft: Draft): void {
  checkResolvers(findings, draft)
  checkSites(findings, draft)
  checkFirstLeg(findings, draft)
  checkTrustedEndpoints(findings, draft)
  checkNat64(findings, draft)
  checkPartitionRoots(findings, draft)
}
