import { describe, expect, it } from 'vitest'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { missingPage } from '../../exporters/pages/attempt.ts'
import { type Snapshot, snapshotParts } from '../../model/topology.ts'
import { createHistory, mostTurns } from '../../agent/web/pages-history.ts'
import { createTimingBook, mostSamples } from '../../agent/web/pages-timings.ts'
import { factsOf } from '../../agent/web/pages-facts.ts'
import type { Attempt } from '../../model/observation.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { shownVerdicts } from '../support/page-server.ts'
import { createHandClock } from './hand-clock.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from './verdicts.ts'

const text = (page: { body: Iterable<string> }) => [...page.body].join('')

describe('the history of a name', () => {
  const judged = (state: 'private' | 'public', proof: 'configured' | 'observed' = 'configured') =>
    nameVerdict({ state, proof, because: [`it is ${state}`] })

  it('knows since when a state holds, and that it may be longer', async () => {
    const clock = createHandClock(0, 1_000_000)
    const history = createHistory(clock)
    expect(history.since('a')).toBeNull()
    history.judged('a', judged('private'), 90)
    await clock.advance(30_000)
    history.judged('a', judged('private', 'observed'), 90)
    // a stronger proof is a change, but the state is the same one
    expect(history.since('a')).toEqual({ atMs: 1_000_000, atStart: true })
    expect(history.turns('a').map(({ proof }) => proof)).toEqual(['observed', 'configured'])
    await clock.advance(30_000)
    history.judged('a', judged('public'), 90)
    expect(history.since('a')).toEqual({ atMs: 1_060_000, atStart: false })
    expect(history.turns('a')[0]).toEqual({
      atMs: 1_060_000,
      state: 'public',
      proof: 'configured',
      because: 'it is public',
    })
  })

  it('notes the moment at which a life ran out, also where the next verdict comes before anybody looks', async () => {
    const clock = createHandClock(0, 1_000_000)
    const history = createHistory(clock)
    history.judged('a', judged('private'), 90)
    history.judged('b', judged('private'), 90)
    await clock.advance(300_000)
    expect(history.since('a')).toEqual({ atMs: 1_090_000, atStart: false })
    history.judged('b', judged('private'), 90)
    expect(history.turns('b').map(({ atMs, state }) => [atMs, state])).toEqual([
      [1_300_000, 'private'],
      [1_090_000, 'undetermined'],
      [1_000_000, 'private'],
    ])
  })

  it('is bounded by turns and by names, and forgets names that are gone', () => {
    const clock = createHandClock(0, 0)
    const history = createHistory(clock, 3)
    for (let n = 0; n < 500; n++) history.judged('a', judged(n % 2 === 0 ? 'private' : 'public'), 90)
    expect(history.turns('a')).toHaveLength(mostTurns)
    for (const key of ['b', 'c', 'd', 'e']) history.judged(key, judged('private'), 90)
    expect(history.size()).toBe(3)
    history.keep(new Set(['b']))
    expect([history.size(), history.since('a'), history.since('b')?.atStart]).toEqual([1, null, true])
  })
})

describe('the timings of a name', () => {
  const attempt = (tcp: number | null, tls: number | null, uncertainty: number | null, wallMs = 0) =>
    ({
      stamp: { wallMs },
      timings: { tcpConnectSeconds: tcp, tlsHandshakeSeconds: tls, uncertaintySeconds: uncertainty },
    }) as Attempt

  it('keeps the last ones, phases that were not reached left out', () => {
    const book = createTimingBook()
    book.observed('a', attempt(null, null, null))
    expect([book.size(), book.tcp('a')]).toEqual([0, []])
    book.observed('a', attempt(0.5, null, 0.25, 7))
    book.observed('a', attempt(0.5, 1.5, null, 8))
    expect(book.tcp('a')).toEqual([
      { atMs: 7, seconds: 0.5, uncertaintySeconds: 0.25 },
      { atMs: 8, seconds: 0.5, uncertaintySeconds: Infinity },
    ])
    expect(book.tls('a').map(({ seconds }) => seconds)).toEqual([1.5])
    for (let n = 0; n < 1000; n++) book.observed('a', attempt(n, n, 0, n))
    expect(book.tcp('a').map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: mostSamples }, (_, n) => 1000 - mostSamples + n),
    )
  })

  it('is bounded by names', () => {
    const book = createTimingBook(2)
    for (const key of ['a', 'b', 'c']) book.observed(key, attempt(1, 1, 0))
    book.keep(new Set(['b', 'c']))
    expect([book.size(), book.tcp('c')]).toEqual([1, []])
  })
})

