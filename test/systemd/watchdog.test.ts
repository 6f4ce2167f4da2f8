import { describe, expect, it } from 'vitest'
import { createScheduler } from '../../agent/watch/schedule.ts'
import {
  countTimers,
  createStandstill,
  type Progress,
  startWatchdog,
  watchdogSeconds,
} from '../../agent/watchdog.ts'
import type { Notifier } from '../../agent/notify.ts'
import { createHandClock } from '../agent/hand-clock.ts'

const moving: Progress = { targets: 1, ticks: 0, overdueSeconds: 0, ledger: null }

describe('the window', () => {
  it.each([
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 60],
    [{ WATCHDOG_USEC: '500000' }, 0.5],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: '-1' }, null],
    [{ WATCHDOG_USEC: '1e6' }, null],
    [{}, null],
  ])('%j: %j', (environment, seconds) => expect(watchdogSeconds(environment, 7)).toBe(seconds))
})

describe('standstill', () => {
  it('of the schedule: ticks that stop, with targets to look at', () => {
    const look = createStandstill(60)
    expect(look({ ...moving, ticks: 1 }, 0)).toBeNull()
    expect(look({ ...moving, ticks: 1 }, 60_000)).toBeNull()
    expect(look({ ...moving, ticks: 1 }, 61_000)).toContain('nothing has fired for 61 s')
    expect(look({ ...moving, ticks: 2 }, 62_000)).toBeNull()
    // nothing to schedule yet: discovery has found nothing
    expect(look({ ...moving, targets: 0, ticks: 2 }, 500_000)).toBeNull()
    expect(look({ ...moving, ticks: 2 }, 510_000)).toBeNull()
  })

  it('of the schedule: a slot that is late', () => {
    const look = createStandstill(60)
    expect(look({ ...moving, overdueSeconds: 30 }, 0)).toBeNull()
    expect(look({ ...moving, ticks: 9, overdueSeconds: 31 }, 0)).toContain('31 s late')
  })

  it("of the ledger's writer: something waits, and nothing is written for a whole window", () => {
    const look = createStandstill(60)
    const at = (ticks: number, records: number, queued: number, writing = true): Progress => ({
      ...moving,
      ticks,
      ledger: { writing, queued, records },
    })
    expect(look(at(1, 5, 3), 0)).toBeNull()
    expect(look(at(2, 5, 4), 60_000)).toBeNull()
    expect(look(at(3, 5, 9), 61_000)).toContain('the ledger')
    expect(look(at(4, 6, 9), 62_000)).toBeNull()
    expect(look(at(5, 6, 9), 100_000)).toBeNull()
    // a full disk is told by its own metric: a restart would not mend it
    expect(look(at(6, 6, 9, false), 130_000)).toBeNull()
    expect(look(at(7, 6, 0), 200_000)).toBeNull()
    expect(look(at(8, 6, 1), 300_000)).toBeNull()
  })
})

function fed(): { notifier: Notifier; count(): number } {
  let alive = 0
  const nothing = (): void => undefined
  return {
    count: () => alive,
    notifier: {
      way: () => 'descriptor',
      ready: nothing,
      reloading: nothing,
      stopping: nothing,
      alive: () => void alive++,
      lost: () => 0,
      settled: () => Promise.resolve(),
    },
  }
}

describe('the watchdog over the real scheduler', () => {
  it('is fed four times a window while slots fire, and not once they do not', async () => {
    const clock = createHandClock()
    const timers = countTimers(clock)
    const ending = new AbortController()
    const scheduler = createScheduler({
      clock: timers.clock,
      signal: ending.signal,
      run: () => Promise.resolve(),
      onSkip: () => undefined,
      onLag: () => undefined,
      onError: () => undefined,
    })
    // once a day: its timer is cut into pieces, which are the ticks
    scheduler.replace([{ name: 'a', schedule: { kind: 'cron', expression: '0 0 * * *' } }])
    const { notifier, count } = fed()
    const told: string[] = []
    let lost = false
    const end = startWatchdog({
      environment: { WATCHDOG_USEC: '60000000' },
      pid: 7,
      notifier,
      clock,
      progress: () => ({
        targets: 1,
        ticks: lost ? 0 : timers.ticks(),
        overdueSeconds: timers.overdueSeconds(),
        ledger: null,
      }),
      status: () => 'x',
      onStandstill: (because) => told.push(because),
    })
    await clock.advance(600_000)
    expect(count()).toBe(41)
    expect(timers.ticks()).toBe(20)
    expect(timers.overdueSeconds()).toBe(0)
    lost = true
    await clock.advance(600_000)
    // what it had left of the last sign of life, and no more
    expect(count()).toBeLessThanOrEqual(41 + 5)
    expect(told).toHaveLength(1)
    const before = count()
    lost = false
    await clock.advance(15_000)
    expect(count()).toBe(before + 1)
    end()
    await clock.advance(60_000)
    expect(count()).toBe(before + 1)
    ending.abort()
  })

  it('counts a timer as late until it fires, and forgets one that is cancelled', async () => {
    const clock = createHandClock()
    const stuck = countTimers({ ...clock, setTimer: () => () => undefined })
    const cancel = stuck.clock.setTimer(1000, () => undefined)
    stuck.clock.setTimer(9000, () => undefined)
    await clock.advance(5000)
    expect([stuck.ticks(), stuck.overdueSeconds()]).toEqual([0, 4])
    cancel()
    expect(stuck.overdueSeconds()).toBe(0)
  })

  it('does nothing without a window, or where nobody listens', () => {
    const { notifier, count } = fed()
    const deps = {
      pid: 7,
      clock: createHandClock(),
      progress: () => moving,
      status: () => 'x',
      onStandstill: () => undefined,
    }
    startWatchdog({ ...deps, environment: {}, notifier })()
    startWatchdog({
      ...deps,
      environment: { WATCHDOG_USEC: '1000000' },
      notifier: { ...notifier, way: () => 'none' },
    })()
    expect(count()).toBe(0)
  })
})
