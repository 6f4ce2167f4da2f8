/**
 * The ledger's contract: what a record is, which records the ledger writes of itself, and what the agent may ask of it.
 * The file format stands in docs/ledger-format.md. What the agent writes, as far as reports read it: `LedgerBodies` in records.ts.
 */

/** The newest format that this program writes, and the newest that it reads. Every older one stays readable. */
export const formatVersion = 1

/** A line with its line end is never longer: it fits an entry of tlog-tiles (c2sp.org/tlog-tiles). */
export const maxLineBytes = 65_535

/** 64 lower-case hexadecimal digits. */
export type HexHash = string

/** One record as it stands on its line. */
export interface LedgerRecord {
  /** Format version of the line. */
  v: number
  /** Number in the ledger, from 0, without holes; the index of its leaf. */
  seq: number
  /** Unix time in milliseconds, UTC, when the record was given to the ledger. Lines hold it as RFC 3339 text, `ts`. */
  wallMs: number
  /** Microseconds of the monotonic clock of that boot at the same moment. */
  monoUs: number
  bootId: string
  agentId: string
  /** One of `StoreBodies`, or what the agent named it. */
  kind: string
  /** SHA-256 of the line before, without its line end; 64 zeros at the first. */
  prev: HexHash
  /** Plain JSON data, never null. */
  body: Readonly<Record<string, unknown>>
}

/** A segment that is full: what its lines are, whatever becomes of the file. */
export interface SegmentDigest {
  /** Number of its first record; also its file's name. */
  first: number
  count: number
  /** Of the file before compression. */
  bytes: number
  sha256: HexHash
}

/** The records that the ledger writes of itself. No other record may have one of these kinds. */
export interface StoreBodies {
  /** The first line of every segment, and so the first of the ledger. */
  segment: {
    /** Format version of all lines of the segment. */
    format: number
    origin: string
    /** Who signs, as verifier keys (c2sp.org/signed-note). Only a claim: anybody who rewrites the file can put another. */
    vkeys: string[]
    reason: 'first' | 'size' | 'day' | 'key' | 'failure' | 'damage'
    /** The tree over all records before this line: hashes of its perfect subtrees, largest first (RFC 6962, 2.1). */
    frontier: HexHash[]
    previous: SegmentDigest | null
    /** The size of the newest checkpoint on disk; null: there was none. Its file must not be missing later. */
    checkpoint: number | null
    /** Records before this number are pruned. */
    pruned: number
  }
  /**
   * Another key signs from here on: verifier keys, and a signed note of both over the tree before this record. Second line of
   * its segment.
   */
  handover: { from: string; to: string; note: string }
  /** The segment's file was replaced by its gzip. A later one for the same segment stands. */
  seal: SegmentDigest & { gzipBytes: number; gzipSha256: HexHash }
  /** These segments, the oldest, are past their time; their files go once a checkpoint covers this record. */
  prune: {
    segments: SegmentDigest[]
    /** Number of the first record that stays. */
    through: number
    retentionSeconds: number
    /** The tree over all records before `through`. */
    frontier: HexHash[]
  }
  /** The last process did not close the ledger. Records that it had not yet made durable are gone. */
  recovery: {
    /** The last record that was found whole; its time. Null: none was. */
    lastSeq: number | null
    lastTs: string | null
    /** What followed it and was no whole record; it was moved to files of its own (in `recovered/`), named here. */
    cut: { bytes: number; sha256: HexHash; file: string }[]
  }
  /** From here on nothing can be written, for the disk is full; `queued` records wait in memory. A `gap` says when it is over. */
  suspended: { reason: string; queued: number }
  /** Records could not be written for a time, or one could not be written at all. */
  gap: {
    /** `ENOSPC`, `EIO`, …; `too_large`, `unencodable`, `queue_full`; several words are joined by `+`. */
    reason: string
    fromTs: string
    toTs: string
    /** How many of each kind are lost. Empty: all were kept in memory and follow, or stand, with their own times. */
    lost: Record<string, number>
    /** How many were written late. */
    late: number
  }
  /** Files of the ledger are gone or changed under the hands of the agent. */
  damage: {
    what: 'segment_missing' | 'segment_changed'
    /** The records concerned: the first, and the one after the last. */
    first: number
    end: number
  }
  /** The wall clock was set back: this record's time lies before that of an earlier one. */
  clock: { previousTs: string; backSeconds: number }
  /** The ledger was closed in order; a checkpoint follows. */
  close: { reason: string }
}

