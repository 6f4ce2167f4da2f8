import { getEventListeners } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { startDeadline, within } from '../../probes/deadline.ts'
import { parseServer } from '../../probes/host.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { clock } from './support.ts'

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function spin(ms: number) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('limit', () => {
  it('keeps to its number, in order, also when work fails', async () => {
    const places = limit(2)
    const order: number[] = []
    let running = 0
    let most = 0
    const work = (index: number) =>
      places.run(async () => {
        order.push(index)
        most = Math.max(most, ++running)
        await turn()
        running--
        if (index === 1) throw new Error('this one')
        return index
      })
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map(work))
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(most).toBe(2)
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
    expect(await places.run(() => Promise.resolve('free'))).toBe('free')
  })
})

describe('startDeadline', () => {
  it('ends once, by the clock or by the signal, and leaves nothing behind', async () => {
    const stop = new AbortController()
    const timed = startDeadline(0, stop.signal, clock)
    await new Promise<void>((resolve) => timed.onEnd(() => resolve()))
    expect(timed.ended()).toEqual({ type: 'timeout', afterSeconds: 0 })
    expect(timed.remainingSeconds()).toBe(0)
    const told: string[] = []
    timed.onEnd((failure) => told.push(failure.type))
    expect(told).toEqual(['timeout'])
    const long = startDeadline(1000, stop.signal, clock)
    const forgotten = long.onEnd(() => told.push('forgotten'))
    long.onEnd((failure) => told.push(failure.type))
    forgotten()
    expect(long.remainingSeconds()).toBeGreaterThan(900)
    stop.abort()
    expect(told).toEqual(['timeout', 'aborted'])
    expect(long.ended()).toEqual({ type: 'aborted' })
    expect(startDeadline(1000, stop.signal, clock).ended()).toEqual({ type: 'aborted' })
    const closed = startDeadline(1000, new AbortController().signal, clock)
    closed.close()
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(1)
  })

  it('gives what came in time, passes on a rejection, and says why nothing came', async () => {
    const stop = new AbortController()
    const deadline = startDeadline(1000, stop.signal, clock)
    expect(await within(Promise.resolve(7), deadline)).toEqual({ inTime: true, value: 7 })
    await expect(within(Promise.reject(new Error('x')), deadline)).rejects.toThrow('x')
    const never = within(new Promise(() => {}), deadline)
    stop.abort()
    expect(await never).toEqual({ inTime: false, failure: { type: 'aborted' } })
  })
})

