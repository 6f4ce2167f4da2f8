import type { Clock } from '../model/host.ts'
import { type Snapshot, snapshotParts } from '../model/topology.ts'
import { contentHash } from '../aws/snapshot-content.ts'
import { withLastGood } from '../aws/snapshot-merge.ts'

/** One reading with the hash of what it says, dates apart. */
export interface KeptReading {
  snapshot: Snapshot
  content: string
}

export interface SnapshotKeeper {
  /**
   * The newest reading; null before the first, or without a source. Where the wall clock was set back since, its
   * dates are moved back as far: what was read does not get younger by that.
   */
  current(): KeptReading | null
  /** When a reading last succeeded, Unix milliseconds; null: never. */
  lastSuccessMs(): number | null
  /** What went wrong in the last reading; empty if nothing. */
  problems(): string[]
  /** Reads now; never rejects. */
  refresh(): Promise<void>
  /** Reads again and again until the signal fires. Resolves when stopped. */
  run(): Promise<void>
}

export interface SnapshotKeeperDeps {
  /** Reads the whole source once; may reject. Null: there is no source. */
  read: (() => Promise<Snapshot>) | null
  refreshSeconds: number
  clock: Clock
  /** A share of the interval, 0 to 1, by which each wait is lengthened, so that hosts don't read in step. */
  jitter(): number
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  onReading(reading: KeptReading, changed: boolean): void
  onProblem(problem: string): void
  signal: AbortSignal
}

/** The two clocks are read one after the other, and the wall clock is slewed. */
const clockNoiseMs = 100

/** True if something of it was read: an empty directory must not take the place of a good copy. */
function holdsAnything(snapshot: Snapshot): boolean {
  return Object.values(snapshot.parts).some((part) => part.read)
}

/**
 * Keeps the account's snapshot fresh. A reading that fails leaves the last good copy, which ages by its own
 * dates until it is no evidence any more; nothing here makes it look younger.
 */
export function createSnapshotKeeper(deps: SnapshotKeeperDeps): SnapshotKeeper {
  let current: KeptReading | null = null
  let lastSuccessMs: number | null = null
  let problems: string[] = []
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

  const refresh = async (): Promise<void> => {
    if (deps.read === null) return
    try {
      const read = await deps.read()
      problems = read.problems.map((p) =>
        [p.file, p.place, p.problem, p.expected && `expected ${p.expected}`, p.nextStep]
          .filter(Boolean)
          .join(': '),
      )
      if (!holdsAnything(read)) {
        deps.onProblem(problems[0] ?? `${read.source} holds nothing that could be read`)
        return
      }
      const snapshot = withLastGood(current?.snapshot ?? null, read)
      const content = contentHash(snapshot)
      const changed = content !== current?.content
      current = { snapshot, content }
      see(snapshot)
      lastSuccessMs = deps.clock.wallMs()
      for (const problem of problems) deps.onProblem(problem)
      deps.onReading(asOld(current), changed)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      problems = [problem]
      deps.onProblem(problem)
    }
  }

  return {
    current: () => (current === null ? null : asOld(current)),
    lastSuccessMs: () => lastSuccessMs,
    problems: () => problems,
    refresh,
    async run() {
      while (!deps.signal.aborted) {
        await deps.sleep(deps.refreshSeconds * (1 + 0.1 * deps.jitter()), deps.signal)
        if (!deps.signal.aborted) await refresh()
      }
    },
  }
}
