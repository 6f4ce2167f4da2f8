import { gunzipSync } from 'node:zlib'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { iamPolicy } from '../../agent/iam/iam.ts'
import type { AnchorAnswer, AnchorRequest } from '../../agent/ledger/anchor-request.ts'
import { createAnchors, keysOf, streamOf } from '../../agent/ledger/anchors.ts'
import { realFiles } from '../../ledger/files.ts'
import { openNote, parseVkey } from '../../ledger/note.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import type { Lab } from '../../lab/lab.ts'
import {
  type RunningDaemon,
  config,
  defaultTargets,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const origin = 'example.com/pathproof/test'
const bucket = { name: 'evidence', region: 'us-east-1', owner: '111122223333', policy: null, objects: [] }
const anchors = {
  cloudwatch_logs: { log_group: '/pathproof/ledger' },
  s3: { bucket: 'evidence', prefix: 'ledgers' },
}

let home = ''
let running: RunningDaemon | null = null
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pathproof-anchors-'))
})
afterEach(async () => {
  await running?.stop()
  running = null
  rmSync(home, { recursive: true, force: true })
})

const directory = () => join(home, 'ledger')

async function begin(ledger: object, prepare: (lab: Lab) => void): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario: 'gateway-endpoint',
    program: readerWithin(),
    document(lab) {
      prepare(lab)
      return {
        ...surroundings(lab),
        targets: defaultTargets(lab),
        ledger: {
          directory: directory(),
          name: origin,
          segment_size: '1KiB',
          checkpoint_every: '60s',
          ...ledger,
        },
      }
    },
  })
  return running
}

const allowed = (lab: Lab, objectLock: boolean): void =>
  lab.records.change({
    logs: { groups: ['/pathproof/ledger'] },
    s3: { buckets: [{ ...bucket, objectLock }] },
  })

describe('signing by KMS, anchors in CloudWatch Logs and S3', () => {
  it('what lies outside the host verifies against the ledger, and the ledger against it', async () => {
    const { daemon, verdicts, lab, get, log } = await begin(
      { kms_key: 'alias/pathproof-ledger', anchors },
      (made) => allowed(made, true),
    )
    await verdicts.until('some looks', (all) => (all.length >= 4 ? true : null))
    const page = JSON.parse((await get('/api/v1/ledger')).text) as {
      key: { source: string; verifier: string }
    }
    expect(page.key.source).toBe('kms')
    const key = parseVkey(page.key.verifier)
    if (key === null) throw new Error('no verifier key')
    await log.until(
      'a segment is sealed',
      (all) => all.find(({ event }) => event === 'ledger_sealed') ?? null,
    )
    await daemon.stop(1)

    const events = lab.records.written.streams('/pathproof/ledger').get(streamOf(origin)) ?? []
    expect(events.length).toBeGreaterThan(0)
    const last = events.at(-1)?.message ?? ''
    expect(openNote(Buffer.from(last), [key])).toMatchObject({ ok: true, note: { by: [{ id: key.id }] } })
    const objects = lab.records.written.objects('evidence')
    for (const { lock } of objects) {
      expect(lock?.mode).toBe('COMPLIANCE')
      expect(lock?.untilMs).toBeGreaterThan(Date.now() + 399 * 86_400_000)
    }
    const segments = objects.filter(({ key: name }) =>
      name.startsWith(`${keysOf('ledgers', origin)}segments/`),
    )
    expect(segments.length).toBeGreaterThan(0)
    for (const { key: name, body } of segments) {
      const file = join(directory(), 'segments', name.split('/').at(-1) ?? '')
      expect(readFileSync(file).equals(body)).toBe(true)
      expect(gunzipSync(body).toString()).toContain('"kind":"segment"')
    }
    const verified = await verifyLedger(realFiles(), directory(), {
      keys: [key],
      anchors: [{ name: 'logs', bytes: Buffer.from(last) }],
    })
    if (!verified.ok) throw new Error('newer')
    expect(verified.seen.problems).toEqual([])
    expect(outcomeOf(verified.seen)).toBe('ok')
    expect(verified.seen.anchors.map(({ state }) => state)).toEqual(['agrees'])
    // Everything that was asked of AWS is in the policy that the program prints.
    const policy = iamPolicy(
      config({
        version: 1,
        posture: { enabled: false },
        topology: { source: 'directory', directory: '/x' },
        targets: [{ name: 'a', hostname: 'sts.amazonaws.com' }],
        ledger: { directory: '/l', kms_key: 'alias/pathproof-ledger', anchors },
      }),
    )
    const listed = policy?.Statement.flatMap(({ Action }) => Action) ?? []
    const asked = new Set(lab.apiRequests().map(({ service, action }) => `${service}:${action}`))
    expect([...asked].filter((action) => /^(?:kms|logs):/.test(action) && !listed.includes(action))).toEqual(
      [],
    )
    expect(listed).toEqual(expect.arrayContaining(['s3:PutObject', 's3:PutObjectRetention', 'kms:Sign']))
  })

  it('a bucket without Object Lock and a group that is missing: said, counted, and the ledger goes on', async () => {
    const { daemon, verdicts, log, get, metric } = await begin({ kms_key: 'alias/another', anchors }, (lab) =>
      lab.records.change({ s3: { buckets: [bucket] } }),
    )
    await verdicts.until('some looks', (all) => (all.length >= 4 ? true : null))
    const unsigned = await log.until(
      'no key',
      (all) => all.find(({ event }) => event === 'ledger_not_signed') ?? null,
    )
    expect(unsigned['because']).toContain('no Ed25519 key')
    const refused = await log.until(
      'a refusal',
      (all) => all.find(({ event }) => event === 'ledger_anchor') ?? null,
    )
    expect(refused['anchor']).toBe('s3')
    expect(String(refused['problem'])).toContain('Object Lock')
    expect((await get('/')).text).toContain('checkpoints of the ledger are not signed')
    expect(await metric('pathproof_ledger_writable')).toBe(1)
    expect(await metric('pathproof_ledger_anchor_errors_total{anchor="s3"}')).toBeGreaterThan(0)
    expect(await metric('pathproof_ledger_last_checkpoint_timestamp_seconds')).toBe(0)
    await daemon.stop(1)
    expect(readdirSync(join(directory(), 'checkpoints'))).toEqual([])
  })
})

