import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { snapshotParts } from '../../model/topology.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode.ts'
import type { Snapshot } from '../../model/topology.ts'

const good = join(import.meta.dirname, '../data/snapshots/good')
const names = readdirSync(good, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /^(describe|get).*\.json$/.test(name),
)
const texts = new Map(names.map((name) => [name, readFileSync(join(good, name), 'utf8')]))
const meta = { source: 'test', account: '1', region: 'us-east-1' }
const tables = 'describe-route-tables.json'

function fileOf(
  text: string,
  atMs: number | null = 1000,
  dated: SnapshotFile['dated'] = 'api',
): SnapshotFile {
  return { text, atMs, dated }
}

function decode(files: Record<string, unknown>): Snapshot {
  const entries = Object.entries(files).map(([name, value]) => [name, fileOf(JSON.stringify(value))] as const)
  return decodeSnapshot(new Map(entries), meta)
}

const whole = () => new Map([...texts].map(([name, text]) => [name, fileOf(text)]))

describe('dates', () => {
  test('each part is dated by its file', () => {
    const files = whole()
    files.set(tables, fileOf(texts.get(tables) ?? '', 5000, 'manifest'))
    const { parts } = decodeSnapshot(files, meta)
    expect(parts.routeTables).toEqual({ read: true, atMs: 5000, dated: 'manifest' })
    expect(parts.vpcs).toEqual({ read: true, atMs: 1000, dated: 'api' })
  })

  test('prefix lists are as old as the oldest of their files, and as surely dated as the least sure', () => {
    const files = whole()
    const entries = 'get-managed-prefix-list-entries/pl-63a5400a.json'
    files.set(entries, fileOf(texts.get(entries) ?? '', 200, 'manifest'))
    const snapshot = decodeSnapshot(files, meta)
    expect(snapshot.parts.prefixLists).toEqual({ read: true, atMs: 200, dated: 'manifest' })
    expect(snapshot.prefixLists.map((list) => list.atMs)).toEqual([200, 1000, 1000, 1000])
    files.set(entries, fileOf(texts.get(entries) ?? '', null, 'undated'))
    const undated = decodeSnapshot(files, meta)
    expect(undated.parts.prefixLists).toEqual({ read: true, atMs: null, dated: 'undated' })
    expect(undated.prefixLists[0]?.atMs).toBeNull()
  })
})

describe('identity', () => {
  test('the same input has the same id, and another time, account or item another', () => {
    const id = decodeSnapshot(whole(), meta).id
    expect(decodeSnapshot(whole(), meta).id).toBe(id)
    expect(decodeSnapshot(whole(), { ...meta, source: 'elsewhere' }).id).toBe(id)
    expect(decodeSnapshot(whole(), { ...meta, account: '2' }).id).not.toBe(id)
    const later = whole()
    later.set(tables, fileOf(texts.get(tables) ?? '', 1001))
    expect(decodeSnapshot(later, meta).id).not.toBe(id)
    const changed = whole()
    changed.set(tables, fileOf((texts.get(tables) ?? '').replace('igw-1', 'igw-2')))
    expect(decodeSnapshot(changed, meta).id).not.toBe(id)
  })
})

describe('files', () => {
  test('none at all: every part is missing, and nothing is a problem', () => {
    const snapshot = decodeSnapshot(new Map(), meta)
    for (const part of snapshotParts)
      expect(snapshot.parts[part]).toMatchObject({ read: false, reason: 'missing' })
    expect(snapshot.problems).toEqual([])
  })

  test('a byte order mark is no mistake', () => {
    const snapshot = decodeSnapshot(new Map([[tables, fileOf(`\uFEFF${texts.get(tables) ?? ''}`)]]), meta)
    expect(snapshot.parts.routeTables.read).toBe(true)
  })

  test('a call that failed elsewhere says so itself', () => {
    const refused = { reason: 'failed', detail: 'no answer\u001b[31m in 10 s' } as const
    const snapshot = decodeSnapshot(new Map([[tables, { ...fileOf('{"RouteTables":[]}'), refused }]]), meta)
    expect(snapshot.parts.routeTables).toEqual({ read: false, reason: 'failed', detail: 'no answer in 10 s' })
  })

  test('names of files that are none of ours mean nothing', () => {
    const strange = [
      '../describe-vpcs.json',
      'get-managed-prefix-list-entries/../pl-1.json',
      'get-managed-prefix-list-entries/x.json',
    ]
    const snapshot = decodeSnapshot(new Map(strange.map((name) => [name, fileOf('{')])), meta)
    expect(snapshot.problems).toEqual([])
  })

  test('a thousand mistakes are listed up to a limit, and counted beyond', () => {
    const { problems, parts } = decode({ [tables]: { RouteTables: Array.from({ length: 1000 }, () => 7) } })
    expect(parts.routeTables.read).toBe(false)
    expect(problems).toHaveLength(501)
    expect(problems.at(-1)?.problem).toBe('500 further problems are not listed')
  })
})

