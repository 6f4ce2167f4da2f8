import { chmod, mkdtemp, readFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LastGoodOptions, createLastGood } from '../../agent/account/last-good.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { readingAt } from '../../verdict/reading.ts'
import type { Snapshot } from '../../model/topology.ts'

const nowMs = Date.UTC(2026, 10, 20, 12)
const minutes = 60_000

let directory = ''
let told: string[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
  told = []
})
afterEach(() => rm(directory, { recursive: true }))

const file = () => join(directory, 'snapshot.json')
const lastGood = (more: Partial<LastGoodOptions> = {}) =>
  createLastGood({
    directory,
    account: '111122223333',
    region: 'us-east-1',
    version: '1.2.3',
    wallMs: () => nowMs,
    onProblem: (problem) => told.push(problem),
    ...more,
  })

/** A snapshot whose tables were read now and its interfaces five minutes before. */
function snapshot(): Snapshot {
  const answer = (key: string, items: unknown[], ageMs: number) =>
    ({ text: JSON.stringify({ [key]: items }), atMs: nowMs - ageMs, dated: 'api' }) as const
  const files = new Map([
    [
      'describe-route-tables.json',
      answer(
        'RouteTables',
        [{ RouteTableId: 'rtb-0a000001', VpcId: 'vpc-0a000001', Associations: [], Routes: [] }],
        0,
      ),
    ],
    [
      'describe-vpcs.json',
      answer('Vpcs', [{ VpcId: 'vpc-0a000001', CidrBlock: '10.0.0.0/16' }], 5 * minutes),
    ],
    [
      'describe-managed-prefix-lists.json',
      answer('PrefixLists', [{ PrefixListId: 'pl-63a5400a', AddressFamily: 'IPv4' }], 5 * minutes),
    ],
    [
      'get-managed-prefix-list-entries/pl-63a5400a.json',
      answer('Entries', [{ Cidr: '52.216.0.0/15' }], 5 * minutes),
    ],
  ])
  return decodeSnapshot(files, {
    source: 'EC2 API of us-east-1',
    account: '111122223333',
    region: 'us-east-1',
  })
}

describe('the last good copy', () => {
  test('comes back as it was, with its own dates, and is named as a copy', async () => {
    await lastGood().write(snapshot())
    expect(await readdir(directory)).toEqual(['snapshot.json'])
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    const read = await lastGood().read()
    expect(read).toEqual({ ...snapshot(), source: 'copy on disk of: EC2 API of us-east-1', problems: [] })
    expect(told).toEqual([])
    // a copy of a copy is a copy
    if (read !== null) await lastGood().write(read)
    expect((await lastGood().read())?.source).toBe('copy on disk of: EC2 API of us-east-1')
  })

  test('is no evidence any more once its parts are too old', async () => {
    await lastGood().write(snapshot())
    const later = nowMs + 4 * minutes
    const read = await lastGood({ wallMs: () => later }).read()
    if (read === null) throw new Error('it was not read')
    const reading = readingAt(read, later, { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 })
    expect([reading.has('routeTables'), reading.has('vpcs')]).toEqual([false, true])
  })

  test('there is none: nothing is said', async () => {
    expect(await lastGood().read()).toBeNull()
    expect(told).toEqual([])
  })

  test.each<[string, Partial<LastGoodOptions>, RegExp]>([
    ['of another account', { account: '444455556666' }, /of another account/],
    ['of another region', { region: 'eu-west-1' }, /of another region/],
    ['by another version', { version: '1.2.4' }, /written by version 1\.2\.3, this is 1\.2\.4/],
  ])('%s: not used', async (_name, more, problem) => {
    await lastGood().write(snapshot())
    expect(await lastGood(more).read()).toBeNull()
    expect(told).toEqual([expect.stringMatching(problem)])
  })

  test('an account or region that is not known is no reason', async () => {
    await lastGood().write(snapshot())
    expect(await lastGood({ account: null, region: null }).read()).not.toBeNull()
  })

  test.each<[string, (text: string) => string]>([
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, -100)],
    ['one character changed', (text) => text.replace('52.216.0.0/15', '52.217.0.0/15')],
    ['not of this form', () => '{"schema":"pathproof.last-good/2"}\n{}\n'],
    ['no JSON', () => 'hello\nworld\n'],
    ['a list', () => '[]\n[]\n'],
  ])('%s: not used, and said', async (_name, change) => {
    await lastGood().write(snapshot())
    await writeFile(file(), change(await readFile(file(), 'utf8')))
    expect(await lastGood().read()).toBeNull()
    expect(told).toEqual([expect.stringMatching(/not used: it is damaged/)])
  })

  test('of the right hash and the wrong form: not used', async () => {
    const { createHash } = await import('node:crypto')
    const body = JSON.stringify({ ...snapshot(), routeTables: null })
    const sha256 = createHash('sha256').update(body).digest('hex')
    await writeFile(
      file(),
      `${JSON.stringify({ schema: 'pathproof.last-good/1', version: '1.2.3', sha256 })}\n${body}\n`,
    )
    expect(await lastGood().read()).toBeNull()
  })

  test('dates in the future would never grow old: those parts count as unread', async () => {
    await lastGood().write(snapshot())
    const earlier = nowMs - 4 * minutes
    const read = await lastGood({ wallMs: () => earlier }).read()
    expect(read?.parts.routeTables).toMatchObject({ read: false, reason: 'invalid' })
    expect(read?.routeTables).toEqual([])
    expect(read?.parts.vpcs).toMatchObject({ read: true })
    const before = await lastGood({ wallMs: () => nowMs - 60 * minutes }).read()
    expect(before?.prefixLists).toEqual([])
  })

  test('a directory that can’t be written is said, and nothing else happens', async () => {
    await lastGood({ directory: join(directory, 'none') }).write(snapshot())
    expect(told).toEqual([expect.stringMatching(/can't be written \(ENOENT\)/)])
  })

  test('a link in its place is replaced, not followed; a directory there is no copy', async () => {
    const elsewhere = join(directory, 'elsewhere')
    await writeFile(elsewhere, 'precious')
    await symlink(elsewhere, file())
    await lastGood().write(snapshot())
    expect(await readFile(elsewhere, 'utf8')).toBe('precious')
    expect(await lastGood().read()).not.toBeNull()
  })

  test('one that is too large is not read', async () => {
    await writeFile(file(), '')
    await truncate(file(), 300 * 1024 * 1024)
    expect(await lastGood().read()).toBeNull()
    expect(told).toEqual([expect.stringMatching(/more than/)])
  })

  test('writes that come together end with the last one', async () => {
    const good = lastGood()
    const changed = { ...snapshot(), id: 'f'.repeat(64) }
    await Promise.all([good.write(snapshot()), good.write(changed)])
    expect((await good.read())?.id).toBe(changed.id)
    await chmod(directory, 0o700)
    expect(await readdir(directory)).toEqual(['snapshot.json'])
  })
})
