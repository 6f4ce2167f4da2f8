import type { SecureContext } from 'node:tls'
import type { Socket } from 'node:net'
import type { EgressLook } from '../model/egress.ts'
import type { Clock, HostAccess } from '../model/host.ts'
import type { Failure, Family } from '../model/observation.ts'
import { canonicalIp, parseIp } from '../net/ip.ts'
import type { Cidr } from '../net/cidr.ts'
import { forbiddenTarget } from '../net/special.ts'
import { startDeadline, within } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { encodeQuery } from './dns-message.ts'
import { type PlainRequest, askStatus, authority } from './egress-http.ts'
import { proxyFor } from './egress-proxy.ts'
import { type RandomBytes, datagramFor, exchangeUdp } from './egress-udp.ts'
import type { EgressDestination } from './egress-url.ts'
import { failureOf } from './failure.ts'
import type { Limit } from './limit.ts'
import type { LoopWatch } from './loop-watch.ts'
import { connectTcp, handshake } from './socket.ts'

export interface EgressTask {
  destination: EgressDestination
  /** http and https only: go as software that heeds the proxy variables of the environment. */
  heedProxy: boolean
  /** What the control is reached at, for it goes through the proxy as well; null: it has no name. */
  control: { host: string; port: number } | null
  /** Address to send from, null: the kernel chooses. */
  source(family: Family): string | null
}

export interface EgressDeps {
  clock: Clock
  dial: HostAccess['dial']
  lookup: HostAccess['lookup']
  serverAddress: HostAccess['serverAddress']
  environment: HostAccess['environment']
  /** Whether this host has an address of the family, link-local apart. */
  hasFamily(family: Family): boolean
  loop: LoopWatch
  handshakes: Limit
  secureContext: SecureContext
  randomBytes: RandomBytes
  nat64Prefixes: readonly Cidr[]
  userAgent: string
  /** For each address on its own. */
  timeoutSeconds: number
  signal: AbortSignal
}

/** What one round saw. */
export interface EgressRound {
  /** One for each family that the destination has an address of; at least one. */
  looks: EgressLook[]
  /** Whether the control got through the proxy; null where nothing went through one. */
  proxiedControl: { good: boolean; because: string } | null
}

type Came = Pick<EgressLook, 'reached' | 'status' | 'failure' | 'atOnce'>

const nothingSeen = (failure: Failure): Came => ({ reached: 'nothing', status: null, failure, atOnce: false })
const bad = (code: string): Failure => ({ type: 'internal', code })

/**
 * Tries to get out to `destination`, IPv4 and IPv6 apart; a name is resolved once. Sent is the least that its scheme allows:
 * a connection, a handshake (any certificate is taken), `HEAD`, a question for a neutral name, an empty NTP request. It
 * reports how far each came and judges nothing. An address that must never be dialled is not dialled, whatever name gave
 * it. Never rejects.
 */
export async function lookOut(task: EgressTask, deps: EgressDeps): Promise<EgressRound> {
  const { destination, heedProxy } = task
  const { scheme } = destination
  if (heedProxy && (scheme === 'http' || scheme === 'https')) {
    const choice = proxyFor({ ...destination, scheme }, deps.environment)
    if (choice.kind !== 'direct') return await throughProxy(task, scheme, choice, deps)
  }
  const found = await addressesOf(destination.host, deps)
  if (!found.ok)
    return {
      looks: [lookOf({ family: null, address: null }, nothingSeen(found.failure))],
      proxiedControl: null,
    }
  const looks = await Promise.all(found.addresses.map((at) => lookAt(task, at, deps)))
  return { looks, proxiedControl: null }
}

function lookOf(
  at: { family: Family | null; address: string | null },
  came: Came,
  more: Partial<EgressLook> = {},
): EgressLook {
  return { ...at, via: 'direct', mayBeSilent: false, seconds: 0, ...came, ...more }
}

interface At {
  address: string
  family: Family
}

type Found = { ok: true; addresses: At[] } | { ok: false; failure: Failure }

/** The first address of each family. */
async function addressesOf(host: string, deps: EgressDeps): Promise<Found> {
  const literal = parseIp(host)
  if (literal.ok) return { ok: true, addresses: [{ address: host, family: literal.value.family }] }
  const deadline = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
  try {
    const answer = await within(deps.lookup(host), deadline)
    if (!answer.inTime)
      return {
        ok: false,
        failure: answer.failure.type === 'aborted' ? answer.failure : { type: 'dns', code: 'ETIMEOUT' },
      }
    const addresses = ([4, 6] as const).flatMap((family) => {
      const first = answer.value.find((one) => one.family === family)
      const address = first === undefined ? null : canonicalIp(first.address)
      return address === null ? [] : [{ address, family }]
    })
    return addresses.length > 0
      ? { ok: true, addresses }
      : { ok: false, failure: { type: 'dns', code: 'ENODATA' } }
  } catch (error) {
    const failure = failureOf(error, { phase: 'dns', afterSeconds: deps.timeoutSeconds })
    return { ok: false, failure: failure.type === 'timeout' ? { type: 'dns', code: 'ETIMEOUT' } : failure }
  } finally {
    deadline.close()
  }
}

