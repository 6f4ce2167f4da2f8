import { GCProfiler } from 'node:v8'
import { expect, test } from 'vitest'
import { settleHeap } from '../../agent/settle.ts'

/** Full collections while `work` runs. */
function collections(work: () => void): number {
  const profiler = new GCProfiler()
  profiler.start()
  work()
  const { statistics } = profiler.stop()
  return statistics.filter(({ gcType }) => gcType === 'MarkSweepCompact').length
}

test('with few targets what starting left behind is collected, and nothing stays in reach of the program', async () => {
  const left = new WeakRef({ text: 'x'.repeat(1000) })
  // a reference that was just made holds its object until the turn is over
  await new Promise((resolve) => void setImmediate(resolve))
  expect(collections(() => settleHeap(50))).toBeGreaterThan(0)
  expect(left.deref()).toBeUndefined()
  expect('gc' in globalThis).toBe(false)
})

test('with many targets, whose attempts are under way, the loop is not stopped', () => {
  expect(collections(() => settleHeap(51))).toBe(0)
})
