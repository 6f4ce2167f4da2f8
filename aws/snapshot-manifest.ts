import { snapshotParts } from '../model/topology.ts'
import { fieldsOf, notesFor, shown } from './snapshot-decode-fields.ts'
import { awsListsCall, listEntriesFile, partCalls } from './snapshot-decode-calls.ts'
import { manifestName } from './snapshot-directory.ts'
import type { SnapshotPart } from '../model/topology.ts'
import type { Fields, ProblemList } from './snapshot-decode-fields.ts'

export const manifestSchema = 'pathproof.snapshot/1'

/** How far a manifest's time may lie ahead of this host's clock. */
const clockToleranceMs = 60_000

/** What `manifest.json` says of a snapshot directory. Times are those at which the reading began, Unix milliseconds. */
export interface Manifest {
  timeMs: number
  account: string | null
  region: string | null
  /** SHA-256 of each file, lower-case hex. */
  hashes: ReadonlyMap<string, string>
  /** When the reading of this file began: its own time, that of its part, or the manifest's. */
  timeOf(file: string): number
}

export type ManifestReading = { ok: true; manifest: Manifest } | { ok: false; detail: string }

const utc = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/

/** The part that a file belongs to; null for a file that is none of a snapshot's. */
export function partOfFile(file: string): SnapshotPart | null {
  if (file === awsListsCall.file || listEntriesFile.test(file)) return 'prefixLists'
  return snapshotParts.find((part) => partCalls[part].file === file) ?? null
}

/**
 * Reads a manifest: `{schema, time, account, region, files: {name: sha256}, parts?: {name: time}}`, times in UTC as
 * `2026-01-31T12:00:00Z`, `parts` by the name of a part or of a file. Anything wrong in it, or a time more than 60 s after
 * `nowMs`, makes it useless as a whole: then nothing in the directory is dated or known to be whole. Notes go to `list`.
 */
export function readManifest(text: string, nowMs: number, list: ProblemList): ManifestReading {
  const notes = notesFor(manifestName, list, 'take the snapshot again with: pathproof snapshot --out DIR')
  const before = list.problems.length
  const useless = (): ManifestReading => {
    const { place = '', problem = 'it was not understood' } = list.problems[before] ?? {}
    return { ok: false, detail: place === '' ? problem : `${place}: ${problem}` }
  }
  const fail = (place: string, problem: string, expected: string): ManifestReading => {
    notes.add(place, problem, expected)
    return useless()
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return fail('', text.trim() === '' ? 'the file is empty' : 'the JSON is broken or cut off', 'a manifest')
  }
  const top = fieldsOf(parsed, '', notes)
  if (top === null) return useless()
  const schema = top.raw('schema')
  if (schema !== manifestSchema) return fail('schema', `${shown(schema)} stands here`, `"${manifestSchema}"`)
  const files = top.object('files')
  if (files === null)
    return fail('files', `${shown(top.raw('files'))} stands here`, 'the SHA-256 of each file')
  const timeMs = readTime(top, 'time', nowMs)
  const hashes = readHashes(files)
  const partTimes = readPartTimes(top, nowMs)
  const account = top.word('account')
  const region = top.word('region')
  if (timeMs === null || top.damaged()) return useless()
  const timeOf = (file: string): number =>
    partTimes.get(file) ?? partTimes.get(partOfFile(file) ?? '') ?? timeMs
  return { ok: true, manifest: { timeMs, account, region, hashes, timeOf } }
}

function readTime(fields: Fields, name: string, nowMs: number): number | null {
  const found = fields.raw(name)
  const timeMs = typeof found === 'string' && utc.test(found) ? Date.parse(found) : Number.NaN
  if (Number.isNaN(timeMs)) {
    fields.damage(name, `${shown(found)} stands here`, 'a time in UTC, like "2026-01-31T12:00:00Z"')
    return null
  }
  if (timeMs > nowMs + clockToleranceMs) {
    const ahead = Math.round((timeMs - nowMs) / 1000)
    fields.damage(
      name,
      `${shown(found)} lies ${ahead} s in the future`,
      "a time in the past by this host's clock",
    )
    return null
  }
  return timeMs
}

function readHashes(files: Fields): Map<string, string> {
  const hashes = new Map<string, string>()
  for (const name of files.names()) {
    const hash = files.raw(name)
    if (typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash)) hashes.set(name, hash)
    else files.damage(shown(name), `${shown(hash)} stands here`, 'a SHA-256 in lower-case hex')
  }
  return hashes
}

function readPartTimes(top: Fields, nowMs: number): Map<string, number> {
  const times = new Map<string, number>()
  const parts = top.object('parts')
  for (const name of parts?.names() ?? []) {
    const timeMs = parts === null ? null : readTime(parts, name, nowMs)
    if (timeMs !== null) times.set(name, timeMs)
  }
  return times
}
