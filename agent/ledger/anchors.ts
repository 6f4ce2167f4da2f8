import { basename } from 'node:path'
import type { LedgerEvent, SegmentDigest } from '../../ledger/types.ts'
import type { LedgerConfig } from '../config/config.ts'
import type { AnchorAnswer, AnchorRequest, PutOrder } from './anchor-request.ts'

export interface AnchorsDeps {
  anchors: NonNullable<LedgerConfig['anchors']>
  /** For how long objects are locked, from when they are written. */
  retentionSeconds: number
  origin: string
  region(): string | null
  wallMs(): number
  /** Never rejects. */
  send(request: AnchorRequest): Promise<AnchorAnswer>
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  /** Segments that were anchored are known beyond a restart; its failures are its own. Null: not kept. */
  keep: ((through: number) => void) | null
  onProblem(anchor: AnchorName, problem: string): void
}

export const anchorNames = ['cloudwatch_logs', 's3'] as const
export type AnchorName = (typeof anchorNames)[number]

export interface AnchorStatus {
  waiting: number
  /** Checkpoints that made room for later ones before they could be sent. */
  dropped: number
  errors: number
  /** Unix milliseconds; null: nothing was sent yet. */
  lastMs: number | null
  problem: string | null
}

/** Copies of checkpoints and sealed segments outside the host. Nothing here ever holds the ledger up. */
export interface Anchors {
  happened(event: LedgerEvent): void
  /** Whether a segment may be removed from this host: it lies in S3, or need not. */
  mayPrune(segment: SegmentDigest): boolean
  status(): Partial<Record<AnchorName, AnchorStatus>>
  /** Sends until the signal fires. */
  run(signal: AbortSignal): Promise<void>
  /** One more try with what waits, within `deadlineSeconds`. */
  last(deadlineSeconds: number): Promise<void>
}

const mostNotes = 200
const notesPerCall = 50
const segmentsPerCall = 4
const retrySeconds = [10, 30, 60, 120, 300, 600]
const deadlineSeconds = 120
/** PutLogEvents takes nothing older than 14 days (CloudWatch Logs API reference). */
const oldestMs = 13 * 86_400_000

interface Note {
  size: number
  text: string
  atMs: number
}

/** `0000000000000042`, as the ledger's own files are named: keys sort as numbers do. */
const padded = (n: number): string => String(n).padStart(16, '0')

/** The beginning of a ledger's keys: prefix, then its origin. */
export function keysOf(prefix: string | null, origin: string): string {
  const own = origin.replace(/[^A-Za-z0-9._/-]/g, '_')
  return prefix === null ? `${own}/` : `${prefix.replace(/\/+$/, '')}/${own}/`
}

