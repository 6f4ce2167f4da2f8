import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEvidenceAge } from '../../agent/evidence/evidence-age.ts'
import { createLives, lifeSeconds, liveTarget } from '../../agent/watch/lives.ts'
import type { AttemptVerdict, Conflict } from '../../model/verdict.ts'
import { attemptVerdict, conflict, nameVerdict, targetVerdict } from './verdicts.ts'

test('three intervals and the deadline; for cron until the next slot and the deadline', () => {
  expect(lifeSeconds({ kind: 'interval', everySeconds: 30 }, 10, 3)).toBe(100)
  expect(lifeSeconds({ kind: 'cron', expression: '*/5 * * * *' }, 10, 300)).toBe(310)
  expect(lifeSeconds({ kind: 'cron', expression: '*/5 * * * *' }, 10, null)).toBe(10)
})

test('a verdict is undetermined from the moment its life is over, whatever else happens', () => {
  let now = 5_000
  const lives = createLives(() => now)
  expect(lives.read('n')).toBeNull()
  expect(lives.alive('n')).toBe(false)
  lives.settled('n', nameVerdict(), { sinceMs: 5_000, lifeSeconds: 100 })
  now = 104_999
  expect(lives.read('n')).toMatchObject({ alive: true, verdict: { state: 'private' } })
  now = 105_000
  expect(lives.read('n')).toMatchObject({
    alive: false,
    remainingSeconds: 0,
    verdict: { state: 'undetermined', proof: null, confirmation: 'unavailable' },
  })
  expect(lives.read('n')?.verdict.possible).toContain('internet_gateway')
  // A late judgement of the same cycle does not make it live again.
  lives.settled('n', nameVerdict({ proof: 'observed' }), { sinceMs: 5_000, lifeSeconds: 100 })
  expect(lives.alive('n')).toBe(false)
})

test('an older cycle does not replace a newer one, unless it speaks against private', () => {
  const lives = createLives(() => 20_000)
  lives.settled('n', nameVerdict({ state: 'undetermined' }), { sinceMs: 10_000, lifeSeconds: 100 })
  lives.settled('n', nameVerdict(), { sinceMs: 9_000, lifeSeconds: 100 })
  expect(lives.read('n')?.verdict.state).toBe('undetermined')
  lives.settled('n', nameVerdict({ state: 'public' }), { sinceMs: 9_000, lifeSeconds: 100 })
  expect(lives.read('n')?.verdict.state).toBe('public')
})

test('a start in the future gives no life', () => {
  const lives = createLives(() => 0)
  lives.settled('n', nameVerdict(), { sinceMs: 1, lifeSeconds: 100 })
  expect(lives.alive('n')).toBe(false)
})

test('an expired name makes its target undetermined and unmet; a live public one keeps it public', () => {
  const [old, leak] = [nameVerdict(), nameVerdict({ hostname: 'leak', state: 'public' })]
  const live = (alive: string[]) => (name: { hostname: string }) =>
    alive.includes(name.hostname)
      ? { verdict: name.hostname === 'leak' ? leak : old, alive: true, remainingSeconds: 1 }
      : null
  const both = targetVerdict({ state: 'mixed', met: false, names: [old, leak] })
  expect(liveTarget(both, live([old.hostname, 'leak']))).toEqual(both)
  expect(liveTarget(both, live(['leak']))).toMatchObject({ state: 'mixed', met: false })
  expect(liveTarget(both, live([old.hostname]))).toMatchObject({ state: 'undetermined', met: false })
  const blocked = targetVerdict({ require: { kind: 'blocked' }, state: 'blocked', met: true })
  expect(liveTarget(blocked, () => null)).toMatchObject({ state: 'undetermined', met: false })
})

const strong = attemptVerdict({ id: 'strong', proof: 'observed', confirmation: 'confirmed' })
const weak = attemptVerdict({
  id: 'weak',
  state: 'undetermined',
  wouldBe: 'undetermined',
  proof: null,
  possible: ['gateway_endpoint', 'nat_gateway', 'relay'],
})

function afterStrong(
  next: AttemptVerdict[],
  { waitMs = 1000, evidenceAgeSeconds = 60 as number | null } = {},
): string[] {
  let now = 0
  const age = createEvidenceAge(() => now)
  age.apply('n', [strong], { sinceMs: 0, evidenceAgeSeconds: 60 })
  now = waitMs
  return age.apply('n', next, { sinceMs: now, evidenceAgeSeconds }).attempts.map((attempt) => attempt.id)
}

