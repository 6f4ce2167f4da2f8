import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { LedgerFiles } from '../../ledger/files.ts'
import type { LockHost } from '../../ledger/lock.ts'
import { formatVkey, parseVkey } from '../../ledger/note.ts'
import { readLedger } from '../../ledger/read.ts'
import { type StoreOptions, openStore } from '../../ledger/store.ts'
import type { LedgerEvent, LedgerRecord, LedgerStore, Signer } from '../../ledger/types.ts'
import { type Verification, outcomeOf } from '../../ledger/verification.ts'
import { type VerifyOptions, verifyLedger } from '../../ledger/verify.ts'
import { type HandClock, createHandClock } from '../agent/hand-clock.ts'

export const origin = 'example.com/pathproof/host-1'

/** An Ed25519 key from a seed byte (RFC 8410), so that every run has the same. */
export function testSigner(seed: number, name = origin): Signer {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { vkey: formatVkey(name, raw), sign: async (message) => sign(null, message, key) }
}

export const signer = testSigner(1)
export const keys = [parseVkey(signer.vkey)!]

export function testHost(pid: number, others: ReadonlyMap<number, string> = new Map()): LockHost {
  let drawn = 0
  return {
    hostname: 'host-1',
    bootId: 'boot-1',
    namespace: 'pid:[1]',
    pid,
    startOf: async (asked) => (asked === pid ? `start-${pid}` : (others.get(asked) ?? null)),
    token: () => `${pid}-${drawn++}`,
  }
}

export interface Kit {
  store: LedgerStore
  clock: HandClock
  events: LedgerEvent[]
  /** Resolves at the next event of that type. */
  next(type: LedgerEvent['type']): Promise<void>
}

export const directory = '/ledger'

/** A store that writes each record at once and makes checkpoints only when asked. */
export function kit(files: LedgerFiles, options: Partial<StoreOptions> = {}, clock = createHandClock()): Kit {
  const events: LedgerEvent[] = []
  const waiting: { type: string; resolve(): void }[] = []
  const store = openStore({
    directory,
    files,
    origin,
    agentId: 'host-1',
    bootId: 'boot-1',
    signers: [signer],
    host: testHost(100),
    clock,
    segmentBytes: 1024 * 1024,
    retentionSeconds: 400 * 86_400,
    commitSeconds: 0,
    checkpointSeconds: 0,
    event(event) {
      events.push(event)
      for (const entry of waiting.filter(({ type }) => type === event.type)) {
        waiting.splice(waiting.indexOf(entry), 1)
        entry.resolve()
      }
    },
    ...options,
  })
  const next = (type: string) => new Promise<void>((resolve) => void waiting.push({ type, resolve }))
  return { store, clock, events, next }
}

/** Lets time go by in small steps, and all that waits for files in memory happen in between. */
export async function pass(clock: HandClock, seconds: number, steps = 30): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await drained()
    await clock.advance((seconds * 1000) / steps)
  }
  await drained()
}

/** Waits until it is so, turn by turn of the event loop; time goes by a little in the first ones. */
export async function until(clock: HandClock, so: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200_000 && !so(); turn++) {
    await drained()
    if (turn < 20) await clock.advance(10_000)
  }
}

/** One turn of the event loop: promises that wait for nothing else are settled. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function recordsOf(files: LedgerFiles, at = directory): Promise<LedgerRecord[]> {
  const records: LedgerRecord[] = []
  for await (const line of readLedger(files, at)) if (line.ok) records.push(line.record)
  return records
}

export async function verified(
  files: LedgerFiles,
  options: VerifyOptions = { keys },
  at = directory,
): Promise<Verification> {
  const result = await verifyLedger(files, at, options)
  if (!result.ok) throw new Error(`format version ${result.newer}`)
  return result.seen
}

export async function outcome(files: LedgerFiles, options: VerifyOptions = { keys }, at = directory) {
  const seen = await verified(files, options, at)
  return { outcome: outcomeOf(seen), problems: seen.problems.map(({ kind }) => kind) }
}

/** A deterministic source of numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
