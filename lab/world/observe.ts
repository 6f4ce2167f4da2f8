import type {
  Attempt,
  DnsAnswer,
  DnsObservation,
  FamilyObservation,
  HostRoute,
  Stamp,
} from '../../model/observation.ts'
import type { Site, SnapshotLimits, TrustedEndpoint, Vantage } from '../../model/topology.ts'
import { familyOf, mappedIpv4 } from './bits.ts'
import type { Scene } from './generate.ts'
import { resolveName } from './names.ts'
import {
  limits,
  lookAtAccount,
  someSites,
  someTrust,
  type SeenFiles,
  type Timing,
} from './observe-account.ts'
import { hostRoute, isGood, outcomeOf, sourcesOf, vantageOf } from './observe-host.ts'
import { choicesFrom, type Choices } from './random.ts'
import { travel } from './simulate.ts'
import type { Fate, Journey, NameAnswer, World } from './types.ts'

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

export interface SeenName {
  hostname: string
  resolvers: string[]
  dns: DnsObservation[]
  attempts: SeenAttempt[]
  /** Where a client truly goes that is given any of the name's answers, known to the agent or not. */
  truths: Journey[]
}

/** All that an agent on that host could know, with the truth beside it. */
export interface Observed {
  seed: number
  plain: boolean
  world: World
  nowMs: number
  timing: Timing
  damages: string[]
  readings: SeenFiles[]
  others: SeenFiles[]
  vantage: Vantage
  trustedEndpoints: TrustedEndpoint[]
  sites: Site[]
  limits: SnapshotLimits
  families: FamilyObservation[]
  names: SeenName[]
}

const nowMs = Date.UTC(2026, 2, 3, 4, 5, 6)

function stamp(id: string): Stamp {
  return { id, wallMs: nowMs, monotonicMs: 1_000_000, bootId: 'boot', snapshot: null, configuration: null }
}

function answerOf(answer: NameAnswer, family: 4 | 6, choices: Choices, plain: boolean): DnsAnswer {
  // A host without IPv6 rightly takes no AAAA answer for none; that one of them is IPv4 in disguise it could only
  // learn from the answer.
  const disguised = family === 6 && answer.ipv6.some((address) => mappedIpv4(address) !== null)
  const broken = !plain && !disguised && choices.chance(0.05)
  if (answer.silent || answer.rcode === 'SERVFAIL' || broken) {
    const failure = answer.silent
      ? ({ type: 'timeout', afterSeconds: 2 } as const)
      : ({ type: 'dns', code: 'ESERVFAIL' } as const)
    return { answered: false, failure, transport: 'udp' }
  }
  const all = family === 4 ? answer.ipv4 : answer.ipv6
  const truncated = !plain && all.length > 1 && choices.chance(0.03)
  return {
    answered: true,
    rcode: answer.rcode,
    addresses: (truncated ? all.slice(0, 1) : all).map((address) => ({
      address,
      ttlSeconds: answer.ttlSeconds,
    })),
    cnames: answer.cnames,
    truncated,
    transport: 'udp',
    rttSeconds: 0.002,
  }
}

/** Ways in which AWS's texts can be read: an attempt suffices only if its class is the same under all. */
const readings: Partial<Fate>[] = [
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
    readings.every((fate) => {
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

/** What an agent on the scene's host would see, and what is true. The same seed gives the same look. */
export function observe(scene: Scene, seed = scene.seed): Observed {
  const choices = choicesFrom(seed ^ 0x5bd1e995)
  const { plain } = scene
  const account = lookAtAccount(scene.world, nowMs, choices, scene)
  const { world } = account
  const vantage = vantageOf(world, choices, plain)
  const trustedEndpoints = plain ? [] : someTrust([scene.world, world], choices, scene.theme)
  const sites = someSites(world, choices)
  const families = ([4, 6] as const).map((family): FamilyObservation => {
    const usable = family === 4 ? world.host.ipv4Usable : world.host.ipv6Usable
    return {
      kind: 'family',
      stamp: stamp(`family-${family}`),
      family,
      usable,
      because: 'addresses of the host',
    }
  })
  let port = 40_000

  const names = scene.hostnames.map((hostname): SeenName => {
    const resolvers = choices.chance(plain ? 0 : 0.25) ? ['system', 'corp'] : ['system']
    const dns: DnsObservation[] = []
    const given = new Set<string>()
    const known = new Map<string, string[]>()
    for (const resolver of ['system', 'corp']) {
      const answer = resolveName(world, hostname, resolver)
      const counts = resolvers.includes(resolver)
      const ipv4 = answerOf(answer, 4, choices, plain)
      const ipv6 = answerOf(answer, 6, choices, plain)
      if (counts || choices.chance(0.3)) {
        dns.push({
          kind: 'dns',
          stamp: stamp(`dns-${resolver}`),
          hostname,
          resolver,
          server: '10.0.0.2:53',
          counts,
          ipv4,
          ipv6,
        })
      }
      if (!counts) continue
      for (const address of [...answer.ipv4, ...answer.ipv6]) given.add(address)
      for (const seen of [ipv4, ipv6]) {
        if (!seen.answered) continue
        for (const { address } of seen.addresses)
          known.set(address, [...(known.get(address) ?? []), resolver])
      }
    }

    const chosen = new Map<4 | 6, string>()
    for (const family of [4, 6] as const) {
      const own = sourcesOf(world, family)
      if (own.length > 0) chosen.set(family, choices.pick(own))
    }
    // A socket of IPv6 that is given an IPv4-mapped address sends IPv4.
    const sourceFor = (address: string): string =>
      mappedIpv4(address) !== null
        ? `::ffff:${chosen.get(4) ?? '127.0.0.1'}`
        : (chosen.get(familyOf(address)) ?? (address.includes(':') ? '::1' : '127.0.0.1'))
    const truths = [...given].map((destination) =>
      travel(world, { source: sourceFor(destination), destination, port: 443 }),
    )
    const attempts = [...known].map(([address, by]): SeenAttempt => {
      port += 1
      const family = familyOf(address)
      const source = sourceFor(address)
      const truth = travel(world, { source, destination: address, port: 443 })
      const wire = mappedIpv4(address) === null ? family : 4
      const usable = (wire === 4 ? world.host.ipv4Usable : world.host.ipv6Usable) && chosen.has(wire)
      const dialled = choices.chance(0.78)
      const outcome: Attempt['outcome'] = !dialled
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
        stamp: stamp(`attempt-${port}`),
        hostname,
        port: 443,
        address,
        family,
        localAddress: usable && (bound || choices.chance(0.8)) ? source : null,
        localPort: bound ? port : null,
        resolvers: by,
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
        suffices:
          isGood(attempt) &&
          account.whole &&
          vantage.kind === 'ec2' &&
          seesItsDevice(host) &&
          isPlainTo(world, source, address, truth),
      }
    })
    for (const seen of attempts) {
      seen.othersConnected = attempts.some(
        ({ attempt }) =>
          attempt !== seen.attempt &&
          attempt.outcome.reached === 'tls' &&
          attempt.family === seen.attempt.family &&
          attempt.localAddress === seen.attempt.localAddress,
      )
    }
    return { hostname, resolvers, dns, attempts, truths }
  })

  return {
    seed: scene.seed,
    plain,
    world,
    nowMs,
    timing: account.timing,
    damages: account.damages,
    readings: account.readings,
    others: account.others,
    vantage,
    trustedEndpoints,
    sites,
    limits,
    families,
    names,
  }
}
