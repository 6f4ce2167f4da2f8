import { describe, expect, test } from 'vitest'
import {
  type SnapshotKeeper,
  type SourceFailure,
  type SourceReading,
  createSnapshotKeeper,
  firstWaitOf,
} from '../../agent/account/snapshot-keeper.ts'
import { type WantedParts, isWanted } from '../../aws/snapshot-api-calls.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { createHandClock, settle } from './hand-clock.ts'

const vpcId = 'vpc-0a000001'

/** Puts items into parts of an empty snapshot; parts without any are read and empty. */
function snapshotAt(atMs: number, parts: WantedParts, items: Partial<Snapshot> = {}): Snapshot {
  const empty = decodeSnapshot(new Map(), { source: 'test', account: '111122223333', region: 'us-east-1' })
  const snapshot: Snapshot = { ...empty, parts: { ...empty.parts }, id: `at ${atMs}` }
  for (const part of snapshotParts) {
    if (isWanted(part, parts)) snapshot.parts[part] = { read: true, atMs, dated: 'api' }
  }
  return { ...snapshot, ...items }
}

const table = (target: string, routes: Snapshot['routeTables'][number]['routes'] = []) => ({
  id: target,
  vpcId,
  main: true,
  subnetIds: [],
  gatewayIds: [],
  routes,
  unreadableRoutes: 0,
})

interface Kept {
  keeper: SnapshotKeeper
  clock: ReturnType<typeof createHandClock>
  /** When what was read, in seconds since the start. */
  asked: [number, WantedParts][]
  told: string[]
  outcomes: string[]
  changes: boolean[]
  stop: AbortController
  running: Promise<void>
}

interface Options {
  read?: (
    parts: WantedParts,
    clock: ReturnType<typeof createHandClock>,
    last: Snapshot | null,
  ) => SourceReading | Promise<SourceReading>
  refreshSeconds?: number
  otherRefreshSeconds?: number | null
  jitter?: () => number
  startWith?: Snapshot | null
}

/** A keeper on a clock that is moved by hand, after its first reading. */
async function keep(options: Options = {}): Promise<Kept> {
  const clock = createHandClock()
  const startMs = clock.monotonicMs()
  const stop = new AbortController()
  const asked: Kept['asked'] = []
  const told: string[] = []
  const outcomes: string[] = []
  const changes: boolean[] = []
  const keeper = createSnapshotKeeper({
    async read(parts, last) {
      asked.push([Math.round((clock.monotonicMs() - startMs) / 1000), parts])
      return (
        (await options.read?.(parts, clock, last)) ?? {
          snapshot: snapshotAt(clock.wallMs(), parts),
          failures: [],
        }
      )
    },
    refreshSeconds: options.refreshSeconds ?? 60,
    otherRefreshSeconds: options.otherRefreshSeconds === undefined ? 300 : options.otherRefreshSeconds,
    startWith: options.startWith ?? null,
    clock,
    jitter: options.jitter ?? (() => 0.5),
    sleep: (seconds, signal) =>
      new Promise((resolve) => {
        const cancel = clock.setTimer(seconds * 1000, resolve)
        signal.addEventListener('abort', () => {
          cancel()
          resolve()
        })
      }),
    onReading: (_reading, changed) => changes.push(changed),
    onPart: (part, outcome) => outcomes.push(`${part} ${outcome.read ? 'read' : outcome.reason}`),
    onProblem: (problem) => told.push(problem),
    signal: stop.signal,
  })
  await keeper.refresh()
  const running = keeper.run()
  await settle()
  return { keeper, clock, asked, told, outcomes, changes, stop, running }
}

/** Lets time go by, second by second, and everything that follows from it run. */
async function pass(kept: Kept, seconds: number): Promise<void> {
  for (let second = 0; second <= seconds; second++) {
    for (let turn = 0; turn < 4; turn++) await settle()
    if (second < seconds) await kept.clock.advance(1000)
  }
}

const failure = (part: SnapshotPart, reason = 'denied'): SourceFailure => ({
  part,
  reason,
  detail: `${reason}: no`,
  nextStep: 'mend it',
})

