import { isIP } from 'node:net'
import type { Clock, Endpoint } from '../model/host.ts'
import type { DnsAnswer, DnsObservation, Failure, Stamp } from '../model/observation.ts'
import { startDeadline } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { askable } from './dns-message.ts'
import type { Query, QueryType } from './dns-message.ts'
import { askTcp, askUdp } from './dns-transport.ts'
import type { Exchange } from './dns-transport.ts'

export interface DnsDeps {
  clock: Clock
  /** Where a server that is known by `server` really listens (`HostAccess.serverAddress`). */
  serverAddress(server: Endpoint): Endpoint
  stamp(): Stamp
  /** 0 to 65,535, not to be guessed from outside (RFC 5452 section 9.2). */
  randomId(): number
  /** For both families together, TCP and the second try included. */
  timeoutSeconds: number
  signal: AbortSignal
}

export interface DnsQuestion {
  hostname: string
  resolver: { name: string; server: Endpoint }
  /** False for resolvers that are only compared. */
  counts: boolean
}

/** `address:port`, IPv6 in brackets (RFC 5952 section 6). */
export function endpointText(endpoint: Endpoint): string {
  return isIP(endpoint.address) === 6
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`
}

/** Old servers stumble over EDNS and say one of these; they are asked once more without (RFC 6891 section 7). */
const withoutEdns = new Set(['FORMERR', 'NOTIMP', 'BADVERS'])

function isRetried(exchange: Exchange): boolean {
  if (exchange.came) return exchange.reading.kind === 'failure' && withoutEdns.has(exchange.reading.code)
  return exchange.failure.type === 'timeout' || exchange.failure.type === 'dns'
}

interface FirstTry {
  exchange: Promise<Exchange>
  sentMs: number
}

/**
 * Asks for both families from one socket. Where something on the way lets only one answer back to a port, the second try, from a
 * socket of its own, gets the other.
 */
function askFirst(hostname: string, server: Endpoint, deps: DnsDeps, whole: Deadline): [FirstTry, FirstTry] {
  const sentMs = deps.clock.monotonicMs()
  // the first try has less than half of the time, so that a lost packet does not cost the answer
  const first = startDeadline(whole.remainingSeconds() * 0.4, deps.signal, deps.clock)
  const id = deps.randomId()
  const other = deps.randomId()
  const queries: Query[] = [
    { id, hostname, type: 'A', edns: true },
    { id: other === id ? (id + 1) & 0xffff : other, hostname, type: 'AAAA', edns: true },
  ]
  const [ipv4, ipv6] = askUdp(server, queries, first) as [Promise<Exchange>, Promise<Exchange>]
  void Promise.all([ipv4, ipv6]).then(() => first.close())
  return [
    { exchange: ipv4, sentMs },
    { exchange: ipv6, sentMs },
  ]
}

async function ask(
  type: QueryType,
  hostname: string,
  server: Endpoint,
  firstTry: FirstTry,
  deps: DnsDeps,
  whole: Deadline,
): Promise<DnsAnswer> {
  const elapsedSeconds = (sinceMs: number) => (deps.clock.monotonicMs() - sinceMs) / 1000
  const query = (edns: boolean) => ({ id: deps.randomId(), hostname, type, edns })
  let { sentMs } = firstTry
  let exchange = await firstTry.exchange
  if (isRetried(exchange) && !whole.ended()) {
    const edns = !exchange.came
    sentMs = deps.clock.monotonicMs()
    const again = askUdp(server, [query(edns)], whole) as [Promise<Exchange>]
    exchange = await again[0]
  }
  let transport: 'udp' | 'tcp' = 'udp'
  if (exchange.came && exchange.reading.kind === 'truncated') {
    transport = 'tcp'
    sentMs = deps.clock.monotonicMs()
    exchange = await askTcp(server, query(true), whole)
  }
  const fail = (failure: Failure): DnsAnswer => ({
    answered: false,
    // what counts for a reader is how long the question was given in all
    failure: failure.type === 'timeout' ? { type: 'timeout', afterSeconds: deps.timeoutSeconds } : failure,
    transport,
  })
  if (!exchange.came) return fail(exchange.failure)
  const { reading } = exchange
  if (reading.kind === 'failure') return fail({ type: 'dns', code: reading.code })
  return {
    answered: true,
    rcode: reading.kind === 'answer' ? reading.rcode : 'NOERROR',
    addresses: reading.addresses,
    cnames: reading.cnames,
    truncated: reading.kind === 'truncated' || reading.cut,
    transport,
    rttSeconds: elapsedSeconds(sentMs),
  }
}

function unasked(failure: Failure): DnsAnswer {
  return { answered: false, failure, transport: 'udp' }
}

/**
 * Asks `resolver.server` for A and AAAA of `hostname` at once, from one socket: UDP, once more after 40 % of the time, TCP if truncated (RFC
 * 1035 section 4.2, RFC 7766). The name is absolute, no search list. Gives addresses in the server's order (at most
 * 4,000; more count as truncated), the CNAME chain, the lowest TTL along it, and the round trip of the exchange used.
 *
 * Every rcode but NOERROR and NXDOMAIN, silence, a chain that does not end, and an empty answer of a server that did
 * not go to the end of it are failures (`answered: false`): none of them says that there are no addresses.
 * `failure.code` is the rcode or `EBADRESP`, `EBADNAME`, `CNAME_LOOP`, `NOT_RECURSIVE`, `NXDOMAIN_WITH_ADDRESSES`. Never rejects.
 */
export async function queryResolver(question: DnsQuestion, deps: DnsDeps): Promise<DnsObservation> {
  const { hostname, resolver, counts } = question
  const stamp = deps.stamp()
  const server = deps.serverAddress(resolver.server)
  const observe = (ipv4: DnsAnswer, ipv6: DnsAnswer): DnsObservation => ({
    kind: 'dns',
    stamp,
    hostname,
    resolver: resolver.name,
    server: endpointText(resolver.server),
    counts,
    ipv4,
    ipv6,
  })
  if (!askable(hostname)) {
    const failure: Failure = { type: 'dns', code: 'EBADNAME' }
    return observe(unasked(failure), unasked(failure))
  }
  if (isIP(server.address) === 0 || !(server.port > 0 && server.port < 65_536)) {
    const failure: Failure = { type: 'internal', code: 'INVALID_SERVER_ADDRESS' }
    return observe(unasked(failure), unasked(failure))
  }
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
  const whole = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
  try {
    const [a, aaaa] = askFirst(name, server, deps, whole)
    const [ipv4, ipv6] = await Promise.all([
      ask('A', name, server, a, deps, whole),
      ask('AAAA', name, server, aaaa, deps, whole),
    ])
    return observe(ipv4, ipv6)
  } finally {
    whole.close()
  }
}
