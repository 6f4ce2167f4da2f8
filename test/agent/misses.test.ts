/** What a reading of the account does not explain asks for another one: when, and how often. */
import { afterEach, describe, expect, it } from 'vitest'
import { createMissBook, missesOf } from '../../agent/account/misses.ts'
import { s3Ranges } from '../../lab/world/default.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import { type RunningDaemon, defaultTargets, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'
import {
  attempt,
  cidrRoute,
  gatewayEndpoint,
  interfaceEndpoint,
  listRoute,
  snapshot,
  target,
  topology,
  viaNat,
  withRoutes,
} from '../verdict/fixture.ts'
import { createHandClock } from './hand-clock.ts'

const s3 = 'b.s3.us-east-1.amazonaws.com'

function judged(hostname: string, address: string, reading = withRoutes([viaNat])): NameVerdict {
  const attempts = [{ attempt: attempt({ hostname, address }), context: noContext }]
  const input = { hostname, style: 'regional', resolvers: [], dns: [], families: [], attempts, tainted: [] }
  return judgeName(input, topology([reading]))
}

describe('what a judgement misses', () => {
  it.each<[string, NameVerdict, string[]]>([
    ['an address of S3 outside its list', judged(s3, '18.34.0.7'), ['18.34.0.7']],
    ['one inside', judged(s3, '52.216.1.1'), []],
    ['of a name that may be anybody’s', judged('files.corp.example', '18.34.0.7'), ['18.34.0.7']],
    ['of a service that has no list', judged('sts.us-east-1.amazonaws.com', '18.34.0.7'), []],
    [
      'a list that could not be read shows nothing',
      judged(s3, '18.34.0.7', withRoutes([viaNat], { prefixLists: [] })),
      [],
    ],
    [
      'an endpoint that is not described',
      judged(s3, '52.216.1.1', withRoutes([listRoute('pl-s3', target('vpc_endpoint', 'vpce-new'))])),
      ['vpce-new'],
    ],
    [
      'several that may win',
      judged(
        s3,
        '52.216.1.1',
        withRoutes([
          listRoute('pl-s3', target('vpc_endpoint', 'vpce-new')),
          cidrRoute('52.216.0.0/14', target('vpc_endpoint', 'vpce-other')),
        ]),
      ),
      ['vpce-new', 'vpce-other'],
    ],
    ['a described one', judged(s3, '52.216.1.1', snapshot()), []],
  ])('%s', (_, verdict, expected) => {
    expect(missesOf([verdict], snapshot()).sort()).toEqual(expected)
  })

  it('each once, over all names; without a reading no endpoint is described', () => {
    const one = judged(s3, '18.34.0.7')
    expect(missesOf([one, one], null)).toEqual(['18.34.0.7'])
    const described = judged(s3, '52.216.1.1', snapshot())
    expect(missesOf([described], null)).toEqual(['vpce-s3'])
    expect(missesOf([described], snapshot({ endpoints: [interfaceEndpoint, gatewayEndpoint] }))).toEqual([])
  })

  it('what is declared is not missed', () => {
    const verdict = judged(s3, '52.216.1.1')
    const [first] = verdict.attempts
    if (first === undefined) throw new Error('no attempt')
    const basis = { networkInterface: 'eth0', routeTable: '', route: 'declared', target: 'vpce-far' }
    expect(missesOf([{ ...verdict, attempts: [{ ...first, bases: [basis] }] }], snapshot())).toEqual([])
  })
})

