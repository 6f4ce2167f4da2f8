import type { Clock } from '../model/host.ts'
import { redact, redactWithin } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { isStoreKind } from './bodies.ts'
import { canonical } from './canonical.ts'
import { isOrigin } from './checkpoint.ts'
import { type LedgerFiles, codeOf } from './files.ts'
import { makeHandOver } from './handover.ts'
import { inOrder } from './in-order.ts'
import { layoutOf } from './layout.ts'
import { type Draft, isKind, timeText } from './line.ts'
import type { LockHost } from './lock.ts'
import { parseVkey } from './note.ts'
import { keepNote, makeNote } from './notes.ts'
import { bytesOf, createQueue, fits } from './queue.ts'
import { readNote } from './scan.ts'
import { type Session, createSession, wordsOf } from './session.ts'
import type { Appended, LedgerEvent, LedgerStatus, LedgerStore, SegmentDigest, Signer } from './types.ts'
import { type UpkeepDeps, keepUp } from './upkeep.ts'
import { type Stamp, ownDraft } from './writer.ts'

export interface StoreOptions {
  /** Absolute path; made if it is not there. */
  directory: string
  files: LedgerFiles
  /** `<domain>/pathproof/<agent>`: names the ledger in its checkpoints, and its keys. Printable ASCII without spaces or `+`. */
  origin: string
  /** Who observes, in each record: `^[A-Za-z0-9._:/-]{1,128}$`. */
  agentId: string
  bootId: string
  /** Each signs every checkpoint; two while a key is exchanged. None: no checkpoint can be made, and nothing is ever removed. */
  signers: readonly Signer[]
  /** The key that signed before, where it was exchanged: it signs once more, that another one does from then on. */
  previous?: Signer
  host: LockHost
  clock: Clock & { setTimer(ms: number, fn: () => void): () => void }
  /** A new segment begins beyond this size. */
  segmentBytes: number
  retentionSeconds: number
  /** Records of so long are written and synchronised together (default 0.5; 0: each at once). */
  commitSeconds?: number
  /** Time between two checkpoints, where there is something new (default 300; 0: only those that are asked for). */
  checkpointSeconds?: number
  /** Kept free on disk, so that it can be declared that it is full (default 0: nothing). */
  ballastBytes?: number
  /** Of records that wait (default 8 MiB); beyond, new ones are lost and counted. */
  queueBytes?: number
  /** Whether a segment past its time may go, for example because it lies elsewhere (default: yes). */
  mayPrune?(segment: SegmentDigest): boolean
  event?(event: LedgerEvent): void
}

/** Smaller steps back are those of a clock that is kept right. */
const clockBackMs = 1000

function checkOptions({ origin, agentId, signers }: StoreOptions): void {
  if (!isOrigin(origin)) throw new RangeError('origin: expected printable ASCII without spaces and +')
  if (!/^[A-Za-z0-9._:/-]{1,128}$/.test(agentId))
    throw new RangeError('agentId: expected letters, digits and ._:/-')
  if (signers.some(({ vkey }) => parseVkey(vkey)?.name !== origin))
    throw new RangeError('signers: expected verifier keys named as the origin')
}

/**
 * Opens a ledger for writing. Everything goes on in the background, one thing after the other: what can't be done now (lock
 * held, disk full) is tried again, after 1 s at first and then ever more slowly, once a minute at last. Throws only for
 * options that can't be right.
 */
