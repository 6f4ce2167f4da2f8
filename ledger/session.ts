import type { Clock } from '../model/host.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { createBallast, isFull } from './ballast.ts'
import { type LedgerFiles, codeOf } from './files.ts'
import { segmentName } from './layout.ts'
import { type Lock, type LockHost, type Sighting, takeLock } from './lock.ts'
import { type Opened, type Position, openLedger } from './open.ts'
import { type Queue, type Suspension, bytesOf } from './queue.ts'
import type { LedgerEvent, LedgerStatus, StoreBodies } from './types.ts'
import { type Stamp, type Writer, type Writing, createWriter, ownDraft } from './writer.ts'
import type { Draft } from './line.ts'

export interface SessionDeps {
  files: LedgerFiles
  writing: Writing
  host: LockHost
  clock: Clock & { setTimer(ms: number, fn: () => void): () => void }
  queue: Queue
  /** Kept free on disk, so that it can be declared that it is full; 0: nothing. */
  ballastBytes: number
  stamp(): Stamp
  /** Queues a record of the ledger's own. */
  own(draft: Draft): void
  /** Called with the last record on disk when writing begins for the first time. */
  began(last: Position['last']): void
  /** A new segment was begun, or writing began: there may be something to keep up. */
  moved(rotated: boolean): void
  /** Runs a retry when nothing else touches the files. */
  retry(): void
  event(event: LedgerEvent): void
}

/**
 * From the lock to the last synchronised record, and back to it after each failure. The functions that return promises never
 * reject, and only one of them may run at a time.
 */
export interface Session {
  state(): Exclude<LedgerStatus['state'], 'closed'>
  reason(): LedgerStatus['reason']
  /** Where the ledger stands: the writer's own, that of the last failure, or null. */
  position(): Position | null
  writing(): boolean
  /** Tries to begin or to resume writing. */
  open(): Promise<void>
  /** Writes and synchronises all that waits. */
  commitAll(): Promise<void>
  /** Looks whether the segment that is written is still there; if not, goes on in a new one. */
  checkFile(): Promise<void>
  /** No tries any more. */
  stopRetries(): void
  /** Closes the file and gives the lock back. */
  end(): Promise<void>
}

const batchBytes = 512 * 1024
const retrySeconds = [1, 2, 5, 10, 30, 60]

