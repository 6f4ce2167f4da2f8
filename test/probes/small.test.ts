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
  it('bounds how long an event lay unread by how long the loop was busy', async () => {
    const watch = loopWatch()
    expect(watch.waitedSeconds()).toBeNull()
    const leave = watch.enter()
    await turn()
    spin(20)
    expect(watch.waitedSeconds()).toBeGreaterThanOrEqual(0.02)
    await turn()
    // it has not slept: the event may have come during the turn before
    expect(watch.waitedSeconds()).toBeGreaterThanOrEqual(0.02)
    leave()
    leave()
    expect(watch.waitedSeconds()).toBeNull()
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