/** A reading in which `parts` failed. */
function failing(
  parts: readonly SnapshotPart[],
  atMs: number,
  wanted: WantedParts,
  reason = 'denied',
): SourceReading {
  const snapshot = snapshotAt(atMs, wanted)
  for (const part of parts) snapshot.parts[part] = { read: false, reason: 'denied', detail: 'no' }
  return { snapshot, failures: parts.map((part) => failure(part, reason)) }
}

describe('two rhythms', () => {
  test('route tables every minute, the rest every five, together where they meet', async () => {
    const kept = await keep()
    await pass(kept, 600)
    expect(kept.asked).toEqual([
      [0, 'all'],
      [60, 'routeTables'],
      [120, 'routeTables'],
      [180, 'routeTables'],
      [240, 'routeTables'],
      [300, 'all'],
      [360, 'routeTables'],
      [420, 'routeTables'],
      [480, 'routeTables'],
      [540, 'routeTables'],
      [600, 'all'],
    ])
    kept.stop.abort()
    await kept.running
    expect(kept.clock.timers()).toBe(0)
  })

  test('each part keeps its own date', async () => {
    const kept = await keep()
    const began = kept.clock.wallMs()
    await pass(kept, 61)
    const parts = kept.keeper.current()?.snapshot.parts
    expect(parts?.routeTables).toEqual({ read: true, atMs: began + 60_000, dated: 'api' })
    expect(parts?.endpoints).toEqual({ read: true, atMs: began, dated: 'api' })
  })

  test('a source with one rhythm is read whole each time', async () => {
    const kept = await keep({ otherRefreshSeconds: null, refreshSeconds: 30 })
    await pass(kept, 60)
    expect(kept.asked).toEqual([
      [0, 'all'],
      [30, 'all'],
      [60, 'all'],
    ])
  })

  test.each([
    [0, 30, 84, 150, 420],
    [0.25, 45, 102, 225, 510],
    [0.999, 30, 96, 150, 480],
  ])(
    'jitter %s: spread over an interval at first, then a tenth earlier or later, each wait anew',
    async (jitter, tables, tablesAgain, rest, restAgain) => {
      const kept = await keep({ jitter: () => jitter })
      const times = (of: string) => kept.asked.slice(1).flatMap(([at, parts]) => (parts === of ? [at] : []))
      await pass(kept, restAgain + 1)
      expect(times('routeTables').slice(0, 2).map(Math.round)).toEqual([tables, tablesAgain])
      const others = kept.asked.slice(1).flatMap(([at, parts]) => (parts === 'routeTables' ? [] : [at]))
      expect(others.map(Math.round)).toEqual([rest, restAgain])
    },
  )

  test('the first wait is spread evenly from a tenth of an interval to a tenth more than one', () => {
    const waits = Array.from({ length: 1000 }, (_, n) => firstWaitOf(60, n / 1000)).sort((a, b) => a - b)
    for (const [n, wait] of waits.entries()) expect(wait).toBeCloseTo(6 + 0.06 * n, 6)
    expect(firstWaitOf(60, 0.5)).toBe(60)
  })

  test('a slow reading delays the next, none overlaps, and none is made up for', async () => {
    let under = 0
    let most = 0
    const kept = await keep({
      async read(parts, clock) {
        most = Math.max(most, ++under)
        if (parts === 'routeTables') await new Promise<void>((resolve) => clock.setTimer(150_000, resolve))
        under--
        return { snapshot: snapshotAt(clock.wallMs(), parts), failures: [] }
      },
    })
    void kept.keeper.refresh('routeTables')
    await pass(kept, 1000)
    expect(most).toBe(1)
    // the one that was asked for, one that was due meanwhile, then one at a time
    expect(kept.asked.slice(0, 4).map(([at]) => at)).toEqual([0, 0, 150, 300])
  })

  test('after a suspend both are due, once', async () => {
    const kept = await keep()
    await kept.clock.sleep(3600_000)
    await pass(kept, 0)
    expect(kept.asked).toEqual([
      [0, 'all'],
      [3600, 'all'],
    ])
  })
})