/** A log stream's name may hold anything but `:` and `*` (CloudWatch Logs API reference, CreateLogStream). */
export function streamOf(origin: string): string {
  return origin.replace(/[^A-Za-z0-9._/#-]/g, '_').slice(0, 512)
}

/**
 * `sealed`: segments that lie on disk, compressed, and were not known to be anchored at the start; `through`: everything
 * before this record was.
 */
export function createAnchors(
  deps: AnchorsDeps,
  sealed: readonly { first: number; path: string }[] = [],
  through = 0,
): Anchors {
  const { anchors, origin, wallMs } = deps
  const status: Partial<Record<AnchorName, AnchorStatus>> = {}
  const fresh = (): AnchorStatus => ({ waiting: 0, dropped: 0, errors: 0, lastMs: null, problem: null })
  if (anchors.cloudwatchLogs !== null) status.cloudwatch_logs = fresh()
  if (anchors.s3 !== null) status.s3 = fresh()
  const notes: Record<AnchorName, Note[]> = { cloudwatch_logs: [], s3: [] }
  let segments = anchors.s3 === null ? [] : [...sealed].sort((a, b) => a.first - b.first)
  let anchored = through
  /** Behind the youngest segment that was ever to be sent. */
  let behind = Math.max(through, ...segments.map(({ first }) => first + 1))
  let wake: (() => void) | null = null
  let failures = 0
  let sending: Promise<boolean> | null = null

  const count = (): void => {
    if (status.cloudwatch_logs !== undefined) status.cloudwatch_logs.waiting = notes.cloudwatch_logs.length
    if (status.s3 !== undefined) status.s3.waiting = notes.s3.length + segments.length
  }
  count()

  const came = (name: AnchorName, failed: { detail: string; nextStep: string } | null): void => {
    const own = status[name]
    if (own === undefined) return
    if (failed === null) {
      own.lastMs = wallMs()
      own.problem = null
      return
    }
    own.errors++
    own.problem = `${failed.detail}; ${failed.nextStep}`
    deps.onProblem(name, own.problem)
  }

  const lockOf = (): PutOrder['lock'] => {
    const mode = anchors.s3?.objectLock ?? 'off'
    if (mode === 'off') return null
    return {
      mode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
      untilMs: wallMs() + deps.retentionSeconds * 1000,
    }
  }

  /** True: nothing failed, and nothing waits any more than came meanwhile. */
  async function sendOnce(seconds: number): Promise<boolean> {
    const region = deps.region()
    const logged = notes.cloudwatch_logs.slice(0, notesPerCall)
    const kept = notes.s3.slice(0, notesPerCall)
    const whole = segments.slice(0, segmentsPerCall)
    if (logged.length + kept.length + whole.length === 0) return true
    if (region === null) {
      const failed = { detail: 'the region of this host is not known', nextStep: 'set AWS_REGION' }
      for (const name of anchorNames) came(name, failed)
      return false
    }
    const now = wallMs()
    const lock = lockOf()
    const { s3, cloudwatchLogs } = anchors
    const keys = keysOf(s3?.prefix ?? null, origin)
    const puts: PutOrder[] =
      s3 === null
        ? []
        : [
            ...whole.map(({ path }) => ({
              key: `${keys}segments/${basename(path)}`,
              path,
              text: null,
              contentType: 'application/gzip',
            })),
            ...kept.map(({ size, text }) => ({
              key: `${keys}checkpoints/${padded(size)}.note`,
              path: null,
              text,
              contentType: 'text/plain; charset=utf-8',
            })),
          ].map((put) => ({ ...put, bucket: s3.bucket, lock }))
    const logs =
      cloudwatchLogs === null || logged.length === 0
        ? null
        : {
            group: cloudwatchLogs.logGroup,
            stream: streamOf(origin),
            events: logged
              .map(({ atMs, text }) => ({
                atMs: Math.min(Math.max(atMs, now - oldestMs), now),
                message: text,
              }))
              .sort((a, b) => a.atMs - b.atMs),
          }
    const answer = await deps.send({ region, atMs: now, deadlineSeconds: seconds, kms: null, logs, puts })
    const logsFailure = logs === null ? null : (answer.failure ?? answer.logs?.failure ?? null)
    if (logs !== null) {
      came('cloudwatch_logs', logsFailure)
      if (logsFailure === null)
        notes.cloudwatch_logs = notes.cloudwatch_logs.filter((note) => !logged.includes(note))
    }
    let putFailure = puts.length === 0 ? null : answer.failure
    for (const [index] of puts.entries()) {
      if (answer.failure !== null) break
      const failure = answer.puts[index]?.failure ?? null
      putFailure ??= failure
      if (failure !== null) continue
      const segment = whole[index]
      const note = kept[index - whole.length]
      if (segment !== undefined) segments = segments.filter((one) => one !== segment)
      else if (note !== undefined) notes.s3 = notes.s3.filter((one) => one !== note)
    }
    if (puts.length > 0) {
      came('s3', putFailure)
      know()
    }
    count()
    return logsFailure === null && putFailure === null
  }

  /** Segments lie in S3 without a hole up to here: only those may go. */
  function know(): void {
    const next = segments[0]?.first ?? behind
    if (next <= anchored) return
    anchored = next
    deps.keep?.(anchored)
  }

  const send = (seconds: number): Promise<boolean> => {
    sending ??= sendOnce(seconds).finally(() => {
      sending = null
    })
    return sending
  }

  const waits = (): boolean => notes.cloudwatch_logs.length + notes.s3.length + segments.length > 0

  return {
    happened(event) {
      if (event.type === 'checkpoint') {
        const note = { size: event.size, text: event.note, atMs: wallMs() }
        for (const name of anchorNames) {
          const own = status[name]
          if (own === undefined) continue
          notes[name].push(note)
          if (notes[name].length > mostNotes) {
            notes[name].shift()
            own.dropped++
          }
        }
      } else if (event.type === 'sealed' && anchors.s3 !== null) {
        segments.push({ first: event.segment.first, path: event.path })
        behind = Math.max(behind, event.segment.first + 1)
      } else return
      count()
      wake?.()
    },
    mayPrune: ({ first }) => anchors.s3 === null || first < anchored,
    status: () => status,
    async run(signal) {
      signal.addEventListener('abort', () => wake?.(), { once: true })
      while (!signal.aborted) {
        if (!waits()) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          wake = null
          continue
        }
        const good = await send(deadlineSeconds)
        if (signal.aborted) return
        failures = good ? 0 : failures + 1
        if (good) continue
        const seconds = retrySeconds[Math.min(failures, retrySeconds.length) - 1] ?? 600
        await deps.sleep(seconds * (0.8 + 0.4 * deps.random()), signal)
      }
    },
    async last(seconds) {
      await sending
      if (waits()) await send(seconds)
    },
  }
}
