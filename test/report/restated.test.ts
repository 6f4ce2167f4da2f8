import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assuranceOf } from '../../ledger/report/assurance.ts'
import { createReportBuilder } from '../../ledger/report/build.ts'
import { createRestatements } from '../../ledger/report/restated.ts'
import { type Verification, lossesOf, mostListed, outcomeOf } from '../../ledger/verification.ts'
import { kit, signer, testHost, verified } from '../ledger/kit.ts'
import { createMemoryDisk } from '../ledger/memory-disk.ts'
import { shaOf } from '../support/ledger-records.ts'
import { ledger } from '../support/watched-ledger.ts'

const fromMs = 1000
type Step = [kind: string, wallMs: number, event?: string]

const over = (steps: Step[], from: number | null = fromMs) => {
  const one = createRestatements(from)
  for (const [seq, [kind, wallMs, event]] of steps.entries()) one.read({ seq, kind, wallMs, body: { event } })
  return one.before()?.through ?? null
}

describe('what was lost before a period', () => {
  it.each<[string, Step[], number | null]>([
    ['nothing was told anew', [['gap', 1]], null],
    [
      'a running process told everything anew',
      [
        ['gap', 1],
        ['restated', 2, 'begin'],
        ['restated', 3, 'end'],
      ],
      1,
    ],
    [
      'it began to, and no more',
      [
        ['gap', 1],
        ['restated', 2, 'begin'],
      ],
      null,
    ],
    [
      'only the end of it is there',
      [
        ['gap', 1],
        ['restated', 2, 'end'],
      ],
      null,
    ],
    [
      'the end is not before the period',
      [
        ['restated', 2, 'begin'],
        ['restated', fromMs, 'end'],
      ],
      null,
    ],
    [
      'the process ended in between',
      [
        ['restated', 1, 'begin'],
        ['recovery', 2],
        ['restated', 3, 'end'],
      ],
      null,
    ],
    [
      'it began once more',
      [
        ['restated', 1, 'begin'],
        ['gap', 2],
        ['restated', 3, 'begin'],
        ['restated', 4, 'end'],
      ],
      2,
    ],
    [
      'a process started after a crash',
      [
        ['recovery', 1],
        ['lifecycle', 2, 'started'],
      ],
      0,
    ],
    [
      'and after one that was closed',
      [
        ['gap', 1],
        ['close', 2],
        ['lifecycle', 3, 'started'],
      ],
      1,
    ],
    [
      'what it lost itself is not over',
      [
        ['recovery', 1],
        ['gap', 2],
        ['lifecycle', 3, 'started'],
      ],
      0,
    ],
    [
      'another event of its life',
      [
        ['recovery', 1],
        ['lifecycle', 2, 'configured'],
      ],
      null,
    ],
    [
      'no process ended before',
      [
        ['gap', 1],
        ['lifecycle', 2, 'started'],
      ],
      null,
    ],
    [
      'the clock had shown a time of the period before it was set back',
      [
        ['heartbeat', fromMs + 5],
        ['clock', 5],
        ['recovery', 6],
        ['lifecycle', 7, 'started'],
      ],
      null,
    ],
  ])('%s', (_, steps, expected) => {
    expect(over(steps)).toBe(expected)
  })

  it('nothing is before a period that begins with the ledger', () => {
    expect(
      over(
        [
          ['recovery', 1],
          ['lifecycle', 2, 'started'],
        ],
        null,
      ),
    ).toBeNull()
  })

  it('is never in the period, and never without something told anew after it', () => {
    const kinds: Step[] = [
      ['gap', 0],
      ['recovery', 0],
      ['close', 0],
      ['lifecycle', 0, 'started'],
      ['restated', 0, 'begin'],
      ['restated', 0, 'end'],
    ]
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(1500)), { maxLength: 25 }), (drawn) => {
        const steps = drawn.map(([index, wallMs]): Step => {
          const [kind, , event] = kinds[index] as Step
          return event === undefined ? [kind, wallMs] : [kind, wallMs, event]
        })
        const through = over(steps)
        if (through === null) return
        const after = steps.slice(through + 1)
        const told = after.findIndex(([, , event]) => event === 'started' || event === 'end')
        expect(told).toBeGreaterThanOrEqual(0)
        for (const [, wallMs] of steps.slice(0, through + 1 + told + 1)) expect(wallMs).toBeLessThan(fromMs)
      }),
      { numRuns: 2000 },
    )
  })
})

const ts = (ms: number): string => new Date(ms).toISOString()
const gap = (seq: number, atMs: number, toMs = atMs) => ({
  ...{ seq, ts: ts(atMs), reason: 'too_large', fromTs: ts(0), toTs: ts(toMs) },
  ...{ lost: { target: 1 }, late: 0 },
})
const recovery = (seq: number, atMs: number) => ({
  seq,
  ts: ts(atMs),
  lastSeq: seq - 1,
  lastTs: ts(0),
  cut: [],
})

