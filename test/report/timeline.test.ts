import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Duty,
  type Mark,
  type Piece,
  coarsen,
  createTimeline,
  duties,
  marks,
} from '../../ledger/timeline.ts'

const span = 60

/** What the list of pieces says of each unit of time; null: nothing. */
function units(pieces: readonly Piece[]): ([Mark, Duty] | null)[] {
  const out: ([Mark, Duty] | null)[] = Array.from({ length: span }, () => null)
  for (const piece of pieces)
    for (let at = piece.fromMs; at < piece.toMs; at++) {
      expect(out[at], 'pieces do not overlap').toBeNull()
      out[at] = [piece.mark, piece.duty]
    }
  return out
}

const worst = <T>(order: readonly T[], values: T[]): T =>
  values.sort((a, b) => order.indexOf(b) - order.indexOf(a))[0] as T

const piece = fc
  .tuple(fc.nat(span), fc.nat(span), fc.constantFrom(...marks), fc.constantFrom(...duties))
  .map(([a, b, mark, duty]): Piece => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b), mark, duty }))

describe('a timeline', () => {
  it('holds the worst of all that was painted, moment by moment, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (painted) => {
        const timeline = createTimeline()
        for (const one of painted) timeline.paint(one)
        const expected = Array.from({ length: span }, (_, at) => {
          const there = painted.filter((one) => one.fromMs <= at && at < one.toMs)
          if (there.length === 0) return null
          return [
            worst(
              marks,
              there.map((one) => one.mark),
            ),
            worst(
              duties,
              there.map((one) => one.duty),
            ),
          ]
        })
        const pieces = timeline.pieces(0, span)
        expect(units(pieces)).toEqual(expected)
        for (const [index, one] of pieces.entries()) {
          const next = pieces[index + 1]
          expect(one.fromMs).toBeLessThan(one.toMs)
          if (next?.fromMs === one.toMs) expect([next.mark, next.duty]).not.toEqual([one.mark, one.duty])
          expect(timeline.at(one.fromMs)).toBe(one.mark)
        }
      }),
    )
  })

  it('takes the good out of a time that is doubted, and sees nothing where nobody looked', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 15 }), fc.nat(span), fc.nat(span), (painted, a, b) => {
        const timeline = createTimeline()
        for (const one of painted) timeline.paint(one)
        const before = units(timeline.pieces(0, span))
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        timeline.doubt(from, to)
        for (const [at, now] of units(timeline.pieces(0, span)).entries()) {
          const was = before[at] ?? null
          const concerned = at >= from && at < to && was !== null && was[0] !== 'gap'
          if (!concerned) expect(now).toEqual(was)
          else {
            expect(['undetermined', 'mixed', 'public']).toContain(now?.[0])
            expect(now?.[1]).not.toBe('met')
          }
        }
      }),
    )
  })

  it('gets coarser when it has too many pieces, and never better', () => {
    const minute = 60_000
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom(...marks),
            fc.constantFrom(...duties),
            fc.integer({ min: 1, max: 3 * minute }),
          ),
          { minLength: 30, maxLength: 120 },
        ),
        (parts) => {
          const exact = createTimeline(10_000)
          const coarse = createTimeline(12)
          let at = 0
          for (const [mark, duty, length] of parts) {
            for (const timeline of [exact, coarse])
              timeline.paint({ fromMs: at, toMs: at + length, mark, duty })
            at += length
          }
          const pieces = coarse.pieces(0, at)
          for (const one of exact.pieces(0, at)) {
            for (const ms of [one.fromMs, Math.floor((one.fromMs + one.toMs) / 2), one.toMs - 1]) {
              const there = pieces.find((other) => other.fromMs <= ms && ms < other.toMs)
              expect(marks.indexOf(there?.mark ?? 'private')).toBeGreaterThanOrEqual(marks.indexOf(one.mark))
              expect(duties.indexOf(there?.duty ?? 'none')).toBeGreaterThanOrEqual(duties.indexOf(one.duty))
            }
          }
          expect(coarse.coarseSeconds() === null).toBe(exact.pieces(0, at).length <= 12)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('counts unseen time within a coarse step as a gap', () => {
    const private_ = (fromMs: number, toMs: number): Piece => ({ fromMs, toMs, mark: 'private', duty: 'met' })
    expect(coarsen([private_(0, 10), private_(12, 20)], 20)).toEqual([
      { fromMs: 0, toMs: 20, mark: 'gap', duty: 'unknown' },
    ])
    expect(coarsen([private_(5, 65)], 20)).toEqual([
      { fromMs: 0, toMs: 20, mark: 'gap', duty: 'unknown' },
      private_(20, 60),
      { fromMs: 60, toMs: 80, mark: 'gap', duty: 'unknown' },
    ])
  })

  it('two pieces that fill a coarse step leave no gap in it', () => {
    const pieces: Piece[] = [
      { fromMs: 0, toMs: 30, mark: 'private', duty: 'met' },
      { fromMs: 30, toMs: 60, mark: 'blocked', duty: 'met' },
    ]
    expect(coarsen(pieces, 60)).toEqual([{ fromMs: 0, toMs: 60, mark: 'blocked', duty: 'met' }])
  })

  it('of a time that is passed once more only what is bad stays', () => {
    const timeline = createTimeline()
    const all: Piece[] = marks.flatMap((mark, m) =>
      duties.map((duty, d) => ({ fromMs: 4 * m + d, toMs: 4 * m + d + 1, mark, duty })),
    )
    for (const one of all) timeline.paint(one)
    timeline.recant(0, 4 * marks.length)
    const isBad = ({ mark, duty }: Piece) => duty === 'not_met' || !['private', 'blocked'].includes(mark)
    expect(timeline.pieces(0, 4 * marks.length)).toEqual(all.filter(isBad))
  })
})
