import { execFileSync } from 'node:child_process'
import {
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lookupSubnetRoute } from '../../aws/route.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { writeManifest } from '../../aws/snapshot-write.ts'
import { snapshotParts } from '../../model/topology.ts'
import { ip } from './route-builders.ts'
import type { PartReading, Snapshot } from '../../model/topology.ts'

const fixtures = join(import.meta.dirname, '../data/snapshots')
const nowMs = Date.UTC(2026, 0, 31, 12, 0, 30)
const refuse = { nowMs, undated: 'refuse' } as const
const tables = 'describe-route-tables.json'

const inWords = (part: PartReading) => (part.read ? 'read' : `${part.reason}: ${part.detail}`)

/** The parts that were not simply missing. */
function present(snapshot: Snapshot): Record<string, string> {
  const entries = Object.entries(snapshot.parts).filter(([, part]) => part.read || part.reason !== 'missing')
  return Object.fromEntries(entries.map(([name, part]) => [name, inWords(part)]))
}

/** What stands in a part that was not read: nothing, ever. */
function unreadItems(snapshot: Snapshot): number {
  const unread = snapshotParts.filter((part) => !snapshot.parts[part].read)
  return unread.reduce((sum, part) => sum + snapshot[part].length, 0)
}

describe('one directory per mistake', async () => {
  const names = await readdir(fixtures)
  test('there are some', () => expect(names.length).toBeGreaterThan(40))

  test.each(names)('%s', async (name) => {
    const expected: unknown = JSON.parse(await readFile(join(fixtures, name, 'expected.json'), 'utf8'))
    const snapshot = await readSnapshotDirectory(join(fixtures, name), refuse)
    expect({ parts: present(snapshot), problems: snapshot.problems }).toEqual(expected)
    expect(unreadItems(snapshot)).toBe(0)
    for (const problem of snapshot.problems) expect(problem.nextStep).not.toBe('')
  })

  test('a refused call keeps nothing of its message', async () => {
    const snapshot = await readSnapshotDirectory(join(fixtures, 'denied'), refuse)
    expect(JSON.stringify(snapshot)).not.toMatch(/c2VjcmV0|assumed-role/)
  })
})

