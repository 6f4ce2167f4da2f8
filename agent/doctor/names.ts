import { randomInt } from 'node:crypto'
import type { DnsAnswer, DnsObservation, Stamp } from '../../model/observation.ts'
import { canonicalIp, parseIp } from '../../net/ip.ts'
import { isPrivateUse } from '../../net/special.ts'
import { type DnsDeps, endpointText, queryResolver } from '../../probes/dns.ts'
import { limit } from '../../probes/limit.ts'
import { querySystem } from '../../probes/system-resolver.ts'
import { type Finding, type Patient, fail, ok, warn } from './finding.ts'

export interface NameFindings {
  findings: Finding[]
  /** Addresses of the sample as this host's own name service gives them. */
  addresses: string[]
}

function dnsDeps(patient: Patient): DnsDeps {
  const { host, timeoutSeconds, signal } = patient
  const stamp = (): Stamp => ({
    id: 'doctor',
    wallMs: host.clock.wallMs(),
    monotonicMs: host.clock.monotonicMs(),
    bootId: host.bootId,
    snapshot: null,
    configuration: null,
  })
  return {
    clock: host.clock,
    serverAddress: host.serverAddress,
    stamp,
    randomId: () => randomInt(0x10000),
    timeoutSeconds,
    signal,
  }
}

const mostShown = 4

function answerText(type: 'A' | 'AAAA', answer: DnsAnswer): string {
  if (!answer.answered) {
    const code = 'code' in answer.failure ? ` ${answer.failure.code}` : ''
    return `${type} failed (${answer.failure.type}${code})`
  }
  if (answer.rcode === 'NXDOMAIN') return `${type} NXDOMAIN`
  const shown = answer.addresses.slice(0, mostShown).map(({ address }) => address)
  const more = answer.addresses.length - shown.length
  const cut = answer.truncated ? ' (cut short)' : ''
  return `${type} ${shown.join(' ') || 'none'}${more > 0 ? ` and ${more} more` : ''}${cut}`
}

const both = ({ ipv4, ipv6 }: DnsObservation): string =>
  `${answerText('A', ipv4)}, ${answerText('AAAA', ipv6)}`
const answered = ({ ipv4, ipv6 }: DnsObservation): boolean =>
  ipv4.answered && ipv6.answered && !ipv4.truncated && !ipv6.truncated

function addressesOf({ ipv4, ipv6 }: DnsObservation): string[] {
  return [ipv4, ipv6].flatMap((answer) =>
    answer.answered ? answer.addresses.flatMap(({ address }) => canonicalIp(address) ?? []) : [],
  )
}

/** Whether some of the addresses are of private use, some public. */
function kindsOf(addresses: readonly string[]): string {
  const kinds = new Set(
    addresses.map((address) => {
      const ip = parseIp(address)
      return ip.ok && isPrivateUse(ip.value) ? 'private' : 'public'
    }),
  )
  return [...kinds].sort().join(' and ')
}

/** Each name server that the host or the configuration has: does it answer, and what. */
async function resolverFindings(patient: Patient): Promise<Finding[]> {
  const { host, config, sample } = patient
  const servers = [
    ...host.systemServers().map((server) => ({ name: 'system', server })),
    ...config.resolvers.map(({ name, address, port }) => ({ name, server: { address, port } })),
  ]
  const findings = await Promise.all(
    servers.map(async (resolver): Promise<Finding> => {
      const seen = await queryResolver({ hostname: sample, resolver, counts: true }, dnsDeps(patient))
      const text = `${resolver.name} ${endpointText(resolver.server)}: ${sample}: ${both(seen)}`
      if (answered(seen)) return ok('resolver', text)
      return warn('resolver', text, 'a failed question leaves each name that counts on it undetermined')
    }),
  )
  if (host.systemServers().length === 0) {
    findings.push(
      warn(
        'resolver',
        'this host has no name server',
        'see /etc/resolv.conf, or name resolvers in the targets',
      ),
    )
  }
  return findings
}

/** getaddrinfo (with /etc/hosts and nsswitch) beside DNS: a difference of kind is a name that goes elsewhere. */
async function lookupFindings(patient: Patient): Promise<NameFindings> {
  const { host, sample } = patient
  const [libc, dns] = await querySystem(sample, {
    ...dnsDeps(patient),
    lookup: host.lookup,
    systemServers: host.systemServers,
    lookups: limit(1),
  })
  const area = 'name service'
  if (libc === undefined || dns === undefined) return { findings: [], addresses: [] }
  const found = addressesOf(libc)
  const byDns = addressesOf(dns)
  const text = `${sample}: getaddrinfo ${both(libc)}; DNS ${both(dns)}`
  const result = (finding: Finding): NameFindings => ({
    findings: [finding],
    addresses: found.length > 0 ? found : byDns,
  })
  if (found.length === 0 && byDns.length === 0)
    return result(fail(area, text, 'no name of AWS resolves here: see the resolvers above'))
  if (found.length === 0 || byDns.length === 0 || kindsOf(found) !== kindsOf(byDns)) {
    return result(
      warn(
        area,
        `they differ: ${text}`,
        'look at /etc/hosts and /etc/nsswitch.conf; all answers count in a verdict',
      ),
    )
  }
  return result(ok(area, `getaddrinfo and DNS agree (${kindsOf(found)} addresses): ${text}`))
}

async function trustedFindings({ host, config }: Patient): Promise<Finding[]> {
  const names = config.trustedEndpoints.flatMap(({ dnsName }) => dnsName ?? [])
  return await Promise.all(
    names.map(async (name): Promise<Finding> => {
      try {
        const found = (await host.lookup(name)).flatMap(({ address }) => canonicalIp(address) ?? [])
        if (found.length > 0) return ok('trusted endpoint', `${name}: ${found.join(' ')}`)
      } catch {
        // as if it had no address
      }
      return warn(
        'trusted endpoint',
        `${name} does not resolve`,
        'while it does not, its addresses are not trusted; see that the endpoint still exists',
      )
    }),
  )
}

/** All that has to do with names. Asks the host's own and the configured resolvers, nobody else. */
export async function nameFindings(patient: Patient): Promise<NameFindings> {
  const [resolvers, lookups, trusted] = await Promise.all([
    resolverFindings(patient),
    lookupFindings(patient),
    trustedFindings(patient),
  ])
  return { findings: [...resolvers, ...lookups.findings, ...trusted], addresses: lookups.addresses }
}