describe('a part that can’t be read', () => {
  test('stays as it was and goes on ageing; whole again is whole again', async () => {
    let denied: SnapshotPart[] = []
    const kept = await keep({
      read: (parts, clock) =>
        failing(
          denied.filter((part) => isWanted(part, parts)),
          clock.wallMs(),
          parts,
        ),
    })
    const began = kept.clock.wallMs()
    expect(kept.keeper.lastSuccessMs()).toBe(began)
    denied = ['natGateways', 'endpoints']
    await pass(kept, 301)
    const { parts } = kept.keeper.current()?.snapshot ?? snapshotAt(0, 'all')
    expect(parts.natGateways).toEqual({ read: true, atMs: began, dated: 'api' })
    expect(parts.vpcs).toEqual({ read: true, atMs: began + 300_000, dated: 'api' })
    // what is carried over is not success
    expect(kept.keeper.lastSuccessMs()).toBe(began + 240_000)
    expect(kept.told).toEqual(['natGateways, endpoints: denied: no; mend it'])
    expect(kept.keeper.problems()).toEqual(['natGateways, endpoints: denied: no; mend it'])
    // route tables alone, read well, mend nothing of it
    await pass(kept, 60)
    expect(kept.keeper.problems().length).toBe(1)
    expect(kept.keeper.lastSuccessMs()).toBe(began + 240_000)
    denied = []
    await pass(kept, 300)
    expect(kept.keeper.problems()).toEqual([])
    expect(kept.keeper.lastSuccessMs()).toBe(began + 660_000)
    expect(kept.told.length).toBe(1)
    expect(kept.outcomes.filter((line) => line === 'natGateways denied').length).toBe(1)
  })

  test('a list of a part that was read else counts as missing as well', async () => {
    const kept = await keep({
      read: (parts, clock) => ({
        snapshot: snapshotAt(clock.wallMs(), parts),
        failures: [failure('prefixLists', 'throttled')],
      }),
    })
    expect(kept.keeper.lastSuccessMs()).toBeNull()
    expect(kept.outcomes).toContain('prefixLists throttled')
    expect(kept.outcomes).not.toContain('prefixLists read')
  })

  test('a source that throws: all of it failed, what was known stays', async () => {
    let broken = false
    const kept = await keep({
      read(parts, clock) {
        if (broken) throw new Error('no region')
        return { snapshot: snapshotAt(clock.wallMs(), parts), failures: [] }
      },
    })
    const known = kept.keeper.current()
    broken = true
    await pass(kept, 60)
    expect(kept.keeper.problems()).toEqual(['no region'])
    expect(kept.outcomes.at(-1)).toBe('routeTables failed')
    expect(kept.keeper.current()).toEqual(known)
  })

  test('nothing at all does not take the place of what is known', async () => {
    let denied = false
    const kept = await keep({
      read: (parts, clock) => failing(denied ? snapshotParts : [], clock.wallMs(), parts, 'credentials'),
    })
    denied = true
    await pass(kept, 300)
    expect(kept.keeper.current()?.snapshot.parts.vpcs.read).toBe(true)
    expect(kept.keeper.problems()[0]).toMatch(/^routeTables, endpoints, .*: credentials: no; mend it$/)
  })

  test('a reading of another account takes the place of all', async () => {
    let other = false
    const kept = await keep({
      read: (parts, clock) => ({
        snapshot: { ...snapshotAt(clock.wallMs(), parts), account: other ? '444455556666' : '111122223333' },
        failures: [],
      }),
    })
    other = true
    await pass(kept, 60)
    expect(kept.keeper.current()?.snapshot.parts.endpoints).toMatchObject({ read: false })
  })
})

