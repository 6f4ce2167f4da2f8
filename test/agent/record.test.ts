import { expect, test } from 'vitest'
import type { Recorded } from '../../agent/record.ts'
import { createRecord, createRing, lookedUp } from '../../agent/record.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from './verdicts.ts'

test('everything comes in by one way, numbered without gaps and dated', () => {
  const ring = createRing()
  const record = createRecord(
    ring,
    () => 77,
    () => undefined,
  )
  record('lifecycle', { event: 'started', version: '1', configuration: null })
  record('attempt_verdict', attemptVerdict({ id: 'a' }))
  expect(ring.records().map(({ sequence, kind, wallMs }) => [sequence, kind, wallMs])).toEqual([
    [1, 'lifecycle', 77],
    [2, 'attempt_verdict', 77],
  ])
  expect(ring.records('attempt_verdict').map(({ body }) => body.id)).toEqual(['a'])
})

test('the ring keeps the last ones and counts what it dropped', () => {
  const ring = createRing(3)
  const record = createRecord(
    ring,
    () => 0,
    () => undefined,
  )
  for (let index = 1; index <= 8; index++) record('attempt_verdict', attemptVerdict({ id: `a${index}` }))
  expect(ring.records().map(({ sequence }) => sequence)).toEqual([6, 7, 8])
  expect([ring.size(), ring.dropped()]).toEqual([3, 5])
  expect(ring.last('attempt_verdict', ({ id }) => id === 'a7')?.id).toBe('a7')
  expect(ring.last('attempt_verdict', () => true)?.id).toBe('a8')
  expect(ring.last('attempt_verdict', ({ id }) => id === 'a1')).toBeNull()
  expect(ring.last('observation', () => true)).toBeNull()
  expect(() => createRing(0)).toThrow(RangeError)
})

test('a sink that throws loses its record, which is told; the numbers show the gap', () => {
  const kept: Recorded[] = []
  const lost: [number, unknown][] = []
  const failing = new Set([2])
  const record = createRecord(
    {
      append(entry) {
        if (failing.has(entry.sequence)) throw new Error('disk full')
        kept.push(entry)
      },
    },
    () => 0,
    (sequence, error) => void lost.push([sequence, error]),
  )
  for (let index = 0; index < 3; index++) record('attempt_verdict', attemptVerdict())
  expect(kept.map(({ sequence }) => sequence)).toEqual([1, 3])
  expect(lost).toEqual([[2, new Error('disk full')]])
})

test('names with thousands of addresses make room earlier, and the youngest record always stays', () => {
  const ring = createRing(100, 50)
  const record = createRecord(
    ring,
    () => 0,
    () => undefined,
  )
  const wide = (attempts: number) =>
    targetVerdict({
      names: [
        nameVerdict({
          attempts: Array.from({ length: attempts }, (_, i) => attemptVerdict({ id: `w${i}` })),
        }),
      ],
    })
  for (let index = 0; index < 10; index++) record('attempt_verdict', attemptVerdict({ id: `a${index}` }))
  record('target_verdict', wide(44))
  expect([ring.size(), ring.dropped()]).toEqual([6, 5])
  expect(ring.records('attempt_verdict').map(({ body }) => body.id)).toEqual(['a5', 'a6', 'a7', 'a8', 'a9'])
  record('target_verdict', wide(4000))
  expect(ring.size()).toBe(1)
  record('attempt_verdict', attemptVerdict({ id: 'after' }))
  expect(ring.records().map(({ kind }) => kind)).toEqual(['attempt_verdict'])
})

test('what nobody looks up again counts in the window and is not kept', () => {
  const ring = createRing(3, 50, lookedUp)
  const record = createRecord(
    ring,
    () => 0,
    () => undefined,
  )
  record('lifecycle', { event: 'started', version: '1', configuration: null })
  record('attempt_verdict', attemptVerdict({ id: 'a' }))
  record('target_verdict', targetVerdict({ target: 'first' }))
  expect(ring.records().map(({ sequence, kind }) => [sequence, kind])).toEqual([
    [1, 'lifecycle'],
    [3, 'target_verdict'],
  ])
  expect([ring.size(), ring.dropped()]).toEqual([3, 0])
  record('attempt_verdict', attemptVerdict({ id: 'b' }))
  expect(ring.records().map(({ sequence }) => sequence)).toEqual([3])
  record('attempt_verdict', attemptVerdict({ id: 'c' }))
  record('attempt_verdict', attemptVerdict({ id: 'd' }))
  expect(ring.records()).toEqual([])
  expect(ring.last('target_verdict', () => true)).toBeNull()
  expect([ring.size(), ring.dropped()]).toEqual([3, 3])
})
