import type { DnsAnswer, DnsObservation, FamilyObservation } from '../../model/observation.ts'
import type { Site, SnapshotLimits, TrustedEndpoint, Vantage } from '../../model/topology.ts'
import { mappedIpv4 } from './bits.ts'
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
import { chooseSources, lookAt, type SeenAttempt, sourceFor, stampOf } from './observe-attempt.ts'
import { vantageOf } from './observe-host.ts'
import { choicesFrom, type Choices } from './random.ts'
import { travel } from './simulate.ts'
import type { Journey, NameAnswer, World } from './types.ts'

export type { SeenAttempt } from './observe-attempt.ts'

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

/** Unix milliseconds: when all connections are made. */
export const nowMs = Date.UTC(2026, 2, 3, 4, 5, 6)

/** What the host says of each family, rightly. */
export function familiesOf({ host }: World, atMs: number): FamilyObservation[] {
  return ([4, 6] as const).map((family) => ({
    kind: 'family',
    stamp: stampOf(`family-${family}`, atMs),
    family,
    usable: family === 4 ? host.ipv4Usable : host.ipv6Usable,
    because: 'addresses of the host',
  }))
}

/** One family of an answer as it arrives: mostly whole. */
export function answerOf(answer: NameAnswer, family: 4 | 6, choices: Choices, plain: boolean): DnsAnswer {
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

/** What an agent on the scene's host would see, and what is true. The same seed gives the same look. */
export function observe(scene: Scene, seed = scene.seed): Observed {
  const choices = choicesFrom(seed ^ 0x5bd1e995)
  const { plain } = scene
  const account = lookAtAccount(scene.world, nowMs, choices, scene)
  const { world } = account
  const vantage = vantageOf(world, choices, plain)
  const trustedEndpoints = plain ? [] : someTrust([scene.world, world], choices, scene.theme)
  const sites = someSites(world, choices)
  const families = familiesOf(world, nowMs)
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
          stamp: stampOf(`dns-${resolver}`, nowMs),
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

    const chosen = chooseSources(world, choices)
    const truths = [...given].map((destination) =>
      travel(world, { source: sourceFor(chosen, destination), destination, port: 443 }),
    )
    const standing = {
      world,
      hostname,
      choices,
      plain,
      nowMs,
      chosen,
      sure: account.whole && vantage.kind === 'ec2',
    }
    const attempts = [...known].map(([address, resolvers]) => {
      port += 1
      return lookAt(standing, { address, resolvers, port, dialled: () => choices.chance(0.78) })
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