describe('a whole directory', () => {
  test('every part', async () => {
    const expected = JSON.parse(
      await readFile(join(fixtures, 'good/expected-snapshot.json'), 'utf8'),
    ) as Snapshot
    const { id, source, ...rest } = await readSnapshotDirectory(join(fixtures, 'good'), refuse)
    expect(rest).toEqual(expected)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(source).toContain('good')
  })

  test('is fit for look-ups', async () => {
    const snapshot = await readSnapshotDirectory(join(fixtures, 'good'), refuse)
    const found = lookupSubnetRoute(snapshot, 'subnet-1', 'vpc-1', ip('52.217.3.4'))
    expect(found.winners.map((winner) => winner.route.target.id)).toEqual(['vpce-1'])
    expect(lookupSubnetRoute(snapshot, 'subnet-9', 'vpc-1', ip('52.217.3.4')).table).toEqual({
      id: 'rtb-1',
      association: 'main',
    })
  })

  test('what is broken leaves its mark on look-ups', async () => {
    const routes = await readSnapshotDirectory(join(fixtures, 'nonsense-routes'), refuse)
    expect(lookupSubnetRoute(routes, 'subnet-1', 'vpc-1', ip('10.0.0.1')).unreadable).toBe(7)
    const transit = await readSnapshotDirectory(join(fixtures, 'association-in-transit'), refuse)
    for (const subnet of ['subnet-1', 'subnet-2']) {
      expect(lookupSubnetRoute(transit, subnet, 'vpc-1', ip('10.0.0.1')).readable).toBe(false)
    }
    const unread = await readSnapshotDirectory(join(fixtures, 'table-without-routes'), refuse)
    expect(lookupSubnetRoute(unread, 'subnet-1', 'vpc-1', ip('10.0.0.1'))).toMatchObject({
      readable: true,
      unreadable: 1,
    })
  })

  test.each([
    ['list-entry-nonsense', { entries: ['52.216.0.0/15'], complete: false }],
    ['list-of-other-family', { entries: ['52.216.0.0/15'], complete: false }],
    ['list-differs', { entries: ['52.216.0.0/15'], complete: false }],
    ['list-being-changed', { entries: null, complete: false }],
    ['list-described-twice', { entries: null, complete: false, family: null }],
    ['next-token', { entries: null, complete: false }],
    ['denied-entries', { entries: null, complete: false }],
  ])('%s: the list', async (name, expected) => {
    const snapshot = await readSnapshotDirectory(join(fixtures, name), refuse)
    expect(snapshot.prefixLists).toHaveLength(1)
    expect(snapshot.prefixLists[0]).toMatchObject(expected)
  })

  test('a damaged item is left out, the others stay', async () => {
    const snapshot = await readSnapshotDirectory(join(fixtures, 'wrong-types'), refuse)
    expect(snapshot.endpoints.map((endpoint) => endpoint.id)).toEqual(['vpce-1'])
    expect(snapshot.networkInterfaces.map((eni) => [eni.id, eni.ipv4])).toEqual([
      ['eni-3', [{ address: '10.0.1.52', primary: true, publicAddress: null }]],
    ])
    expect(snapshot.flowLogs).toEqual([])
  })

  test('strange targets, states and origins', async () => {
    const snapshot = await readSnapshotDirectory(join(fixtures, 'strange-targets'), refuse)
    expect(snapshot.routeTables[0]?.unreadableRoutes).toBe(0)
    expect(
      snapshot.routeTables[0]?.routes.map(({ target, state, origin }) => [
        target.kind,
        target.id,
        state,
        origin,
      ]),
    ).toEqual([
      ['unknown', 'QuantumGatewayId', 'active', 'static'],
      ['unknown', 'GatewayId', 'unknown', 'static'],
      ['unknown', 'GatewayId, NatGatewayId', 'active', 'unknown'],
      ['unknown', null, 'blackhole', 'static'],
      ['unknown', 'NatGatewayId', 'active', 'static'],
      ['nat_gateway', 'nat-1', 'active', 'static'],
    ])
  })
})

