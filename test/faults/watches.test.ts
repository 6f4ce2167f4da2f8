import { expect, it } from 'vitest'
import { createClockWatch } from '../../agent/clock-watch.ts'
import { createListWatch } from '../../agent/account/list-watch.ts'
import type { Log } from '../../agent/log.ts'
import { createTroubles } from '../../agent/troubles.ts'
import type { DnsAnswer, DnsObservation } from '../../model/observation.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { Target } from '../../model/target.ts'

const stamp = { id: 'x', wallMs: 0, monotonicMs: 0, bootId: 'b', snapshot: null, configuration: null }

function dns(answer: DnsAnswer): DnsObservation {
  return {
    kind: 'dns',
    stamp,
    hostname: 'h.example',
    resolver: 'system',
    server: '10.0.0.2:53',
    counts: true,
    ipv4: answer,
    ipv6: answer,
  }
}

function listener() {
  const lines: [string, string, unknown][] = []
  const write = (level: string) => (event: string, fields?: object) => void lines.push([level, event, fields])
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    flush: () => undefined,
  }
  return { lines, log }
}

const target = (kind: 'private' | 'blocked') => ({ name: 't', require: { kind } }) as Target
const failed = (code: string) => dns({ answered: false, failure: { type: 'dns', code }, transport: 'udp' })

it('a trouble is told when it begins, not while it goes on, and again when it comes back after a quarter of an hour', () => {
  let nowMs = 0
  const { lines, log } = listener()
  const troubles = createTroubles(log, () => nowMs)
  for (; nowMs < 7200_000; nowMs += 600_000) troubles.observed(target('private'), failed('SERVFAIL'))
  expect(lines).toHaveLength(1)
  troubles.observed(target('private'), failed('REFUSED'))
  expect(lines.map(([level, event, fields]) => [level, event, fields])).toEqual([
    ['warn', 'probe_failed', expect.objectContaining({ probe: 'dns', reason: 'dns', code: 'SERVFAIL' })],
    ['warn', 'probe_failed', expect.objectContaining({ code: 'REFUSED', at: 'system (10.0.0.2:53)' })],
  ])
  nowMs += 901_000
  troubles.observed(target('private'), failed('SERVFAIL'))
  expect(lines).toHaveLength(3)
})

it('what must be blocked may fail without a warning; what was given up tells nothing', () => {
  const { lines, log } = listener()
  const troubles = createTroubles(log, () => 0)
  troubles.observed(target('blocked'), failed('SERVFAIL'))
  troubles.observed(
    target('private'),
    dns({ answered: false, failure: { type: 'aborted' }, transport: 'udp' }),
  )
  expect(lines.map(([level]) => level)).toEqual(['info'])
})

it('ten thousand different troubles are told, and no more than some of them remembered', () => {
  const { lines, log } = listener()
  const troubles = createTroubles(log, () => 0)
  for (let n = 0; n < 10_000; n++) troubles.observed(target('private'), failed(`E${n}`))
  expect(lines).toHaveLength(10_000)
  // the youngest are remembered, the oldest are not
  troubles.observed(target('private'), failed('E9999'))
  expect(lines).toHaveLength(10_000)
  troubles.observed(target('private'), failed('E0'))
  expect(lines).toHaveLength(10_001)
})

it('a clock that is slewed or sleeps is not one that was set', () => {
  const now = { wallMs: 1e12, monotonicMs: 5 }
  const jumps: number[] = []
  const watch = createClockWatch({ wallMs: () => now.wallMs, monotonicMs: () => now.monotonicMs }, (s) =>
    jumps.push(s),
  )
  const pass = (wallMs: number, monotonicMs: number): void => {
    now.wallMs += wallMs
    now.monotonicMs += monotonicMs
    watch.look()
  }
  pass(30_000, 30_000)
  // a day at 500 ppm
  pass(86_400_000 * 1.0005, 86_400_000)
  // a sleep, which both count
  pass(3600_000, 3600_000)
  pass(31_999, 30_000)
  expect(jumps).toEqual([])
  pass(33_000, 30_000)
  pass(27_000, 30_000)
  pass(30_000, 30_000)
  expect(jumps).toEqual([3, -3])
})

it('a list that loses half of its entries is told once, also after a reading in which it was not read', () => {
  const told: object[] = []
  const watch = createListWatch((list) => void told.push(list))
  const read = (entries: number | null) =>
    watch.look({
      prefixLists: [
        {
          id: 'pl-1',
          entries: entries === null ? null : Array.from({ length: entries }, (_, i) => `10.${i}.0.0/16`),
        },
      ],
    } as unknown as Snapshot)
  for (const entries of [null, 20, 21, 11]) read(entries)
  expect(told).toEqual([])
  for (const entries of [null, 5, 5]) read(entries)
  expect(told).toEqual([{ id: 'pl-1', entries: 5, before: 11 }])
})