describe('loopWatch', () => {
  /** A watch over clocks that are set by hand. */
  function watched() {
    const at = { now: 1000, idle: 500, queue: 0 }
    const watch = loopWatch({ nowMs: () => at.now, idleMs: () => at.idle, queueMs: () => at.queue })
    const pass = (what: { busy?: number; idle?: number; queue?: number }) => {
      at.now += (what.busy ?? 0) + (what.idle ?? 0)
      at.idle += what.idle ?? 0
      at.queue += what.queue ?? 0
    }
    return { watch, pass }
  }

  const ms = (waited: { seconds: number; boundSeconds: number } | null) =>
    waited && { wait: waited.seconds * 1000, bound: waited.boundSeconds * 1000 - 0.05 }

  it('an event that woke the loop waited for all that was done since, and for a processor', async () => {
    const { watch, pass } = watched()
    expect(watch.waited(watch.moment(), watch.moment())).toBeNull()
    const leave = watch.enter()
    await turn()
    const begun = watch.moment()
    pass({ busy: 1 })
    const sent = watch.moment()
    await turn()
    pass({ idle: 30 })
    pass({ busy: 2 })
    const exact = ms(watch.waited(begun, sent))
    expect(exact?.wait).toBeCloseTo(2)
    expect(exact?.bound).toBeCloseTo(0)
    pass({ queue: 3 })
    const queued = ms(watch.waited(begun, sent))
    expect(queued?.wait).toBeCloseTo(5)
    expect(queued?.bound).toBeCloseTo(3)
    leave()
    leave()
    expect(watch.waited(begun, sent)).toBeNull()
  })

  it('what comes while work lasts that began between two turns did not come before it', async () => {
    const { watch, pass } = watched()
    const leave = watch.enter()
    await turn()
    const begun = watch.moment()
    const sent = watch.moment()
    pass({ idle: 40 })
    void watch.begin().then(() => pass({ busy: 6 }))
    await turn()
    pass({ busy: 1 })
    const told = ms(watch.waited(begun, sent))
    // somewhere in the work of 6 ms; taken for what was done after the mark it would be 7, without a doubt
    expect(told?.wait).toBeCloseTo(1 + 3)
    expect(told?.bound).toBeCloseTo(3)
    leave()
    await watch.begin()
  })

  it('an event that found the loop busy came in the turn before, but not before it was asked for', async () => {
    const { watch, pass } = watched()
    const leave = watch.enter()
    await turn()
    const begun = watch.moment()
    const sent = watch.moment()
    pass({ idle: 40 })
    await turn()
    pass({ busy: 8 })
    await turn()
    pass({ busy: 1 })
    // somewhere in the turn of 8 ms
    const before = ms(watch.waited(begun, sent))
    expect(before?.wait).toBeCloseTo(5)
    expect(before?.bound).toBeCloseTo(4)
    pass({ busy: 5 })
    const late = watch.moment()
    pass({ busy: 2 })
    await turn()
    pass({ busy: 1 })
    // sent 2 ms before the end of that turn
    const since = ms(watch.waited(late, late))
    expect(since?.wait).toBeCloseTo(2)
    expect(since?.bound).toBeCloseTo(1)
    leave()
  })

  it('a processor lost while sending makes the clock late, and doubtful', async () => {
    const { watch, pass } = watched()
    const leave = watch.enter()
    await turn()
    const begun = watch.moment()
    pass({ busy: 4, queue: 3 })
    const sent = watch.moment()
    await turn()
    pass({ busy: 5 })
    const lost = ms(watch.waited(begun, sent))
    expect(lost?.wait).toBeCloseTo(2)
    expect(lost?.bound).toBeCloseTo(3)
    leave()
  })

  it('reads the dearest clock at the end of a turn only while a wait is running', async () => {
    let reads = 0
    const watch = loopWatch({ nowMs: () => 0, idleMs: () => 0, queueMs: () => reads++ })
    const leave = watch.enter()
    const first = reads
    for (let i = 0; i < 5; i++) await turn()
    expect(reads).toBe(first)
    const [one, other] = [watch.expect(), watch.expect()]
    one()
    one()
    await turn()
    expect(reads).toBe(first + 1)
    other()
    await turn()
    await turn()
    expect(reads).toBe(first + 1)
    leave()
  })

  it('what was queued for before the wait began is nothing of it, marked or not', async () => {
    const { watch, pass } = watched()
    const leave = watch.enter()
    pass({ busy: 1, queue: 100 })
    await turn()
    pass({ busy: 1, queue: 10 })
    const ended = watch.expect()
    const begun = watch.moment()
    const unmarked = () => {
      pass({ idle: 30, queue: 3 })
      pass({ busy: 2 })
      return ms(watch.waited(begun, begun))
    }
    expect(unmarked()?.bound).toBeCloseTo(3)
    ended()
    leave()
  })

  it('never takes off more than there was', async () => {
    const { watch, pass } = watched()
    const leave = watch.enter()
    await turn()
    pass({ busy: 50 })
    const begun = watch.moment()
    pass({ busy: 1 })
    expect(ms(watch.waited(begun, begun))?.wait).toBeCloseTo(1)
    leave()
  })

  it('holds on the real clocks', async () => {
    const watch = loopWatch()
    const leave = watch.enter()
    await turn()
    const begun = watch.moment()
    spin(20)
    await turn()
    spin(20)
    const waited = watch.waited(begun, begun)
    expect(waited?.seconds).toBeGreaterThanOrEqual(0.02)
    expect((waited?.seconds ?? 0) + (waited?.boundSeconds ?? 0)).toBeGreaterThanOrEqual(0.035)
    leave()
  })

  it('runs one chain of marks however often looks begin and end', async () => {
    const watch = loopWatch()
    const marks = vi.spyOn(globalThis, 'setImmediate')
    for (let i = 0; i < 100; i++) watch.enter()()
    const leave = watch.enter()
    expect(marks).toHaveBeenCalledTimes(1)
    marks.mockRestore()
    leave()
    await turn()
  })
})

describe('parseServer', () => {
  it.each([
    ['10.0.0.2', { address: '10.0.0.2', port: 53 }],
    ['10.0.0.2:5353', { address: '10.0.0.2', port: 5353 }],
    ['FD00:EC2::253', { address: 'fd00:ec2::253', port: 53 }],
    ['[fd00::1]:5353', { address: 'fd00::1', port: 5353 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', port: 53 }],
    ['[fe80::1%eth0]:54', { address: 'fe80::1%eth0', port: 54 }],
    ['resolver.example', null],
    ['10.0.0.2:99999', null],
    ['', null],
  ])('%s', (text, expected) => {
    expect(parseServer(text)).toEqual(expected)
  })
})