describe('on disk', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pathproof-snapshot-'))
    await cp(join(fixtures, 'good'), directory, { recursive: true })
    await rm(join(directory, 'manifest.json'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const tablesPart = async (options: Parameters<typeof readSnapshotDirectory>[1] = refuse) =>
    (await readSnapshotDirectory(directory, options)).parts.routeTables

  test('without a manifest it is undated', async () => {
    const snapshot = await readSnapshotDirectory(directory, refuse)
    for (const part of snapshotParts)
      expect(snapshot.parts[part]).toEqual({ read: true, atMs: null, dated: 'undated' })
    expect(snapshot.prefixLists.every((list) => list.atMs === null)).toBe(true)
    expect(snapshot.account).toBeNull()
  })

  test('or as old as its oldest file', async () => {
    const entries = 'get-managed-prefix-list-entries/pl-63a5400a.json'
    await utimes(join(directory, entries), 1_700_000_000, 1_700_000_000)
    const snapshot = await readSnapshotDirectory(directory, { nowMs: Date.now(), undated: 'mtime' })
    for (const part of snapshotParts) {
      expect(snapshot.parts[part]).toEqual({ read: true, atMs: 1_700_000_000_000, dated: 'mtime' })
    }
    expect(snapshot.prefixLists[0]?.atMs).toBe(1_700_000_000_000)
  })

  test('files of the future date nothing', async () => {
    const snapshot = await readSnapshotDirectory(directory, { nowMs: 1_000_000, undated: 'mtime' })
    expect(snapshot.parts.routeTables).toEqual({ read: true, atMs: null, dated: 'undated' })
    expect(snapshot.problems.map((problem) => problem.file)).toEqual(['manifest.json'])
  })

  test('a manifest that we write is one that we read', async () => {
    const options = {
      timeMs: nowMs - 5000,
      account: '123456789012',
      region: 'eu-west-1',
      partTimesMs: { prefixLists: nowMs - 9000 },
    }
    await writeManifest(directory, options)
    const snapshot = await readSnapshotDirectory(directory, refuse)
    expect(snapshot.problems).toEqual([])
    expect(snapshot).toMatchObject({ account: '123456789012', region: 'eu-west-1' })
    expect(snapshot.parts.vpcs).toEqual({ read: true, atMs: nowMs - 5000, dated: 'manifest' })
    expect(snapshot.parts.prefixLists).toEqual({ read: true, atMs: nowMs - 9000, dated: 'manifest' })
    expect(await readdir(directory)).not.toContain('manifest.json.part')
  })

  test('one byte changed after the manifest was written', async () => {
    await writeManifest(directory, { timeMs: nowMs, account: null, region: null })
    const text = await readFile(join(directory, tables), 'utf8')
    await writeFile(join(directory, tables), text.replace('nat-1', 'nat-2'))
    expect(inWords(await tablesPart())).toMatch(/^invalid: .*SHA-256/)
  })

  test('up to a minute ahead is a clock, more is the future', async () => {
    await writeManifest(directory, { timeMs: nowMs + 60_000, account: null, region: null })
    expect(await tablesPart()).toMatchObject({ read: true, atMs: nowMs + 60_000 })
    await writeManifest(directory, { timeMs: nowMs + 60_001, account: null, region: null })
    expect(await tablesPart()).toMatchObject({ read: false, reason: 'invalid' })
  })

  test('a manifest that is no file is not "no manifest"', async () => {
    await mkdir(join(directory, 'manifest.json'))
    expect(await tablesPart({ nowMs, undated: 'mtime' })).toMatchObject({ read: false, reason: 'invalid' })
  })

  test('symbolic links are followed', async () => {
    await rename(join(directory, tables), join(directory, 'elsewhere'))
    await symlink('elsewhere', join(directory, tables))
    expect(await tablesPart()).toMatchObject({ read: true })
  })

  test('too large, a directory, a device, a pipe', async () => {
    await truncate(join(directory, tables), 64 * 1024 * 1024 + 1)
    expect(inWords(await tablesPart())).toBe('failed: the file has 67108865 bytes, more than 67108864')
    await rm(join(directory, tables))
    await mkdir(join(directory, tables))
    expect(inWords(await tablesPart())).toMatch(/^failed: /)
    await rm(join(directory, tables), { recursive: true })
    await symlink('/dev/zero', join(directory, tables))
    expect(inWords(await tablesPart())).toBe('failed: this is not a regular file')
    await rm(join(directory, tables))
    execFileSync('mkfifo', [join(directory, tables)])
    expect(inWords(await tablesPart())).toBe('failed: this is not a regular file')
    await rm(join(directory, tables))
    await symlink('nowhere', join(directory, tables))
    expect(inWords(await tablesPart())).toMatch(/^missing: /)
  })

  test('files that are no list entries are left alone', async () => {
    await writeFile(join(directory, 'get-managed-prefix-list-entries/notes.txt'), 'x')
    await writeFile(join(directory, 'describe-instances.json'), 'x')
    expect((await readSnapshotDirectory(directory, refuse)).problems).toEqual([])
  })

  test('no directory, or a file in its place', async () => {
    for (const [path, reason] of [
      [join(directory, 'none'), 'missing'],
      [join(directory, tables), 'failed'],
    ] as const) {
      const snapshot = await readSnapshotDirectory(path, refuse)
      expect(snapshot.problems).toHaveLength(1)
      expect(snapshot.problems[0]?.file).toContain(directory)
      for (const part of snapshotParts) expect(snapshot.parts[part]).toMatchObject({ read: false, reason })
      await expect(writeManifest(path, { timeMs: 0, account: null, region: null })).rejects.toThrow(
        'director',
      )
    }
  })

  test('an empty directory', async () => {
    await mkdir(join(directory, 'empty'))
    const snapshot = await readSnapshotDirectory(join(directory, 'empty'), { nowMs, undated: 'mtime' })
    for (const part of snapshotParts)
      expect(snapshot.parts[part]).toMatchObject({ read: false, reason: 'missing' })
    expect(snapshot.problems.map(({ problem }) => problem)).toEqual([
      'it holds none of the files of a snapshot',
    ])
  })

  test('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readSnapshotDirectory(directory, { ...refuse, signal })).rejects.toThrow('enough')
  })
})