describe('prefix lists', () => {
  const entries = { 'get-managed-prefix-list-entries/pl-1.json': { Entries: [{ Cidr: '52.216.0.0/15' }] } }
  const s3 = {
    PrefixListId: 'pl-1',
    PrefixListName: 'com.amazonaws.us-east-1.s3',
    AddressFamily: 'IPv4',
    OwnerId: 'AWS',
    State: 'create-complete',
  }
  const managed = { 'describe-managed-prefix-lists.json': { PrefixLists: [s3] } }
  const inline = {
    'describe-prefix-lists.json': {
      PrefixLists: [{ PrefixListId: 'pl-1', PrefixListName: s3.PrefixListName, Cidrs: ['52.216.0.0/15'] }],
    },
  }

  test.each([
    ['all three sources', { ...managed, ...entries, ...inline }, s3.PrefixListName, 'AWS'],
    ['descriptions and entries', { ...managed, ...entries }, s3.PrefixListName, 'AWS'],
    ['descriptions and inline CIDRs', { ...managed, ...inline }, s3.PrefixListName, 'AWS'],
    ['inline CIDRs alone', inline, s3.PrefixListName, 'AWS'],
    ['entries alone: whose they are is not known', entries, '', ''],
  ])('%s', (_, files, name, ownerId) => {
    const snapshot = decode(files)
    expect(snapshot.parts.prefixLists.read).toBe(true)
    expect(snapshot.prefixLists).toMatchObject([
      { id: 'pl-1', name, ownerId, family: 4, entries: ['52.216.0.0/15'], complete: true },
    ])
    expect(snapshot.problems).toEqual([])
  })

  test('entries that could not be read, with inline CIDRs beside', () => {
    const files = { ...managed, ...inline, 'get-managed-prefix-list-entries/pl-1.json': {} }
    expect(decode(files).prefixLists).toMatchObject([{ entries: ['52.216.0.0/15'], complete: true }])
  })

  test('a broken source makes the part unread, whatever the others say', () => {
    const files = { ...managed, ...entries, 'describe-prefix-lists.json': { PrefixLists: [{ Cidrs: [] }] } }
    expect(decode(files)).toMatchObject({
      parts: { prefixLists: { read: false, reason: 'invalid' } },
      prefixLists: [],
    })
  })

  test('only denied calls: denied', () => {
    const denied = fileOf(
      'An error occurred (UnauthorizedOperation) when calling the DescribePrefixLists operation: no',
    )
    const snapshot = decodeSnapshot(new Map([['describe-prefix-lists.json', denied]]), meta)
    expect(snapshot.parts.prefixLists).toMatchObject({ read: false, reason: 'denied' })
  })

  test('the family of a list that is not described is not guessed from a part of it', () => {
    const files = {
      'get-managed-prefix-list-entries/pl-1.json': { Entries: [{ Cidr: '52.216.0.0/15' }, {}] },
    }
    expect(decode(files).prefixLists).toMatchObject([{ family: null, complete: false }])
  })
})

const range = (CidrBlock: string, State?: string) => ({
  CidrBlock,
  ...(State === undefined ? {} : { CidrBlockState: { State } }),
})

