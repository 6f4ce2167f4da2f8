import type { LedgerRecord } from '../types.ts'
import { countOf, fieldsOf, numberOf, oneOf, stampOf, textOf } from './decode.ts'
import type { PlacedInterruption } from './findings.ts'
import type { Place } from './model.ts'

/** What becomes of all targets when the agent is away or records are missing. */
export interface PresenceDeps {
  /** Bounds of the period; null: open. */
  fromMs: number | null
  toMs: number | null
  /** Nobody looked from then on. */
  stopAll(ms: number): void
  /** Nothing that was said of this time holds. */
  loseAll(fromMs: number, toMs: number): void
  /** What was said of this time may have been taken back by records that are lost. */
  doubtAll(fromMs: number, toMs: number): void
  /** To `fromMs`; before, it had shown `toMs`. */
  clockSetBack(fromMs: number, toMs: number): void
}

/** When the agent and its ledger were there, and why not. */
export interface Presence {
  /** What order, numbers and clocks say of the time between two records. */
  between(before: LedgerRecord, record: LedgerRecord, place: Place): void
  /** A record of the ledger's own, or of the agent's life. */
  read(record: LedgerRecord, before: LedgerRecord | null, place: () => Place): void
  /** The agent does something again. */
  up(ms: number): void
  interrupted(one: PlacedInterruption): void
  /** Sorted by their times. */
  finish(endMs: number): { list: PlacedInterruption[]; more: number }
}

/** Kinds that themselves say why there was silence. */
const explains: ReadonlySet<string> = new Set(['segment', 'recovery', 'gap', 'lifecycle'])
const most = 5000
const dayMs = 86_400_000
/** A clock that is off AWS's by less tells the right time. */
const sureSeconds = 60

export function createPresence(deps: PresenceDeps): Presence {
  const { fromMs, toMs } = deps
  const list: PlacedInterruption[] = []
  let more = 0
  let heartbeatSeconds: number | null = null
  let down: PlacedInterruption | null = null
  let isUp = false
  /** When the records of this boot begin, and what was last known of its clock. */
  let bootMs = Number.NEGATIVE_INFINITY
  let offsetSeconds: number | null = null
  const bootAt = ({ wallMs }: LedgerRecord): void => {
    bootMs = wallMs
    offsetSeconds = null
  }

  const interrupted = (one: PlacedInterruption): void => {
    if (!(one.fromMs < one.toMs)) return
    if ((fromMs !== null && one.toMs <= fromMs) || (toMs !== null && one.fromMs >= toMs)) return
    if (list.length < most) list.push(one)
    else more++
  }

  const goDown = (sinceMs: number, cause: string, detail: string, place: Place): void => {
    deps.stopAll(sinceMs)
    isUp = false
    down ??= { fromMs: sinceMs, toMs: sinceMs, cause, detail, place }
  }

  const up = (ms: number): void => {
    isUp = true
    if (down === null) return
    interrupted({ ...down, toMs: ms })
    down = null
  }

  const gap = ({ body, wallMs }: LedgerRecord, place: Place): void => {
    const from = stampOf(body['fromTs']) ?? wallMs
    // One record may be lost at one moment: what it said is missing from then on.
    const to = Math.max(from + 1, stampOf(body['toTs']) ?? wallMs)
    const lost = Object.entries(fieldsOf(body['lost'])).slice(0, 50)
    if (lost.every(([, n]) => countOf(n) === 0)) return
    const words = lost.map(([name, n]) => `${countOf(n)} ${textOf(name, 40)}`).join(', ')
    const detail = `${textOf(body['reason'], 100)}: ${words}`
    interrupted({ fromMs: from, toMs: to, cause: 'records_lost', detail, place })
    deps.loseAll(from, to)
    // Records speak of attempts for about a day.
    if (lost.some(([name]) => name === 'attempt_verdict')) deps.doubtAll(from - dayMs, from)
  }

  return {
    interrupted,
    up,
    between(before, record, place) {
      const from = before.wallMs
      const to = record.wallMs
      if (record.bootId !== before.bootId) bootAt(record)
      if (record.seq !== before.seq + 1) {
        const detail = `records ${before.seq + 1} to ${record.seq - 1}`
        deps.stopAll(from)
        deps.loseAll(from, to)
        if (down !== null) up(from)
        interrupted({ fromMs: from, toMs: to, cause: 'records_missing', detail, place })
        return
      }
      if (down !== null) return
      const passed = to - from
      const jump = record.bootId === before.bootId ? passed - (record.monoUs - before.monoUs) / 1000 : 0
      if (jump > 120_000) {
        const detail = `the clock went ${Math.round(jump / 1000)} s further than the time that passed`
        interrupted({ fromMs: from, toMs: to, cause: 'clock_or_suspend', detail, place })
        deps.stopAll(from)
        // A host that slept has the right time before; one whose clock was wrong has not, as far back as it runs.
        if (offsetSeconds === null || Math.abs(offsetSeconds) > sureSeconds) deps.doubtAll(bootMs, from)
      } else if (heartbeatSeconds !== null && passed > 3000 * heartbeatSeconds) {
        // Whoever does not even write a heartbeat does not look either.
        deps.stopAll(from)
        if (!explains.has(record.kind))
          interrupted({ fromMs: from, toMs: to, cause: 'silence', detail: 'no heartbeat', place })
      }
    },
    read(record, before, place) {
      const { kind, body, wallMs } = record
      if (kind === 'heartbeat') {
        up(wallMs)
        heartbeatSeconds = numberOf(body['everySeconds'], 1, dayMs / 1000) ?? heartbeatSeconds
        offsetSeconds = numberOf(body['clockOffsetSeconds'], -1e12, 1e12) ?? offsetSeconds
      } else if (kind === 'lifecycle') {
        const event = oneOf(body['event'], ['started', 'stopped', 'configured'])
        if (event === 'stopped') return goDown(wallMs, 'stopped', '', place())
        if (event === 'started' && isUp && before !== null)
          goDown(Math.min(before.wallMs, wallMs), 'crash', 'it started anew without having stopped', place())
        if (event !== null) up(wallMs)
      } else if (kind === 'close') goDown(wallMs, 'stopped', textOf(body['reason'], 100), place())
      else if (kind === 'recovery') {
        const since = Math.min(stampOf(body['lastTs']) ?? wallMs, wallMs)
        if (isUp) goDown(since, 'crash', 'the process before did not close the ledger', place())
      } else if (kind === 'gap') gap(record, place())
      else if (kind === 'damage') {
        const detail = textOf(body['what'], 60)
        interrupted({ fromMs: wallMs - 1, toMs: wallMs, cause: 'ledger_damaged', detail, place: place() })
      } else if (kind === 'clock')
        deps.clockSetBack(wallMs, Math.max(wallMs, stampOf(body['previousTs']) ?? wallMs))
    },
    finish(endMs) {
      up(endMs)
      list.sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs)
      return { list, more }
    },
  }
}
