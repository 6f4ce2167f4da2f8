import { describe, expect, it } from 'vitest'
import { createCronSlots } from '../../agent/watch/cron-slots.ts'
import { type Watched, daysOf, gapsOf, shareOf } from '../../ledger/coverage.ts'
import type { Piece } from '../../ledger/timeline.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.UTC(2026, 10, 20)
const good = (fromMs: number, toMs: number): Piece => ({
  fromMs: start + fromMs,
  toMs: start + toMs,
  mark: 'private',
  duty: 'met',
})
const every = (fromMs: number, toMs: number, everySeconds = 60): Watched => ({
  fromMs: start + fromMs,
  toMs: start + toMs,
  schedule: { kind: 'interval', everySeconds },
})

describe('the share of a period', () => {
  it('counts whatever nobody spoke of as not observed', () => {
    const share = shareOf(
      [good(0, 6 * hour), { ...good(6 * hour, 12 * hour), mark: 'public', duty: 'not_met' }],
      start,
      start + day,
    )
    expect(share).toMatchObject({
      privateSeconds: 21_600,
      publicSeconds: 21_600,
      gapSeconds: 43_200,
      observed: 0.5,
      met: 0.25,
      notMet: 0.25,
    })
    expect(shareOf([], start, start + day)).toMatchObject({ gapSeconds: 86_400, observed: 0, met: 0 })
    expect(shareOf([], start, start)).toMatchObject({ gapSeconds: 0, observed: 0, met: 0 })
  })

  it('never counts a gap as met, whatever stands beside it', () => {
    expect(shareOf([{ ...good(0, day), mark: 'gap' }], start, start + day)).toMatchObject({
      observed: 0,
      met: 0,
    })
  })
})

describe('gaps', () => {
  it('are all that is not covered, with what interrupted then', () => {
    const pieces = [
      good(hour, 2 * hour),
      { ...good(3 * hour, 4 * hour), mark: 'gap' as const },
      good(4 * hour, 5 * hour),
    ]
    const gaps = gapsOf(
      pieces,
      start,
      start + 6 * hour,
      [every(0, day)],
      [
        { fromMs: start + 2 * hour, toMs: start + 3 * hour, cause: 'stopped' },
        { fromMs: start + 3 * hour, toMs: start + 3.5 * hour, cause: 'records_lost' },
      ],
    )
    expect(gaps).toEqual([
      { fromMs: start, toMs: start + hour, causes: ['no_verdict'] },
      { fromMs: start + 2 * hour, toMs: start + 4 * hour, causes: ['records_lost', 'stopped'] },
      { fromMs: start + 5 * hour, toMs: start + 6 * hour, causes: ['no_verdict'] },
    ])
  })

  it('are not explained by what ended as they began', () => {
    const interruptions = [
      { fromMs: start, toMs: start + 5 * hour, cause: 'crash' },
      { fromMs: start + hour, toMs: start + 2 * hour, cause: 'stopped' },
    ]
    const pieces = [good(0, 2 * hour), good(3 * hour, 6 * hour)]
    expect(gapsOf(pieces, start, start + 6 * hour, [every(0, day)], interruptions)).toEqual([
      { fromMs: start + 2 * hour, toMs: start + 3 * hour, causes: ['crash'] },
    ])
  })

  it('name a time in which nobody was to watch', () => {
    expect(gapsOf([good(hour, day)], start, start + day, [every(hour, day)], [])).toEqual([
      { fromMs: start, toMs: start + hour, causes: ['not_watched'] },
    ])
  })
})

describe('coverage by day', () => {
  const count = (made: number) => ({
    made,
    spaced: made,
    confirmed: 1,
    undetermined: 2,
    connections: 2 * made,
  })
  const none = (): null => null

  it('sets what was planned beside what was made', () => {
    const counts = new Map([
      [start / day, count(1400)],
      [start / day + 1, count(720)],
    ])
    const days = daysOf(counts, [good(0, 1.5 * day)], start, start + 2 * day, [every(0, Infinity)], none)
    expect(days).toEqual([
      {
        day: '2026-11-20',
        planned: 1440,
        made: 1400,
        missed: 40,
        confirmed: 1,
        undetermined: 2,
        connections: 2800,
        observed: 1,
      },
      {
        day: '2026-11-21',
        planned: 1440,
        made: 720,
        missed: 720,
        confirmed: 1,
        undetermined: 2,
        connections: 1440,
        observed: 0.5,
      },
    ])
  })

  it('counts what was planned only while the target was watched, and knows of nothing else', () => {
    const days = daysOf(
      new Map(),
      [],
      start,
      start + 3 * day,
      [every(12 * hour, day + 6 * hour), { ...every(day + 6 * hour, 2 * day), schedule: null }],
      none,
    )
    expect(days.map(({ planned, missed }) => [planned, missed])).toEqual([
      [720, 720],
      [null, null],
      [null, null],
    ])
  })

  it('knows no plan where slots can not be told', () => {
    const cron: Watched = { ...every(0, hour), schedule: { kind: 'cron', expression: '* * * * *' } }
    const [one] = daysOf(new Map(), [], start, start + day, [cron, every(hour, day)], () => null)
    expect([one?.planned, one?.missed]).toEqual([null, null])
  })

  it('plans in parts of a day, and never less than was made', () => {
    const days = daysOf(
      new Map([[start / day, count(800)]]),
      [],
      start + 6 * hour,
      start + 18 * hour,
      [every(0, Infinity)],
      none,
    )
    expect(days).toMatchObject([{ planned: 800, missed: 0 }])
  })

  it('counts the slots of cron expressions in UTC', () => {
    const slots = createCronSlots()
    expect(slots('*/5 * * * *', start, start + day)).toBe(288)
    expect(slots('0 3 * * 1', start, start + 7 * day)).toBe(1)
    expect(slots('0 0 * * *', start, start + day)).toBe(1)
    expect(slots('0 0 * * *', start + 1, start + day)).toBe(0)
    expect(slots('not cron', start, start + day)).toBeNull()
    const cron: Watched = {
      fromMs: start,
      toMs: Infinity,
      schedule: { kind: 'cron', expression: '*/5 * * * *' },
    }
    expect(daysOf(new Map(), [], start, start + day, [cron], slots)[0]?.planned).toBe(288)
  })
})
