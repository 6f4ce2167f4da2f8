import type { Schedule } from '../../model/target.ts'
import type { CronSlots } from '../coverage.ts'
import type { LedgerRecord } from '../types.ts'
import type { Before } from '../verification.ts'
import { concludeReport } from './conclude.ts'
import { createConfirmations } from './confirmations.ts'
import { countOf, fieldsOf, isFields, keyOf, listOf, numberOf, textOf, textOrNull } from './decode.ts'
import type { Assurance, Place, Report } from './model.ts'
import { createPresence } from './presence.ts'
import { createRestatements } from './restated.ts'
import { createSide } from './side.ts'
import { type CountedLook, type Track, createTrack } from './track.ts'
import {
  type ReadAttempt,
  type ReadLook,
  type ReadVerdict,
  readAttempt,
  readLook,
  readRepeats,
  readTargetVerdict,
  readTerms,
} from './verdicts.ts'

export interface ReportOptions {
  /** Unix milliseconds, UTC; null: from the first record on. */
  fromMs: number | null
  /** The first moment that is not of the period; null: up to the last record. */
  toMs: number | null
  tool: { name: string; version: string }
  cronSlots: CronSlots
}

/** Takes the records of a whole ledger, oldest first, and gives the report of a period of it. Memory is bounded. */
export interface ReportBuilder {
  /** `sha256`: of the record's line, hex; asked for only while `add` runs. */
  add(record: LedgerRecord, sha256: () => string): void
  /** A line that is no record. */
  unreadable(): void
  /** After the last record: what the ledger declares as lost and is over before the period. */
  before(): Before | null
  /** After the last record. */
  finish(assurance: Assurance): Report
}

type Body = LedgerRecord['body']

const mostTracks = 5000
const mostAttempts = 3000
const mostBorneOut = 20_000
const mostHostnames = 5000
const mostStrays = 200
const mostPlaces = 8192

