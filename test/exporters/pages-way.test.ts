import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawWay } from '../../exporters/pages/way-svg.ts'
import { type NameOfWay, wayInWords, wayOf } from '../../exporters/pages/way.ts'
import type { Evidence } from '../../model/evidence.ts'
import { type PathClass, type PathState, pathClasses } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { attemptVerdict } from '../agent/verdicts.ts'

const settledName = (state: PathState): NameOfWay => ({ state, tainted: false, conflictOfSide: false })

function evidence(
  rule: string,
  possible: PathClass[],
  because: string,
  more: Partial<Evidence> = {},
): Evidence {
  return {
    rule,
    possible,
    rank: rule.startsWith('flow') ? 'observed' : 'configured',
    because,
    source: 'snapshot',
    observedAtMs: 0,
    flags: [],
    assumptions: [],
    ...more,
  }
}

/** An attempt that a route settled, as the judge makes it. */
function routed(
  path: PathClass,
  rule: string,
  route: string,
  target: string,
  more: Partial<AttemptVerdict> = {},
) {
  const basis = { networkInterface: 'eni-0a000050', routeTable: 'rtb-0a000001', route, target }
  const state = stateOf[path]
  return attemptVerdict({
    state,
    wouldBe: state,
    connected: state !== 'blocked',
    possible: [path],
    networkInterface: 'eni-0a000050',
    basis,
    bases: [basis],
    evidence: [
      evidence(
        rule,
        [path, 'blocked'],
        `rtb-0a000001 of subnet-0a000001 (eni-0a000050): ${route} → ${target}`,
      ),
    ],
    ...more,
  })
}

const stateOf: Record<PathClass, PathState> = {
  gateway_endpoint: 'private',
  interface_endpoint: 'private',
  nat_gateway_endpoint: 'private',
  nat_gateway: 'public',
  internet_gateway: 'public',
  public_vif: 'public',
  internet: 'public',
  relay: 'undetermined',
  blocked: 'blocked',
}

interface Drawn {
  status: string
  side: string | null
  words: string
}

/** What a picture shows, read from its lines and texts alone. */
function seen(svg: string): Record<string, Drawn> {
  const groups = svg.matchAll(
    /<g class="w-(taken|either|maybe|out)(?: w-(private|public))?" data-path="([a-z_]+)">(.*?)<\/g>/g,
  )
  return Object.fromEntries(
    [...groups].map(([, status = '', side, path = '', inner = '']) => [
      path,
      {
        status,
        side: side ?? null,
        words: [...inner.matchAll(/<text[^>]*>([^<]*)</g)].map(([, words]) => words).join(' '),
      },
    ]),
  )
}

function draw(attempt: AttemptVerdict, name: NameOfWay): string {
  const way = wayOf(attempt, name)
  return drawWay(way, 'x', wayInWords(way))
}