export function createSession(deps: SessionDeps): Session {
  const { files, writing, clock, queue, event } = deps
  const { layout, origin } = writing
  let state: ReturnType<Session['state']> = 'opening'
  let reason: LedgerStatus['reason'] = null
  let writer: Writer | null = null
  /** Where writing failed; null: nothing was written by this process yet. */
  let known: Position | null = null
  let lock: Lock | null = null
  let sighting: Sighting | null = null
  const ballast = createBallast(files, layout.directory, deps.ballastBytes)
  /** It was given up: before it can be made again nothing is written. */
  let freed = false
  let suspension: Pick<Suspension, 'reason' | 'fromMs'> | null = null
  let failures = 0
  let stopped = false
  let cancelRetry: (() => void) | null = null

  async function open(): Promise<void> {
    cancelRetry?.()
    if (state === 'writing') return
    try {
      await files.makeDirectory(layout.directory)
      // One that is out of sight (its disk went) can come back: it is given up only for another.
      if ((lock === null || !(await lock.held())) && !(await locked())) return
      if (freed && !(await ballast.ensure())) {
        suspend(reason?.code ?? 'ENOSPC', 'there is not yet room enough again')
        return
      }
      freed = false
      const result = await openLedger(files, layout, origin, known)
      if (result.ok) await begin(result.opened)
      else suspend(result.code, result.text)
    } catch (error) {
      suspend(codeOf(error), wordsOf(error))
    }
  }

  async function locked(): Promise<boolean> {
    const newest = (await files.list(layout.segments)).sort().at(-1) ?? ''
    const size = newest === '' ? 0 : await files.size(`${layout.segments}/${newest}`)
    const now = { monotonicMs: clock.monotonicMs(), growth: `${newest} ${size}`, sighting }
    const taken = await takeLock(files, layout.lock, deps.host, now)
    if (!taken.ok) {
      sighting = taken.sighting
      suspend('locked', taken.text)
      return false
    }
    await lock?.release()
    lock = taken.lock
    // Somebody else may have written here meanwhile: what this process knew counts no more.
    if (suspension?.reason === 'locked') known = null
    return true
  }

  async function begin({ position, recovery, damage }: Opened): Promise<void> {
    const first = known === null
    const next = createWriter(writing, position)
    const own = deps.stamp()
    try {
      if (position.current === null) {
        const why = position.tree.size === 0 ? 'first' : damage.length > 0 ? 'damage' : 'failure'
        await next.begin(why, own)
      }
      const drafts = damage.map((body) => ownDraft('damage', body, own))
      if (recovery !== null) drafts.unshift(ownDraft('recovery', recovery, own))
      if (drafts.length > 0) await next.commit(drafts)
    } catch (error) {
      await next.close()
      throw error
    }
    writer = next
    known = null
    state = 'writing'
    reason = null
    for (const body of damage) event({ type: 'damage', ...body })
    if (first) deps.began(position.last)
    if (first) event({ type: 'opened', records: position.tree.size, recovered: recovery !== null })
    const late = queue.size()
    const ended = suspension
    await commitAll()
    if (writer === null) return
    failures = 0
    suspension = null
    if (ended !== null) {
      const lost = declareGap({ ...ended, toMs: clock.wallMs(), late })
      event({ type: 'resumed', lost, late })
    }
    deps.moved(false)
    await ballast.ensure()
  }

  /** Queues the account of what was lost; how many were. */
  function declareGap(ended: Suspension | null): number {
    const gap = queue.account(ended)
    if (gap === null) return 0
    deps.own(ownDraft('gap', gap, deps.stamp()))
    return Object.values(gap.lost).reduce((sum, count) => sum + count, 0)
  }

  async function commitAll(): Promise<void> {
    if (writer === null) return
    if (suspension === null) declareGap(null)
    while (queue.size() > 0) {
      const batch = queue.take(batchBytes)
      try {
        const size = batch.reduce((sum, { draft }) => sum + bytesOf(draft), 0)
        const due = writer.due(clock.wallMs(), size)
        if (due !== null) await rotate(writer, due)
        const first = await writer.commit(batch.map(({ draft }) => draft))
        for (const [index, { done }] of batch.entries()) done({ ok: true, seq: first + index })
      } catch (error) {
        queue.unshift(batch)
        await abandon(codeOf(error), wordsOf(error))
        return
      }
    }
  }

  async function rotate(open: Writer, due: StoreBodies['segment']['reason']): Promise<void> {
    if (lock !== null && !(await lock.held()))
      throw Object.assign(new Error('another process took the lock over'), { code: 'ELOCKED' })
    await open.begin(due, deps.stamp())
    deps.moved(true)
  }

  async function abandon(code: string, text: string): Promise<void> {
    if (writer !== null) {
      known = writer.abandoned()
      await writer.close()
      writer = null
    }
    if (isFull(code) && known !== null && (await ballast.free())) {
      freed = true
      await declareFull(code, known)
    }
    suspend(code, text)
  }

  /** The room of the ballast serves one record; whether it could be written changes nothing. */
  async function declareFull(code: string, from: Position): Promise<void> {
    try {
      const result = await openLedger(files, layout, origin, from)
      if (!result.ok) return
      const { position } = result.opened
      const last = createWriter({ ...writing, handOver: null, handedOver: () => undefined }, position)
      try {
        const own = deps.stamp()
        await last.begin('failure', own)
        await last.commit([ownDraft('suspended', { reason: code, queued: queue.size() }, own)])
      } finally {
        // What was synchronised counts, and nothing else.
        known = last.abandoned()
        await last.close()
      }
    } catch {
      // Even that was too much: the gap record will tell.
    }
  }

  function suspend(code: string, text: string): void {
    const name = code === 'ELOCKED' ? 'locked' : code
    if (state !== 'suspended' || reason?.code !== name) event({ type: 'suspended', code: name, text })
    state = 'suspended'
    reason = { code: name, text }
    suspension ??= { reason: name, fromMs: clock.wallMs() }
    const seconds = retrySeconds[Math.min(failures, retrySeconds.length - 1)] ?? 60
    failures++
    cancelRetry?.()
    if (!stopped) cancelRetry = clock.setTimer(seconds * 1000, () => deps.retry())
  }

  async function checkFile(): Promise<void> {
    const current = writer?.position.current ?? null
    if (current === null) return
    try {
      const size = await files.size(`${layout.segments}/${segmentName(current.first)}`)
      if (size === current.bytes) return
      await abandon('damaged', size === null ? 'the segment is gone' : 'the segment has another length')
    } catch (error) {
      await abandon(codeOf(error), wordsOf(error))
    }
    await open()
  }

  return {
    state: () => state,
    reason: () => reason,
    position: () => writer?.position ?? known,
    writing: () => writer !== null,
    open,
    commitAll,
    checkFile,
    stopRetries() {
      stopped = true
      cancelRetry?.()
    },
    async end() {
      if (writer !== null) known = writer.abandoned()
      await writer?.close()
      writer = null
      await lock?.release()
      lock = null
    },
  }
}

/** What an error says, fit for a log. */
export function wordsOf(error: unknown): string {
  return safeText(redact(error instanceof Error ? error.message : String(error)), 300)
}
