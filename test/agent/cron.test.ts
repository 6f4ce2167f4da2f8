import * as fc from 'fast-check'
import { createTask, getTasks } from 'node-cron'
import { afterEach, expect, test, vi } from 'vitest'
import { cron } from '../../agent/watch/cron.ts'

afterEach(() => void vi.useRealTimers())

/** node-cron's own answer, which it gives only for the present moment. */
function nextByNodeCron(expression: string, afterMs: number): number | undefined {
  vi.useFakeTimers({ toFake: ['Date'], now: afterMs })
  const task = createTask(expression, () => undefined, { timezone: 'UTC' })
  const next = task.getNextRuns(1)[0]?.getTime()
  void task.destroy()
  return next
}

const expressions = [
  '* * * * *',
  '*/5 * * * *',
  '7,31 */6 * * *',
  '0 3 * * 1-5',
  '30 23 31 * *',
  '15 10 L * *',
  '0 0 15W * *',
  '0 12 * * 5#2',
  '59 23 31 12 *',
  '0 0 * * 7',
  '0 0 1 1,7 *',
  '20 4 1-7 * 1',
]

test('agrees with node-cron at any moment', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...expressions),
      // Whole seconds: node-cron counts in them.
      fc.integer({ min: Date.UTC(2024, 0) / 1000, max: Date.UTC(2030, 0) / 1000 }),
      (expression, afterSeconds) => {
        expect(cron(expression).nextMs(afterSeconds * 1000)).toBe(
          nextByNodeCron(expression, afterSeconds * 1000),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('is strictly later, to the millisecond', () => {
  const noon = Date.UTC(2026, 10, 20, 12)
  expect(cron('0 12 * * *').nextMs(noon - 1)).toBe(noon)
  expect(cron('0 12 * * *').nextMs(noon)).toBe(noon + 86_400_000)
  expect(cron('30 15 12 * * *').nextMs(noon)).toBe(noon + 15 * 60_000 + 30_000)
})

test('leap days are found years ahead', () => {
  expect(cron('0 0 29 2 *').nextMs(Date.UTC(2096, 1, 29))).toBe(Date.UTC(2104, 1, 29))
})

test('an expression that is none throws, and leaves no task behind', () => {
  expect(() => cron('61 * * * *')).toThrow()
  expect(() => cron('0 0 30 2 *')).toThrow('impossible')
  cron('*/5 * * * *')
  expect(getTasks().size).toBe(0)
})