describe('the picture of the way', () => {
  it.each<[PathClass, AttemptVerdict, string[]]>([
    [
      'gateway_endpoint',
      routed('gateway_endpoint', 'route.gateway_endpoint', 'pl-63a5400a', 'vpce-0a000053'),
      ['gateway endpoint', 'vpce-0a000053'],
    ],
    [
      'nat_gateway_endpoint',
      routed('nat_gateway_endpoint', 'route.nat_gateway_endpoint', '0.0.0.0/0', 'nat-0a000009>vpce-0a000053'),
      ['NAT gateway', 'nat-0a000009', 'gateway endpoint', 'vpce-0a000053'],
    ],
    [
      'nat_gateway',
      routed('nat_gateway', 'route.nat_internet_gateway', '0.0.0.0/0', 'nat-0a000009>igw-0a000001'),
      ['NAT gateway', 'nat-0a000009', 'internet gateway', 'igw-0a000001'],
    ],
    [
      'internet_gateway',
      routed('internet_gateway', 'route.internet_gateway', '0.0.0.0/0', 'igw-0a000001'),
      ['internet gateway', 'igw-0a000001'],
    ],
    [
      'interface_endpoint',
      routed('interface_endpoint', 'endpoint.own_vpc', '10.0.0.0/16', 'local', {
        evidence: [
          evidence(
            'endpoint.own_vpc',
            ['interface_endpoint', 'blocked'],
            '10.0.1.101 is an interface of vpce-0a0000a1 (ssm, available) in vpc-1',
          ),
        ],
      }),
      ['interface endpoint', 'vpce-0a0000a1'],
    ],
    [
      'public_vif',
      attemptVerdict({ state: 'public', possible: ['public_vif'] }),
      ['Direct Connect public interface'],
    ],
    ['internet', attemptVerdict({ state: 'public', possible: ['internet'] }), ['an internet provider']],
  ])('%s is drawn as taken, with its ids, and nothing else is', (path, attempt, words) => {
    const lanes = seen(draw(attempt, settledName(stateOf[path])))
    expect(Object.keys(lanes).toSorted()).toEqual([...pathClasses].toSorted())
    for (const [other, { status, side }] of Object.entries(lanes))
      expect([other, status, side]).toEqual([
        other,
        other === path ? 'taken' : 'out',
        other === path ? stateOf[path] : null,
      ])
    for (const word of words) expect(lanes[path]?.words).toContain(word)
  })

  it('a way that is blocked ends there', () => {
    const svg = draw(routed('blocked', 'route.blackhole', '0.0.0.0/0', 'nat-1'), settledName('blocked'))
    expect(seen(svg)['blocked']?.status).toBe('taken')
    expect(svg).toContain('w-stop')
    expect(svg).not.toContain('w-arrow')
    expect(svg).not.toMatch(/w-(private|public)/)
    const held = draw(routed('blocked', 'route.blackhole', '0.0.0.0/0', 'nat-1'), settledName('undetermined'))
    expect(held).not.toContain('w-taken')
  })

  it('a relay is never drawn as settled', () => {
    const attempt = attemptVerdict({ state: 'undetermined', proof: null, possible: ['relay'] })
    expect(seen(draw(attempt, settledName('undetermined')))['relay']).toMatchObject({
      status: 'maybe',
      side: null,
    })
  })

  it('says of each way that is ruled out what ruled it out, and not by what was set aside', () => {
    const aside = evidence('flow.internet_gateway', ['internet_gateway'], 'the record says so')
    const attempt = routed('gateway_endpoint', 'route.gateway_endpoint', 'pl-1', 'vpce-1', {
      evidence: [aside, evidence('route.gateway_endpoint', ['gateway_endpoint'], 'the route says so')],
      conflicts: [{ rank: 'observed', of: 'side', evidence: [aside], because: '' }],
      grounds: { start: pathClasses.filter((c) => c !== 'internet'), late: [0] },
    })
    const { lanes } = wayOf(attempt, settledName('undetermined'))
    const why = Object.fromEntries(lanes.map((lane) => [lane.class, lane.because]))
    expect(why['nat_gateway']).toBe('the route says so')
    expect(why['internet']).toBe('not possible from where this host stands')
    expect(why['gateway_endpoint']).toBeNull()
  })

  it('the first leg and what lies behind the table stand on the way', () => {
    const basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: '10.0.0.0/8', target: 'tgw-0abc' }
    const leg = { because: [], unknownHops: [], assumptions: [], wouldDecide: [] }
    const way = (changes: Partial<AttemptVerdict>) =>
      wayOf(attemptVerdict(changes), settledName('private')).from.map(({ title, sure }) => `${title} ${sure}`)
    expect(
      way({ basis, bases: [basis], evidence: [evidence('route.beyond_private', ['relay'], '')] }),
    ).toEqual(['this host true', 'route table true', 'transit gateway true'])
    expect(way({ firstLeg: { ...leg, leg: 'vpn' } })).toEqual(['this host true', 'first leg: VPN true'])
    expect(way({ firstLeg: { ...leg, leg: 'unproven' } })).toContain('first leg: not proven false')
    expect(way({})).toContain('no route table could be read for it false')
    const other = { ...basis, target: 'nat-1' }
    expect(
      way({ basis, bases: [other, basis], evidence: [evidence('route.several', ['relay'], '')] }),
    ).toContain('route table false')
  })

  it.each<[string, Partial<AttemptVerdict>, Partial<NameOfWay>]>([
    ['late records contradicted its way', {}, { tainted: true }],
    ['evidence of the name contradicts itself', {}, { conflictOfSide: true }],
    ['its own does', { conflicts: [{ rank: 'observed', of: 'side', evidence: [], because: '' }] }, {}],
    ['no verdict came in time', {}, { state: 'undetermined' }],
    ['the name is called public', {}, { state: 'public' }],
    ['it was not dialled', { dialled: false, connected: false }, {}],
    ['it did not connect', { connected: false }, {}],
    ['a public way remains', { possible: ['gateway_endpoint', 'nat_gateway'] }, {}],
    ['a relay remains', { possible: ['gateway_endpoint', 'relay'] }, {}],
    ['nothing remains', { possible: [] }, {}],
  ])('nothing private is drawn where %s', (_why, attempt, name) => {
    const svg = draw(attemptVerdict(attempt), { ...settledName('private'), ...name })
    expect(svg).not.toMatch(/w-private|w-taken|w-either|The way taken: private|a private path/)
  })

  it('never shows as taken what is ruled out, and nothing private where the verdict is not', () => {
    // What is settled is rare among all that could be: without weight on it the property would look at doubt alone.
    const of = (state: PathState) => pathClasses.filter((path) => stateOf[path] === state)
    const possibles = fc.oneof(
      fc.subarray([...pathClasses]),
      fc.subarray(of('private'), { minLength: 1 }),
      fc.subarray(of('public'), { minLength: 1 }),
      fc.constantFrom(...pathClasses).map((path) => [path]),
    )
    const likely = fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean())
    const states = fc.oneof(
      { weight: 2, arbitrary: fc.constant<PathState>('private') },
      fc.constantFrom<PathState>('private', 'public', 'blocked', 'undetermined'),
    )
    const names = fc.oneof(
      fc.constantFrom<PathState>('private', 'mixed'),
      fc.constantFrom<PathState>('private', 'public', 'mixed', 'blocked', 'undetermined'),
    )
    fc.assert(
      fc.property(
        possibles,
        states,
        likely,
        likely,
        fc.option(fc.constantFrom('side', 'class')),
        fc.record({ state: names, tainted: fc.boolean(), conflictOfSide: fc.boolean() }),
        fc.string({ maxLength: 30, unit: 'binary' }),
        (possible, state, connected, dialled, conflict, name, text) => {
          const attempt = attemptVerdict({
            possible,
            state,
            connected,
            dialled,
            address: text,
            hostname: text,
            conflicts:
              conflict === null
                ? []
                : [{ rank: 'observed', of: conflict as 'side' | 'class', evidence: [], because: '' }],
          })
          const svg = draw(attempt, name)
          const lanes = seen(svg)
          expect(Object.keys(lanes)).toHaveLength(pathClasses.length)
          for (const path of pathClasses)
            expect(lanes[path]?.status === 'out', path).toBe(!possible.includes(path))
          const drawn = Object.entries(lanes).filter(
            ([, { status }]) => status === 'taken' || status === 'either',
          )
          if (drawn.some(([, { status }]) => status === 'taken')) expect(possible).toHaveLength(1)
          for (const [path] of drawn) expect(stateOf[path as PathClass]).toBe(state)
          const mayBePrivate =
            state === 'private' &&
            connected &&
            dialled &&
            conflict !== 'side' &&
            (name.state === 'private' || name.state === 'mixed') &&
            !name.tainted &&
            !name.conflictOfSide &&
            possible.length > 0 &&
            possible.every((path) => stateOf[path] === 'private')
          const looksPrivate = /w-private|The way taken: private|a private path|all private/.test(svg)
          expect(/w-private/.test(svg)).toBe(mayBePrivate)
          if (looksPrivate)
            expect([state, name.tainted, name.conflictOfSide]).toEqual(['private', false, false])
          if (name.state === 'undetermined' || state === 'undetermined') {
            expect(drawn).toEqual([])
            expect(looksPrivate).toBe(false)
          }
        },
      ),
      { numRuns: 1500 },
    )
  })
})