describe('early readings', () => {
  const route = (kind: 'vpc_endpoint' | 'nat_gateway', id: string) => ({
    destination: { kind: 'prefix_list' as const, id: 'pl-63a5400a' },
    target: { kind, id },
    state: 'active' as const,
    origin: 'static' as const,
  })

  test('a table that leads to what is not described has the rest read soon, once', async () => {
    const kept = await keep({
      read: (parts, clock) => ({
        snapshot: snapshotAt(
          clock.wallMs(),
          parts,
          isWanted('routeTables', parts)
            ? {
                routeTables: [
                  table(
                    'rtb-1',
                    clock.monotonicMs() > 100_000 ? [route('vpc_endpoint', 'vpce-0a000009')] : [],
                  ),
                ],
              }
            : {},
        ),
        failures: [],
      }),
    })
    await pass(kept, 250)
    expect(kept.asked).toEqual([
      [0, 'all'],
      [60, 'routeTables'],
      [120, 'routeTables'],
      [120, 'rest'],
      // it is not described: asking again and again would not change that
      [180, 'routeTables'],
      [240, 'routeTables'],
    ])
  })

  test('asked for by whoever saw something strange: soon, and not more than once a minute', async () => {
    const kept = await keep()
    await pass(kept, 10)
    for (let n = 0; n < 5; n++) kept.keeper.soon()
    await pass(kept, 0)
    // the first reading was 10 s ago
    expect(kept.asked.length).toBe(1)
    await pass(kept, 51)
    expect(kept.asked.slice(1).map(([, parts]) => parts)).toEqual(['all'])
    await pass(kept, 30)
    kept.keeper.soon()
    await pass(kept, 31)
    expect(kept.asked.filter(([, parts]) => parts !== 'routeTables').length).toBe(3)
  })
})

describe('identity', () => {
  test('a reading that says the same is not a change, whatever its dates; a merged one has an id of its own', async () => {
    const kept = await keep()
    const { id } = kept.keeper.current()?.snapshot ?? { id: '' }
    await pass(kept, 61)
    expect(kept.changes).toEqual([true, false])
    const merged = kept.keeper.current()?.snapshot
    expect(merged?.id).toMatch(/^[0-9a-f]{64}$/)
    expect(merged?.id).not.toBe(id)
    await pass(kept, 60)
    expect(kept.keeper.current()?.snapshot.id).not.toBe(merged?.id)
  })

  test('the hash of the content tells every part from every other, and no date', () => {
    const one = snapshotAt(1, 'all')
    expect(contentHash(snapshotAt(2, 'all'))).toBe(contentHash(one))
    expect(contentHash(snapshotAt(1, 'rest'))).not.toBe(contentHash(one))
    expect(contentHash({ ...one, routeTables: [table('rtb-1')] })).not.toBe(contentHash(one))
    expect(contentHash({ ...one, region: 'eu-west-1' })).not.toBe(contentHash(one))
    const list = {
      id: 'pl-1',
      name: '',
      ownerId: 'AWS',
      family: 4 as const,
      version: 1,
      entries: ['10.0.0.0/8'],
      complete: true,
      atMs: 1,
    }
    const lists = (atMs: number, entries = list.entries) =>
      contentHash({ ...one, prefixLists: [{ ...list, atMs, entries }] })
    expect(lists(1)).toBe(lists(2))
    expect(lists(1)).not.toBe(lists(1, []))
  })

  test('a copy of an earlier run counts from the start, with the dates that it had', async () => {
    const copy = snapshotAt(123, 'all')
    const kept = await keep({
      startWith: copy,
      read: (parts, clock) => failing(snapshotParts, clock.wallMs(), parts),
    })
    expect(kept.keeper.current()?.snapshot.parts.routeTables).toEqual({ read: true, atMs: 123, dated: 'api' })
    expect(kept.keeper.lastSuccessMs()).toBeNull()
  })
})

test('a date that lies in the future is told once, however far it lies there at each reading', async () => {
  let ahead = 900
  let what = 'manifest.json'
  const kept = await keep({
    otherRefreshSeconds: null,
    read(parts, clock) {
      const snapshot = snapshotAt(clock.wallMs(), parts)
      ahead -= 60
      const date = new Date(clock.wallMs() + ahead * 1000).toISOString()
      const problem = `"${date}" lies ${ahead} s in the future`
      return {
        snapshot: {
          ...snapshot,
          problems: [
            { file: what, place: 'time', problem, expected: 'a time in the past', nextStep: null },
          ] as never,
        },
        failures: [],
      }
    },
  })
  await kept.clock.advance(300_000)
  expect(kept.asked.length).toBeGreaterThan(3)
  expect(kept.told).toHaveLength(1)
  // What stands is shown with its number, and another thing is told.
  expect(kept.keeper.problems()[0]).toContain(`lies ${ahead} s in the future`)
  what = 'parts'
  await kept.clock.advance(61_000)
  expect(kept.told).toHaveLength(2)
  kept.stop.abort()
  await kept.running
})
