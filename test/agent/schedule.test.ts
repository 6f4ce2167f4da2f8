import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countingSuspend } from '../../agent/clock.ts'
import type { Scheduled, Scheduler, SchedulerOptions, SkipReason } from '../../agent/watch/schedule.ts'
import { createScheduler } from '../../agent/watch/schedule.ts'
import { splay } from '../../agent/watch/splay.ts'
import type { HandClock } from './hand-clock.ts'
import { createHandClock, settle } from './hand-clock.ts'

interface Run {
  name: string
  atMs: number
  signal: AbortSignal
  end: () => void
}

interface Bench {
  clock: HandClock
  scheduler: Scheduler
  runs: Run[]
  running: Set<string>
  overlaps: number
  skips: { name: string; reason: SkipReason; slots: number }[]
  lags: number[]
  errors: unknown[]
  abort: AbortController
}

/** `holds`: runs go on until the test ends them. */
function bench({ holds = false, ...options }: Partial<SchedulerOptions> & { holds?: boolean } = {}): Bench {
  const clock = createHandClock()
  const abort = new AbortController()
  const result: Omit<Bench, 'scheduler'> = {
    clock,
    runs: [],
    running: new Set(),
    overlaps: 0,
    skips: [],
    lags: [],
    errors: [],
    abort,
  }
  const scheduler = createScheduler({
    clock,
    signal: abort.signal,
    async run(name, signal) {
      if (result.running.has(name)) result.overlaps++
      result.running.add(name)
      const { promise, resolve } = Promise.withResolvers<void>()
      result.runs.push({ name, atMs: clock.monotonicMs(), signal, end: resolve })
      if (!holds) resolve()
      await promise
      result.running.delete(name)
    },
    onSkip: (name, reason, slots) => void result.skips.push({ name, reason, slots }),
    onLag: (_, seconds) => void result.lags.push(seconds),
    onError: (_, error) => void result.errors.push(error),
    ...options,
  })
  return Object.assign(result, { scheduler })
}

function every(name: string, everySeconds: number): Scheduled {
  return { name, schedule: { kind: 'interval', everySeconds } }
}

function at(name: string, expression: string): Scheduled {
  return { name, schedule: { kind: 'cron', expression } }
}

test('an interval target runs soon, then in its phase for ever', async () => {
  const { clock, scheduler, runs } = bench()
  scheduler.add(every('a', 60))
  await clock.advance(10_000)
  expect(runs).toHaveLength(1)
  await clock.advance(90_000)
  const [, second] = runs
  await clock.advance(10 * 60_000)
  expect(runs).toHaveLength(12)
  for (const [index, run] of runs.slice(1).entries()) {
    expect(run.atMs - (second?.atMs ?? 0)).toBeCloseTo(index * 60_000, -1)
  }
})

test('the first slots never come closer than half an interval', async () => {
  for (let index = 0; index < 50; index++) {
    const { clock, scheduler, runs } = bench({ seed: `host-${index}` })
    scheduler.add(every('a', 30))
    await clock.advance(120_000)
    const gap = (runs[1]?.atMs ?? 0) - (runs[0]?.atMs ?? 0)
    expect(gap).toBeGreaterThanOrEqual(15_000)
    expect(gap).toBeLessThanOrEqual(45_000)
  }
})

test('targets of one interval are spread evenly over it', async () => {
  const { clock, scheduler, runs } = bench()
  scheduler.replace(Array.from({ length: 30 }, (_, index) => every(`t${index}`, 30)))
  await clock.advance(60_000)
  runs.length = 0
  await clock.advance(30_000)
  const times = runs.map((run) => run.atMs).sort((a, b) => a - b)
  expect(times).toHaveLength(30)
  for (const [index, time] of times.slice(1).entries()) {
    expect(time - (times[index] ?? 0)).toBeGreaterThan(990)
    expect(time - (times[index] ?? 0)).toBeLessThan(1010)
  }
})

test('splay depends on names and seed, not on their order, and fills the widest gap', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  expect(splay(names.toReversed(), [], 's')).toEqual(splay(names, [], 's'))
  expect(splay(names, [], 'other')).not.toEqual(splay(names, [], 's'))
  expect(splay(['x'], [0.1, 0.2, 0.9], 's').get('x')).toBeCloseTo(0.55)
  const many = Array.from({ length: 100 }, (_, index) => `n${index}`)
  const places = [0.5, ...splay(many, [0.5], 's').values()].sort((a, b) => a - b)
  const gaps = places.map((place, index) => (places[index + 1] ?? (places[0] ?? 0) + 1) - place)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * Math.min(...gaps) + 1e-9)
})

test('a target never overlaps itself; each slot that came meanwhile is counted', async () => {
  const { clock, scheduler, runs, skips } = bench({ holds: true })
  scheduler.add(every('slow', 30))
  await clock.advance(10_000)
  expect(scheduler.running()).toEqual(['slow'])
  await clock.advance(120_000)
  expect(runs).toHaveLength(1)
  expect(skips.length).toBeGreaterThanOrEqual(3)
  expect(skips.every(({ reason, slots }) => reason === 'overlap' && slots === 1)).toBe(true)
  runs[0]?.end()
  await settle()
  await clock.advance(30_000)
  expect(runs).toHaveLength(2)
})