export type StoreKind = keyof StoreBodies

/** What became of a record. */
export type Appended =
  /** On disk, and synchronised. */
  | { ok: true; seq: number }
  /** It is counted, and a `gap` record will name it. */
  | { ok: false; reason: string }

/** One who signs checkpoints: a local key, or a service. */
export interface Signer {
  /** Verifier key, `<name>+<id>+<base64>`; the name is that of the ledger's origin. */
  vkey: string
  /** The Ed25519 signature, 64 bytes, of the message. Rejects if it can't be made. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** What happens to the ledger, for the log and for anchors outside the host. */
export type LedgerEvent =
  | { type: 'opened'; records: number; recovered: boolean }
  | { type: 'suspended'; code: string; text: string }
  | { type: 'resumed'; lost: number; late: number }
  /** `note` is the signed note itself. */
  | { type: 'checkpoint'; size: number; note: string }
  | { type: 'checkpoint_failed'; text: string }
  /** The segment is at `path` for good, compressed. */
  | { type: 'sealed'; segment: SegmentDigest; path: string }
  | { type: 'pruned'; through: number }
  /** Another key signs from now on; `text` says why the one before does not vouch for it, null: it does. */
  | { type: 'handover'; text: string | null }
  | { type: 'damage'; what: string; first: number; end: number }
  /** Compressing and pruning are done, for now. */
  | { type: 'kept_up' }
  | { type: 'upkeep_failed'; code: string; text: string }

export interface LedgerStatus {
  /** `opening`: not yet writable, records wait. `suspended`: can't write; `reason` says why; it tries again by itself. */
  state: 'opening' | 'writing' | 'suspended' | 'closed'
  /** Code of the last failure (`ENOSPC`, `EIO`, `locked`, `damaged`, …) and its words, for people; null while writing. */
  reason: { code: string; text: string } | null
  /** Records on disk, those of pruned segments included: the size of the tree. Never shrinks while this process runs. */
  records: number
  /** Records that wait to be written. */
  queued: number
  /** Records lost since the start of the process; `gap` records name them. */
  lost: number
  /** Unix milliseconds and size of the last checkpoint, null before the first (of this ledger, not of this process). */
  checkpoint: { wallMs: number | null; size: number } | null
  /** Why the last try of a checkpoint failed; null: it did not. */
  checkpointError: string | null
  segments: number
  /** Of all segment files as they lie on disk. */
  bytes: number
}

/** The one writer of a ledger directory. Nothing here ever throws or rejects: a ledger that fails must not stop a probe. */
export interface LedgerStore {
  /**
   * Takes a record: the body is redacted, copied and stamped now, written soon. Resolves once it is synchronised to
   * disk, or known to be lost. `kind`: `^[a-z][a-z0-9_]{0,39}$`, none of `StoreBodies`. A body beyond the line length
   * or with what JSON can't express (NaN, lone surrogates, bigint) is lost and declared in a `gap` record.
   */
  append(kind: string, body: object): Promise<Appended>
  /** Writes what waits, then a signed checkpoint over all that is on disk; its note, or null if it could not be made. */
  checkpoint(): Promise<string | null>
  status(): LedgerStatus
  /** Writes what waits, a `close` record and a last checkpoint, and gives the lock back. Later records are lost. */
  close(reason: string): Promise<void>
}
