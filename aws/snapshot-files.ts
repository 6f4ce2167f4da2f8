import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { safeText } from '../model/text.ts'
import { decodeSnapshot } from './snapshot-decode.ts'
import { awsListsCall, partCalls } from './snapshot-decode-calls.ts'
import { notesFor } from './snapshot-decode-fields.ts'
import { manifestName, mostFileBytes, readDirectory, readRawFile } from './snapshot-directory.ts'
import { partOfFile, readManifest } from './snapshot-manifest.ts'
import type { Snapshot } from '../model/topology.ts'
import type { ProblemList } from './snapshot-decode-fields.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'
import type { RawFile } from './snapshot-directory.ts'
import type { Manifest } from './snapshot-manifest.ts'

export interface ReadSnapshotOptions {
  /** This host's time, Unix milliseconds. */
  nowMs: number
  /**
   * What dates a directory without a manifest: `mtime` the oldest modification time of all files (copying resets it, so it
   * is an assumption to be named), `refuse` nothing (`atMs` null).
   */
  undated: 'mtime' | 'refuse'
  signal?: AbortSignal
}

/** Modification times may lie this far ahead before they are no date at all. */
const clockToleranceMs = 60_000

type Refusal = NonNullable<SnapshotFile['refused']>

const retake = 'take the snapshot again with: pathproof snapshot --out DIR'

/**
 * A snapshot from a directory of AWS CLI output. With a `manifest.json`, each file has to be listed there with its hash,
 * and is dated by it; a manifest that is wrong in anything, or of the future, leaves every part unread. Files larger than
 * 64 MB, and what is no regular file, are refused. Rejects only when `signal` aborts; all else stands in `problems`.
 */
export async function readSnapshotDirectory(
  directory: string,
  options: ReadSnapshotOptions,
): Promise<Snapshot> {
  const { nowMs, undated, signal } = options
  const list: ProblemList = { problems: [], uncounted: 0 }
  const source = `directory ${safeText(directory)}`
  const reading = await readDirectory(directory, signal)
  if (!reading.ok) {
    notesFor(safeText(directory), list, 'name a directory with the output of the AWS CLI').add(
      '',
      reading.detail,
      'a directory',
    )
    const refused: Refusal = { reason: reading.reason, detail: reading.detail }
    const snapshot = decodeSnapshot(refuseAll(refused), { source, account: null, region: null })
    return { ...snapshot, problems: list.problems }
  }
  if (reading.files.size === 0) {
    notesFor(safeText(directory), list, 'write one with: pathproof snapshot --out DIR').add(
      '',
      'it holds none of the files of a snapshot',
      'a directory with the output of the AWS CLI (describe-route-tables.json and the others)',
    )
  }
  const raw = await readRawFile(join(directory, manifestName), mostFileBytes, signal)
  if (raw === null) {
    const files = undatedFiles(reading.files, undated, nowMs, list)
    const snapshot = decodeSnapshot(files, { source, account: null, region: null })
    return { ...snapshot, problems: [...list.problems, ...snapshot.problems] }
  }
  const text = 'bytes' in raw ? decodeText(raw.bytes) : null
  const manifest = readManifest(text ?? '', nowMs, list)
  const files = manifest.ok
    ? listedFiles(reading.files, manifest.manifest)
    : new Map([...reading.files.keys()].map((name) => [name, refusedFile(useless(manifest.detail))]))
  const { account, region } = manifest.ok ? manifest.manifest : { account: null, region: null }
  const snapshot = decodeSnapshot(files, { source, account, region })
  return { ...snapshot, problems: [...list.problems, ...snapshot.problems] }
}

function useless(detail: string): Refusal {
  return {
    reason: 'invalid',
    detail: `${manifestName} is not usable: ${detail}`,
    expected: 'a manifest that dates this file',
    nextStep: retake,
  }
}

const refusedFile = (refused: Refusal): SnapshotFile => ({ text: '', atMs: null, dated: 'undated', refused })

function refuseAll(refused: Refusal): Map<string, SnapshotFile> {
  const names = [...Object.values(partCalls), awsListsCall].map((call) => call.file)
  return new Map(names.map((name) => [name, refusedFile(refused)]))
}

/** UTF-8, or UTF-16 with its mark, which some shells write by `>`; null if it is neither. */
function decodeText(bytes: Uint8Array): string | null {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function toFile(raw: RawFile, date: Pick<SnapshotFile, 'atMs' | 'dated'>): SnapshotFile {
  if ('unreadable' in raw) {
    const nextStep = 'see to it that it is a readable file of at most 64 MB'
    return refusedFile({ reason: 'failed', detail: raw.unreadable, nextStep })
  }
  const text = decodeText(raw.bytes)
  return text === null
    ? refusedFile({ reason: 'invalid', detail: 'this is no text in UTF-8' })
    : { text, ...date }
}

function undatedFiles(
  files: ReadonlyMap<string, RawFile>,
  undated: 'mtime' | 'refuse',
  nowMs: number,
  list: ProblemList,
): Map<string, SnapshotFile> {
  const times = [...files.values()].flatMap((file) => ('bytes' in file ? [file.mtimeMs] : []))
  const oldest = Math.trunc(Math.min(...times))
  const known = undated === 'mtime' && Number.isFinite(oldest) && oldest <= nowMs + clockToleranceMs
  if (undated === 'mtime' && times.length > 0 && !known) {
    notesFor(manifestName, list, retake).add(
      '',
      'there is none, and the files are of the future',
      'a manifest',
    )
  }
  const date: Pick<SnapshotFile, 'atMs' | 'dated'> = known
    ? { atMs: oldest, dated: 'mtime' }
    : { atMs: null, dated: 'undated' }
  return new Map([...files].map(([name, raw]) => [name, toFile(raw, date)]))
}

function listedFiles(files: ReadonlyMap<string, RawFile>, manifest: Manifest): Map<string, SnapshotFile> {
  const result = new Map<string, SnapshotFile>()
  for (const [name, raw] of files) {
    const hash = manifest.hashes.get(name)
    if (hash === undefined) {
      const detail = `the file is not listed in ${manifestName}`
      result.set(
        name,
        refusedFile({ reason: 'invalid', detail, expected: 'its SHA-256 there', nextStep: retake }),
      )
    } else if ('bytes' in raw && createHash('sha256').update(raw.bytes).digest('hex') !== hash) {
      const detail = `the file is not the one that ${manifestName} lists: its SHA-256 differs`
      result.set(
        name,
        refusedFile({ reason: 'invalid', detail, expected: 'the file as it was taken', nextStep: retake }),
      )
    } else {
      result.set(name, toFile(raw, { atMs: manifest.timeOf(name), dated: 'manifest' }))
    }
  }
  for (const name of manifest.hashes.keys()) {
    if (result.has(name) || partOfFile(name) === null) continue
    const detail = `${manifestName} lists this file, but it is not there`
    result.set(
      name,
      refusedFile({ reason: 'missing', detail, expected: 'all files that were taken', nextStep: retake }),
    )
  }
  return result
}
