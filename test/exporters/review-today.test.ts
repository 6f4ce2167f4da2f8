import { describe, expect, it } from 'vitest'
import { attemptPage } from '../../exporters/pages/attempt.ts'
import { emptyTally, headline } from '../../exporters/pages/status.ts'
import type { NameOfWay } from '../../exporters/pages/way.ts'
import { attemptVerdict } from '../agent/verdicts.ts'

describe('the head of the status page', () => {
  it('does not say that all is well while something is not met and waived', () => {
    const tally = emptyTally()
    const one = { ...tally, targets: 1, urgencies: { unmet: 0, open: 0, waived: 1, met: 0 } }
    for (const state of ['private', 'blocked'] as const) {
      const { words, mood } = headline({ ...one, names: { ...tally.names, [state]: 1 } })
      expect(mood).toBe('open')
      expect(words).toMatch(/waived/)
      expect(words).not.toMatch(/every requirement met/)
    }
  })
})

describe('the page of one connection', () => {
  const held: [string, NameOfWay][] = [
    ['tainted', { state: 'undetermined', tainted: true, conflictOfSide: false }],
    [
      'of an earlier cycle, and its name is tainted now',
      { state: 'private', tainted: true, conflictOfSide: false },
    ],
    ['of a name whose life is over', { state: 'undetermined', tainted: false, conflictOfSide: false }],
  ]
  const attempt = attemptVerdict({ state: 'private', connected: true, dialled: true })
  const pageOf = (name: NameOfWay) => {
    const { body } = attemptPage({ version: '1', nowMs: 0, attempt, name, targets: [], current: false })
    return [...body].join('')
  }

  it.each(held)('has no sign of a private path: %s', (_what, name) => {
    expect(pageOf(name)).not.toMatch(/<h1><span class="badge s-private">/)
  })

  it('has it where its name is private', () => {
    expect(pageOf({ state: 'private', tainted: false, conflictOfSide: false })).toMatch(
      /<h1><span class="badge s-private">/,
    )
  })
})
