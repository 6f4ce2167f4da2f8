import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HeldAddress } from '../../agent/watch/hold.ts'
import { choose, createHoldWindow } from '../../agent/watch/hold.ts'

const minute = 60_000

test('an address stays for the window after its last answer, with the resolvers that gave it', () => {
  const hold = createHoldWindow()
  hold.answered('n', 'system', ['1.1.1.1', '2.2.2.2', '1.1.1.1'], 0)
  hold.answered('n', 'corp', ['2.2.2.2'], 10 * minute)
  expect(
    hold.known('n', 15 * minute).addresses.map(({ address, resolvers }) => [address, resolvers]),
  ).toEqual([
    ['1.1.1.1', ['system']],
    ['2.2.2.2', ['system', 'corp']],
  ])
  expect(
    hold.known('n', 15 * minute + 1).addresses.map(({ address, resolvers }) => [address, resolvers]),
  ).toEqual([['2.2.2.2', ['corp']]])
  expect(hold.known('n', 25 * minute + 1).addresses).toEqual([])
})

test('an empty answer takes nothing away', () => {
  const hold = createHoldWindow()
  hold.answered('n', 'system', ['1.1.1.1'], 0)
  hold.answered('n', 'system', [], minute)
  expect(hold.known('n', minute).addresses).toHaveLength(1)
})

test('a pinned address never leaves until it is unpinned', () => {
  const hold = createHoldWindow({ maxAddresses: 2 })
  hold.answered('n', 'system', ['1.1.1.1'], 0)
  hold.pin('n', '1.1.1.1', 0)
  hold.pin('n', '9.9.9.9', 0)
  for (let at = 1; at < 100; at++) hold.answered('n', 'system', [`10.0.0.${at}`], at * minute)
  const known = hold.known('n', 1000 * minute).addresses
  expect(known.map(({ address, pinned, resolvers }) => [address, pinned, resolvers])).toEqual([
    ['1.1.1.1', true, ['system']],
    ['9.9.9.9', true, []],
  ])
  hold.unpin('n', '1.1.1.1')
  hold.unpin('n', '9.9.9.9')
  expect(hold.known('n', 1000 * minute).addresses).toEqual([])
})

test('an overflow is counted and makes the name incomplete for a window, the newest answers stay', () => {
  const hold = createHoldWindow({ maxAddresses: 4096 })
  const many = Array.from({ length: 4000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
  hold.answered('n', 'system', many, 0)
  expect(hold.known('n', 0)).toMatchObject({ complete: true, overflowed: 0 })
  hold.answered(
    'n',
    'system',
    many.map((address) => address.replace('10.0', '10.1')),
    minute,
  )
  const known = hold.known('n', minute)
  expect(known.addresses).toHaveLength(4096)
  expect(known.addresses.filter(({ address }) => address.startsWith('10.1'))).toHaveLength(4000)
  expect(known).toMatchObject({ complete: false, overflowed: 3904 })
  expect(hold.known('n', 16 * minute)).toMatchObject({ complete: false })
  expect(hold.known('n', 16 * minute + 1)).toMatchObject({ complete: true, overflowed: 3904 })
})

test('names are apart, unknown ones empty, forgotten ones gone', () => {
  const hold = createHoldWindow()
  hold.answered('a', 'system', ['1.1.1.1'], 0)
  hold.dialled('b', '1.1.1.1', 0)
  expect(hold.known('b', 0)).toEqual({ addresses: [], complete: true, overflowed: 0 })
  hold.forget('a')
  expect(hold.known('a', 0).addresses).toEqual([])
})

function held(address: string, lastDialledMs: number | null, lastAnsweredMs = 0): HeldAddress {
  return { address, resolvers: [], lastAnsweredMs, lastDialledMs, pinned: false }
}

test('choose: of the pinned ones four more, longest undialled first', () => {
  const pinned = [9, 8, 7, 6, 5, 4].map((at) => ({ ...held(`p${at}`, at), pinned: true }))
  expect(choose([[...pinned, held('a', 1)]])).toEqual(['a', 'p4', 'p5', 'p6', 'p7'])
})

test('choose: one per group, never dialled first, then longest undialled', () => {
  expect(choose([[held('a', 5), held('b', 3)], [held('c', 1), held('d', null)], []])).toEqual(['b', 'd'])
  expect(choose([[held('b', null, 1), held('a', null, 1), held('c', null, 2)]], 2)).toEqual(['c', 'a'])
  expect(choose([[held('a', 1)]], 0)).toEqual(['a'])
})

test('over the cycles every address of every group is dialled, none twice before all once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }), (sizes) => {
      const hold = createHoldWindow()
      const groups = sizes.map((size, group) => Array.from({ length: size }, (_, i) => `10.0.${group}.${i}`))
      hold.answered('n', 'system', groups.flat(), 0)
      const counts = new Map<string, number>()
      for (let cycle = 1; cycle <= Math.max(...sizes); cycle++) {
        const known = new Map(hold.known('n', cycle).addresses.map((held) => [held.address, held]))
        const chosen = choose(groups.map((group) => group.flatMap((address) => known.get(address) ?? [])))
        expect(chosen).toHaveLength(sizes.length)
        for (const address of chosen) {
          hold.dialled('n', address, cycle)
          counts.set(address, (counts.get(address) ?? 0) + 1)
        }
      }
      for (const [group, size] of sizes.entries()) {
        const dialled = (groups[group] ?? []).map((address) => counts.get(address) ?? 0)
        expect(Math.min(...dialled)).toBeGreaterThanOrEqual(1)
        expect(Math.max(...dialled)).toBe(Math.ceil(Math.max(...sizes) / size))
      }
    }),
  )
})

test('random answers: everything answered within the window is known, or the name says that it is incomplete', () => {
  const answer = fc.record({
    waitMs: fc.integer({ min: 0, max: 10 * minute }),
    addresses: fc.uniqueArray(
      fc.integer({ min: 0, max: 30 }).map((n) => `10.0.0.${n}`),
      { maxLength: 10 },
    ),
  })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 30 }), (answers) => {
      const hold = createHoldWindow({ maxAddresses: 12 })
      const last = new Map<string, number>()
      let now = 0
      for (const { waitMs, addresses } of answers) {
        now += waitMs
        hold.answered('n', 'system', addresses, now)
        for (const address of addresses) last.set(address, now)
        const known = hold.known('n', now)
        const expected = [...last].filter(([, at]) => now - at <= 15 * minute).map(([address]) => address)
        const missing = expected.filter(
          (address) => !known.addresses.some((held) => held.address === address),
        )
        expect(known.addresses.length).toBeLessThanOrEqual(12)
        expect(missing.length === 0 || !known.complete).toBe(true)
        expect(missing.length === 0 || known.overflowed > 0).toBe(true)
      }
    }),
  )
})