test('a run that throws or rejects is reported and the next slot comes', async () => {
  let count = 0
  const { clock, scheduler, errors } = bench({
    run: () => {
      count++
      if (count === 1) throw new Error('at once')
      return Promise.reject(new Error('later'))
    },
  })
  scheduler.add(every('a', 10))
  await clock.advance(40_000)
  expect(count).toBeGreaterThanOrEqual(3)
  expect(errors).toHaveLength(count)
})

test('after a suspend each interval target runs once and the missed slots are counted', async () => {
  const { clock, scheduler, runs, skips, lags } = bench()
  scheduler.add(every('a', 30))
  await clock.advance(100_000)
  runs.length = 0
  lags.length = 0
  await clock.sleep(3_600_000)
  expect(runs).toHaveLength(1)
  expect(lags[0]).toBeLessThan(30)
  expect(skips).toEqual([{ name: 'a', reason: 'suspended', slots: 119 }])
})

test('a busy loop makes slots late, not suspended', async () => {
  const { clock, scheduler, runs, skips } = bench()
  scheduler.add(every('a', 2))
  await clock.advance(20_000)
  runs.length = 0
  await clock.sleep(5_000)
  expect(runs).toHaveLength(1)
  expect(skips).toHaveLength(1)
  expect(skips[0]?.reason).toBe('late')
})

test('lag is the time from the slot to its run', async () => {
  const { clock, scheduler, lags } = bench()
  scheduler.add(every('a', 60))
  await clock.advance(100_000)
  const untilMs = (scheduler.nextSlotSeconds('a') ?? 0) * 1000
  await clock.sleep(untilMs + 1_500)
  expect(lags.at(-1)).toBeCloseTo(1.5, 2)
})

test('wall clock jumps do not disturb intervals', async () => {
  const [still, jumping] = [bench(), bench()]
  for (const { scheduler } of [still, jumping]) scheduler.add(every('a', 30))
  for (let step = 0; step < 20; step++) {
    jumping.clock.stepWall(step % 2 === 0 ? 86_400_000 : -90_000_000)
    await still.clock.advance(17_000)
    await jumping.clock.advance(17_000)
  }
  expect(jumping.runs.map((run) => run.atMs)).toEqual(still.runs.map((run) => run.atMs))
  expect(jumping.skips).toEqual([])
})

test('cron fires at its times in UTC, without a first run', async () => {
  const { clock, scheduler, runs } = bench()
  scheduler.add(at('c', '*/5 * * * *'))
  const startMs = clock.monotonicMs()
  await clock.advance(16 * 60_000)
  expect(runs.map((run) => (run.atMs - startMs) / 60_000)).toEqual([5, 10, 15])
  expect(scheduler.nextSlotSeconds('c')).toBe(240)
})

test('cron: a clock set ahead passes slots by, they are counted and one run follows', async () => {
  const { clock, scheduler, runs, skips } = bench()
  scheduler.add(at('c', '*/5 * * * *'))
  await clock.advance(60_000)
  clock.stepWall(3_600_000)
  await clock.advance(60_000)
  expect(runs).toHaveLength(1)
  expect(skips).toEqual([{ name: 'c', reason: 'suspended', slots: 11 }])
})

test('cron: a clock set back does not leave the target without runs', async () => {
  const { clock, scheduler, runs } = bench()
  scheduler.add(at('c', '*/5 * * * *'))
  await clock.advance(6 * 60_000)
  clock.stepWall(-86_400_000)
  await clock.advance(6 * 60_000)
  expect(runs).toHaveLength(2)
})

test('cron: a slow adjustment back does not fire a slot twice', async () => {
  const { clock, scheduler, runs } = bench()
  scheduler.add(at('c', '*/5 * * * *'))
  await clock.advance(5 * 60_000)
  clock.stepWall(-500)
  await clock.advance(60_000)
  expect(runs).toHaveLength(1)
})

test('a reload keeps phase and run of what is unchanged', async () => {
  const { clock, scheduler, runs, skips } = bench({ holds: true })
  scheduler.replace([every('keep', 30), every('change', 30), every('go', 30)])
  await clock.advance(40_000)
  const next = scheduler.nextSlotSeconds('keep')
  const [keep, go] = ['keep', 'go'].map((name) => runs.find((run) => run.name === name))
  scheduler.replace([every('new', 30), every('change', 60), every('keep', 30)])
  expect(scheduler.nextSlotSeconds('keep')).toBe(next)
  expect(scheduler.nextSlotSeconds('go')).toBeNull()
  expect(keep?.signal.aborted).toBe(false)
  expect(go?.signal.aborted).toBe(true)
  expect(runs.find((run) => run.name === 'change')?.signal.aborted).toBe(false)
  await clock.advance(10_000)
  expect(runs.some((run) => run.name === 'new')).toBe(true)
  expect(skips.every(({ reason }) => reason === 'overlap')).toBe(true)
})

