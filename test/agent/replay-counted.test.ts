/** Attempts without a handshake, judged anew: what their observation alone decides, and what was counted around them. */
import { expect, it } from 'vitest'
import { judgeWholly } from '../../agent/ledger/replay-judge.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { judgeAttempt } from '../../verdict/judge.ts'
import { attempt, stamp, topology, viaEndpoint, withRoutes } from '../verdict/fixture.ts'

const on = topology([withRoutes([viaEndpoint])])
const failed = (failure: { type: 'timeout'; afterSeconds: number } | { type: 'refused' }) =>
  attempt({ outcome: { reached: 'nothing', failure } })
const late = failed({ type: 'timeout', afterSeconds: 5 })
const refused = failed({ type: 'refused' })
const counted = {
  timeoutsInARow: 3,
  othersConnected: true,
  families: [],
  late: [],
  confirmation: 'pending' as const,
}
const rules = ({ evidence }: AttemptVerdict) => evidence.map(({ rule }) => rule).sort()
const again = (stored: AttemptVerdict, seen = late) =>
  judgeWholly(stored, seen, { topology: on, beside: false })

it('time-outs in a row stay as they were counted, and the single one beside them goes', () => {
  const stored = judgeAttempt(late, on, counted)
  expect(stored.state).toBe('blocked')
  expect(again(stored)).toEqual(stored)
})

it('a single time-out and a refusal are rows of the observation: what is stored of them does not count', () => {
  for (const seen of [late, refused]) {
    const right = judgeAttempt(seen, on, { ...counted, timeoutsInARow: 1 })
    expect(again(right, seen)).toEqual(right)
    const without = { ...right, evidence: right.evidence.filter(({ rule }) => !rule.startsWith('socket.')) }
    expect(rules(again(without, seen))).toEqual(rules(right))
  }
})

it('one that was refused was not blocked by time-outs, whatever its verdict says', () => {
  const forged = judgeAttempt(late, on, counted)
  const now = again(forged, refused)
  expect(rules(now)).not.toContain('socket.timeouts')
  expect(now.state).not.toBe('blocked')
})

it('a family that the kernel could not send stays, beside what the observation says', () => {
  const family = {
    kind: 'family' as const,
    stamp: stamp('f'),
    family: 4 as const,
    usable: false,
    because: 'no address',
  }
  const stored = judgeAttempt(late, on, { ...counted, timeoutsInARow: 0, families: [family] })
  expect(rules(stored)).toContain('kernel.no_family')
  expect(again(stored)).toEqual(stored)
})