async function lookAt(task: EgressTask, at: At, deps: EgressDeps): Promise<EgressLook> {
  const startedMs = deps.clock.monotonicMs()
  const seconds = (): number => (deps.clock.monotonicMs() - startedMs) / 1000
  const ip = parseIp(at.address)
  if (!ip.ok || forbiddenTarget(ip.value, deps.nat64Prefixes) !== null)
    return lookOf(at, nothingSeen(bad('FORBIDDEN_TARGET')))
  const { destination } = task
  const { scheme } = destination
  const deadline = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
  try {
    if (scheme === 'udp' || scheme === 'dns' || scheme === 'ntp') {
      const { bytes, mayBeSilent } = datagramFor(
        scheme === 'dns' ? 53 : scheme === 'ntp' ? 123 : destination.port,
        destination.question,
        deps.randomBytes,
      )
      const played = deps.serverAddress({ address: at.address, port: destination.port })
      // datagrams can only be sent for real: elsewhere, silence would be that of the stage
      if (played.address !== at.address || played.port !== destination.port)
        return lookOf(at, nothingSeen(bad('NOT_PLAYED')), { mayBeSilent })
      const to = { ...played, localAddress: task.source(at.family) }
      const answer = await exchangeUdp(to, bytes, deps.timeoutSeconds, deadline)
      const came: Came = answer.came
        ? { reached: 'answer', status: null, failure: null, atOnce: false }
        : ofKernel(answer.failure, answer.atOnce, at, deps)
      return lookOf(at, came, { mayBeSilent, seconds: seconds() })
    }
    return lookOf(at, await byTcp(task, at, deps, deadline), { seconds: seconds() })
  } catch {
    return lookOf(at, nothingSeen(bad('PROBE_FAILED')), { seconds: seconds() })
  } finally {
    deadline.close()
  }
}

/** Where IPv6 is switched off the kernel misses a source before it misses a route: the words of a host that ran out of ports. */
function ofKernel(failure: Failure, atOnce: boolean, { family }: At, deps: EgressDeps): Came {
  const lacksSource = failure.type === 'resources' && failure.code === 'EADDRNOTAVAIL' && atOnce
  if (!lacksSource || deps.hasFamily(family)) return { ...nothingSeen(failure), atOnce }
  return { ...nothingSeen({ type: 'no_local_route', code: failure.code }), atOnce }
}

async function byTcp(
  { destination, source }: EgressTask,
  at: At,
  deps: EgressDeps,
  deadline: Deadline,
): Promise<Came> {
  const { scheme, host, port } = destination
  const connected = await connectTcp(
    { ...at, port, localAddress: source(at.family) },
    deps.dial,
    deps,
    deadline,
  )
  if (!connected.ok) {
    const { failure, atOnce } = connected
    // Linux says ECONNREFUSED of a SYN and ECONNRESET of a connection: that one was there for a moment
    const was = failure.type === 'reset' && failure.code === 'ECONNRESET' && !atOnce
    return was ? { reached: 'tcp', status: null, failure, atOnce } : ofKernel(failure, atOnce, at, deps)
  }
  let socket: Socket = connected.socket
  try {
    if (scheme === 'tcp') return { reached: 'tcp', status: null, failure: null, atOnce: false }
    if (scheme !== 'http') {
      const options = {
        secureContext: deps.secureContext,
        serverName: destination.address === null ? host : null,
      }
      const secured = await handshake(socket, options, deps.handshakes, deps, deadline)
      if (!secured.ok) return { reached: 'tcp', status: null, failure: secured.failure, atOnce: false }
      socket = secured.socket
    }
    const reached = scheme === 'http' ? 'tcp' : 'tls'
    if (scheme === 'tls') return { reached, status: null, failure: null, atOnce: false }
    const answer = await askStatus(socket, requestFor(destination, deps.userAgent), deadline)
    if (answer.answered) return { reached: 'answer', status: answer.status, failure: null, atOnce: false }
    return { reached, status: null, failure: answer.failure, atOnce: false }
  } finally {
    socket.destroy()
    connected.socket.destroy()
  }
}