describe('a report of a later period', () => {
  const before = { through: 10, fromMs }

  it('counts what is over as no loss, and everything else as one', () => {
    const count = (seen: Partial<Pick<Verification, 'gaps' | 'recoveries'>>) =>
      lossesOf({ gaps: [], recoveries: [], ...seen }, before)
    expect(count({ gaps: [gap(10, 5)], recoveries: [recovery(9, 5)] })).toBe(0)
    expect(count({ gaps: [gap(11, 5)] })).toBe(1)
    expect(count({ recoveries: [recovery(11, 5)] })).toBe(1)
    // Numbers alone don't tell: the times must be before as well.
    expect(count({ gaps: [gap(5, 5, fromMs)] })).toBe(1)
    expect(count({ gaps: [gap(5, fromMs, 5)] })).toBe(1)
    expect(count({ recoveries: [recovery(5, fromMs)] })).toBe(1)
    expect(count({ gaps: [{ ...gap(5, 5), toTs: 'never' }] })).toBe(1)
    expect(lossesOf({ gaps: [gap(5, 5)], recoveries: [] })).toBe(1)
  })

  it('a list that may not hold the last ones is never over', () => {
    const recoveries = Array.from({ length: mostListed }, (_, seq) => recovery(0, seq % 900))
    expect(lossesOf({ gaps: [], recoveries }, before)).toBe(mostListed)
    expect(lossesOf({ gaps: [], recoveries: recoveries.slice(1) }, before)).toBe(0)
  })

  async function written(endSeconds: number) {
    const disk = createMemoryDisk()
    const first = kit(disk.files)
    await first.store.append('lifecycle', { event: 'started', version: '0.1.0', configuration: null })
    // Killed: the ledger was not closed.
    const after = disk.afterKill()
    const next = kit(after.files, { host: testHost(200) })
    await next.store.append('lifecycle', { event: 'started', version: '0.1.0', configuration: null })
    await next.clock.advance(endSeconds * 1000)
    await next.store.append('heartbeat', { everySeconds: 60, clockOffsetSeconds: 0, skipped: [] })
    await next.store.close('end')
    return { files: after.files, nowMs: next.clock.wallMs() }
  }

  it('names a crash that is over, and is not incomplete by it; verifying still says it, and so does the period itself', async () => {
    const { files, nowMs } = await written(3600)
    const make = async (from: number | null, change: (seen: Verification) => Verification = (one) => one) => {
      const one = createReportBuilder({
        fromMs: from,
        toMs: null,
        tool: { name: 'pathproof', version: '0' },
        cronSlots: () => null,
      })
      const seen = change(
        await verified(files, { keys: [], onRecord: (record) => one.add(record, shaOf(record)) }),
      )
      const whole: Verification = { ...seen, signer: 'verified', unsignedTail: 0, checkpoints: [] }
      return { seen: whole, report: one.finish(assuranceOf(whole, null, [signer.vkey], one.before())) }
    }
    const later = await make(nowMs - 60_000)
    expect(outcomeOf(later.seen)).toBe('doubt')
    expect(later.report.assurance).toMatchObject({ outcome: 'verified', earlier: 1 })
    expect(later.report.assurance.transcript.join('\n')).toContain('declares a recovery')
    expect(later.report.conclusion.sentences.join('\n')).toContain('Before the period it declares 1 loss')
    expect((await make(null)).report.assurance.outcome).toBe('gaps')
    expect((await make(nowMs - 3_600_000)).report.assurance.outcome).toBe('gaps')
    const changed = await make(nowMs - 60_000, (seen) => ({
      ...seen,
      problems: [{ kind: 'line', text: 'changed', seq: 1 }],
    }))
    expect(changed.report.conclusion.result).toBe('unusable')
    const damaged = await make(nowMs - 60_000, (seen) => ({
      ...seen,
      damages: [{ seq: 1, ts: ts(0), what: 'segment_missing', first: 0, end: 1 }],
    }))
    expect(damaged.report.assurance.outcome).toBe('gaps')
  })
})

describe('looks that are told in several entries', () => {
  it('count once, with all their connections; what does not follow its look is a look', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    const made = (id: string) => [[id, '52.218.0.1', 40_000]]
    const atMs = Date.UTC(2026, 10, 20)
    const entry = { target: 'web', of: 'v0', lifeSeconds: 95 }
    one.put('verdict_repeat', 1, {
      looks: [{ ...entry, atMs, made: [...made('a1'), ...made('a2')], continued: true }],
    })
    one.put('verdict_repeat', 31, {
      looks: [
        { ...entry, atMs: atMs + 30_000, made: made('b1') },
        { ...entry, atMs: atMs + 30_000, made: made('b2'), continued: true },
        { ...entry, atMs: atMs + 60_000, made: made('c1'), continued: true },
      ],
    })
    expect(one.target().looks).toMatchObject({ made: 3, connections: 6 })
  })

  it('are confirmed by records of any of them', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    const atMs = Date.UTC(2026, 10, 20)
    const entry = { target: 'web', of: 'v0', lifeSeconds: 95, atMs: atMs + 30_000 }
    one.put('verdict_repeat', 31, {
      looks: [
        { ...entry, made: [['b1', '52.218.0.1', 1]] },
        { ...entry, made: [['a30', '52.218.0.1', 2]], continued: true },
      ],
    })
    one.attempt(100, 30, { state: 'private', confirmed: true })
    expect(one.target().looks.confirmed).toBe(1)
  })
})
