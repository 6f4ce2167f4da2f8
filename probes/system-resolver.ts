import type { Endpoint, Lookup } from '../model/host.ts'
import type { DnsAnswer, DnsObservation, Failure, Family } from '../model/observation.ts'
import { formatIp, mappedIpv4, parseIp } from '../net/ip.ts'
import { startDeadline, within } from './deadline.ts'
import { queryResolver } from './dns.ts'
import type { DnsDeps } from './dns.ts'
import { failureOf } from './failure.ts'
import type { Limit } from './limit.ts'

export interface SystemResolverDeps extends DnsDeps {
  lookup: Lookup
  systemServers(): Endpoint[]
  /** How many getaddrinfo calls may be under way: it can't be cancelled, and its threads are few. */
  lookups: Limit
}

/** glibc uses no more (MAXNS in resolv.h). */
const maxServers = 3

interface LookedUp {
  ipv4: DnsAnswer
  ipv6: DnsAnswer
}

function bothFailed(failure: Failure): LookedUp {
  const answer: DnsAnswer = { answered: false, failure, transport: 'getaddrinfo' }
  return { ipv4: answer, ipv6: answer }
}

function answerOf(addresses: string[], rttSeconds: number, rcode: 'NOERROR' | 'NXDOMAIN'): DnsAnswer {
  return {
    answered: true,
    rcode,
    addresses: addresses.map((address) => ({ address, ttlSeconds: null })),
    cnames: [],
    truncated: false,
    transport: 'getaddrinfo',
    rttSeconds,
  }
}

/** Distinct addresses of one family in their order; an IPv4-mapped one is IPv4, for so the kernel dials it. */
function ofFamily(results: readonly { address: string }[], family: Family): string[] {
  const found = new Set<string>()
  for (const { address } of results) {
    const parsed = parseIp(address)
    if (!parsed.ok) continue
    const ip = mappedIpv4(parsed.value) ?? parsed.value
    if (ip.family === family) found.add(formatIp(ip))
  }
  return [...found]
}

/** The call to getaddrinfo within its own deadline. One that hangs keeps its place in `lookups` until it comes back. */
async function lookUp(hostname: string, deps: SystemResolverDeps): Promise<LookedUp> {
  const startedMs = deps.clock.monotonicMs()
  const deadline = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
  let begun = false
  try {
    const work = deps.lookups.run(async () => {
      // its turn came too late: don't start what nobody waits for
      if (deadline.ended()) return null
      begun = true
      return deps.lookup(hostname)
    })
    const outcome = await within(work, deadline)
    if (!outcome.inTime) {
      const starved = !begun && outcome.failure.type === 'timeout'
      return bothFailed(starved ? { type: 'resources', code: 'LOOKUPS_IN_FLIGHT' } : outcome.failure)
    }
    if (outcome.value === null) return bothFailed(deadline.ended() ?? { type: 'aborted' })
    const rttSeconds = (deps.clock.monotonicMs() - startedMs) / 1000
    const results = outcome.value
    const [ipv4, ipv6] = [ofFamily(results, 4), ofFamily(results, 6)]
    // nothing that can be read as an address is no answer
    if (ipv4.length + ipv6.length === 0) return bothFailed({ type: 'dns', code: 'EBADRESP' })
    return {
      ipv4: answerOf(ipv4, rttSeconds, 'NOERROR'),
      ipv6: answerOf(ipv6, rttSeconds, 'NOERROR'),
    }
  } catch (error) {
    const afterSeconds = (deps.clock.monotonicMs() - startedMs) / 1000
    return bothFailed(failureOf(error, { phase: 'dns', afterSeconds }))
  } finally {
    deadline.close()
  }
}

/** The first of the host's servers that answers for both families, as libc goes on to the next on silence or SERVFAIL. */
async function askServers(
  hostname: string,
  servers: readonly Endpoint[],
  deps: DnsDeps,
): Promise<DnsObservation> {
  const timeoutSeconds = deps.timeoutSeconds / Math.max(1, servers.length)
  let last = null as DnsObservation | null
  for (const server of servers) {
    const question = { hostname, resolver: { name: 'system', server }, counts: true }
    const before = last
    last = await queryResolver(question, { ...deps, timeoutSeconds })
    // What an earlier server answered for one family is what a client that asks for this family alone gets.
    if (before !== null)
      last = { ...last, ipv4: together(before.ipv4, last.ipv4), ipv6: together(before.ipv6, last.ipv6) }
    if ((last.ipv4.answered && last.ipv6.answered) || deps.signal.aborted) break
  }
  if (last) return last
  const answer: DnsAnswer = {
    answered: false,
    failure: { type: 'dns', code: 'NO_SERVERS' },
    transport: 'udp',
  }
  return {
    kind: 'dns',
    stamp: deps.stamp(),
    hostname,
    resolver: 'system',
    server: 'none',
    counts: true,
    ipv4: answer,
    ipv6: answer,
  }
}

/** The later server's answer with the addresses that the earlier one gave. */
function together(earlier: DnsAnswer, later: DnsAnswer): DnsAnswer {
  if (!earlier.answered || earlier.addresses.length === 0) return later
  if (!later.answered) return earlier
  const known = new Set(later.addresses.map((a) => a.address))
  const addresses = [...later.addresses, ...earlier.addresses.filter((a) => !known.has(a.address))]
  return { ...later, rcode: 'NOERROR', addresses, truncated: later.truncated || earlier.truncated }
}

function isNotFound(answer: DnsAnswer): boolean {
  return !answer.answered && answer.failure.type === 'dns' && answer.failure.code === 'ENOTFOUND'
}

function isEmpty(answer: DnsAnswer): boolean {
  return answer.answered && answer.addresses.length === 0 && !answer.truncated
}

/** What "not found" by getaddrinfo means, given the DNS servers' answer for the same family; see `querySystem`. */
function notFoundAs(dns: DnsObservation, failed: DnsAnswer, answer: DnsAnswer): DnsAnswer {
  if (!isNotFound(failed) || !isEmpty(dns.ipv4) || !isEmpty(dns.ipv6) || !answer.answered) return failed
  return answerOf([], answer.rttSeconds, answer.rcode)
}

/**
 * Asks the host's own resolver both ways at once: getaddrinfo (so `/etc/hosts`, nsswitch and search list take part; no TTL)
 * and DNS at the host's first servers (at most three, in order). Gives two observations of the resolver `system`; a
 * difference between them is the judge's to see.
 *
 * getaddrinfo does not tell "no such name" from "no data", nor one family's failure from its absence. So:
 * it answers with one family: the other one is NOERROR without addresses (the DNS observation beside it shows a failure); it fails: both
 * families are failures; except that "not found" counts as an answer, in the DNS servers' own words, where these said
 * without doubt that neither family has an address. Never rejects.
 */
export async function querySystem(hostname: string, deps: SystemResolverDeps): Promise<DnsObservation[]> {
  const stamp = deps.stamp()
  const servers = deps.systemServers().slice(0, maxServers)
  const [found, dns] = await Promise.all([lookUp(hostname, deps), askServers(hostname, servers, deps)])
  const ipv4 = notFoundAs(dns, found.ipv4, dns.ipv4)
  const ipv6 = notFoundAs(dns, found.ipv6, dns.ipv6)
  const viaLibc: DnsObservation = {
    kind: 'dns',
    stamp,
    hostname,
    resolver: 'system',
    server: 'getaddrinfo',
    counts: true,
    ipv4,
    ipv6,
  }
  return [viaLibc, dns]
}
