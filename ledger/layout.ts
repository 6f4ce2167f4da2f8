import type { LedgerFiles } from './files.ts'

/** Where things lie in a ledger's directory. */
export interface Layout {
  directory: string
  segments: string
  checkpoints: string
  recovered: string
  lock: string
}

export function layoutOf(directory: string): Layout {
  return {
    directory,
    segments: `${directory}/segments`,
    checkpoints: `${directory}/checkpoints`,
    recovered: `${directory}/recovered`,
    lock: `${directory}/lock`,
  }
}

/** Numbers in names have 16 digits, so that names sort as numbers do. */
function padded(n: number): string {
  return String(n).padStart(16, '0')
}

export function segmentName(first: number): string {
  return `${padded(first)}.jsonl`
}

export function noteName(size: number): string {
  return `${padded(size)}.note`
}

/** Bytes that followed the record before `seq` and were no whole record. */
export function recoveredName(seq: number, sha256: string): string {
  return `${padded(seq)}-${sha256.slice(0, 16)}.bin`
}

/** The files of one segment as they lie there; both for a moment while it is compressed. */
export interface SegmentFiles {
  first: number
  plain: boolean
  gzip: boolean
}

function numberOf(digits: string): number | null {
  const n = Number(digits)
  return Number.isSafeInteger(n) ? n : null
}

/** Segments, in order. Names that are none are left out. */
export async function listSegments(files: LedgerFiles, { segments }: Layout): Promise<SegmentFiles[]> {
  const found = new Map<number, SegmentFiles>()
  for (const name of await files.list(segments)) {
    const match = /^(\d{16})\.jsonl(\.gz)?$/.exec(name)
    const first = match === null ? null : numberOf(match[1] ?? '')
    if (match === null || first === null) continue
    const entry = found.get(first) ?? { first, plain: false, gzip: false }
    if (match[2] === undefined) entry.plain = true
    else entry.gzip = true
    found.set(first, entry)
  }
  return [...found.values()].sort((a, b) => a.first - b.first)
}

/** Sizes of the checkpoints that lie there, smallest first. */
export async function listNotes(files: LedgerFiles, { checkpoints }: Layout): Promise<number[]> {
  const sizes: number[] = []
  for (const name of await files.list(checkpoints)) {
    const match = /^(\d{16})\.note$/.exec(name)
    const size = match === null ? null : numberOf(match[1] ?? '')
    if (size !== null) sizes.push(size)
  }
  return sizes.sort((a, b) => a - b)
}
