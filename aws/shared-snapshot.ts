import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { safeText } from '../model/text.ts'
import { isRegion } from './partitions.ts'
import { postureFiles } from './posture-facts.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'
import { partOfFile } from './snapshot-manifest.ts'

/**
 * A shared snapshot: one file, or one object in S3, that one writer makes for many agents. It is gzip of three lines: a
 * manifest (when each answer was read, of which account and region, the SHA-256 of each), the answers, and the SHA-256 of
 * the two lines before it, line feeds included. So a part of it, or a mixture of two, is never taken for one.
 */
export const sharedSchema = 'pathproof.shared-snapshot/1'

/** Most bytes of the file as it lies there, and of what it unpacks to. */
export const mostSharedBytes = 32 * 1024 * 1024
export const mostUnpackedBytes = 256 * 1024 * 1024
/** How far a time in it may lie ahead of this host's clock. */
const clockToleranceMs = 60_000
const mostFiles = 2100

export interface SharedSnapshot {
  /** When the reading of the first answer began, Unix milliseconds. */
  timeMs: number
  account: string | null
  region: string
  /** The VPCs that it was narrowed to; empty: all of the region. */
  vpcIds: string[]
  /** By file name, as `decodeSnapshot` takes them; each has its own time. */
  files: Map<string, SnapshotFile>
}

export type SharedReading =
  | { ok: true; shared: SharedSnapshot; sha256: string }
  | { ok: false; problem: string }

type Refused = NonNullable<SnapshotFile['refused']>
const reasons: readonly Refused['reason'][] = ['missing', 'denied', 'invalid', 'failed']

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const isOurs = (name: string): boolean => partOfFile(name) !== null || postureFiles.includes(name)
const utc = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** Packs the answers of one reading. What is no file of a snapshot, or has no date, is left out. */
export async function packShared(shared: Omit<SharedSnapshot, 'timeMs'>): Promise<Uint8Array> {
  const texts: Record<string, string> = {}
  const files: Record<string, { sha256: string; time: string }> = {}
  const refused: Record<string, Refused> = {}
  for (const [name, file] of shared.files) {
    if (!isOurs(name)) continue
    if (file.refused !== undefined) {
      // what only the posture checks need may be denied without anything being wrong
      if (partOfFile(name) !== null) refused[name] = file.refused
    } else if (file.atMs !== null) {
      texts[name] = file.text
      files[name] = { sha256: sha256(file.text), time: new Date(file.atMs).toISOString() }
    }
  }
  const times = Object.values(files).map(({ time }) => time)
  const manifest = {
    schema: sharedSchema,
    time: times.sort()[0] ?? null,
    account: shared.account,
    region: shared.region,
    vpcs: shared.vpcIds,
    files,
    refused,
  }
  const lines = `${JSON.stringify(manifest)}\n${JSON.stringify(texts)}\n`
  return await promisify(gzip)(`${lines}${sha256(lines)}\n`)
}

/**
 * Unpacks and checks it all: form, hash of the whole, hash and date of each answer. Anything wrong, or a time more than 60 s
 * after `nowMs`, makes all of it useless. Never rejects.
 */
export async function unpackShared(bytes: Uint8Array, nowMs: number): Promise<SharedReading> {
  if (bytes.length > mostSharedBytes) return no(`it has ${bytes.length} bytes, more than ${mostSharedBytes}`)
  let text: string
  try {
    const plain = await promisify(gunzip)(bytes, { maxOutputLength: mostUnpackedBytes })
    text = new TextDecoder('utf-8', { fatal: true }).decode(plain)
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code
    if (code === 'ERR_BUFFER_TOO_LARGE') return no(`it unpacks to more than ${mostUnpackedBytes} bytes`)
    return no('it is cut off, damaged, or no shared snapshot at all')
  }
  const match = /^([^\n]*\n[^\n]*\n)([0-9a-f]{64})\n$/.exec(text)
  const [lines = '', hash = ''] = match?.slice(1) ?? []
  if (match === null) return no('it is cut off, or no shared snapshot at all')
  if (sha256(lines) !== hash) return no('it is damaged: its SHA-256 differs')
  const [head = '', body = ''] = lines.split('\n')
  const manifest = objectOf(parsed(head))
  const texts = objectOf(parsed(body))
  if (manifest === null || texts === null) return no('it is no shared snapshot')
  const { schema, account, region } = manifest
  if (schema !== sharedSchema)
    return no(`its schema is ${safeText(JSON.stringify(schema), 80)}, this version reads ${sharedSchema}`)
  if (account !== null && (typeof account !== 'string' || !/^\d{12}$/.test(account)))
    return no('it names no account')
  if (typeof region !== 'string' || !isRegion(region)) return no('it names no region')
  const vpcIds = manifest['vpcs']
  if (!Array.isArray(vpcIds) || !vpcIds.every((id) => typeof id === 'string')) return no('it names no VPCs')
  const named = objectOf(manifest['files'])
  const refused = objectOf(manifest['refused'])
  if (named === null || refused === null) return no('it lists no answers')
  if (Object.keys(named).length + Object.keys(refused).length > mostFiles)
    return no('it lists too many answers')
  if (Object.keys(texts).some((name) => !Object.hasOwn(named, name)))
    return no('it holds answers that it does not list')
  const files = new Map<string, SnapshotFile>()
  let timeMs = Infinity
  for (const [name, entry] of Object.entries(named)) {
    const shown = safeText(name, 120)
    if (!isOurs(name)) return no(`it lists ${shown}, which is no answer of a snapshot`)
    const { sha256: wanted, time } = objectOf(entry) ?? {}
    const answer = Object.hasOwn(texts, name) ? texts[name] : undefined
    if (typeof answer !== 'string' || sha256(answer) !== wanted)
      return no(`${shown} is not the answer that it lists: its SHA-256 differs`)
    const atMs = typeof time === 'string' && utc.test(time) ? Date.parse(time) : Number.NaN
    if (Number.isNaN(atMs)) return no(`${shown} has no date`)
    if (atMs > nowMs + clockToleranceMs)
      return no(`${shown} is dated ${Math.round((atMs - nowMs) / 1000)} s in the future`)
    timeMs = Math.min(timeMs, atMs)
    files.set(name, { text: answer, atMs, dated: 'manifest' })
  }
  for (const [name, entry] of Object.entries(refused)) {
    if (files.has(name) || !isOurs(name)) return no(`what it says of ${safeText(name, 120)} is at odds`)
    files.set(name, { text: '', atMs: null, dated: 'undated', refused: refusalOf(entry) })
  }
  if (timeMs === Infinity) return no('it holds no answer at all')
  return { ok: true, shared: { timeMs, account, region, vpcIds, files }, sha256: hash }
}

const no = (problem: string): SharedReading => ({ ok: false, problem })

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

/** Texts in it come from elsewhere. */
function refusalOf(value: unknown): Refused {
  const { reason, detail, nextStep } = objectOf(value) ?? {}
  return {
    reason: reasons.find((known) => known === reason) ?? 'failed',
    detail: typeof detail === 'string' ? safeText(detail, 500) : 'the writer could not read it',
    ...(typeof nextStep === 'string' && { nextStep: safeText(nextStep, 500) }),
  }
}
