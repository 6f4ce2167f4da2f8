/** One look at one address from the host: the kernel's way, the connection, and where its packets truly went. */
import type { Attempt, HostRoute, Stamp } from '../../model/observation.ts'
import { familyOf, mappedIpv4 } from './bits.ts'
import { hostRoute, isGood, outcomeOf, sourcesOf } from './observe-host.ts'
import type { Choices } from './random.ts'
import { travel } from './simulate.ts'
import type { Fate, Journey, World } from './types.ts'

export interface SeenAttempt {
  attempt: Attempt
  timeoutsInARow: number
  /** Another target connected by the same interface and family. */
  othersConnected: boolean
  /** Where these packets truly went, or would have gone. */
  truth: Journey
  /** All that decides the side of this attempt could be seen, fresh, and can be read one way only. */
  suffices: boolean
}

/** Who looks, from where, and when. */
export interface Standing {
  world: World
  hostname: string
  choices: Choices
  plain: boolean
  /** Unix milliseconds. */
  nowMs: number
  /** The address from which each family is sent. */
  chosen: ReadonlyMap<4 | 6, string>
  /** The account is read whole and fresh, and the host knows where it stands. */
  sure: boolean
}

export function stampOf(id: string, wallMs: number): Stamp {
  return { id, wallMs, monotonicMs: 1_000_000, bootId: 'boot', snapshot: null, configuration: null }
}

/** One of the host's addresses for each family that it has. */
export function chooseSources(world: World, choices: Choices): Map<4 | 6, string> {
  const chosen = new Map<4 | 6, string>()
  for (const family of [4, 6] as const) {
    const own = sourcesOf(world, family)
    if (own.length > 0) chosen.set(family, choices.pick(own))
  }
  return chosen
}

/** A socket of IPv6 that is given an IPv4-mapped address sends IPv4. */
export function sourceFor(chosen: ReadonlyMap<4 | 6, string>, address: string): string {
  return mappedIpv4(address) !== null
    ? `::ffff:${chosen.get(4) ?? '127.0.0.1'}`
    : (chosen.get(familyOf(address)) ?? (address.includes(':') ? '::1' : '127.0.0.1'))
}

/** Ways in which AWS's texts can be read: an attempt suffices only if its class is the same under all. */
const fates: Partial<Fate>[] = [
  {
    shortCidrBeatsList: true,
    longPropagatedBeatsList: true,
    longPropagatedBeatsLocal: true,
    listTie: 'first',
  },
  {
    shortCidrBeatsList: false,
    longPropagatedBeatsList: false,
    longPropagatedBeatsLocal: false,
    listTie: 'last',
  },
  { shortCidrBeatsList: true, longPropagatedBeatsList: false, listTie: 'longest' },
  { shortCidrBeatsList: false, longPropagatedBeatsList: true, listTie: 'longest' },
]

function isPlainTo(world: World, source: string, destination: string, truth: Journey): boolean {
  return (
    truth.shown &&
    fates.every((fate) => {
      const other = travel({ ...world, fate: { ...world.fate, ...fate } }, { source, destination, port: 443 })
      return other.class === truth.class && other.shown
    })
  )
}

function seesItsDevice(host: HostRoute): boolean {
  return (
    host.method !== 'none' &&
    (host.deviceKind === 'physical' || host.deviceKind === 'vlan') &&
    host.redirect !== 'possible' &&
    host.selectorRules === false
  )
}

/** What is looked at; `port` is the local port, and by it the attempt is told from others. */
export interface Looked {
  address: string
  resolvers: string[]
  port: number
  /** Asked once, whether a connection is made. */
  dialled(): boolean
}

/** One attempt; `othersConnected` is left false for who knows the others. */
export function lookAt(standing: Standing, { address, resolvers, port, dialled }: Looked): SeenAttempt {
  const { world, hostname, choices, plain, nowMs, chosen, sure } = standing
  const family = familyOf(address)
  const source = sourceFor(chosen, address)
  const truth = travel(world, { source, destination: address, port: 443 })
  const wire = mappedIpv4(address) === null ? family : 4
  const usable = (wire === 4 ? world.host.ipv4Usable : world.host.ipv6Usable) && chosen.has(wire)
  const outcome: Attempt['outcome'] = !dialled()
    ? { reached: 'not_dialled' }
    : usable
      ? outcomeOf(world, truth, hostname, choices)
      : { reached: 'nothing', failure: { type: 'no_local_route', code: 'ENETUNREACH' } }
  const host = hostRoute(world, source, address, choices, plain)
  // A redirect that nobody can read shows in the certificate that answers instead of AWS's.
  const intercepted = outcome.reached === 'tls' && outcome.tls.check.roots !== 'public'
  if (intercepted && choices.chance(0.7)) host.redirect = choices.pick(['none', 'unreadable'] as const)
  const bound = outcome.reached === 'tcp' || outcome.reached === 'tls'
  const attempt: Attempt = {
    kind: 'attempt',
    stamp: stampOf(`attempt-${port}`, nowMs),
    hostname,
    port: 443,
    address,
    family,
    localAddress: usable && (bound || choices.chance(0.8)) ? source : null,
    localPort: bound ? port : null,
    resolvers,
    outcome,
    http: null,
    timings: {
      dnsSeconds: 0.002,
      tcpConnectSeconds: bound ? 0.001 : null,
      tlsHandshakeSeconds: outcome.reached === 'tls' ? 0.004 : null,
      firstByteSeconds: null,
      uncertaintySeconds: 0.0001,
    },
    host,
    proxyVariables: world.host.proxyVariables,
  }
  return {
    attempt,
    timeoutsInARow:
      outcome.reached === 'nothing' && outcome.failure.type === 'timeout' ? 1 + choices.below(4) : 0,
    othersConnected: false,
    truth,
    suffices: isGood(attempt) && sure && seesItsDevice(host) && isPlainTo(world, source, address, truth),
  }
}
