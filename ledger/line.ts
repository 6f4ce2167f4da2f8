import { createHash } from 'node:crypto'
import { readCanonical } from './canonical.ts'
import { type HexHash, type LedgerRecord, formatVersion, maxLineBytes } from './types.ts'

/** The chain's beginning: what the first line of a ledger names as the line before. */
export const noLine: HexHash = '0'.repeat(64)

/** The hash that the next line bears: SHA-256 of a line without its line end. */
export function lineHash(line: Uint8Array): HexHash {
  return createHash('sha256').update(line).digest('hex')
}

/** The last moment that a time of four-digit years can tell. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** RFC 3339 in UTC with milliseconds. Times that it can't tell (a clock gone mad) become the nearest that it can. */
export function timeText(wallMs: number): string {
  const ms = Number.isFinite(wallMs) ? Math.min(Math.max(Math.floor(wallMs), 0), lastMs) : 0
  return new Date(ms).toISOString()
}

/** Unix milliseconds of such a text; null for any other form. */
export function timeMs(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text)) return null
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text ? ms : null
}

/** The UTC day of a time, `2026-11-20`. */
export function dayOf(wallMs: number): string {
  return timeText(wallMs).slice(0, 10)
}

/** A record before it has its place; `body` is canonical JSON already. */
export interface Draft {
  kind: string
  body: string
  wallMs: number
  monoUs: number
  bootId: string
  agentId: string
}

/** The line of a record, without its line end: canonical as long as `body` is. */
export function formatLine(draft: Draft, seq: number, prev: HexHash): Buffer {
  const { kind, body, wallMs, monoUs, bootId, agentId } = draft
  // The names in the order of their code units; all values but the body are numbers or plain ASCII words.
  return Buffer.from(
    `{"agent_id":${JSON.stringify(agentId)},"body":${body},"boot_id":${JSON.stringify(bootId)},` +
      `"kind":"${kind}","mono_us":${monoUs},"prev":"${prev}","seq":${seq},"ts":"${timeText(wallMs)}","v":${formatVersion}}`,
  )
}

export type ParsedLine = { ok: true; record: LedgerRecord } | { ok: false; problem: string; newer?: number }

const fields = ['agent_id', 'body', 'boot_id', 'kind', 'mono_us', 'prev', 'seq', 'ts', 'v']
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 200
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * Reads one line, without its line end. Its form must be exactly that of a record of a known format version; a newer
 * version is refused by its number (`newer`), whatever else the line holds.
 */
export function parseLine(line: Uint8Array): ParsedLine {
  const refused = (problem: string): ParsedLine => ({ ok: false, problem })
  if (line.length >= maxLineBytes) return refused('the line is too long')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)
  } catch {
    return refused('the line is not UTF-8')
  }
  const read = readCanonical(text)
  if (!read.ok) return refused(`the line is no canonical JSON (${read.problem})`)
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused('the line is no record')
  const found = value as Record<string, unknown>
  const { v, seq, ts, kind, prev, body } = found
  if (isCount(v) && v > formatVersion)
    return {
      ok: false,
      newer: v,
      problem: `format version ${v} is newer than this program (${formatVersion})`,
    }
  const wallMs = typeof ts === 'string' ? timeMs(ts) : null
  const whole =
    v === formatVersion &&
    Object.keys(found).join() === fields.join() &&
    isCount(seq) &&
    isCount(found['mono_us']) &&
    isText(found['agent_id']) &&
    isText(found['boot_id']) &&
    typeof kind === 'string' &&
    isKind(kind) &&
    typeof prev === 'string' &&
    isHexHash(prev) &&
    typeof body === 'object' &&
    body !== null &&
    !Array.isArray(body)
  if (!whole || wallMs === null) return refused('the line lacks the form of a record')
  return {
    ok: true,
    record: {
      v,
      seq,
      wallMs,
      monoUs: found['mono_us'] as number,
      bootId: found['boot_id'] as string,
      agentId: found['agent_id'] as string,
      kind,
      prev,
      body: body as Record<string, unknown>,
    },
  }
}

export function isKind(kind: string): boolean {
  return /^[a-z][a-z0-9_]{0,39}$/.test(kind)
}

export function isHexHash(text: unknown): text is HexHash {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text)
}
