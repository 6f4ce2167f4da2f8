/** What a look shows, by every combination of what it may have seen and of what the control says. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EgressLook } from '../../model/egress.ts'
import type { Failure } from '../../model/observation.ts'
import { egressState } from '../../probes/egress-state.ts'
import { parseEgressUrl } from '../../probes/egress-url.ts'

function destination(url: string) {
  const read = parseEgressUrl(url)
  if (!read.ok) throw new Error(read.problem)
  return read.value
}

const urls = [
  'tcp://1.1.1.1:443',
  'tls://a.example:443',
  'udp://1.1.1.1:443',
  'dns://1.1.1.1',
  'doh://a.example',
  'ntp://1.1.1.1',
  'http://a.example',
  'https://a.example',
]

const failure: fc.Arbitrary<Failure> = fc.constantFrom<Failure>(
  { type: 'timeout', afterSeconds: 5 },
  { type: 'refused' },
  { type: 'reset', code: 'ECONNRESET' },
  { type: 'unreachable', code: 'EHOSTUNREACH' },
  { type: 'no_local_route', code: 'ENETUNREACH' },
  { type: 'denied', code: 'EPERM' },
  { type: 'resources', code: 'EMFILE' },
  { type: 'tls', code: 'ERR_SSL_X' },
  { type: 'dns', code: 'ENOTFOUND' },
  { type: 'aborted' },
  { type: 'internal', code: 'FORBIDDEN_TARGET' },
  { type: 'internal', code: 'PROXY_UNUSABLE' },
)

const look: fc.Arbitrary<EgressLook> = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  address: fc.constant('1.1.1.1'),
  via: fc.constantFrom('direct' as const, 'proxy' as const),
  reached: fc.constantFrom('nothing' as const, 'tcp' as const, 'tls' as const, 'answer' as const),
  status: fc.constantFrom(null, 100, 200, 204, 301, 400, 403, 404, 407, 429, 451, 500, 502, 503, 504, 999),
  failure: fc.option(failure),
  atOnce: fc.boolean(),
  mayBeSilent: fc.boolean(),
  seconds: fc.constant(1),
})

const control = (good: boolean) => ({
  target: 'a',
  good,
  because: good ? 'control a connected' : 'control a failed',
  atMs: null,
})

const some = (over: Partial<EgressLook>): EgressLook => ({
  family: 4,
  address: '1.1.1.1',
  via: 'direct',
  reached: 'nothing',
  status: null,
  failure: { type: 'timeout', afterSeconds: 5 },
  atOnce: false,
  mayBeSilent: false,
  seconds: 1,
  ...over,
})

const judged = (url: string, over: Partial<EgressLook>, same: boolean, any = same) =>
  egressState(destination(url), some(over), { same: control(same), any: control(any) })

describe('properties', () => {
  test('where no control got through, nothing is blocked', () => {
    fc.assert(
      fc.property(fc.constantFrom(...urls), look, (url, seen) => {
        const { state } = egressState(destination(url), seen, { same: control(false), any: control(false) })
        expect(state).not.toBe('blocked')
      }),
      { numRuns: 3000 },
    )
  })

  test('where no control got through, only what the destination itself did is open', () => {
    fc.assert(
      fc.property(fc.constantFrom(...urls), look, (url, seen) => {
        const { state } = egressState(destination(url), seen, { same: control(false), any: control(false) })
        if (state === 'open') expect(seen.reached !== 'nothing' || seen.status !== null).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('what connected directly is open, whatever else was seen', () => {
    fc.assert(
      fc.property(fc.constantFrom(...urls), look, fc.boolean(), (url, seen, good) => {
        fc.pre(seen.via === 'direct' && seen.reached !== 'nothing')
        expect(egressState(destination(url), seen, { same: control(good), any: control(good) }).state).toBe(
          'open',
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('what came back is never blocked, and a better control never hides an opening', () => {
    const order = { untestable: 0, blocked: 1, open: 1 }
    fc.assert(
      fc.property(fc.constantFrom(...urls), look, (url, seen) => {
        const [bad, good] = [false, true].map(
          (same) => egressState(destination(url), seen, { same: control(same), any: control(same) }).state,
        )
        if (bad === undefined || good === undefined) throw new Error('two states')
        expect(order[good]).toBeGreaterThanOrEqual(order[bad])
        if (bad === 'open') expect(good).toBe('open')
        const cameBack = seen.failure !== null && ['refused', 'reset'].includes(seen.failure.type)
        if (cameBack && seen.via === 'direct') expect(good).not.toBe('blocked')
      }),
      { numRuns: 3000 },
    )
  })
})

describe('in words', () => {
  test('silence beside a control is blocked, and says that packets may have left', () => {
    const { state, because } = judged('tcp://1.1.1.1:443', {}, true)
    expect(state).toBe('blocked')
    expect(because).toBe(
      'nothing came back from 1.1.1.1 port 443 in 5 s (packets may still have left); control a connected',
    )
  })

  test("this host's own refusal needs its network to be up, in any family; a router's does not count as that", () => {
    const own = { failure: { type: 'no_local_route', code: 'ENETUNREACH' } as const, atOnce: true }
    expect(judged('tcp://1.1.1.1:443', own, false, true)).toMatchObject({ state: 'blocked' })
    expect(judged('tcp://1.1.1.1:443', own, false, false)).toMatchObject({ state: 'untestable' })
    const byIcmp = { failure: { type: 'denied', code: 'EACCES' } as const, atOnce: false }
    expect(judged('tcp://1.1.1.1:443', byIcmp, true)).toMatchObject({ state: 'open' })
  })

  test('silence of what need not answer shows nothing', () => {
    expect(judged('udp://1.1.1.1:443', { mayBeSilent: true }, true)).toMatchObject({ state: 'untestable' })
  })

  test.each([
    ['https://a.example', 200, true, 'open'],
    ['https://a.example', 403, true, 'blocked'],
    ['https://a.example', 403, false, 'untestable'],
    ['https://a.example', 407, true, 'untestable'],
    ['https://a.example', 503, true, 'untestable'],
    ['http://a.example', 200, true, 'open'],
    ['http://a.example', 404, true, 'open'],
    ['http://a.example', 403, true, 'untestable'],
    ['http://a.example', 407, true, 'untestable'],
    ['http://a.example', 502, true, 'untestable'],
  ])('%s through a proxy that answers %i (control good: %s) is %s', (url, status, good, state) => {
    const seen = { via: 'proxy', reached: 'answer', status, failure: null } as const
    expect(judged(url, seen, good).state).toBe(state)
  })
})