test('a target that is removed and added again does not overlap its old run', async () => {
  const { clock, scheduler, runs, skips } = bench({ holds: true })
  scheduler.add(every('a', 10))
  await clock.advance(10_000)
  scheduler.remove('a')
  scheduler.add(every('a', 10))
  await clock.advance(30_000)
  expect(runs).toHaveLength(1)
  expect(skips.length).toBeGreaterThan(0)
})

test('the signal stops all slots and aborts the runs', async () => {
  const { clock, scheduler, runs, abort } = bench({ holds: true })
  scheduler.replace([every('a', 10), at('c', '* * * * *')])
  await clock.advance(10_000)
  abort.abort(new Error('stop'))
  expect(runs[0]?.signal.aborted).toBe(true)
  expect(runs[0]?.signal.reason).toEqual(new Error('stop'))
  expect(clock.timers()).toBe(0)
  expect(scheduler.nextSlotSeconds('a')).toBeNull()
  scheduler.add(every('b', 10))
  await clock.advance(600_000)
  expect(runs).toHaveLength(1)
})

test('stop lets runs end, settled waits for them', async () => {
  const { clock, scheduler, runs } = bench({ holds: true })
  scheduler.add(every('a', 10))
  await clock.advance(10_000)
  scheduler.stop()
  let settled = false
  const waiting = scheduler.settled().then(() => (settled = true))
  await settle()
  expect([settled, runs[0]?.signal.aborted]).toEqual([false, false])
  runs[0]?.end()
  await waiting
  expect(settled).toBe(true)
  expect(scheduler.running()).toEqual([])
})

test('a monotonic clock that counts suspend: a sleep moves it, a stepped wall clock does not', () => {
  let [awake, wall, uptime] = [5_000, 1_000_000, 77]
  const pass = (ms: number): void =>
    void ([awake, wall, uptime] = [awake + ms, wall + ms, uptime + ms / 1000])
  const clock = countingSuspend({ monotonicMs: () => awake, wallMs: () => wall }, () => uptime)
  pass(10_000)
  expect(clock.monotonicMs()).toBe(15_000)
  wall += 3_600_000
  expect(clock.monotonicMs()).toBe(15_000)
  wall -= 7_200_000
  pass(1)
  expect(clock.monotonicMs()).toBe(15_001)
  // The machine sleeps for an hour: CLOCK_MONOTONIC stands still.
  wall += 3_600_000
  uptime += 3_600
  expect(clock.monotonicMs()).toBeCloseTo(3_615_001, 3)
  pass(500)
  expect(clock.monotonicMs()).toBeCloseTo(3_615_501, 3)
})

const names = ['a', 'b', 'c']
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 1, max: 400_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('step' as const), ms: fc.integer({ min: -9e7, max: 9e7 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('end' as const), name: fc.constantFrom('fixed', ...names) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      names: fc.subarray(names, { minLength: 1 }),
      everySeconds: fc.constantFrom(10, 15),
    }),
  },
)

test('whatever happens: no overlap, and every slot ran or was counted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const b = bench({ holds: true })
      const { clock, scheduler } = b
      const fixed = every('fixed', 7)
      scheduler.replace([fixed, ...names.map((name) => every(name, 10))])
      // The phase of the one that is never touched, from its second slot on.
      await clock.advance(20_000)
      const phaseMs = clock.monotonicMs() + (scheduler.nextSlotSeconds('fixed') ?? 0) * 1000
      const before = slotsSeen(b, 'fixed')
      for (const step of events) {
        if (step.do === 'advance') await clock.advance(step.ms)
        else if (step.do === 'sleep') await clock.sleep(step.ms)
        else if (step.do === 'step') clock.stepWall(step.ms)
        else if (step.do === 'end') for (const run of b.runs) if (run.name === step.name) run.end()
        if (step.do === 'replace') {
          scheduler.replace([...step.names.map((name) => every(name, step.everySeconds)), fixed])
        }
        await settle()
      }
      expect(b.overlaps).toBe(0)
      expect(clock.timers()).toBeLessThanOrEqual(1 + names.length)
      // A timer may be up to a millisecond behind its slot.
      await clock.advance(1)
      const slots = Math.max(0, 1 + Math.floor((clock.monotonicMs() - 1 - phaseMs) / 7_000))
      const seen = slotsSeen(b, 'fixed') - before
      expect([slots, slots + 1]).toContain(seen)
    }),
    { numRuns: 150 },
  )
}, 30_000)

function slotsSeen({ runs, skips }: Bench, name: string): number {
  const counted = skips.filter((skip) => skip.name === name).reduce((sum, skip) => sum + skip.slots, 0)
  return counted + runs.filter((run) => run.name === name).length
}
