import { describe, expect, test } from 'vitest'
import { bitsOf } from '../../lab/world/bits.ts'
import { features, featuresOf } from '../../lab/world/features.ts'
import { generate } from '../../lab/world/generate.ts'
import { observe } from '../../lab/world/observe.ts'
import { choicesFrom } from '../../lab/world/random.ts'
import { travel } from '../../lab/world/simulate.ts'
import type { Journey, World } from '../../lab/world/types.ts'
import { sideOf } from '../../model/path.ts'

const seeds = Array.from({ length: 300 }, (_, n) => n + 1)

/** Every journey from this world's host to every answer of its names. */
function journeys(world: World): Journey[] {
  const sources = world.host.devices.flatMap(({ addresses }) => addresses)
  const answers = world.names.flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6])
  return sources.flatMap((source) =>
    answers.map((destination) => travel(world, { source, destination, port: 443 })),
  )
}

describe('choices', () => {
  test('the same seed gives the same, another seed something else', () => {
    const draw = (seed: number): number[] => {
      const choices = choicesFrom(seed)
      return Array.from({ length: 8 }, () => choices.below(1000))
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  test('weights are kept, roughly', () => {
    const choices = choicesFrom(1)
    const drawn = Array.from({ length: 10_000 }, () =>
      choices.weighted([
        [3, 'often'],
        [1, 'seldom'],
        [0, 'never'],
      ]),
    )
    expect(drawn.filter((item) => item === 'often').length).toBeGreaterThan(7200)
    expect(drawn.filter((item) => item === 'often').length).toBeLessThan(7800)
    expect(drawn).not.toContain('never')
  })

  test('some takes no item twice', () => {
    const taken = choicesFrom(3).some([1, 2, 3, 4, 5], 9)
    expect(taken.toSorted()).toEqual([1, 2, 3, 4, 5])
  })
})

describe('random worlds', () => {
  test('the same seed gives the same world and the same look at it, and both survive JSON', () => {
    for (const seed of seeds.slice(0, 40)) {
      const scene = generate(seed)
      expect(generate(seed)).toEqual(scene)
      expect(JSON.parse(JSON.stringify(scene))).toEqual(scene)
      const { readings, others, ...seen } = observe(scene)
      expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
      expect(observe(scene).readings).toEqual(readings)
      expect(others.length).toBeLessThanOrEqual(1)
    }
  })

  test('ids are unique, and what a world refers to is there', () => {
    for (const seed of seeds) {
      const { world } = generate(seed)
      const ids = [
        world.vpcs,
        world.subnets,
        world.tables,
        world.interfaces,
        world.endpoints,
        world.natGateways,
      ]
        .flat()
        .map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(new Set(world.interfaces.map(({ mac }) => mac)).size).toBe(world.interfaces.length)
      const there = new Set(ids)
      for (const { subnet, vpc } of world.interfaces)
        expect([there.has(subnet), there.has(vpc)]).toEqual([true, true])
      for (const { interfaces } of world.endpoints) for (const id of interfaces) expect(there).toContain(id)
      for (const table of world.tables) {
        for (const { to } of table.routes) {
          if (!to.startsWith('pl-')) expect(bitsOf(to.split('/')[0] ?? '').length).toBeGreaterThanOrEqual(32)
        }
      }
      for (const vpc of world.vpcs) {
        expect(world.tables.filter((table) => table.main && table.vpc === vpc.id).length).toBeLessThanOrEqual(
          1,
        )
      }
    }
  })

  test('a journey ends somewhere if and only if it is not blocked', () => {
    for (const seed of seeds) {
      for (const journey of journeys(generate(seed).world)) {
        expect(journey.delivered).toBe(journey.class !== 'blocked')
        expect(journey.to === null).toBe(!journey.delivered)
        expect(journey.hops.length).toBeGreaterThan(0)
      }
    }
  })

  test('only AWS’s own services are reached privately, and by an endpoint', () => {
    for (const seed of seeds) {
      const { world } = generate(seed)
      for (const { class: how, to, hops } of journeys(world)) {
        if (sideOf[how] !== 'private') continue
        expect(world.services.find(({ id }) => id === to)?.kind).toBe('aws')
        // A leg whose end is declared tells its class itself; all others name the endpoint that they met.
        if (how !== 'nat_gateway_endpoint') expect(hops.join()).toMatch(/vpce-/)
      }
    }
  })

  test('without a single active route nothing leaves an interface', () => {
    for (const seed of seeds) {
      const { world } = generate(seed)
      if (world.host.devices.some(({ leads }) => 'legs' in leads) || world.host.redirects.length > 0) continue
      if (world.host.routes.some(({ gateway }) => gateway === '10.0.1.92')) continue
      const dead: World = {
        ...world,
        tables: world.tables.map((table) => ({
          ...table,
          routes: table.routes.map((route) => ({ ...route, state: 'blackhole' as const })),
        })),
      }
      expect(new Set(journeys(dead).map(({ class: how }) => how))).toEqual(new Set(['blocked']))
    }
  })

  test('without internet gateways, transits, appliances and neighbours nothing gets out publicly', () => {
    for (const seed of seeds) {
      const { world } = generate(seed)
      const closed: World = {
        ...world,
        internetGateways: [],
        egressOnlyGateways: [],
        carrierGateways: [],
        transits: [],
        host: { ...world.host, redirects: [] },
        interfaces: world.interfaces.map((eni) => ({ ...eni, forwards: 'drops' as const })),
      }
      if (closed.host.devices.some(({ leads }) => 'legs' in leads)) continue
      expect(journeys(closed).filter(({ class: how }) => sideOf[how] === 'public')).toEqual([])
    }
  })

  test('what suffices is whole, connected and shown', () => {
    for (const seed of seeds) {
      for (const { attempts } of observe(generate(seed)).names) {
        for (const { suffices, attempt, truth } of attempts) {
          if (!suffices) continue
          expect(attempt.outcome.reached).toBe('tls')
          expect(truth.shown).toBe(true)
          expect([
            'gateway_endpoint',
            'interface_endpoint',
            'nat_gateway_endpoint',
            'nat_gateway',
            'internet_gateway',
            'relay',
          ]).toContain(truth.class)
        }
      }
    }
  })

  test('every feature is met', { timeout: 120_000 }, () => {
    const worlds = 4000
    const met = new Map(Object.keys(features).map((name) => [name, 0]))
    for (let seed = 1; seed <= worlds; seed += 1) {
      for (const name of featuresOf(observe(generate(seed)))) met.set(name, (met.get(name) ?? 0) + 1)
    }
    const rare = [...met].filter(([, count]) => count / worlds < 0.02)
    expect(rare).toEqual([])
    expect((met.get('evidence suffices') ?? 0) / worlds).toBeGreaterThan(0.35)
  })
})
