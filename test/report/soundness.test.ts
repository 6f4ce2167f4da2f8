import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base, happening, play } from '../support/happenings.ts'
import { reportOf } from '../support/ledger-report.ts'

describe('whatever happens', () => {
  it('no moment is called private that anything speaks against, and nothing public is lost', () => {
    let shown = 0
    let possible = 0
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 40 }), (happenings) => {
        const { records, seconds, standing, mayBePrivate, publicAt } = play(happenings)
        const report = reportOf(records, { fromMs: base, toMs: base + seconds * 1000 })
        const target = report.targets[0]
        const markAt = (second: number): string | null => {
          const ms = base + second * 1000
          return target?.timeline.find((piece) => piece.fromMs <= ms && ms < piece.toMs)?.mark ?? null
        }
        for (let second = 0; second < seconds; second++) {
          const mark = markAt(second)
          const stands = standing(second)
          if (mark === 'private') {
            expect(mayBePrivate(second), `second ${second}`).toBe(true)
            shown++
          }
          if (mayBePrivate(second)) possible++
          if (stands === 'public') expect(mark, `second ${second}`).toBe('public')
          if (stands === 'mixed') expect(['mixed', 'public'], `second ${second}`).toContain(mark)
        }
        for (const second of publicAt)
          expect(['public', 'mixed'], `second ${second}`).toContain(markAt(second))
        if (publicAt.size > 0 || target?.timeline.some(({ mark }) => mark === 'public'))
          expect(target?.conclusion).toBe('public')
        const share = target?.share
        const sum =
          share === undefined
            ? seconds
            : share.privateSeconds +
              share.blockedSeconds +
              share.gapSeconds +
              share.undeterminedSeconds +
              share.mixedSeconds +
              share.publicSeconds
        expect(sum).toBeCloseTo(seconds, 6)
      }),
      { numRuns: 1500 },
    )
    // It also has to say something.
    expect(shown / possible).toBeGreaterThan(0.8)
  })
})
