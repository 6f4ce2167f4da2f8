import type { HostAccess } from '../../model/host.ts'
import type { Attempt, Family, HostRoute } from '../../model/observation.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import { canonicalIp, parseIp } from '../../net/ip.ts'
import { type TlsDeps, type TlsTarget, probeTls, proxyVariables, unknownRoute } from '../../probes/tls.ts'
import { expectedCertificateName } from './certificate-name.ts'
import type { WatchDeps } from './watch-deps.ts'

/** The kernel's word on a destination alone may be this old when it is dialled. */
const firstWordMs = 500

/** Instead of a dial from an interface that has no address. */
const noSource: HostAccess['dial'] = () => {
  throw Object.assign(new Error('the interface has no address of this family'), { code: 'EADDRNOTAVAIL' })
}

/** The interface that the target names has no address of the family: another one must not stand in for it. */
function lacksSource(target: Target, family: Family, deps: WatchDeps): boolean {
  return (
    target.source !== null &&
    canonicalIp(target.source) === null &&
    deps.sourceAddress(target.source, family) === null
  )
}

/** How one address of a name is dialled, for `probeTls` and what goes on from there. Null for a text that is no address. */
export function tlsFor(
  target: Target,
  name: WatchedName,
  to: { address: string; resolvers: readonly string[]; dnsSeconds: number | null },
  deps: WatchDeps,
  signal: AbortSignal,
): { to: TlsTarget; deps: TlsDeps } | null {
  const { host } = deps
  const ip = parseIp(to.address)
  if (!ip.ok) return null
  const { family } = ip.value
  return {
    to: {
      hostname: name.hostname,
      port: name.port,
      family,
      localAddress: deps.sourceAddress(target.source, family),
      expectedName: expectedCertificateName(name),
      ...to,
    },
    deps: {
      clock: host.clock,
      dial: lacksSource(target, family, deps) ? noSource : host.dial,
      // Without a source this is only a first word: once connected, the kernel is asked for the source that it took.
      hostRoute: (destination, source) =>
        source === null
          ? deps.rememberedRoute(destination, null, host.clock.monotonicMs() - firstWordMs)
          : host.hostRoute(destination, source),
      environment: host.environment,
      loop: deps.loop,
      handshakes: deps.handshakes,
      trust: deps.trust,
      stamp: deps.stamp,
      userAgent: deps.userAgent,
      timeoutSeconds: target.timeoutSeconds,
      signal,
    },
  }
}

/** One attempt on one address of a name, within the target's timeout. Null for a text that is no address. */
export async function dialAddress(...how: Parameters<typeof tlsFor>): Promise<Attempt | null> {
  const tls = tlsFor(...how)
  return tls === null ? null : probeTls(tls.to, tls.deps)
}

/** An address that is known and was not dialled, as an attempt that reached nothing. */
export function undialledAttempt(
  name: WatchedName,
  address: string,
  route: HostRoute,
  resolvers: readonly string[],
  deps: WatchDeps,
): Attempt {
  return {
    kind: 'attempt',
    stamp: deps.stamp(),
    hostname: name.hostname,
    port: name.port,
    address,
    family: address.includes(':') ? 6 : 4,
    localAddress: null,
    localPort: null,
    resolvers: [...resolvers],
    outcome: { reached: 'not_dialled' },
    http: null,
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
    host: route,
    proxyVariables: proxyVariables(deps.host.environment),
  }
}

/** The same with the kernel's way to it, not older than `sinceMs` (monotonic). Null for a text that is no address. */
export async function wouldBeAttempt(
  target: Target,
  name: WatchedName,
  to: { address: string; resolvers: readonly string[] },
  deps: WatchDeps,
  sinceMs: number,
): Promise<Attempt | null> {
  const ip = parseIp(to.address)
  if (!ip.ok) return null
  const { family } = ip.value
  const route = lacksSource(target, family, deps)
    ? unknownRoute(`${target.source} has no IPv${family} address`)
    : await deps.rememberedRoute(to.address, deps.sourceAddress(target.source, family), sinceMs)
  return undialledAttempt(name, to.address, route, to.resolvers, deps)
}
