import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock, Dial, HostAccess } from '../model/host.ts'
import type {
  Attempt,
  AttemptOutcome,
  CertificateCheck,
  Family,
  HostRoute,
  HttpExchange,
  Stamp,
  Timings,
} from '../model/observation.ts'
import { parseIp } from '../net/ip.ts'
import { forbiddenTarget } from '../net/special.ts'
import { checkCertificate } from './certificate.ts'
import { startDeadline, within } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { headRequest } from './http.ts'
import type { Limit } from './limit.ts'
import type { LoopWatch } from './loop-watch.ts'
import { connectTcp, handshake, timeFirstByte } from './socket.ts'
import type { Timed } from './socket.ts'
import { prepareTrust } from './trust.ts'
import type { TrustStore } from './trust.ts'

export interface TlsTarget {
  hostname: string
  port: number
  /** The one address to dial, canonical text. */
  address: string
  family: Family
  /** Address to dial from; null: the kernel chooses. */
  localAddress: string | null
  /** Names of the resolvers that gave the address, and what that took. */
  resolvers: readonly string[]
  dnsSeconds: number | null
  /** Name that the certificate must bear: the service domain for a bucket with dots. Default: `hostname`. */
  expectedName?: string
}

export interface TlsDeps {
  clock: Clock
  dial: Dial
  hostRoute: HostAccess['hostRoute']
  environment: HostAccess['environment']
  loop: LoopWatch
  /** Handshakes in their CPU phase: 8 to 16, above that a single thread measures its own queue. */
  handshakes: Limit
  trust: TrustStore
  stamp(): Stamp
  /** `pathproof/<version>`. */
  userAgent: string
  /** For the whole attempt, the route look-up included. */
  timeoutSeconds: number
  signal: AbortSignal
}

/** A completed handshake, as the look that follows on its socket gets it. */
export interface SecuredSocket {
  socket: TLSSocket
  /** Without a trailing dot. */
  hostname: string
  port: number
  /** What the certificate is worth. */
  check: CertificateCheck
  deadline: Deadline
}

/** What is done on the socket after the handshake; gives the exchange that the attempt keeps. The socket is destroyed after. */
export type Look = (secured: SecuredSocket) => Promise<HttpExchange | null>

const proxyNames = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']

/** Names (never values, which may hold passwords) of the proxy variables that are set. */
export function proxyVariables(environment: HostAccess['environment']): string[] {
  return proxyNames.filter((name) => (environment[name] ?? '') !== '')
}

/** What is said of the host's route where it could not be asked; `redirect` is then not known either. */
export function unknownRoute(detail: string): HostRoute {
  return {
    method: 'none',
    device: null,
    deviceKind: null,
    mac: null,
    gateway: null,
    source: null,
    selectorRules: null,
    redirect: 'unreadable',
    detail,
  }
}

async function askRoute(
  to: TlsTarget,
  source: string | null,
  deps: TlsDeps,
  deadline: Deadline,
): Promise<HostRoute> {
  try {
    const asked = await within(deps.hostRoute(to.address, source), deadline)
    return asked.inTime ? asked.value : unknownRoute('the kernel was not asked in time')
  } catch {
    return unknownRoute('asking the kernel failed')
  }
}

/** The question for the source that the kernel took; it gets one second more where the attempt used up its time. */
async function askRouteAgain(
  to: TlsTarget,
  source: string,
  deps: TlsDeps,
  deadline: Deadline,
): Promise<HostRoute> {
  if (deadline.ended() === null) return askRoute(to, source, deps, deadline)
  const more = startDeadline(1, deps.signal, deps.clock)
  try {
    return await askRoute(to, source, deps, more)
  } finally {
    more.close()
  }
}

/** Everything of an attempt that is found out on the way; each step adds what it saw. */
interface Progress {
  outcome: AttemptOutcome
  http: Attempt['http']
  timings: Timings
  host: HostRoute
  localAddress: string | null
  localPort: number | null
}

/** Adds a phase's time; the published uncertainty is the largest of the phases'. */
function note(
  progress: Progress,
  phase: 'tcpConnectSeconds' | 'tlsHandshakeSeconds' | 'firstByteSeconds',
  time: Timed,
): void {
  progress.timings[phase] = time.seconds
  if (time.uncertaintySeconds === null) return
  const known = progress.timings.uncertaintySeconds ?? 0
  progress.timings.uncertaintySeconds = Math.max(known, time.uncertaintySeconds)
}