describe('how often a reading is asked for', () => {
  it('at once for the first, once in a minute for all, once in an hour for each', async () => {
    const clock = createHandClock()
    const startMs = clock.monotonicMs()
    const atSeconds: number[] = []
    const book = createMissBook({
      clock,
      ask: () => void atSeconds.push((clock.monotonicMs() - startMs) / 1000),
    })
    book.met([])
    expect(atSeconds).toEqual([])
    book.met(['a'])
    book.met(['a'])
    await clock.advance(20_000)
    book.met(['a', 'b'])
    expect(atSeconds).toEqual([0])
    await clock.advance(40_000)
    book.met(['b'])
    expect(atSeconds).toEqual([0, 60])
    for (let minute = 2; minute < 60; minute++) {
      await clock.advance(60_000)
      book.met(['a', 'b'])
    }
    expect(atSeconds).toEqual([0, 60])
    await clock.advance(60_000)
    book.met(['a', 'b'])
    await clock.advance(60_000)
    book.met(['a', 'b'])
    expect(atSeconds).toEqual([0, 60, 3600, 3660])
  })

  it('one reading serves all that was met before it', async () => {
    const clock = createHandClock()
    let asked = 0
    const book = createMissBook({ clock, ask: () => void asked++ })
    book.met(['a', 'b', 'c'])
    await clock.advance(60_000)
    book.met(['c', 'b', 'a'])
    expect(asked).toBe(1)
  })

  it('keeps no more than it must, and then asks once in a minute still', async () => {
    const clock = createHandClock()
    let asked = 0
    const book = createMissBook({ clock, ask: () => void asked++ })
    const many = Array.from({ length: 5000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
    book.met(many)
    book.met(many)
    expect(asked).toBe(1)
    await clock.advance(60_000)
    book.met(many.slice(-4000))
    expect(asked).toBe(1)
    book.met(many)
    expect(asked).toBe(2)
  })
})

const grown = [...s3Ranges, '18.34.0.0/19'].join(', ')
const scenario = `
name: grown
title: AWS's list grows
story: S3 gets a new range, and its names answer from there at once.
names: [{ target: artifacts, hostname: ${s3} }]
steps:
  - after: 1s
    name: grow
    title: A new range
    change:
      lists: [{ id: pl-63a5400a, entries: [${grown}] }]
      services: [{ id: s3, addresses: [${grown}], answers: [18.34.0.7] }]
expect: [{ hostname: ${s3}, state: private, class: gateway_endpoint, proof: configured }]
`

describe('a list that grows on AWS’s side', () => {
  let running: RunningDaemon | null = null
  afterEach(() => running?.stop())

  it('is read again for the first address that misses it: minutes before its time, and not again', async () => {
    // requests are signed with the machine's own date
    const clock = createHandClock(1_000, Date.now())
    running = await startLabDaemon({
      scenario,
      clock,
      program: readerWithin(() => clock.wallMs()),
      document: (lab) => ({
        ...surroundings(lab),
        topology: { source: 'aws' },
        targets: defaultTargets(lab, '5s'),
      }),
    })
    const { lab, daemon, log } = running
    const read = (action: string) => lab.apiRequests().filter((request) => request.action === action).length
    const state = () => daemon.verdicts()[0]?.state
    const pass = async (seconds: number): Promise<void> => {
      for (let passed = 0; passed < seconds; passed++) {
        await clock.advance(1000)
        await daemon.settled()
      }
    }
    await pass(10)
    expect(state()).toBe('private')
    await lab.apply('grow')
    await pass(10)
    // by the list as it was read, the new address goes by the NAT gateway
    expect(state()).not.toBe('private')
    expect(daemon.verdicts()[0]?.names[0]?.attempts.map(({ flags }) => flags)).toContainEqual([
      'answer_outside_list',
    ])
    expect(read('DescribeVpcEndpoints')).toBe(1)
    await pass(42)
    await expect.poll(() => read('GetManagedPrefixListEntries')).toBeGreaterThan(2)
    await log.until(
      'the new list',
      (lines) => lines.filter(({ event }) => event === 'topology_changed').length === 2,
    )
    // what was connected before stays the word on its address for its life: 3 intervals and a deadline
    await pass(20)
    expect(state()).toBe('private')
    await pass(48)
    expect(state()).toBe('private')
    expect(read('DescribeVpcEndpoints')).toBe(2)
  })
})