describe('the pages', () => {
  const some = (): TargetVerdict[] => [
    targetVerdict(),
    targetVerdict({
      target: 'sts',
      state: 'public',
      met: false,
      names: [nameVerdict({ hostname: 'sts.amazonaws.com', state: 'public', possible: ['nat_gateway'] })],
    }),
  ]

  it('their version changes when something that is shown does, and only then', () => {
    const shown = shownVerdicts(() => 5_000)
    shown.show(some())
    const first = shown.pages.changes()
    shown.judged(some())
    expect(shown.pages.changes()).toEqual(first)
    expect([...shown.pages.status()].join('')).toContain(`data-version="${first.version}"`)
    const [one, two] = some()
    shown.judged([one as TargetVerdict, { ...(two as TargetVerdict), met: true }])
    const second = shown.pages.changes()
    expect(second.version).not.toBe(first.version)
    shown.notices.push('the ledger is not written')
    expect(shown.pages.changes().version).not.toBe(second.version)
    expect([...shown.pages.status()].join('')).toContain('the ledger is not written')
  })

  it('a section that is kept never shows an earlier verdict', () => {
    const shown = shownVerdicts(() => 5_000)
    shown.show([targetVerdict()])
    expect([...shown.pages.status()].join('')).toContain('All is well')
    const name = nameVerdict({ state: 'undetermined', proof: null, because: ['no resolver answered'] })
    shown.judged([targetVerdict({ state: 'undetermined', met: false, names: [name] })])
    const page = [...shown.pages.status()].join('')
    expect(page).toContain('no resolver answered')
    expect(page).not.toContain('s-private')
  })

  it('finds targets and attempts by their paths, and nothing else', () => {
    const shown = shownVerdicts()
    shown.show([targetVerdict({ names: [nameVerdict({ attempts: [attemptVerdict({ id: 'a-1' })] })] })])
    const at = (path: string) => shown.pages.at(path)?.status ?? null
    expect(at('/targets/artifacts')).toBe(200)
    expect(at('/attempts/a-1')).toBe(200)
    expect([at('/targets/other'), at('/attempts/other')]).toEqual([404, 404])
    for (const path of ['/targets/', '/targets/a/b', '/targets/%', '/assets/x.js', '/x'])
      expect(at(path), path).toBeNull()
    const [, asset = ''] = /src="(assets\/[0-9a-f]+\.js)"/.exec([...shown.pages.status()].join('')) ?? []
    expect(shown.pages.at(`/${asset}`)?.headers?.['cache-control']).toContain('immutable')
  })

  it('a verdict whose life is over is shown as stale', () => {
    const shown = shownVerdicts(
      () => 5_000,
      () => false,
    )
    shown.show([
      targetVerdict({ names: [nameVerdict({ state: 'undetermined', because: ['no verdict in time'] })] }),
    ])
    expect([...shown.pages.status()].join('')).toContain('Stale')
    expect(text(shown.pages.at('/targets/artifacts') ?? { body: [] })).toContain('Stale')
  })

  it('comes in small pieces, and 500 targets of four names stay a page', () => {
    const shown = shownVerdicts()
    const many = Array.from({ length: 500 }, (_, n) =>
      targetVerdict({
        target: `target-${n}`,
        met: n % 10 !== 0,
        state: n % 10 === 0 ? 'public' : 'private',
        names: ['regional', 'global', 'dualstack', 'fips'].map((style) =>
          nameVerdict({
            hostname: `bucket-${n}.s3.${style}.eu-west-1.amazonaws.com`,
            style,
            because: ['because'],
          }),
        ),
      }),
    )
    shown.show(many)
    const pieces = [...shown.pages.status()]
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(16_384)
    const page = pieces.join('')
    expect(page.length).toBeLessThan(1_000_000)
    for (const { target } of many) expect(page).toContain(`href="targets/${target}"`)
    expect(page).toContain('<details class="fold"><summary>450 targets')
  })

  it('facts say what a person must look at', () => {
    const beside = {
      nowMs: 0,
      maxAgeSeconds: { routeTables: 180, others: 900 },
      egress: null,
      posture: null,
      ledger: null,
      flowLogLagSeconds: null,
      flowLogsEnabled: true,
    }
    const vantage = {
      kind: 'unknown' as const,
      because: ['silent'],
      instanceId: null,
      accountId: null,
      region: null,
      interfaces: [],
    }
    const facts = factsOf(vantage, null, true, {
      ...beside,
      egress: { checks: [{ check: 'cloudflare', state: 'open' }] },
      ledger: { state: 'suspended', records: 3, key: { verifier: null } },
    })
    const bad = facts.filter((fact) => fact.bad).map(({ label, text: words }) => `${label}: ${words}`)
    expect(bad).toEqual([
      'This host: unknown: silent',
      'Account: not read yet',
      'Egress: 1 open; open: cloudflare',
      'Ledger: suspended, 3 records, not signed',
    ])
  })

  it.each([
    ['young enough', 179, 899, []],
    ['older than max_age', 181, 899, ['Route tables: test; too old to count, read']],
    [
      'the rest as well',
      181,
      901,
      [
        'Route tables: test; too old to count, read',
        'Rest of the account: oldest part, too old to count, read',
      ],
    ],
    ['without a date', null, 899, ['Route tables: test, without a date: nothing is concluded from it']],
  ])('an account that is %s', (_, tables, others, expected) => {
    const nowMs = 10_000_000
    const empty = decodeSnapshot(new Map(), { source: 'test', account: '111122223333', region: 'us-east-1' })
    const at = (seconds: number | null) => ({
      read: true as const,
      atMs: seconds === null ? null : nowMs - seconds * 1000,
      dated: 'api' as const,
    })
    const parts = Object.fromEntries(
      snapshotParts.map((part) => [part, at(part === 'routeTables' ? tables : others)]),
    ) as Snapshot['parts']
    const vantage = {
      kind: 'ec2' as const,
      because: [],
      instanceId: null,
      accountId: null,
      region: null,
      interfaces: [],
    }
    const facts = factsOf(vantage, { ...empty, parts }, true, {
      nowMs,
      maxAgeSeconds: { routeTables: 180, others: 900 },
      egress: null,
      posture: null,
      ledger: null,
      flowLogLagSeconds: null,
      flowLogsEnabled: true,
    })
    expect(facts.flatMap(({ bad, label, text: words }) => (bad ? [`${label}: ${words}`] : []))).toEqual(
      expected,
    )
  })

  it('the link to the metrics leads where they are, from every page', () => {
    const frame = { version: '1', nowMs: 0, metricsPath: '/private-metrics' }
    expect(text(missingPage('x', frame))).toContain('<a href="../private-metrics">metrics</a>')
    expect(text(missingPage('x', { version: '1', nowMs: 0 }))).toContain('<a href="../metrics">metrics</a>')
    const shown = shownVerdicts(undefined, undefined, '/private-metrics')
    shown.show([targetVerdict({})])
    expect([...shown.pages.status()].join('')).toContain('<a href="private-metrics">metrics</a>')
    for (const path of ['/targets/artifacts', '/attempts/a-1', '/attempts/gone'])
      expect(text(shown.pages.at(path) ?? { body: [] }), path).toContain('<a href="../private-metrics">')
  })
})
