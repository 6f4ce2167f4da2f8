import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLimit } from '../../agent/watch/limit.ts'
import { settle } from './hand-clock.ts'

function gate(): { wait: () => Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { wait: () => promise, open: resolve }
}

test('no more than total, no more than perKey, first come first served within a key', async () => {
  const limit = createLimit({ total: 3, perKey: 2 })
  const started: string[] = []
  const gates = new Map<string, ReturnType<typeof gate>>()
  const add = (key: string, id: string): void => {
    const g = gate()
    gates.set(id, g)
    void limit.run(key, null, () => {
      started.push(id)
      return g.wait()
    })
  }
  for (const id of ['a1', 'a2', 'a3', 'a4']) add('a', id)
  add('b', 'b1')
  add('b', 'b2')
  await settle()
  expect(started).toEqual(['a1', 'a2', 'b1'])
  expect([limit.active(), limit.waiting()]).toEqual([3, 3])
  gates.get('b1')?.open()
  await settle()
  expect(started.slice(3)).toEqual(['b2'])
  gates.get('a2')?.open()
  await settle()
  expect(started.slice(4)).toEqual(['a3'])
  for (const g of gates.values()) g.open()
  await settle()
  await settle()
  expect([limit.active(), limit.waiting()]).toEqual([0, 0])
})

test('a key with thousands of waiters delays another by one turn only', async () => {
  const limit = createLimit({ total: 4 })
  const order: string[] = []
  // Another key holds a place all the time, so that the greedy one never reaches its own limit.
  const held = gate()
  const holder = limit.run('holder', null, held.wait)
  const all = Array.from({ length: 2000 }, () => limit.run('many', null, async () => void order.push('many')))
  all.push(limit.run('one', null, async () => void order.push('one')))
  await Promise.all(all)
  held.open()
  await holder
  expect(order.indexOf('one')).toBeLessThanOrEqual(8)
})

test('results, rejections and throws come through and free their place', async () => {
  const limit = createLimit({ total: 1 })
  expect(await limit.run('a', null, async () => 7)).toBe(7)
  await expect(limit.run('a', null, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const thrown = limit.run('a', null, () => {
    throw new Error('at once')
  })
  await expect(thrown).rejects.toThrow('at once')
  expect(limit.active()).toBe(0)
})

test('an abort while waiting rejects with its reason and never calls; one while running holds the place', async () => {
  const limit = createLimit({ total: 1 })
  const g = gate()
  const [running, waiting] = [new AbortController(), new AbortController()]
  const first = limit.run('a', running.signal, g.wait)
  let called = false
  const second = limit.run('a', waiting.signal, async () => void (called = true))
  waiting.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  running.abort()
  await settle()
  expect([called, limit.active(), limit.waiting()]).toEqual([false, 1, 0])
  g.open()
  await first
  expect(limit.active()).toBe(0)
  await expect(limit.run('a', AbortSignal.abort(new Error('before')), g.wait)).rejects.toThrow('before')
})

test('limits that are none are refused', () => {
  for (const total of [0, -1, 1.5, NaN]) expect(() => createLimit({ total })).toThrow(RangeError)
})

test('under any sequence of arrivals, ends and aborts the limits hold and everybody is served', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('end' as const), pick: fc.nat() }),
    fc.record({ do: fc.constant('abort' as const), pick: fc.nat() }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const limit = createLimit({ total: 4, perKey: 2 })
      const running: { key: string; open: () => void }[] = []
      const controllers: AbortController[] = []
      const promises: Promise<string>[] = []
      for (const move of steps) {
        if (move.do === 'add') {
          const controller = new AbortController()
          controllers.push(controller)
          const done = limit.run(move.key, controller.signal, async () => {
            const g = gate()
            const entry = { key: move.key, open: g.open }
            running.push(entry)
            await g.wait()
            running.splice(running.indexOf(entry), 1)
          })
          promises.push(
            done.then(
              () => 'served',
              () => 'aborted',
            ),
          )
        } else if (move.do === 'end') running[move.pick % Math.max(1, running.length)]?.open()
        else controllers[move.pick % Math.max(1, controllers.length)]?.abort()
        await settle()
        expect(running.length).toBe(limit.active())
        expect(running.length).toBeLessThanOrEqual(4)
        for (const key of ['a', 'b', 'c']) {
          expect(running.filter((run) => run.key === key).length).toBeLessThanOrEqual(2)
        }
        // Nobody waits while there is room for them.
        const full = ['a', 'b', 'c'].filter((key) => running.filter((run) => run.key === key).length === 2)
        expect(limit.waiting() === 0 || limit.active() === 4 || full.length > 0).toBe(true)
      }
      while (limit.active() > 0) {
        for (const run of running.slice()) run.open()
        await settle()
      }
      expect(limit.waiting()).toBe(0)
      expect(await Promise.all(promises)).toHaveLength(controllers.length)
    }),
    { numRuns: 150 },
  )
})
