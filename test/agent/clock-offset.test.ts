import { expect, it } from 'vitest'
import { clockProblem, createClockOffset } from '../../agent/evidence/clock-offset.ts'
import type { Attempt } from '../../model/observation.ts'
import { createHandClock } from './hand-clock.ts'

function answered(
  clock: { wallMs(): number; monotonicMs(): number },
  aheadSeconds: number,
  check: { roots: string; nameMatches: boolean } = { roots: 'public', nameMatches: true },
): Attempt {
  const date = Math.floor((clock.wallMs() + aheadSeconds * 1000) / 1000) * 1000
  return {
    stamp: { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() },
    outcome: { reached: 'tls', tls: { check } },
    http: { dateMs: date },
    timings: { tcpConnectSeconds: 0.01, tlsHandshakeSeconds: 0.02, firstByteSeconds: 0.01 },
  } as unknown as Attempt
}

it('is not known before an answer of AWS, nor by answers of others', () => {
  const clock = createHandClock()
  const offset = createClockOffset(clock)
  expect(offset.seconds()).toBeNull()
  offset.observed(answered(clock, 900, { roots: 'host', nameMatches: true }))
  offset.observed(answered(clock, 900, { roots: 'public', nameMatches: false }))
  expect(offset.seconds()).toBeNull()
})

it('is what most answers say, to about a second', () => {
  const clock = createHandClock()
  const offset = createClockOffset(clock)
  for (const ahead of [1200, 1200, -5000, 1200, 9000]) offset.observed(answered(clock, ahead))
  expect(Math.abs((offset.seconds() ?? 0) - 1200)).toBeLessThan(1)
})

it('follows the wall clock when that is set, and is forgotten after half an hour', async () => {
  const clock = createHandClock()
  const offset = createClockOffset(clock)
  offset.observed(answered(clock, 0))
  clock.stepWall(120_000)
  expect(Math.abs((offset.seconds() ?? 0) + 120)).toBeLessThan(1)
  await clock.advance(30 * 60 * 1000 + 1)
  expect(offset.seconds()).toBeNull()
})

it('is a problem beyond a minute, in words that stay while it drifts', () => {
  for (const fine of [null, 0, 60, -60]) expect(clockProblem(fine)).toBeNull()
  expect(clockProblem(61)).toMatch(/about 1 min behind AWS's/)
  expect(clockProblem(-1200)).toMatch(/about 20 min ahead of AWS's/)
  expect(clockProblem(-1203.7)).toBe(clockProblem(-1200))
})