describe('VPC ranges', () => {
  test('what is coming, going or not understood counts; what failed or is gone does not', () => {
    const states = [
      'associated',
      'associating',
      'disassociating',
      'failing',
      'newborn',
      undefined,
      'failed',
      'disassociated',
    ]
    const CidrBlockAssociationSet = states.map((state, index) => range(`10.${index}.0.0/16`, state))
    const { vpcs } = decode({
      'describe-vpcs.json': { Vpcs: [{ VpcId: 'vpc-1', CidrBlock: '10.0.0.0/16', CidrBlockAssociationSet }] },
    })
    expect(vpcs[0]?.ipv4Cidrs).toEqual([0, 1, 2, 3, 4, 5].map((index) => `10.${index}.0.0/16`))
  })
})

/** Replaces, removes or adds something at `steps` down from the top; each number chooses a child. */
function mutate(value: unknown, steps: readonly number[], how: number, by: unknown): unknown {
  const [step, ...rest] = steps
  if (typeof value !== 'object' || value === null || step === undefined) return by
  const keys = Object.keys(value)
  const key = keys[step % Math.max(1, keys.length)]
  if (key === undefined) return Array.isArray(value) ? [by] : { [String(by)]: by }
  const copy: unknown = structuredClone(value)
  const record = copy as Record<string, unknown>
  if (rest.length > 0) record[key] = mutate(record[key], rest, how, by)
  else if (how === 0) record[key] = by
  else if (how === 1) delete record[key]
  else if (Array.isArray(copy)) copy.push(copy[step % Math.max(1, copy.length)], by)
  else record[typeof by === 'string' ? by : 'Strange'] = by
  return copy
}

/** What is wrong with a snapshot, whatever it was made of: unprintable text, or items of a part that was not read. */
function faults(snapshot: Snapshot): string[] {
  const found = snapshotParts
    .filter((part) => !snapshot.parts[part].read && snapshot[part].length > 0)
    .map(String)
  JSON.stringify(snapshot, (_, value: unknown) => {
    if (typeof value === 'string' && /[\u0000-\u001f\u007f-\u009f\u202e\u200b]/.test(value))
      found.push(JSON.stringify(value))
    return value
  })
  return found
}

describe('hostile input', () => {
  const junk: fc.Arbitrary<unknown> = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      '',
      '\u001b[31m',
      '010.0.0.0/8',
      '::ffff:1.2.3.4/0',
      'vpce-1',
      '__proto__',
      '0.0.0.0/0',
      1e308,
      [[]],
      null,
    ),
    fc.string({ maxLength: 2000 }),
  )

  test('mutated JSON never throws, and nothing unprintable gets through', () => {
    const step = fc.nat(40)
    const mutation = fc.tuple(fc.array(step, { minLength: 1, maxLength: 7 }), fc.nat(2), junk)
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (name, mutations) => {
          let value: unknown = JSON.parse(texts.get(name) ?? '')
          for (const [steps, how, by] of mutations) value = mutate(value, steps, how, by)
          const files = whole()
          files.set(name, fileOf(JSON.stringify(value) ?? ''))
          expect(faults(decodeSnapshot(files, meta))).toEqual([])
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('any text never throws', () => {
    const cut = fc
      .tuple(fc.constantFrom(...names), fc.nat(6000))
      .map(([name, at]) => (texts.get(name) ?? '').slice(0, at))
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.oneof(cut, fc.string(), fc.json()), (name, text) => {
        expect(faults(decodeSnapshot(new Map([[name, fileOf(text)]]), meta))).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  test('deep nesting', () => {
    expect(faults(decodeSnapshot(new Map([[tables, fileOf('['.repeat(2_000_000))]]), meta))).toEqual([])
    const deep = `{"RouteTables":[${'{"Routes":['.repeat(20_000)}${']}'.repeat(20_000)}]}`
    expect(faults(decodeSnapshot(new Map([[tables, fileOf(deep)]]), meta))).toEqual([])
  })

  test('names of object methods are names like others', () => {
    const route =
      '{"DestinationCidrBlock":"10.0.0.0/8","__proto__":{"GatewayId":"igw-1"},"constructor":"x","State":"toString","Origin":"valueOf"}'
    const text = `{"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Associations":[],"Routes":[${route}]}]}`
    const snapshot = decodeSnapshot(new Map([[tables, fileOf(text)]]), meta)
    expect(snapshot.routeTables[0]?.routes).toMatchObject([
      { target: { kind: 'unknown' }, state: 'unknown', origin: 'unknown' },
    ])
  })
})