export function createReportBuilder(options: ReportOptions): ReportBuilder {
  const { fromMs, toMs } = options
  const tracks = new Map<string, Track>()
  /** By the target's name as it stands in repeats: they are many, and a name need be cleaned only once. */
  const byKey = new Map<string, Track>()
  const byHostname = new Map<string, Set<Track>>()
  /** Those that were not private, for the evidence of what follows. */
  const attempts = new Map<string, ReadAttempt>()
  /** What a record said of an attempt, for those that only refer to it. */
  const borneOut = new Map<string, boolean>()
  const confirmations = createConfirmations()
  const all = (act: (track: Track) => void): void => {
    for (const track of tracks.values()) act(track)
  }
  const side = createSide(fromMs, toMs)
  const restatements = createRestatements(fromMs)
  /** The last look of each target: entries may continue it. */
  const lastLooks = new Map<Track, { atMs: number; counted: CountedLook }>()
  const strays: Report['strays'] = []
  const presence = createPresence({
    fromMs,
    toMs,
    stopAll: (ms) => all((track) => track.stop(ms)),
    loseAll: (from, to) => all((track) => track.lose(from, to)),
    doubtAll: (from, to) => all((track) => track.doubt(from, to)),
    clockSetBack(from, to) {
      all((track) => track.setBack(from, to))
      side.setBack(from, to)
    },
  })
  let first: (Place & { record: LedgerRecord }) | null = null
  let last: (Place & { record: LedgerRecord }) | null = null
  let latestMs = 0
  let count = 0
  let unreadable = 0

  /** When about every so manyth record was written: to tell from when on records are not signed. */
  let places: { seq: number; wallMs: number }[] = []
  let stride = 1
  const notePlace = ({ seq, wallMs }: LedgerRecord): void => {
    if (seq % stride !== 0) return
    places.push({ seq, wallMs })
    if (places.length < mostPlaces) return
    stride *= 2
    places = places.filter((one) => one.seq % stride === 0)
  }
  const unsignedSince = ({ size, unsignedTail }: Assurance): number | null => {
    if (size === null || unsignedTail === null || unsignedTail === 0) return null
    const signed = size - unsignedTail
    return (places.findLast(({ seq }) => seq < signed) ?? places[0])?.wallMs ?? null
  }

  const trackOf = (target: string): Track | null => {
    const known = tracks.get(target)
    if (known !== undefined || target === '' || tracks.size >= mostTracks) return known ?? null
    const track = createTrack(target, { fromMs, toMs, attempt: (id) => attempts.get(id) ?? null })
    tracks.set(target, track)
    return track
  }

  const named = (track: Track, hostnames: readonly string[]): void => {
    for (const hostname of hostnames) {
      if (track.hostnames.has(hostname) || track.hostnames.size >= mostHostnames) continue
      track.hostnames.add(hostname)
      const set = byHostname.get(hostname) ?? new Set()
      byHostname.set(hostname, set.add(track))
    }
  }

  const configured = (configuration: string | null, wallMs: number): void => {
    if (configuration === null) return
    for (const track of tracks.values())
      if (track.configuration !== undefined && track.configuration !== configuration) track.drop(wallMs)
  }

  const declared = (body: Body, wallMs: number): void => {
    const track = trackOf(textOf(body['target'], 100))
    if (track === null) return
    if (body['event'] === 'dropped') {
      track.drop(wallMs)
      return
    }
    track.configuration = textOrNull(body['configuration'], 100)
    track.discovered = body['discovered'] === true
    track.declare(scheduleOf(body['schedule']), wallMs)
    const names = listOf(body['names'], 2000).map((name) => textOf(fieldsOf(name)['hostname'], 255))
    named(
      track,
      names.filter((name) => name !== ''),
    )
    track.terms.note(readTerms(body), wallMs)
  }

  const skips = (body: Body): void => {
    for (const one of listOf(body['skipped'], 1000).map(fieldsOf)) {
      const track = tracks.get(textOf(one['target'], 100))
      const reason = textOf(one['reason'], 60)
      if (track === undefined || (track.skipped.size >= 20 && !track.skipped.has(reason))) continue
      track.skipped.set(reason, (track.skipped.get(reason) ?? 0) + countOf(one['slots']))
    }
  }

  const verdict = (body: Body, wallMs: number, place: Place): void => {
    const read = readTargetVerdict(body)
    const track = read === null ? null : trackOf(read.target)
    if (read === null || track === null) return void unreadable++
    named(track, read.hostnames)
    const look = readLook(body)
    track.verdict = read
    if (look === null) track.rejudged(read, wallMs, place)
    else looked(track, read, look, wallMs, place)
  }

  const looked = (track: Track, read: ReadVerdict, look: ReadLook, wallMs: number, place: Place): void => {
    const counted = track.look(read, look, wallMs, place)
    lastLooks.set(track, { atMs: look.atMs, counted })
    confirmations.made(counted, look.made)
  }

  const repeats = (body: Body, wallMs: number, place: Place): void => {
    for (const { target: key, of, look, continued } of readRepeats(body)) {
      const track = byKey.get(key) ?? trackOf(textOf(key, 100))
      if (track === null) continue
      if (byKey.size < 2 * mostTracks) byKey.set(key, track)
      const last = lastLooks.get(track)
      if (continued && last?.atMs === look.atMs) {
        if (last.counted.day !== null) last.counted.day.connections += look.made.length
        confirmations.made(last.counted, look.made)
        continue
      }
      const { target } = track
      const known = track.verdict
      const read =
        known !== null && known.id !== '' && known.id === of ? known : unknownVerdict(target, known)
      looked(track, read, look, wallMs, place)
    }
  }

  const attempt = (body: Body, wallMs: number, place: Place): void => {
    const read = readAttempt(body, wallMs)
    if (read === null) return void unreadable++
    if (read.mark !== 'private' && read.id !== '') {
      attempts.delete(read.id)
      attempts.set(read.id, read)
      if (attempts.size > mostAttempts) attempts.delete(attempts.keys().next().value as string)
    }
    borneOut.delete(read.id)
    borneOut.set(read.id, read.confirmed)
    if (borneOut.size > mostBorneOut) borneOut.delete(borneOut.keys().next().value as string)
    confirmations.told(read.id, read.confirmed)
    const concerned = byHostname.get(read.hostname)
    for (const track of concerned ?? []) track.told(read, wallMs, place)
    if (concerned !== undefined || read.mark !== 'public' || strays.length >= mostStrays) return
    if ((fromMs !== null && read.atMs < fromMs) || (toMs !== null && read.atMs >= toMs)) return
    const { hostname, address, atMs, evidence } = read
    strays.push({ hostname, address, atMs, because: evidence[0]?.because ?? '', place })
  }

  const attemptRepeats = (body: Body): void => {
    const confirmed = borneOut.get(keyOf(body['of'])) ?? false
    for (const entry of listOf(body['attempts'], 10_000))
      confirmations.told(keyOf(listOf(entry, 1)[0]), confirmed)
  }

  return {
    add(record, sha256) {
      const { kind, body, wallMs } = record
      const place: Place = { seq: record.seq, sha256: sha256() }
      const before = last?.record ?? null
      count++
      notePlace(record)
      latestMs = Math.max(latestMs, wallMs)
      first ??= { ...place, record }
      if (before !== null) presence.between(before, record, place)
      presence.read(record, before, () => place)
      if (['target', 'target_verdict', 'verdict_repeat'].includes(kind)) presence.up(wallMs)
      if (kind === 'lifecycle' && body['event'] === 'configured')
        configured(textOrNull(body['configuration'], 100), wallMs)
      else if (kind === 'target') declared(body, wallMs)
      else if (kind === 'target_verdict') verdict(body, wallMs, place)
      else if (kind === 'verdict_repeat') repeats(body, wallMs, place)
      else if (kind === 'attempt_verdict') attempt(body, wallMs, place)
      else if (kind === 'attempt_repeat') attemptRepeats(body)
      else if (
        kind === 'heartbeat' &&
        (fromMs === null || wallMs >= fromMs) &&
        (toMs === null || wallMs <= toMs)
      )
        skips(body)
      side.add(kind, body, wallMs, record.agentId, () => place)
      restatements.read(record)
      last = { ...place, record }
    },
    unreadable() {
      unreadable++
    },
    before: restatements.before,
    finish(assurance) {
      for (const track of tracks.values()) track.finish(latestMs)
      const start = fromMs ?? first?.record.wallMs ?? 0
      const end = Math.max(start, toMs ?? latestMs)
      if (first === null || last === null) {
        const place = { seq: 0, sha256: '' }
        presence.interrupted({ fromMs: start, toMs: end, cause: 'no_records', detail: '', place })
      } else {
        const { record, seq, sha256 } = first
        const cause = seq > 0 ? 'pruned_or_missing' : 'before_the_ledger'
        const begins = Math.min(record.wallMs, end)
        presence.interrupted({ fromMs: start, toMs: begins, cause, detail: '', place: { seq, sha256 } })
        const place = { seq: last.seq, sha256: last.sha256 }
        const ends = Math.max(latestMs, start)
        presence.interrupted({ fromMs: ends, toMs: end, cause: 'after_the_last_record', detail: '', place })
      }
      const { list, more } = presence.finish(Math.min(end, Math.max(start, latestMs)))
      return concludeReport({
        tool: options.tool,
        fromMs: start,
        toMs: end,
        assurance,
        records:
          first === null || last === null
            ? null
            : {
                count,
                first: { seq: first.seq, sha256: first.sha256, atMs: first.record.wallMs },
                last: { seq: last.seq, sha256: last.sha256, atMs: last.record.wallMs },
                unreadable,
              },
        tracks: [...tracks.values()].sort((a, b) => (a.target < b.target ? -1 : 1)),
        interruptions: list,
        moreInterruptions: more,
        strays,
        side: side.finish(end),
        unsignedSinceMs: unsignedSince(assurance),
        cronSlots: options.cronSlots,
      })
    },
  }
}

/** A repeat of a verdict that is not there: something was looked at, and nobody can say what was found. */
function unknownVerdict(target: string, known: ReadVerdict | null): ReadVerdict {
  const { requireKind = 'unknown', require = '', waiver = null, firstLeg = null } = known ?? {}
  return {
    id: '',
    target,
    mark: 'undetermined',
    duty: requireKind === 'none' ? 'none' : 'unknown',
    requireKind,
    require,
    waiver,
    firstLeg,
    hostnames: [],
    cause: ['the ledger repeats a verdict that it does not hold'],
    fix: [],
    attempts: [],
  }
}

function scheduleOf(value: unknown): Schedule | null {
  if (!isFields(value)) return null
  const everySeconds = numberOf(value['everySeconds'], 0.1, 40 * 86_400)
  if (value['kind'] === 'interval' && everySeconds !== null) return { kind: 'interval', everySeconds }
  const expression = textOf(value['expression'], 200)
  return value['kind'] === 'cron' && expression !== '' ? { kind: 'cron', expression } : null
}