async function connectAndLook(
  to: TlsTarget,
  deps: TlsDeps,
  deadline: Deadline,
  progress: Progress,
  look: Look,
): Promise<void> {
  progress.host = await askRoute(to, to.localAddress, deps, deadline)
  const connected = await connectTcp(to, deps.dial, deps, deadline)
  if (connected.local) {
    progress.localAddress = connected.local.address
    progress.localPort = connected.local.port
  }
  if (!connected.ok) {
    progress.outcome = { reached: 'nothing', failure: connected.failure }
    return
  }
  note(progress, 'tcpConnectSeconds', connected.time)
  const trust = prepareTrust(deps.trust)
  const name = to.hostname.endsWith('.') ? to.hostname.slice(0, -1) : to.hostname
  const serverName = isIP(name) === 0 ? name : null
  const options = { secureContext: trust.secureContext, serverName }
  const secured = await handshake(connected.socket, options, deps.handshakes, deps, deadline)
  if (!secured.ok) {
    progress.outcome = { reached: 'tcp', failure: secured.failure }
    return
  }
  const { socket } = secured
  try {
    note(progress, 'tlsHandshakeSeconds', secured.time)
    const facts = checkCertificate(socket, to.expectedName ?? name, trust, deps.clock.wallMs())
    const cipher = socket.getCipher()
    const tls = {
      version: socket.getProtocol() ?? 'unknown',
      cipher: cipher.standardName ?? cipher.name,
      ...facts,
    }
    progress.outcome = { reached: 'tls', tls }
    const firstByte = timeFirstByte(socket, deps)
    const { check } = facts
    try {
      progress.http = await look({ socket, hostname: name, port: to.port, check, deadline })
    } finally {
      firstByte.stop()
    }
    const time = firstByte.read()
    if (time) note(progress, 'firstByteSeconds', time)
  } finally {
    socket.destroy()
    connected.socket.destroy()
  }
}

/**
 * One attempt: dials `address` itself (never a name, never a proxy), completes a TLS handshake whatever the
 * certificate is worth, judges the certificate beside it, and sends one `HEAD /`. The kernel's own way is asked right
 * before, and again after if the source turned out to be another one than was asked for.
 *
 * Addresses that must never be dialled fail with `denied`, code `FORBIDDEN_TARGET`. `timings.firstByteSeconds` runs from the request to the
 * first byte of its answer; `timings.uncertaintySeconds` is the largest of the three phases'. An
 * HTTP failure changes nothing but `http`. One deadline for all of it; the socket is destroyed in any case. Never rejects.
 */
export function probeTls(to: TlsTarget, deps: TlsDeps): Promise<Attempt> {
  const { userAgent } = deps
  return probeWith(to, deps, ({ socket, hostname, port, deadline }) =>
    headRequest(socket, { hostname, port, userAgent }, deadline),
  )
}

/** The same attempt with another look than `HEAD /` on its socket, for example signed requests. Never rejects. */
export async function probeWith(to: TlsTarget, deps: TlsDeps, look: Look): Promise<Attempt> {
  const stamp = deps.stamp()
  const progress: Progress = {
    outcome: { reached: 'not_dialled' },
    http: null,
    timings: {
      dnsSeconds: to.dnsSeconds,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
    host: unknownRoute('not asked'),
    localAddress: to.localAddress,
    localPort: null,
  }
  const ip = parseIp(to.address)
  if (!ip.ok || ip.value.family !== to.family) {
    progress.outcome = { reached: 'nothing', failure: { type: 'internal', code: 'INVALID_ADDRESS' } }
  } else if (forbiddenTarget(ip.value) !== null) {
    progress.outcome = { reached: 'nothing', failure: { type: 'denied', code: 'FORBIDDEN_TARGET' } }
  } else {
    const deadline = startDeadline(deps.timeoutSeconds, deps.signal, deps.clock)
    const leave = deps.loop.enter()
    try {
      await connectAndLook(to, deps, deadline, progress, look)
      const { localAddress } = progress
      if (localAddress !== null && localAddress !== to.localAddress) {
        progress.host = await askRouteAgain(to, localAddress, deps, deadline)
      }
    } catch {
      // a bug, or roots that OpenSSL does not take; what was seen until then stands
      if (progress.outcome.reached === 'not_dialled') {
        progress.outcome = { reached: 'nothing', failure: { type: 'internal', code: 'PROBE_FAILED' } }
      }
    } finally {
      leave()
      deadline.close()
    }
  }
  return {
    kind: 'attempt',
    stamp,
    hostname: to.hostname,
    port: to.port,
    address: to.address,
    family: to.family,
    resolvers: [...to.resolvers],
    proxyVariables: proxyVariables(deps.environment),
    ...progress,
  }
}
