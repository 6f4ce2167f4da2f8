import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mostSharedBytes, packShared, unpackShared } from '../../aws/shared-snapshot.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'

const nowMs = Date.UTC(2026, 10, 20, 12)
const api = (text: string, atMs = nowMs - 30_000): SnapshotFile => ({ text, atMs, dated: 'api' })

const shared = (change: Partial<Parameters<typeof packShared>[0]> = {}) => ({
  account: '111122223333',
  region: 'us-east-1',
  vpcIds: [],
  files: new Map([
    ['describe-route-tables.json', api('{"RouteTables":[]}', nowMs - 40_000)],
    ['get-managed-prefix-list-entries/pl-1.json', api('{"Entries":[]}')],
  ]),
  ...change,
})

/** Of the first line. */
type Manifest = { files: Record<string, { sha256?: string; time?: string }> } & Record<string, unknown>

const tables = (manifest: Manifest) => manifest.files['describe-route-tables.json'] ?? {}

/** As somebody would who knows the form: the hash of the whole is right again. */
function rewritten(bytes: Uint8Array, change: (manifest: Manifest, body: Record<string, string>) => void) {
  const [head = '', body = ''] = gunzipSync(bytes).toString().split('\n')
  const manifest = JSON.parse(head) as Manifest
  const texts = JSON.parse(body) as Record<string, string>
  change(manifest, texts)
  const lines = `${JSON.stringify(manifest)}\n${JSON.stringify(texts)}\n`
  return gzipSync(`${lines}${createHash('sha256').update(lines).digest('hex')}\n`)
}

describe('what was packed comes out again', () => {
  test('answers, dates, account, region, VPCs, and what was refused', async () => {
    const files = new Map([
      ...shared().files,
      [
        'describe-vpcs.json',
        {
          text: '',
          atMs: null,
          dated: 'api',
          refused: { reason: 'denied', detail: 'ec2:DescribeVpcs is missing', nextStep: 'allow it' },
        } satisfies SnapshotFile,
      ],
      ['somewhere/else.json', api('{}')],
    ])
    const read = await unpackShared(await packShared(shared({ files, vpcIds: ['vpc-0a000001'] })), nowMs)
    if (!read.ok) throw new Error(read.problem)
    expect(read.shared).toMatchObject({
      account: '111122223333',
      region: 'us-east-1',
      vpcIds: ['vpc-0a000001'],
      timeMs: nowMs - 40_000,
    })
    expect(Object.fromEntries(read.shared.files)).toEqual({
      'describe-route-tables.json': { text: '{"RouteTables":[]}', atMs: nowMs - 40_000, dated: 'manifest' },
      'get-managed-prefix-list-entries/pl-1.json': {
        text: '{"Entries":[]}',
        atMs: nowMs - 30_000,
        dated: 'manifest',
      },
      'describe-vpcs.json': {
        text: '',
        atMs: null,
        dated: 'undated',
        refused: { reason: 'denied', detail: 'ec2:DescribeVpcs is missing', nextStep: 'allow it' },
      },
    })
  })

  test('any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        const files = new Map([['describe-vpcs.json', api(text)]])
        const read = await unpackShared(await packShared(shared({ files })), nowMs)
        expect(read.ok && read.shared.files.get('describe-vpcs.json')?.text).toBe(text)
      }),
    )
  })
})