test('evidence age: an attempt without evidence does not replace a settled one, until it is too old', () => {
  expect(afterStrong([weak])).toEqual(['strong'])
  expect(afterStrong([weak], { waitMs: 60_001 })).toEqual(['weak'])
  expect(afterStrong([weak], { evidenceAgeSeconds: null })).toEqual(['weak'])
})

test('evidence age: it is not renewed by being shown', () => {
  let now = 0
  const age = createEvidenceAge(() => now)
  age.apply('n', [strong], { sinceMs: 0, evidenceAgeSeconds: 60 })
  for (now = 10_000; now <= 60_000; now += 10_000) {
    const { attempts, asOf } = age.apply('n', [weak], { sinceMs: now, evidenceAgeSeconds: 60 })
    expect([attempts[0]?.id, asOf.has('strong')]).toEqual(['strong', true])
    age.apply('n', attempts, { sinceMs: now, evidenceAgeSeconds: 60 })
  }
  expect(age.apply('n', [weak], { sinceMs: now, evidenceAgeSeconds: 60 }).attempts[0]?.id).toBe('weak')
})

const against: [string, AttemptVerdict[]][] = [
  ['public', [{ ...weak, state: 'public', wouldBe: 'public' }]],
  ['public on another address', [weak, { ...weak, address: '9.9.9.9', state: 'public' }]],
  ['would be public', [{ ...weak, wouldBe: 'public' }]],
  ['a conflict of side', [{ ...weak, conflicts: [conflict('side')] }]],
  ['a conflict of class', [{ ...weak, conflicts: [conflict('class')] }]],
  ['what was held is no longer possible', [{ ...weak, possible: ['relay'] }]],
  ['blocked', [{ ...weak, state: 'blocked', possible: ['blocked'] }]],
  ['another address', [{ ...weak, address: '9.9.9.9' }]],
  ['another local address', [{ ...weak, localAddress: '10.9.9.9' }]],
]

test.each(against)('evidence age: %s is not covered up', (_, attempts) => {
  expect(afterStrong(attempts)).toEqual(attempts.map((attempt) => attempt.id))
})

test('evidence age: another route, and news against the name, drop what was held for good', () => {
  const basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: 'pl-1', target: 'vpce-1' }
  const age = createEvidenceAge(() => 1000)
  const cycle = { sinceMs: 1000, evidenceAgeSeconds: 60 }
  age.apply('n', [{ ...strong, basis }], cycle)
  expect(age.apply('n', [{ ...weak, basis: { ...basis } }], cycle).attempts[0]?.id).toBe('strong')
  expect(age.apply('n', [{ ...weak, basis: { ...basis, target: 'nat-1' } }], cycle).attempts[0]?.id).toBe(
    'weak',
  )
  expect(age.apply('n', [weak], cycle).attempts[0]?.id).toBe('weak')
  age.apply('n', [strong], cycle)
  age.forget('n')
  expect(age.apply('n', [weak], cycle).attempts[0]?.id).toBe('weak')
})

test('evidence age never turns a cycle with anything public or contradicting into private ones', () => {
  const attempt = fc.record({
    state: fc.constantFrom(
      'private' as const,
      'public' as const,
      'undetermined' as const,
      'blocked' as const,
    ),
    proof: fc.constantFrom('configured' as const, 'observed' as const, null),
    address: fc.constantFrom('a', 'b'),
    conflicts: fc.constantFrom<Conflict[]>([], [], [], [conflict('side')]),
  })
  fc.assert(
    fc.property(fc.array(fc.array(attempt, { maxLength: 3 }), { maxLength: 8 }), (cycles) => {
      const age = createEvidenceAge(() => 0)
      for (const [index, cycle] of cycles.entries()) {
        const attempts = cycle.map((changes, n) => attemptVerdict({ id: `${index}-${n}`, ...changes }))
        const { attempts: result } = age.apply('n', attempts, { sinceMs: 0, evidenceAgeSeconds: 60 })
        const bad = attempts.some((one) => one.state === 'public' || one.conflicts.length > 0)
        const replaced = attempts.filter((one, n) => one !== result[n])
        expect(replaced).toEqual(bad ? [] : replaced.filter((one) => one.state === 'undetermined'))
      }
    }),
  )
})
