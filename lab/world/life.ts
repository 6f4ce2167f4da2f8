/**
 * Some minutes in the life of an account and of one name in it: the answers rotate, routes change between two readings,
 * permissions come and go, the host has several interfaces, and for a while the network may do what the account's API
 * does not show.
 */
import type { DnsObservation, FamilyObservation } from '../../model/observation.ts'
import type { Site, Vantage } from '../../model/topology.ts'
import { generate, type Scene, someAnswers } from './generate.ts'
import { fileNames } from './damage.ts'
import { mutate } from './mutate.ts'
import { dated, type SeenFiles, someSites, textsOf } from './observe-account.ts'
import { chooseSources, lookAt, type SeenAttempt, sourceFor, stampOf } from './observe-attempt.ts'
import { answerOf, familiesOf, nowMs } from './observe.ts'
import { vantageOf } from './observe-host.ts'
import { choicesFrom, type Choices } from './random.ts'
import { travel } from './simulate.ts'
import type { Journey, World, WorldName } from './types.ts'

/** One cycle: a reading of the account, then one answer, then whatever connections are asked for. */
export interface Moment {
  /** Unix milliseconds of the connections. */
  atMs: number
  /** The reading before them; a file that is missing was refused. */
  reading: SeenFiles
  /** Nothing of it was refused. */
  whole: boolean
  /** The network does what the API shows, at the reading. */
  honestThen: boolean
  /** The same, and nothing has changed between the reading and the connections. */
  honest: boolean
  dns: DnsObservation
  /** Addresses of the answer. */
  answered: string[]
  families: FamilyObservation[]
  /** Looks at an address, with or without a connection. Each is another attempt. */
  look(address: string, dialled: boolean): SeenAttempt
  /** Where packets to an address truly go, at the reading and at the connections. */
  trulyThen(address: string): Journey
  truly(address: string): Journey
  /** Where they would go if the network did what the API shows. */
  shown(address: string): Journey
}

export interface Life {
  seed: number
  scene: Scene
  hostname: string
  vantage: Vantage
  sites: Site[]
  /** The network does what the API does not show, at some of the moments. */
  lies: boolean
  moments: Moment[]
}

const gapsSeconds = [30, 60, 60, 60, 120, 200, 400] as const

/** Some of a name's addresses, in the order in which a service turns them. */
function partOf(addresses: readonly string[], choices: Choices, rotates: boolean): string[] {
  if (!rotates || addresses.length < 2) return [...addresses]
  const first = choices.below(addresses.length)
  const count = 1 + choices.below(Math.ceil(addresses.length / 2))
  return [...addresses, ...addresses].slice(first, first + count)
}

/** Refused as a whole, in parts, or not at all. */
function refuse(texts: Map<string, string>, choices: Choices): Map<string, string> {
  const how = choices.weighted([
    [10, 'nothing'],
    [1.2, 'some'],
    [0.5, 'all'],
  ] as const)
  if (how === 'nothing') return texts
  const gone = how === 'all' ? null : new Set(choices.some(fileNames, 1 + choices.below(3)))
  return new Map([...texts].filter(([name]) => gone !== null && !gone.has(name)))
}

/** A random life. The same seed gives the same life. */
export function life(seed: number): Life {
  const scene = generate(seed)
  const { plain, theme } = scene
  const choices = choicesFrom(seed ^ 0x2545f491)
  const [hostname = ''] = scene.hostnames
  const rotates = choices.chance(0.8)
  const six = scene.world.host.ipv6Usable
  const more = choices.chance(0.5) ? someAnswers(choices, plain, six, theme) : []
  const names = scene.world.names.map((name): WorldName => {
    if (name.hostname !== hostname) return name
    const all = [...new Set([...name.ipv4, ...name.ipv6, ...more])]
    const [ipv4, ipv6] = [all.filter((a) => !a.includes(':')), all.filter((a) => a.includes(':'))]
    return { ...name, rcode: 'NOERROR', ipv4, ipv6 }
  })
  const own = names.find((name) => name.hostname === hostname)
  let world: World = { ...scene.world, names }
  const count = 4 + choices.below(4)
  const lies = choices.chance(0.4)
  const lieFrom = choices.below(count - 1)
  const lieUntil = lieFrom + 1 + choices.below(count - lieFrom)
  const lieSeed = choices.below(2 ** 31)
  // the same disagreement as long as it lasts
  const plane = (shown: World, lying: boolean): World =>
    lying ? mutate(shown, choicesFrom(lieSeed), theme) : shown

  // the kernel chooses the source; it has no whims
  const chosen = chooseSources(scene.world, choices)

  const moments: Moment[] = []
  let atMs = nowMs
  let port = 40_000
  for (let n = 0; n < count; n += 1) {
    atMs += choices.pick(gapsSeconds) * 1000
    const changes = n > 0 && choices.chance(0.3)
    const early = choices.chance(0.5)
    const before = world
    if (changes) world = mutate(world, choices, theme)
    const shownThen = early ? world : before
    const shown = world
    const lying = lies && n >= lieFrom && n < lieUntil
    const lyingThen = lying && n > lieFrom
    const then = plane(shownThen, lyingThen)
    const now = plane(shown, lying)
    const readMs = atMs - (1 + choices.below(20)) * 1000
    const all = textsOf(shownThen)
    const texts = refuse(all, choices)
    const answer = {
      hostname,
      cnames: [],
      ttlSeconds: 5,
      rcode: 'NOERROR' as const,
      silent: false,
      ipv4: partOf(own?.ipv4 ?? [], choices, rotates),
      ipv6: partOf(own?.ipv6 ?? [], choices, rotates),
    }
    const dns: DnsObservation = {
      kind: 'dns',
      stamp: stampOf(`dns-${n}`, atMs),
      hostname,
      resolver: 'system',
      server: '10.0.0.2:53',
      counts: true,
      ipv4: answerOf(answer, 4, choices, plain),
      ipv6: answerOf(answer, 6, choices, plain),
    }
    const way = (through: World) => (address: string) =>
      travel(through, { source: sourceFor(chosen, address), destination: address, port: 443 })
    const standing = { world: now, hostname, choices, plain, nowMs: atMs, chosen, sure: false }
    moments.push({
      atMs,
      reading: dated(texts, () => readMs),
      whole: texts.size === all.size,
      honestThen: then === shownThen,
      honest: now === shown && shown === shownThen,
      dns,
      answered: [dns.ipv4, dns.ipv6].flatMap((one) =>
        one.answered ? one.addresses.map(({ address }) => address) : [],
      ),
      families: familiesOf(now, atMs),
      look: (address, dialled) => {
        port += 1
        return lookAt(standing, { address, resolvers: ['system'], port, dialled: () => dialled })
      },
      trulyThen: way(then),
      truly: way(now),
      shown: way(shown),
    })
  }
  const vantage = vantageOf(scene.world, choices, plain)
  return { seed, scene, hostname, vantage, sites: someSites(scene.world, choices), lies, moments }
}