function requestFor(
  { scheme, host, port, path, question }: EgressDestination,
  userAgent: string,
): PlainRequest {
  const Host = authority(host, port, scheme === 'http' ? 80 : 443)
  const headers = { Host, 'User-Agent': userAgent, Connection: 'close' }
  if (scheme !== 'doh')
    return { method: 'HEAD', target: path, headers: { ...headers, Accept: '*/*' }, body: null }
  const type = 'application/dns-message'
  // the id is zero so that answers can be cached (RFC 8484 section 4.1)
  const body = encodeQuery({ id: 0, hostname: question, type: 'A', edns: false })
  return { method: 'POST', target: path, headers: { ...headers, Accept: type, 'Content-Type': type }, body }
}

type Proxy = Exclude<ReturnType<typeof proxyFor>, { kind: 'direct' }>

async function throughProxy(
  { destination, control }: EgressTask,
  scheme: 'http' | 'https',
  proxy: Proxy,
  deps: EgressDeps,
): Promise<EgressRound> {
  const closed = (failure: Failure, because: string): EgressRound => ({
    looks: [lookOf({ family: null, address: null }, nothingSeen(failure), { via: 'proxy' })],
    proxiedControl: { good: false, because },
  })
  if (proxy.kind === 'unusable') return closed(bad('PROXY_UNUSABLE'), proxy.because)
  const found = await addressesOf(proxy.host, deps)
  const at = found.ok ? found.addresses[0] : undefined
  if (!found.ok || at === undefined)
    return closed(
      found.ok ? bad('NO_ADDRESS') : found.failure,
      `the proxy of ${proxy.variable} has no address`,
    )
  const ip = parseIp(at.address)
  // a proxy on this host is common, and its operator's choice; the metadata service never is one
  const loopback = /^127\.|^::1$/.test(at.address)
  if (!ip.ok || (forbiddenTarget(ip.value, deps.nat64Prefixes) !== null && !loopback))
    return closed(
      bad('FORBIDDEN_TARGET'),
      `the proxy of ${proxy.variable} has an address that is never dialled`,
    )
  const ask = (
    target: { host: string; port: number },
    how: 'http' | 'https',
    path: string,
  ): Promise<EgressLook> => askProxy(at, proxy, target, how, path, deps)
  const [look, other] = await Promise.all([
    ask(destination, scheme, destination.path),
    control === null ? null : ask(control, 'https', '/'),
  ])
  const good = other?.status !== null && other !== null && other.status >= 200 && other.status < 300
  const because =
    control === null
      ? 'the control has no name'
      : good
        ? `the proxy of ${proxy.variable} connected to ${control.host}`
        : `the proxy of ${proxy.variable} did not connect to ${control.host}${other?.status == null ? '' : ` (status ${other.status})`}`
  return { looks: [look], proxiedControl: { good, because } }
}

async function askProxy(
  at: At,
  proxy: Extract<Proxy, { kind: 'proxy' }>,
  { host, port }: { host: string; port: number },
  scheme: 'http' | 'https',
  path: string,
  deps: EgressDeps,
): Promise<EgressLook> {
  const startedMs = deps.clock.monotonicMs()
  const deadline = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
  const came = async (): Promise<Came> => {
    const connected = await connectTcp(
      { ...at, port: proxy.port, localAddress: null },
      deps.dial,
      deps,
      deadline,
    )
    if (!connected.ok) return { ...nothingSeen(connected.failure), atOnce: connected.atOnce }
    const whole = authority(host, port, null)
    const site = authority(host, port, 80)
    const headers = {
      Host: scheme === 'https' ? whole : site,
      'User-Agent': deps.userAgent,
      ...(proxy.authorization !== null && { 'Proxy-Authorization': proxy.authorization }),
      ...(scheme === 'http' && { Accept: '*/*', Connection: 'close' }),
    }
    const target = scheme === 'https' ? whole : `http://${site}${path}`
    const method = scheme === 'https' ? 'CONNECT' : 'HEAD'
    const answer = await askStatus(connected.socket, { method, target, headers, body: null }, deadline)
    if (answer.answered) return { reached: 'answer', status: answer.status, failure: null, atOnce: false }
    return { reached: 'tcp', status: null, failure: answer.failure, atOnce: false }
  }
  try {
    const seen = await came().catch(() => nothingSeen(bad('PROBE_FAILED')))
    return lookOf(at, seen, { via: 'proxy', seconds: (deps.clock.monotonicMs() - startedMs) / 1000 })
  } finally {
    deadline.close()
  }
}
