// What the ledger costs: writing, verifying, and the bytes of one attempt, as the agent writes it against the simulated AWS.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { parseVkey } from '../../ledger/note.ts'
import { readLedger } from '../../ledger/read.ts'
import { openStore } from '../../ledger/store.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import type { Lab } from '../../lab/lab.ts'
import { origin, testSigner } from '../../test/ledger/kit.ts'
import { defaultTargets, startLabDaemon, surroundings } from '../../test/support/lab-daemon.ts'

export interface LedgerFigure {
  name: string
  value: number
  unit: string
  floor?: number
  ceiling?: number
}

const signer = testSigner(1)
const records = 30_000

async function opened(directory: string, commitSeconds: number) {
  return openStore({
    directory,
    files: realFiles(),
    origin,
    agentId: 'host-1',
    bootId: 'boot-1',
    signers: [signer],
    host: await realLockHost('boot-1'),
    clock: {
      wallMs: Date.now,
      monotonicMs: () => performance.now(),
      setTimer(ms: number, fn: () => void) {
        const timer = setTimeout(fn, ms)
        return () => clearTimeout(timer)
      },
    },
    segmentBytes: 16 * 1024 * 1024,
    retentionSeconds: 400 * 86_400,
    commitSeconds,
    checkpointSeconds: 0,
  })
}

/** A body as long as that of a verdict. */
const body = (n: number): object => ({
  id: `a${n}`,
  hostname: 'bucket.s3.us-east-1.amazonaws.com',
  evidence: Array.from({ length: 6 }, (_, rule) => ({
    rule: `route.${rule}`,
    possible: ['gateway_endpoint', 'blocked'],
    because: 'pl-63a5400a leads to vpce-0123456789abcdef0, which is described as a gateway endpoint',
  })),
  pad: 'x'.repeat(600),
})

async function writing(folder: string): Promise<LedgerFigure[]> {
  const directory = join(folder, 'written')
  const store = await opened(directory, 0.05)
  await store.append('observation', body(0))
  const began = performance.now()
  let waiting: Promise<unknown>[] = []
  for (let n = 1; n < records; n++) {
    waiting.push(store.append('observation', body(n)))
    if (waiting.length < 1000) continue
    await Promise.all(waiting)
    waiting = []
  }
  await Promise.all(waiting)
  const together = (performance.now() - began) / 1000
  const { bytes } = store.status()
  await store.close('bench')

  const single = await opened(join(folder, 'single'), 0)
  await single.append('observation', body(0))
  const alone = performance.now()
  for (let n = 0; n < 300; n++) await single.append('observation', body(n))
  const one = (performance.now() - alone) / 300
  await single.close('bench')

  const key = parseVkey(signer.vkey)
  const start = performance.now()
  const seen = await verifyLedger(realFiles(), directory, { keys: key === null ? [] : [key] })
  const verifying = (performance.now() - start) / 1000
  if (!seen.ok || seen.seen.problems.length > 0 || seen.seen.end < records)
    throw new Error('what was written does not verify')
  const python = performance.now()
  execFileSync('python3', ['docs/verify-ledger.py', directory, '--key', signer.vkey], {
    cwd: join(import.meta.dirname, '../..'),
  })
  const pythonSeconds = (performance.now() - python) / 1000
  return [
    {
      name: 'records written and synchronised, 1,000 at a time',
      value: records / together,
      unit: '/s',
      floor: 2000,
    },
    { name: 'the same in bytes', value: bytes / 2 ** 20 / together, unit: 'MiB/s' },
    { name: 'one record, acknowledged before the next', value: one, unit: 'ms' },
    { name: 'records verified', value: records / verifying, unit: '/s', floor: 5000 },
    { name: 'the same by verify-ledger.py', value: records / pythonSeconds, unit: '/s' },
  ]
}

/** Lines of the agent itself, by what they are. */
async function attempts(folder: string): Promise<LedgerFigure[]> {
  const directory = join(folder, 'agent')
  const running = await startLabDaemon({
    scenario: 'gateway-endpoint',
    document: (lab: Lab) => ({
      ...surroundings(lab),
      targets: defaultTargets(lab),
      ledger: { directory },
    }),
  })
  await running.verdicts.until('some looks', (all) => (all.length >= 16 ? true : null))
  await running.daemon.stop(1)
  await running.stop()
  const bytes = new Map<string, number[]>()
  let repeated = 0
  for await (const read of readLedger(realFiles(), directory)) {
    if (!read.ok) throw new Error(read.problem)
    const { kind, body: found } = read.record
    const name = kind === 'observation' ? `observation ${String(found['kind'])}` : kind
    bytes.set(name, [...(bytes.get(name) ?? []), read.line.length + 1])
    if (kind !== 'verdict_repeat') continue
    for (const { made } of found['looks'] as { made: unknown[] }[]) repeated += made.length
  }
  const sum = (name: string): number => (bytes.get(name) ?? []).reduce((all, n) => all + n, 0)
  const mean = (name: string): number => sum(name) / (bytes.get(name)?.length ?? 1)
  return [
    {
      name: 'an attempt of which something new is said (observation, verdict)',
      value: mean('observation attempt') + mean('attempt_verdict'),
      unit: 'bytes',
      ceiling: 10_000,
    },
    {
      name: 'an attempt that repeats what is known',
      value: repeated === 0 ? Number.NaN : sum('verdict_repeat') / repeated,
      unit: 'bytes',
      ceiling: 600,
    },
    { name: 'the account as read, once', value: sum('content') + mean('snapshot'), unit: 'bytes' },
  ]
}

/** Figures for `npm run bench`. */
export async function benchLedger(): Promise<LedgerFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pathproof-bench-ledger-'))
  try {
    return [...(await writing(folder)), ...(await attempts(folder))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await benchLedger(), null, 1))