describe('the queue of anchors', () => {
  const deps = (send: (request: AnchorRequest) => AnchorAnswer) => ({
    anchors: {
      cloudwatchLogs: { logGroup: 'g' },
      s3: { bucket: 'b', prefix: null, objectLock: 'off' as const },
    },
    retentionSeconds: 1,
    origin,
    region: () => 'us-east-1',
    wallMs: () => 1_700_000_000_000,
    send: (request: AnchorRequest) => Promise.resolve(send(request)),
    sleep: () => Promise.resolve(),
    random: () => 0,
    keep: (through: number) => void kept.push(through),
    onProblem: () => undefined,
  })
  let kept: number[] = []
  beforeEach(() => {
    kept = []
  })
  const failure = { reason: 'denied', code: 'X', detail: 'd', nextStep: 'n' } as const
  const digest = (first: number) => ({ first, count: 1, bytes: 1, sha256: '0'.repeat(64) })

  it('is bounded, counts what it drops, and keeps what failed', async () => {
    const seen: AnchorRequest[] = []
    const made = createAnchors(
      deps((request) => {
        seen.push(request)
        return { schema: 'pathproof.anchor/1', failure, kms: null, logs: null, puts: [] }
      }),
    )
    for (let size = 1; size <= 250; size++) made.happened({ type: 'checkpoint', size, note: `note ${size}` })
    await made.last(1)
    expect(made.status()).toMatchObject({
      cloudwatch_logs: { waiting: 200, dropped: 50, errors: 1 },
      s3: { waiting: 200, dropped: 50, errors: 1 },
    })
    expect(seen[0]?.logs?.events[0]?.message).toBe('note 51')
  })

  it('a segment may go only when it and all before it lie in S3', async () => {
    const failing = new Set(['0000000000000010.jsonl.gz'])
    const made = createAnchors(
      deps((request) => ({
        schema: 'pathproof.anchor/1',
        failure: null,
        kms: null,
        logs: request.logs === null ? null : { failure: null },
        puts: request.puts.map(({ key }) => ({
          failure: failing.has(key.split('/').at(-1) ?? '') ? failure : null,
        })),
      })),
      [{ first: 0, path: '/l/0000000000000000.jsonl.gz' }],
    )
    for (const first of [10, 20])
      made.happened({
        type: 'sealed',
        segment: digest(first),
        path: `/l/${String(first).padStart(16, '0')}.jsonl.gz`,
      })
    expect(made.mayPrune(digest(0))).toBe(false)
    await made.last(1)
    expect([0, 10, 20].map((first) => made.mayPrune(digest(first)))).toEqual([true, false, false])
    failing.clear()
    await made.last(1)
    expect([0, 10, 20, 30].map((first) => made.mayPrune(digest(first)))).toEqual([true, true, true, false])
    expect(kept).toEqual([10, 21])
  })
})
