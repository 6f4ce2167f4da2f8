import type { Clock } from '../../model/host.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { type WantedParts, isWanted } from '../../aws/snapshot-api-calls.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import { withLastGood } from '../../aws/snapshot-merge.ts'

/** One reading with the hash of what it says, dates apart. */
export interface KeptReading {
  snapshot: Snapshot
  content: string
  /** What was known of further accounts at that time; their contents are in the hash as well. */
  others?: readonly Snapshot[]
}

/** What one reading of a source gave. Never both: a part that was read, and a failure of it. */
export interface SourceReading {
  snapshot: Snapshot
  /** By AWS call; empty for a source whose snapshot says it all (`parts`, `problems`). */
  failures: readonly SourceFailure[]
}

export interface SourceFailure {
  part: SnapshotPart
  /** One of the closed list of the metric `pathproof_topology_errors_total`. */
  reason: string
  detail: string
  nextStep: string
}

export interface SnapshotKeeper {
  /**
   * The newest reading; null before the first, or without a source. Where the wall clock was set back since, its
   * dates are moved back as far: what was read does not get younger by that.
   */
  current(): KeptReading | null
  /** When the last of the parts was read so that now none is missing, Unix milliseconds; null: never. */
  lastSuccessMs(): number | null
  /** What went wrong in the last reading; empty if nothing. */
  problems(): string[]
  /** Reads now (by default everything); never rejects. Readings never overlap: a second one waits for the first. */
  refresh(parts?: WantedParts): Promise<void>
  /**
   * Something was seen that the last reading does not explain (an address outside a list, an endpoint that it does not
   * describe): everything but the route tables is read soon, at most once in a minute.
   */
  soon(): void
  /** Reads again and again until the signal fires. Resolves when stopped. */
  run(): Promise<void>
}

export interface SnapshotKeeperDeps {
  /** Reads parts of the source once; may reject. `last` is what is known so far. Null: there is no source. */
  read: ((parts: WantedParts, last: Snapshot | null) => Promise<SourceReading>) | null
  /** Route tables; everything where there is no other rhythm. */
  refreshSeconds: number
  /** All other parts; null: they come with the route tables. */
  otherRefreshSeconds: number | null
  /** What a reading of everything is; left out: all parts. */
  whole?: 'all' | 'others'
  /** A copy of an earlier run, with the dates that it had. */
  startWith: Snapshot | null
  clock: Clock
  /** 0 to 1: by it each wait is a tenth shorter to a tenth longer, so that hosts don't read in step. */
  jitter(): number
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  onReading(reading: KeptReading, changed: boolean, parts: WantedParts): void
  /** Every part of every reading: whether it was read, and if not, why. */
  onPart(part: SnapshotPart, outcome: { read: true } | { read: false; reason: string }): void
  /** Told when it begins; a problem that stays is not told again. */
  onProblem(problem: string): void
  signal: AbortSignal
}

/** Between two readings of everything but the tables that were asked for by `soon`. */
const soonSeconds = 60

/** The two clocks are read one after the other, and the wall clock is slewed. */
const clockNoiseMs = 100

/** How long to wait between two readings: a tenth shorter to a tenth longer. `random`: 0 to 1. */
export function waitOf(seconds: number, random: number): number {
  return seconds * (0.9 + 0.2 * random)
}

/**
 * The first wait after the start: from a tenth of an interval to a tenth more than one, all alike likely. Hosts that start
 * at once, as after an outage of power, would else read in step for hours, and be throttled each time. `random` from 0 to 1;
 * one half means one interval, as it does in `waitOf`.
 */
export function firstWaitOf(seconds: number, random: number): number {
  return seconds * (0.1 + ((random + 0.4) % 1))
}

/** True if something of it was read: an empty directory must not take the place of a good copy. */
function holdsAnything(snapshot: Snapshot): boolean {
  return Object.values(snapshot.parts).some((part) => part.read)
}

/**
 * Keeps the account's snapshot fresh. A reading that fails leaves the last good copy, which ages by its own
 * dates until it is no evidence any more; nothing here makes it look younger. Route tables can be read more often than
 * the rest: then each reading is of some parts, and the others stay as they are, with their own dates.
 */
