/** What of a snapshot is evidence for an attempt, by the age of each part and of each list. */
import { describe, expect, it } from 'vitest'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { partSources, readingAt, readingsFor, whyUnusable } from '../../verdict/reading.ts'
import { now, s3List, snapshot } from './fixture.ts'

const limits = { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 }

function aged(part: SnapshotPart, ageSeconds: number | null, base = snapshot()): Snapshot {
  const atMs = ageSeconds === null ? null : now - ageSeconds * 1000
  const dated = atMs === null ? 'undated' : 'api'
  return { ...base, parts: { ...base.parts, [part]: { read: true, atMs, dated } } }
}
/** A reading in which every part holds something. */
const full: Snapshot = {
  ...snapshot(),
  peerings: [
    {
      id: 'pcx-1',
      status: 'active',
      requester: { vpcId: 'vpc-1', ownerId: null, region: null, ipv4Cidrs: [], ipv6Cidrs: [] },
      accepter: { vpcId: 'vpc-2', ownerId: null, region: null, ipv4Cidrs: [], ipv6Cidrs: [] },
    },
  ],
  internetGateways: [{ id: 'igw-1', vpcIds: ['vpc-1'] }],
  flowLogs: [
    {
      id: 'fl-1',
      resourceId: 'eni-host',
      status: 'ACTIVE',
      deliverStatus: null,
      deliverError: null,
      trafficType: null,
      destinationType: null,
      destination: null,
      logGroupName: null,
      logFormat: null,
      maxAggregationSeconds: null,
    },
  ],
}

describe.each(snapshotParts)('%s', (part) => {
  const limit = part === 'routeTables' ? 180 : 900
  const without = (s: Snapshot) => {
    const reading = readingAt(s, now, limits)
    const lacking = reading.lacking.map((l) => l.part)
    return { ...reading, lacking }
  }

  it('is evidence up to its age, and not beyond', () => {
    for (const age of [-60, 0, limit]) {
      expect(readingAt(aged(part, age, full), now, limits).lacking).toEqual([])
      expect(readingAt(aged(part, age, full), now, limits).has(part)).toBe(true)
      expect(readingAt(aged(part, age, full), now, limits).snapshot[part]).toEqual(full[part])
    }
    const old = without(aged(part, limit + 1, full))
    expect(old.lacking).toEqual([part])
    expect(old.has(part)).toBe(false)
    expect(whyUnusable(aged(part, limit + 1), part, now, limits)).toBe(
      `${partSources[part].file} was ${limit + 1} s old, older than ${limit} s`,
    )
  })

  it('is emptied alone where it is none; lists stay, with unknown content', () => {
    const { snapshot: left } = without(aged(part, null, full))
    expect(whyUnusable(aged(part, null), part, now, limits)).toBe(`${partSources[part].file} is undated`)
    for (const other of snapshotParts.filter((p) => p !== part)) expect(left[other]).toEqual(full[other])
    if (part === 'prefixLists')
      expect(left.prefixLists).toEqual(
        full.prefixLists.map((l) => ({ ...l, entries: null, complete: false })),
      )
    else expect(left[part]).toEqual([])
  })

  it('says why it was not read', () => {
    const unread = (reason: 'missing' | 'denied'): Snapshot => ({
      ...snapshot(),
      parts: { ...snapshot().parts, [part]: { read: false, reason, detail: 'AccessDenied' } },
    })
    expect(whyUnusable(unread('missing'), part, now, limits)).toBe(`${partSources[part].file} was not read`)
    expect(whyUnusable(unread('denied'), part, now, limits)).toBe('AccessDenied')
    expect(without(unread('denied')).lacking).toEqual([part])
  })
})

describe('a prefix list', () => {
  const other = { ...s3List, id: 'pl-2', name: 'com.amazonaws.us-east-1.dynamodb' }
  const entriesOf = (...ages: (number | null)[]) => {
    const lists = ages.map((age, i) => ({
      ...(i === 0 ? s3List : other),
      atMs: age === null ? null : now - age * 1000,
    }))
    const { snapshot: left } = readingAt(snapshot({ prefixLists: lists }), now, limits)
    return left.prefixLists.map((l) => l.entries !== null && l.complete)
  }

  it('has an age of its own', () => {
    expect(entriesOf(10, 10)).toEqual([true, true])
    expect(entriesOf(900, -60)).toEqual([true, true])
    expect(entriesOf(901)).toEqual([false])
    expect(entriesOf(null)).toEqual([false])
    expect(entriesOf(901, 10)).toEqual([false, true])
    expect(entriesOf(10, null)).toEqual([true, false])
  })

  it('whose entries were not read stays so', () => {
    const unread = { ...s3List, entries: null, atMs: null }
    expect(readingAt(snapshot({ prefixLists: [unread] }), now, limits).snapshot.prefixLists).toEqual([unread])
  })
})

describe('the readings of an attempt', () => {
  it('are none where the first was begun after it', () => {
    expect(readingsFor([snapshot({}, -1)], now, limits)).toEqual([])
    expect(readingsFor([snapshot({}, 0)], now, limits)).toHaveLength(1)
    expect(readingsFor([], now, limits)).toEqual([])
  })

  it('are as many as there are snapshots, also of tables that were not read', () => {
    const unread = snapshot()
    unread.parts.routeTables = { read: false, reason: 'denied', detail: 'AccessDenied' }
    const undated = aged('routeTables', null)
    for (const first of [unread, undated, snapshot()])
      expect(readingsFor([first, snapshot({}, -10)], now, limits)).toHaveLength(2)
  })
})
