import { describe, expect, it } from 'vitest'
import { createVantageKeeper } from '../../agent/account/vantage-keeper.ts'
import type { Vantage } from '../../model/topology.ts'
import { createHandClock, settle } from './hand-clock.ts'

const eni = (id: string) => ({
  id,
  mac: '0a:00:00:00:00:01',
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  ipv4: ['10.0.1.50'],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: [],
  vpcIpv6Cidrs: [],
})

const unknown: Vantage = {
  kind: 'unknown',
  because: ['silent'],
  instanceId: null,
  accountId: null,
  region: null,
  interfaces: [],
}
const ec2 = (...ids: string[]): Vantage => ({
  kind: 'ec2',
  because: ['the MAC is here'],
  instanceId: 'i-1',
  accountId: '111122223333',
  region: 'eu-west-1',
  interfaces: ids.map(eni),
})

function start(first: Vantage) {
  const clock = createHandClock()
  const stop = new AbortController()
  const state = { shows: first as Vantage | Error, looks: 0, changes: [] as [string, string | null][] }
  const keeper = createVantageKeeper({
    find() {
      state.looks++
      return state.shows instanceof Error ? Promise.reject(state.shows) : Promise.resolve(state.shows)
    },
    clock,
    sleep: (seconds, signal) =>
      new Promise((resolve) => {
        const cancel = clock.setTimer(seconds * 1000, resolve)
        signal.addEventListener('abort', () => {
          cancel()
          resolve()
        })
      }),
    onChange: (now, before) =>
      state.changes.push([`${now.kind} ${now.interfaces.length}`, before === null ? null : before.kind]),
    signal: stop.signal,
  })
  return { clock, stop, state, keeper }
}

describe('the vantage', () => {
  it('is unknown before the first look, and the first look is told', async () => {
    const { keeper, state } = start(ec2('eni-1'))
    expect(keeper.current().kind).toBe('unknown')
    await keeper.refresh()
    expect(keeper.current().kind).toBe('ec2')
    expect(state.changes).toEqual([['ec2 1', null]])
  })

  it('that was unknown at the start is looked for every minute, and found', async () => {
    const { keeper, state, clock, stop } = start(unknown)
    await keeper.refresh()
    const run = keeper.run()
    await clock.advance(59_000)
    expect(state.looks).toBe(1)
    await clock.advance(1_000)
    expect(state.looks).toBe(2)
    state.shows = ec2('eni-1')
    await clock.advance(60_000)
    expect(keeper.current().kind).toBe('ec2')
    expect(state.changes).toEqual([
      ['unknown 0', null],
      ['ec2 1', 'unknown'],
    ])
    stop.abort()
    await run
    expect(clock.timers()).toBe(0)
  })

  it('that is known is looked at every quarter of an hour: interfaces attached later appear, others go', async () => {
    const { keeper, state, clock, stop } = start(ec2('eni-1'))
    await keeper.refresh()
    const run = keeper.run()
    state.shows = ec2('eni-1', 'eni-2')
    await clock.advance(899_000)
    expect(state.looks).toBe(1)
    await clock.advance(1_000)
    expect(keeper.current().interfaces).toHaveLength(2)
    state.shows = ec2('eni-2')
    await clock.advance(900_000)
    expect(keeper.current().interfaces.map((i) => i.id)).toEqual(['eni-2'])
    expect(state.changes.map(([now]) => now)).toEqual(['ec2 1', 'ec2 2', 'ec2 1'])
    stop.abort()
    await run
  })

  it('tells nothing where only the words differ', async () => {
    const { keeper, state } = start(unknown)
    await keeper.refresh()
    state.shows = { ...unknown, because: ['ECONNREFUSED'] }
    await keeper.refresh()
    expect(state.changes).toHaveLength(1)
    expect(keeper.current().because).toEqual(['ECONNREFUSED'])
  })

  it('outlives a service that falls silent, for an hour and no longer, and looks every minute meanwhile', async () => {
    const { keeper, state, clock, stop } = start(ec2('eni-1'))
    await keeper.refresh()
    const run = keeper.run()
    state.shows = unknown
    await clock.advance(3_599_000)
    expect(keeper.current().kind).toBe('ec2')
    expect(state.looks).toBeGreaterThan(40)
    await clock.advance(61_000)
    expect(keeper.current()).toEqual(unknown)
    state.shows = ec2('eni-1')
    await clock.advance(60_000)
    expect(keeper.current().kind).toBe('ec2')
    expect(state.changes.map(([now]) => now)).toEqual(['ec2 1', 'unknown 0', 'ec2 1'])
    stop.abort()
    await run
  })

  it('survives a look that fails', async () => {
    const { keeper, state } = start(unknown)
    state.shows = new Error('no such thing')
    await keeper.refresh()
    expect(keeper.current()).toMatchObject({ kind: 'unknown', because: ['no such thing'] })
  })

  it('is looked for once at a time', async () => {
    const { keeper, state } = start(ec2('eni-1'))
    await Promise.all([keeper.refresh(), keeper.refresh(), keeper.refresh()])
    await settle()
    expect(state.looks).toBe(1)
  })

  it('tells nothing once the agent stops', async () => {
    const { keeper, state, stop } = start(ec2('eni-1'))
    stop.abort()
    await keeper.refresh()
    expect(state.changes).toEqual([])
  })
})