export function openStore(options: StoreOptions): LedgerStore {
  checkOptions(options)
  const {
    files,
    clock,
    origin,
    agentId,
    bootId,
    signers,
    commitSeconds = 0.5,
    checkpointSeconds = 300,
  } = options
  const layout = layoutOf(options.directory)
  const vkeys = signers.map(({ vkey }) => vkey)
  const queue = createQueue(options.queueBytes ?? 8 * 1024 * 1024)
  let checkpoint: LedgerStatus['checkpoint'] = null
  let checkpointError: string | null = null
  let lastWallMs: number | null = null
  let closing: Promise<void> | null = null
  let closed = false
  let cancelCommit: (() => void) | null = null
  let cancelCheckpoint: (() => void) | null = null
  /** What touches the files or the position; what signs; what keeps old segments in order. */
  const serially = inOrder()
  const signing = inOrder()
  const upkeep = inOrder()

  const session: Session = createSession({
    files,
    writing: {
      files,
      layout,
      origin,
      vkeys,
      segmentBytes: options.segmentBytes,
      handOver: async (before, tree) => {
        const { previous } = options
        const [next] = signers
        return previous?.vkey === before && next !== undefined
          ? await makeHandOver(origin, tree, previous, next)
          : null
      },
      handedOver: (text) => event({ type: 'handover', text }),
    },
    host: options.host,
    clock,
    queue,
    ballastBytes: options.ballastBytes ?? 0,
    stamp,
    own: (draft) => void pushOwn(draft),
    began(last) {
      const newest = session.position()?.notes.at(-1)
      if (newest !== undefined) checkpoint = { wallMs: null, size: newest }
      if (last === null) return
      lastWallMs = Math.max(last.wallMs, lastWallMs ?? 0)
      watchClock(stamp())
    },
    moved(rotated) {
      void upkeep(() => keepUp(upkeepDeps, rotated)).catch((error: unknown) =>
        event({ type: 'upkeep_failed', code: codeOf(error), text: wordsOf(error) }),
      )
    },
    retry: () => void serially(session.open),
    event,
  })
  const upkeepDeps: UpkeepDeps = {
    files,
    layout,
    retentionSeconds: options.retentionSeconds,
    mayPrune: (segment) => options.mayPrune?.(segment) ?? true,
    position: () => (session.writing() ? session.position() : null),
    wallMs: () => clock.wallMs(),
    async own(kind, body) {
      let appended: Appended | null = null
      void pushOwn(ownDraft(kind, body, stamp())).then((result) => {
        appended = result
      })
      await serially(commitAll)
      // If it still waits, it will be written later; a later record of its kind then says what is true.
      const result = appended as Appended | null
      return result?.ok === true ? result.seq : null
    },
    async checkpointed() {
      await makeCheckpoint()
      return session.position()?.notes.at(-1) ?? 0
    },
    stopped: () => closing !== null || !session.writing(),
    event,
  }

  void serially(session.open)
  scheduleCheckpoint()
  return { append, checkpoint: makeCheckpoint, status, close }

  function event(happened: LedgerEvent): void {
    try {
      options.event?.(happened)
    } catch {
      // Whoever listens must not stop the ledger.
    }
  }

  function stamp(): Stamp {
    const monoUs = Math.max(0, Math.round(clock.monotonicMs() * 1000))
    return { wallMs: clock.wallMs(), monoUs, bootId, agentId }
  }

  function append(kind: string, body: object): Promise<Appended> {
    const stamped = stamp()
    const lose = (reason: string): Promise<Appended> => {
      queue.lose(reason, isKind(kind) ? kind : 'unknown', stamped.wallMs)
      // The gap record that names it is written with what is written next.
      scheduleCommit()
      return Promise.resolve({ ok: false, reason })
    }
    if (closing !== null) return lose('closed')
    const text = isKind(kind) && !isStoreKind(kind) ? textOf(body) : null
    if (text === null) return lose('unencodable')
    const draft: Draft = { ...stamped, kind, body: text === 'too_large' ? '' : text }
    if (text === 'too_large' || !fits(draft)) return lose('too_large')
    watchClock(stamped)
    return new Promise((resolve) => {
      if (queue.push({ draft, bytes: bytesOf(draft), done: resolve })) scheduleCommit()
      else resolve(lose('queue_full'))
    })
  }

  function watchClock(stamped: Stamp): void {
    const before = lastWallMs
    lastWallMs = stamped.wallMs
    if (before === null || stamped.wallMs >= before - clockBackMs) return
    const backSeconds = (before - stamped.wallMs) / 1000
    void pushOwn(ownDraft('clock', { previousTs: timeText(before), backSeconds }, stamped))
  }

  /** The ledger's own records are few and small: they always find room. */
  function pushOwn(draft: Draft): Promise<Appended> {
    return new Promise((resolve) => {
      queue.push({ draft, bytes: 0, done: resolve })
      scheduleCommit()
    })
  }

  function scheduleCommit(): void {
    if (cancelCommit !== null || closed) return
    const due = (): void => void serially(commitAll)
    cancelCommit = () => undefined
    if (commitSeconds === 0) due()
    else cancelCommit = clock.setTimer(commitSeconds * 1000, due)
  }

  async function commitAll(): Promise<void> {
    cancelCommit?.()
    cancelCommit = null
    await session.commitAll()
  }

  function makeCheckpoint(): Promise<string | null> {
    return signing(async () => {
      try {
        const { tree, notes } = await serially(async () => {
          await commitAll()
          await session.checkFile()
          return settled()
        })
        if (notes.at(-1) === tree.size && checkpoint?.wallMs !== null) {
          const kept = await readNote(files, layout, tree.size)
          if (kept !== null) return kept.bytes.toString('utf8')
        }
        if (signers.length === 0) throw new Error('there is no key to sign with')
        const note = await makeNote(origin, tree, signers)
        await serially(() => keepNote(files, layout, settled(), tree.size, note))
        checkpoint = { wallMs: clock.wallMs(), size: tree.size }
        checkpointError = null
        event({ type: 'checkpoint', size: tree.size, note })
        return note
      } catch (error) {
        checkpointError = wordsOf(error)
        event({ type: 'checkpoint_failed', text: checkpointError })
        return null
      }
    })
  }

  /** The position that everything queued before is part of. */
  function settled() {
    const position = session.position()
    if (!session.writing() || position === null)
      throw new Error(session.reason()?.text ?? 'the ledger is not open')
    return position
  }

  function scheduleCheckpoint(): void {
    if (checkpointSeconds === 0 || closing !== null) return
    cancelCheckpoint = clock.setTimer(checkpointSeconds * 1000, () => {
      const size = session.position()?.tree.size ?? 0
      const newer = size > (checkpoint?.size ?? 0) || queue.size() > 0
      void (newer ? makeCheckpoint() : Promise.resolve(null)).then(scheduleCheckpoint)
    })
  }

  function status(): LedgerStatus {
    const position = session.position()
    const segments = position?.segments ?? []
    return {
      state: closed ? 'closed' : session.state(),
      reason: session.reason(),
      records: position?.tree.size ?? 0,
      queued: queue.size(),
      lost: queue.lost(),
      checkpoint,
      checkpointError,
      segments: segments.length,
      bytes: segments.reduce((sum, { size }) => sum + size, 0),
    }
  }

  function close(reason: string): Promise<void> {
    closing ??= end(safeText(redact(reason)))
    return closing
  }

  async function end(reason: string): Promise<void> {
    cancelCheckpoint?.()
    session.stopRetries()
    await upkeep(async () => undefined)
    await serially(async () => {
      await session.open()
      if (!session.writing()) return
      void pushOwn(ownDraft('close', { reason }, stamp()))
      await commitAll()
    })
    if (session.writing()) await makeCheckpoint()
    await serially(async () => {
      closed = true
      cancelCommit?.()
      await session.end()
      for (const { draft, done } of queue.drain()) {
        queue.lose('closed', draft.kind, draft.wallMs)
        done({ ok: false, reason: 'closed' })
      }
    })
  }
}

/** Before it is redacted, a body may be longer than a line. */
const mostBodyCharacters = 512 * 1024

/** The redacted body as canonical JSON; null if it has no such form; `too_large` rather than a part of it. */
function textOf(body: object): string | null {
  try {
    const { value: plain, whole } = redactWithin(body, mostBodyCharacters)
    if (!whole) return 'too_large'
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return null
    const written = canonical(plain)
    return written.ok ? written.text : null
  } catch {
    return null
  }
}