describe('what is not as it was packed is not used', async () => {
  const bytes = await packShared(shared())
  const plain = gunzipSync(bytes)
  const problem = async (data: Uint8Array, atMs = nowMs): Promise<string> => {
    const read = await unpackShared(data, atMs)
    return read.ok ? 'used' : read.problem
  }

  test('it is, as it is', async () => expect(await problem(bytes)).toBe('used'))

  test('one bit anywhere, packed or unpacked; any part of it; another behind it', async () => {
    const flipped = (data: Uint8Array, at: number, bit: number): Uint8Array => {
      const copy = Uint8Array.from(data)
      copy[at] = (copy[at] ?? 0) ^ (1 << bit)
      return copy
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length - 1), fc.nat(7), async (at, bit) => {
        expect(await problem(gzipSync(flipped(plain, at, bit)))).not.toBe('used')
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        expect(await problem(bytes.subarray(0, length))).not.toBe('used')
        expect(await problem(gzipSync(plain.subarray(0, Math.min(length, plain.length - 1))))).not.toBe(
          'used',
        )
      }),
    )
    expect(await problem(Buffer.concat([bytes, bytes]))).not.toBe('used')
  })

  test('two generations in one: the manifest of the one, the answers of the other', async () => {
    const later = await packShared(
      shared({ files: new Map([['describe-vpcs.json', api('{"Vpcs":[]}', nowMs)]]) }),
    )
    const [a = '', b = ''] = [bytes, later].map((each) => gunzipSync(each).toString())
    const [headA, , hashA] = a.split('\n')
    const [, bodyB, hashB] = b.split('\n')
    for (const hash of [hashA, hashB])
      expect(await problem(gzipSync(`${headA}\n${bodyB}\n${hash}\n`))).toMatch(/SHA-256 differs/)
  })

  test.each<[string, (manifest: Manifest, body: Record<string, string>) => void, RegExp]>([
    [
      'an answer',
      (_, body) => void (body['describe-route-tables.json'] = '{"RouteTables":[1]}'),
      /describe-route-tables\.json is not the answer that it lists/,
    ],
    [
      'an answer that is gone',
      (_, body) => void delete body['describe-route-tables.json'],
      /is not the answer that it lists/,
    ],
    [
      'an answer more',
      (_, body) => void (body['describe-vpcs.json'] = '{}'),
      /answers that it does not list/,
    ],
    [
      'a file of another name',
      (m, body) => {
        m.files['../../etc/passwd'] = m.files['describe-route-tables.json'] ?? {}
        body['../../etc/passwd'] = body['describe-route-tables.json'] ?? ''
      },
      /no answer of a snapshot/,
    ],
    [
      'a date of the future',
      (m) => void (tables(m).time = new Date(nowMs + 61_000).toISOString()),
      /dated 61 s in the future/,
    ],
    ['no date', (m) => void delete tables(m).time, /has no date/],
    ['a date that is none', (m) => void (tables(m).time = '2026-02-31'), /has no date/],
    [
      'a newer schema',
      (m) => void (m['schema'] = 'pathproof.shared-snapshot/2'),
      /its schema is "pathproof.shared-snapshot\/2"/,
    ],
    ['no region', (m) => void (m['region'] = 'nowhere'), /no region/],
    ['an account that is none', (m) => void (m['account'] = '1111'), /no account/],
    ['no VPCs', (m) => void (m['vpcs'] = 'all'), /no VPCs/],
    [
      'nothing at all',
      (m, body) => {
        m.files = {}
        for (const name of Object.keys(body)) delete body[name]
      },
      /no answer at all/,
    ],
    [
      'an answer that was refused as well',
      (m) => void (m['refused'] = { 'describe-route-tables.json': {} }),
      /at odds/,
    ],
  ])('%s', async (_name, change, wanted) => {
    expect(await problem(rewritten(bytes, change))).toMatch(wanted)
  })

  test('what is no gzip, a bomb, and what is larger than any', async () => {
    expect(await problem(Buffer.from('{}'))).toMatch(/no shared snapshot at all/)
    expect(await problem(gzipSync('hello'))).toMatch(/no shared snapshot/)
    expect(await problem(gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 1 }))).toMatch(
      /unpacks to more than/,
    )
    expect(await problem(new Uint8Array(mostSharedBytes + 1))).toMatch(/bytes, more than/)
    expect(await problem(gzipSync(Buffer.from([0xff, 0xfe, 0x0a])))).toMatch(/damaged/)
  })

  test('foreign texts come out without control characters', async () => {
    const evil = rewritten(bytes, (m) => {
      m['refused'] = {
        'describe-vpcs.json': { reason: 'x', detail: `\u001b[31m${'a'.repeat(900)}\n`, nextStep: 7 },
      }
    })
    const read = await unpackShared(evil, nowMs)
    expect(read.ok && read.shared.files.get('describe-vpcs.json')?.refused).toEqual({
      reason: 'failed',
      detail: `${'a'.repeat(499)}…`,
    })
  })
})