export function createSnapshotKeeper(deps: SnapshotKeeperDeps): SnapshotKeeper {
  const { whole = 'all' } = deps
  let current: KeptReading | null = null
  let lastSuccessMs: number | null = null
  const missing = new Set<SnapshotPart>(snapshotParts.filter((part) => isWanted(part, whole)))
  const complaints = new Map<WantedParts, Complaint[]>()
  let reading: Promise<void> = Promise.resolve()
  let undescribed = new Set<string>()
  let restBeganMs = -Infinity
  let restDueMs = Infinity
  let wake = new AbortController()
  // By part, or id of a prefix list: its date, and the wall clock's lead over the monotonic one when it was first seen.
  let sights = new Map<string, { atMs: number; leadMs: number }>()

  const leadMs = (): number => deps.clock.wallMs() - deps.clock.monotonicMs()

  const see = ({ parts, prefixLists }: Snapshot): void => {
    const now = leadMs()
    const dates = [
      ...snapshotParts.map((part) => [part, parts[part].read ? parts[part].atMs : null] as const),
      ...prefixLists.map(({ id, atMs }) => [id, atMs] as const),
    ]
    const next: typeof sights = new Map()
    for (const [key, atMs] of dates) {
      const known = sights.get(key)
      if (atMs !== null) next.set(key, known?.atMs === atMs ? known : { atMs, leadMs: now })
    }
    sights = next
  }

  const asOld = (reading: KeptReading): KeptReading => {
    const now = leadMs()
    const moved = (key: string, atMs: number | null): number | null => {
      const backMs = (sights.get(key)?.leadMs ?? now) - now
      return atMs !== null && backMs > clockNoiseMs ? atMs - backMs : atMs
    }
    if (!sights.values().some((sight) => sight.leadMs - now > clockNoiseMs)) return reading
    const { snapshot, content } = reading
    const parts = { ...snapshot.parts }
    for (const part of snapshotParts) {
      const status = parts[part]
      if (status.read) parts[part] = { ...status, atMs: moved(part, status.atMs) }
    }
    const prefixLists = snapshot.prefixLists.map((list) => ({ ...list, atMs: moved(list.id, list.atMs) }))
    return { snapshot: { ...snapshot, parts, prefixLists }, content }
  }

  const complain = (parts: WantedParts, found: readonly Complaint[]): void => {
    const before = new Set([...complaints.values()].flat().map(({ text }) => stateOf(text)))
    if (parts === 'all') {
      const ofTables = ({ part }: Complaint) => part === 'routeTables'
      complaints.set('routeTables', found.filter(ofTables))
      complaints.set(
        'rest',
        found.filter((complaint) => !ofTables(complaint)),
      )
    } else complaints.set(parts, [...found])
    const begun = found.filter(({ text }) => !before.has(stateOf(text)))
    for (const line of linesOf(begun)) deps.onProblem(line)
  }

  const settle = ({ snapshot, failures }: SourceReading, parts: WantedParts): void => {
    for (const part of snapshotParts) {
      const status = snapshot.parts[part]
      if (!isWanted(part, parts)) continue
      const failed = failures.filter((failure) => failure.part === part)
      for (const { reason } of failed) deps.onPart(part, { read: false, reason })
      if (failed.length === 0)
        deps.onPart(part, status.read ? { read: true } : { read: false, reason: status.reason })
      if (status.read && failed.length === 0) missing.delete(part)
      else missing.add(part)
    }
    if (missing.size === 0) lastSuccessMs = deps.clock.wallMs()
  }

  const readNow = async (parts: WantedParts): Promise<void> => {
    if (deps.read === null) return
    if (parts !== 'routeTables') restBeganMs = deps.clock.monotonicMs()
    try {
      const reading = await deps.read(parts, current?.snapshot ?? null)
      const { snapshot: read } = reading
      settle(reading, parts)
      const found = complaintsOf(reading)
      const nothing = !holdsAnything(read)
      const empty = { part: null, text: `${read.source} holds nothing that could be read` }
      complain(parts, nothing && found.length === 0 ? [empty] : found)
      if (nothing) return
      const snapshot = withLastGood(current?.snapshot ?? null, read)
      const content = contentHash(snapshot)
      const changed = content !== current?.content
      current = { snapshot, content }
      see(snapshot)
      deps.onReading(asOld(current), changed, parts)
      const unknown = unknownIds(snapshot)
      // what is still not described after it was asked for once will not be
      if (parts === 'routeTables' && [...unknown].some((id) => !undescribed.has(id))) soon()
      undescribed = unknown
    } catch (error) {
      for (const part of snapshotParts) {
        if (!isWanted(part, parts)) continue
        missing.add(part)
        deps.onPart(part, { read: false, reason: 'failed' })
      }
      complain(parts, [{ part: null, text: error instanceof Error ? error.message : String(error) }])
    }
  }

  const refresh = (parts: WantedParts = whole): Promise<void> => {
    const next = reading.then(() => readNow(parts))
    reading = next
    return next
  }

  const soon = (): void => {
    const atMs = Math.max(deps.clock.monotonicMs(), restBeganMs + soonSeconds * 1000)
    if (deps.otherRefreshSeconds === null || atMs >= restDueMs) return
    restDueMs = atMs
    wake.abort()
  }

  /** A monotonic time one interval from now, a tenth earlier or later. */
  const dueAfter = (seconds: number): number =>
    deps.clock.monotonicMs() + waitOf(seconds, deps.jitter()) * 1000

  if (deps.startWith !== null) {
    current = { snapshot: deps.startWith, content: contentHash(deps.startWith) }
    see(deps.startWith)
  }

  return {
    current: () => (current === null ? null : asOld(current)),
    lastSuccessMs: () => lastSuccessMs,
    problems: () => linesOf([...complaints.values()].flat()),
    refresh,
    soon,
    async run() {
      const { refreshSeconds, otherRefreshSeconds, signal } = deps
      const firstDue = (seconds: number): number =>
        deps.clock.monotonicMs() + firstWaitOf(seconds, deps.jitter()) * 1000
      let tablesDueMs = firstDue(refreshSeconds)
      restDueMs = otherRefreshSeconds === null ? Infinity : firstDue(otherRefreshSeconds)
      while (!signal.aborted) {
        wake = new AbortController()
        const waitMs = Math.min(tablesDueMs, restDueMs) - deps.clock.monotonicMs()
        if (waitMs > 0) await deps.sleep(waitMs / 1000, AbortSignal.any([signal, wake.signal]))
        if (signal.aborted) return
        // a timer may fire a little before its time by the other clock
        const nowMs = deps.clock.monotonicMs() + clockNoiseMs
        const tables = tablesDueMs <= nowMs
        const rest = restDueMs <= nowMs
        if (tables) tablesDueMs = dueAfter(refreshSeconds)
        if (rest && otherRefreshSeconds !== null) restDueMs = dueAfter(otherRefreshSeconds)
        if (tables && otherRefreshSeconds === null) await refresh()
        else if (tables || rest) await refresh(tables ? (rest ? 'all' : 'routeTables') : 'rest')
      }
    },
  }
}

