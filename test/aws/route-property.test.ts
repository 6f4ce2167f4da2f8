import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { possibleWinners } from '../../aws/route-rank.ts'
import { lookupTableRoute } from '../../aws/route.ts'
import { list, route, snapshot, table } from './route-builders.ts'
import type { PrefixList, Route } from '../../model/topology.ts'
import type { RouteLookup } from '../../aws/route.ts'

/** Addresses differ in their first five bits only, so that random prefixes nest often. */
const bitsWide = 5

interface World {
  routes: Route[]
  lists: PrefixList[]
  address: string
}

const bits = fc.array(fc.constantFrom('0', '1'), { maxLength: bitsWide }).map((digits) => digits.join(''))

function cidrOf(prefix: string): string {
  const value = Number.parseInt(prefix.padEnd(8, '0'), 2)
  return `${value}.0.0.0/${prefix.length}`
}

function bitsOf(cidr: string): string {
  const [network = '', length = ''] = cidr.split('/')
  const all = network.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0'))
  return all.join('').slice(0, Number(length))
}

const target = fc.constantFrom('nat-1', 'nat-2', 'igw-1', 'vpce-1', 'vpce-2', 'vgw-1', 'tgw-1')
const state = fc.constantFrom(
  'active',
  'active',
  'active',
  'active',
  'blackhole',
  'filtered',
  'unknown',
) as fc.Arbitrary<Route['state']>
const origin = fc.constantFrom(
  'static',
  'static',
  'static',
  'propagated',
  'propagated',
  'unknown',
) as fc.Arbitrary<Route['origin']>
const settled = fc.constantFrom('active', 'blackhole') as fc.Arbitrary<Route['state']>
const known = fc.constantFrom('static', 'propagated') as fc.Arbitrary<Route['origin']>

function worlds(states = state, origins = origin): fc.Arbitrary<World> {
  // 21 is left out: 169.0.0.0/8 holds the link-local addresses
  const addresses = fc.integer({ min: 0, max: 31 }).filter((address) => address !== 21)
  return addresses.chain((address) => {
    const own = address.toString(2).padStart(bitsWide, '0')
    const near = fc.oneof(
      { weight: 3, arbitrary: fc.nat(bitsWide).map((length) => own.slice(0, length)) },
      { weight: 2, arbitrary: bits },
    )
    const cidrRoute = fc
      .tuple(near, target, states, origins)
      .map(([prefix, to, state, origin]) => route(cidrOf(prefix), to, { state, origin }))
    const listRoute = fc
      .tuple(fc.constantFrom('pl-1', 'pl-2', 'pl-3'), target, states)
      .map(([id, to, state]) => route(id, to, { state }))
    const entries = fc.array(near.filter((prefix) => prefix !== '').map(cidrOf), {
      minLength: 1,
      maxLength: 4,
    })
    return fc
      .record({
        routes: fc.array(fc.oneof({ weight: 3, arbitrary: cidrRoute }, { weight: 2, arbitrary: listRoute }), {
          maxLength: 7,
        }),
        lists: fc.tuple(entries, entries, entries),
      })
      .map(({ routes, lists }) => ({
        routes,
        lists: lists.map((cidrs, index) => list(`pl-${index + 1}`, cidrs, { family: 4 })),
        address: `${address * 8}.0.0.1`,
      }))
  })
}

function look({ routes, lists, address }: World): RouteLookup {
  const value = BigInt(address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0))
  return lookupTableRoute(snapshot({ routeTables: [table('rtb-1', routes)], prefixLists: lists }), 'rtb-1', {
    family: 4,
    value,
  })
}

const text = (route: Route) => JSON.stringify(route)
const texts = (routes: readonly Route[]) => [...new Set(routes.map(text))].sort()
const winnersOf = (found: RouteLookup) => texts(found.winners.map((winner) => winner.route))
const missing = (found: readonly string[], wanted: readonly string[]) =>
  wanted.filter((one) => !found.includes(one))
const reachable = (found: RouteLookup) =>
  texts([...found.winners.map((winner) => winner.route), ...found.maybe])

/** The routes with what a test made unknown evened out. */
const strip = (found: string[]) =>
  texts(found.map((one) => ({ ...(JSON.parse(one) as Route), state: 'active', origin: 'static' })))

interface OracleMatch {
  route: Route
  bits: string
  kind: 'cidr' | 'list' | 'propagated'
}

/** Longest prefix by comparing strings, then CIDR, list, propagated; and whether the texts leave no other reading. */
function oracle({ routes, lists, address }: World): {
  best: string[]
  certain: boolean
  matches: OracleMatch[]
} {
  const wanted = bitsOf(`${address}/32`)
  const matches = routes.flatMap((route): OracleMatch[] => {
    const { destination } = route
    const cidrs =
      destination.kind === 'cidr'
        ? [destination.cidr]
        : (lists.find((list) => list.id === destination.id)?.entries ?? [])
    const [longest] = cidrs
      .map(bitsOf)
      .filter((prefix) => wanted.startsWith(prefix))
      .sort((a, b) => b.length - a.length)
    if (longest === undefined) return []
    const kind =
      destination.kind === 'prefix_list' ? 'list' : route.origin === 'propagated' ? 'propagated' : 'cidr'
    return [{ route, bits: longest, kind }]
  })
  let best = matches.filter((match) => matches.every((other) => other.bits.length <= match.bits.length))
  for (const kind of ['cidr', 'list', 'propagated']) {
    const ofKind = best.filter((match) => match.kind === kind)
    if (ofKind.length > 0) {
      best = ofKind
      break
    }
  }
  const doubtful = matches.some(
    (a) =>
      a.kind === 'list' &&
      matches.some(
        (b) =>
          a !== b &&
          (b.kind === 'list' ||
            (b.kind === 'cidr' && b.bits !== '' && b.bits.length < a.bits.length) ||
            (b.kind === 'propagated' && b.bits.length > a.bits.length)),
      ),
  )
  return { best: texts(best.map((match) => match.route)), certain: !doubtful, matches }
}

