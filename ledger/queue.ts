import { timeText } from './line.ts'
import { type Appended, type StoreBodies, maxLineBytes } from './types.ts'
import type { Draft } from './line.ts'

/** A record that waits to be written. */
export interface Waiting {
  draft: Draft
  /** What its line may take, in bytes. */
  bytes: number
  done(appended: Appended): void
}

/** A time in which nothing could be written. */
export interface Suspension {
  reason: string
  fromMs: number
  toMs: number
  /** How many records waited for its end. */
  late: number
}

/** Records that wait, in bounds, and an account of those that were lost. */
export interface Queue {
  /** False: there is no room. The ledger's own records always find room. */
  push(waiting: Waiting): boolean
  /** Puts records in front of all others. */
  unshift(waiting: readonly Waiting[]): void
  /** The next records, at least one if there is any. */
  take(maxBytes: number): Waiting[]
  size(): number
  lose(reason: string, kind: string, wallMs: number): void
  lost(): number
  /** The account since the last call as the body of a `gap` record, null if nothing was lost; the account begins anew. */
  account(suspended: Suspension | null): StoreBodies['gap'] | null
  /** Everything that still waits, given up. */
  drain(): Waiting[]
}

/** Names, numbers and hashes around a body; a line's other texts are bounded. */
const aroundBytes = 1024

export function bytesOf(draft: Draft): number {
  return Buffer.byteLength(draft.body) + aroundBytes
}

export function fits(draft: Draft): boolean {
  return bytesOf(draft) <= maxLineBytes
}

export function createQueue(maxBytes: number): Queue {
  let waiting: Waiting[] = []
  let bytes = 0
  let total = 0
  let lost: { reasons: Set<string>; kinds: Map<string, number>; fromMs: number; toMs: number } | null = null

  return {
    push(entry) {
      if (bytes + entry.bytes > maxBytes) return false
      waiting.push(entry)
      bytes += entry.bytes
      return true
    },
    unshift(entries) {
      waiting = [...entries, ...waiting]
      for (const entry of entries) bytes += entry.bytes
    },
    take(limit) {
      let count = 0
      let sum = 0
      for (const entry of waiting) {
        if (count > 0 && sum + entry.bytes > limit) break
        sum += entry.bytes
        count++
      }
      bytes -= sum
      const taken = waiting.slice(0, count)
      waiting = waiting.slice(count)
      return taken
    },
    size: () => waiting.length,
    lose(reason, kind, wallMs) {
      total++
      lost ??= { reasons: new Set(), kinds: new Map(), fromMs: wallMs, toMs: wallMs }
      lost.reasons.add(reason)
      lost.kinds.set(kind, (lost.kinds.get(kind) ?? 0) + 1)
      lost.fromMs = Math.min(lost.fromMs, wallMs)
      lost.toMs = Math.max(lost.toMs, wallMs)
    },
    lost: () => total,
    account(suspended) {
      if (lost === null && suspended === null) return null
      const reasons = [...(suspended === null ? [] : [suspended.reason]), ...(lost?.reasons ?? [])]
      const fromMs = Math.min(
        suspended?.fromMs ?? Number.POSITIVE_INFINITY,
        lost?.fromMs ?? Number.POSITIVE_INFINITY,
      )
      const gap = {
        reason: [...new Set(reasons)].sort().join('+'),
        fromTs: timeText(fromMs),
        toTs: timeText(Math.max(suspended?.toMs ?? 0, lost?.toMs ?? 0)),
        lost: Object.fromEntries(lost?.kinds ?? []),
        late: suspended?.late ?? 0,
      }
      lost = null
      return gap
    },
    drain() {
      const all = waiting
      waiting = []
      bytes = 0
      return all
    },
  }
}