/** Something that is wrong with a reading, and the part that it is wrong with where it is one part. */
interface Complaint {
  part: SnapshotPart | null
  text: string
}

/** The text without what is another at each reading although nothing has changed: how far ahead a date lies, and the date. */
function stateOf(text: string): string {
  return text
    .replace(/\b\d+ s in the future/g, 'in the future')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time')
}

function complaintsOf({ snapshot, failures }: SourceReading): Complaint[] {
  const told = new Set(failures.map(({ detail }) => detail))
  const further = snapshot.problems.filter(({ problem }) => !told.has(problem))
  return [
    ...failures.map(({ part, detail, nextStep }) => ({ part, text: `${detail}; ${nextStep}` })),
    ...further.map(({ file, place, problem, expected, nextStep }) => ({
      part: null,
      text: [file, place, problem, expected && `expected ${expected}`, nextStep].filter(Boolean).join(': '),
    })),
  ]
}

/** What is wrong with a reading, one line each; parts that failed for the same reason share one. */
export function readingProblems(reading: SourceReading): string[] {
  return linesOf(complaintsOf(reading))
}

/** One line for each text, behind the parts that it is about. */
function linesOf(complaints: readonly Complaint[]): string[] {
  const byText = new Map<string, Set<SnapshotPart>>()
  for (const { part, text } of complaints) {
    const parts = byText.get(text) ?? new Set()
    if (part !== null) parts.add(part)
    byText.set(text, parts)
  }
  return [...byText].map(([text, parts]) => (parts.size === 0 ? text : `${[...parts].join(', ')}: ${text}`))
}

/** Ids to which routes lead and which no other part describes: they may have been made since that part was read. */
function unknownIds({ parts, routeTables, endpoints, natGateways, prefixLists }: Snapshot): Set<string> {
  const known = new Set([...endpoints, ...natGateways, ...prefixLists].map(({ id }) => id))
  const ids = routeTables.flatMap(({ routes }) =>
    routes.flatMap(({ destination, target }) => [
      ...(parts.prefixLists.read && destination.kind === 'prefix_list' ? [destination.id] : []),
      ...(parts.endpoints.read && target.kind === 'vpc_endpoint' ? [target.id ?? ''] : []),
      ...(parts.natGateways.read && target.kind === 'nat_gateway' ? [target.id ?? ''] : []),
    ]),
  )
  return new Set(ids.filter((id) => id !== '' && !known.has(id)))
}