describe('against an independent resolver on bit strings', () => {
  test('the only winner where the texts leave one reading; among the winners otherwise', () => {
    let certain = 0
    fc.assert(
      fc.property(worlds(settled, known), (world) => {
        const expected = oracle(world)
        const found = winnersOf(look(world))
        if (expected.certain) certain += 1
        expect(missing(found, expected.best)).toEqual([])
        expect(expected.certain ? found : expected.best).toEqual(expected.best)
      }),
      { numRuns: 4000 },
    )
    expect(certain).toBeGreaterThan(500)
  })

  test('where the texts can be read both ways, both', () => {
    let seen = 0
    fc.assert(
      fc.property(worlds(settled, known), (world) => {
        const { matches } = oracle(world)
        const found = winnersOf(look(world))
        for (const a of matches) {
          for (const b of matches) {
            const longestA = matches.every(
              (other) => other === a || other === b || other.bits.length < b.bits.length,
            )
            const pair =
              a.kind === 'list' && b.kind === 'cidr' && b.bits !== '' && b.bits.length < a.bits.length
            const differs = a.route.target.id !== b.route.target.id
            if (!longestA || !pair || !differs) continue
            seen += 1
            expect(found).toContain(text(a.route))
            expect(found).toContain(text(b.route))
          }
        }
      }),
      { numRuns: 4000 },
    )
    expect(seen).toBeGreaterThan(100)
  })
})

describe('nothing that is unknown narrows', () => {
  const runs = { numRuns: 2000 }

  test('the order of the routes means nothing', () => {
    fc.assert(
      fc.property(worlds(), fc.func(fc.nat()), (world, order) => {
        const routes = [...world.routes].sort((a, b) => order(text(a)) - order(text(b)))
        expect(winnersOf(look({ ...world, routes }))).toEqual(winnersOf(look(world)))
      }),
      runs,
    )
  })

  test('some route wins whenever one of a known state matches', () => {
    fc.assert(
      fc.property(worlds(), (world) => {
        const { matches } = oracle(world)
        expect(look(world).winners.length > 0).toBe(matches.length > 0)
      }),
      runs,
    )
  })

  test('a further route removes no winner of a longer prefix', () => {
    fc.assert(
      fc.property(worlds(), bits, target, origin, state, (world, prefix, to, origin, state) => {
        const more = route(cidrOf(prefix), to, { origin, state })
        const after = winnersOf(look({ ...world, routes: [...world.routes, more] }))
        const longer = look(world).winners.filter(
          (winner) => bitsOf(winner.matchedPrefix).length > prefix.length,
        )
        expect(missing(after, texts(longer.map((winner) => winner.route)))).toEqual([])
      }),
      runs,
    )
  })

  test('a further list that was not read only widens', () => {
    fc.assert(
      fc.property(worlds(), target, (world, to) => {
        const after = look({ ...world, routes: [...world.routes, route('pl-9', to)] })
        expect(missing(winnersOf(after), winnersOf(look(world)))).toEqual([])
        expect(reachable(after)).toContain(text(route('pl-9', to)))
      }),
      runs,
    )
  })

  test('to lose the entries of a list, or some of them, only widens', () => {
    fc.assert(
      fc.property(worlds(), fc.nat(2), fc.nat(4), (world, index, keep) => {
        const before = winnersOf(look(world))
        const lose = (change: Partial<PrefixList>) =>
          reachable(
            look({
              ...world,
              lists: world.lists.map((list, at) => (at === index ? { ...list, ...change } : list)),
            }),
          )
        const some = world.lists[index]?.entries?.slice(0, keep) ?? []
        for (const after of [
          lose({ entries: null, complete: false }),
          lose({ entries: some, complete: false }),
        ]) {
          expect(missing(after, before)).toEqual([])
        }
      }),
      runs,
    )
  })

  test('two states that are not known need not be the same one', () => {
    const unknown = { state: 'unknown' } as const
    const igw = { kind: 'internet_gateway', id: 'igw-1' } as const
    const wide: Route = {
      destination: { kind: 'cidr', cidr: '128.0.0.0/1' },
      target: igw,
      origin: 'static',
      ...unknown,
    }
    const listed: Route = {
      destination: { kind: 'prefix_list', id: 'pl-1' },
      target: igw,
      origin: 'static',
      ...unknown,
    }
    const other: Route = {
      destination: { kind: 'cidr', cidr: '192.0.0.0/2' },
      target: { kind: 'nat_gateway', id: 'nat-1' },
      state: 'active',
      origin: 'static',
    }
    const one = (r: Route, matchedPrefix: string, length: number) => ({ route: r, matchedPrefix, length })
    const winners = possibleWinners([
      one(wide, '128.0.0.0/1', 1),
      one(listed, '192.0.0.0/3', 3),
      one(other, '192.0.0.0/2', 2),
    ])
    expect(new Set(winners.map((w) => w.route))).toEqual(new Set([wide, listed, other]))
  })

  test('not to know the state or origin of a route only widens', () => {
    fc.assert(
      fc.property(worlds(), fc.nat(6), fc.boolean(), (world, index, ofState) => {
        const unknown = ofState ? { state: 'unknown' as const } : { origin: 'unknown' as const }
        const routes = world.routes.map((route, at) => (at === index ? { ...route, ...unknown } : route))
        const after = strip(winnersOf(look({ ...world, routes })))
        expect(missing(after, strip(winnersOf(look(world))))).toEqual([])
      }),
      runs,
    )
  })
})
