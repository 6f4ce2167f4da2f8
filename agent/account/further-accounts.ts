import { createHash } from 'node:crypto'
import type { Clock } from '../../model/host.ts'
import { type Snapshot, snapshotParts } from '../../model/topology.ts'
import type { FurtherMetrics } from '../../exporters/topology-metrics.ts'
import { type LastGood, createLastGood } from './last-good.ts'
import type { AlsoSource } from './snapshot-also.ts'
import { type KeptReading, type SnapshotKeeper, createSnapshotKeeper } from './snapshot-keeper.ts'

export interface FurtherAccountsDeps {
  /** Where last good copies are kept; null: nowhere. */
  directory: string | null
  version: string
  /** Between two readings of one account. */
  refreshSeconds(source: AlsoSource): number
  clock: Clock
  /** 0 to 1. */
  random(): number
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  signal: AbortSignal
  /** Told once for each account that is read by a role. */
  metrics(role: NonNullable<AlsoSource['role']>): FurtherMetrics
  onProblem(problem: string): void
  /** One of them says something else than before. */
  onChange(name: string, snapshot: Snapshot): void
}

/** What further accounts (`topology.also`) are configured to do. Each is kept by itself: its reading, its age, its copy on disk. */
export interface FurtherAccounts {
  /** The newest reading of each account that could be read. */
  readings(): KeptReading[]
  /** What went wrong in their last readings, each line behind the account's name. */
  problems(): string[]
  /** Reads each once. Never rejects. */
  refresh(): Promise<void>
  /** Reads again and again until the signal fires. Resolves when stopped. */
  run(): Promise<void>
}

/** Name of the file with the last good copy of an account that is read by a role. */
export function copyName({ account, region }: NonNullable<AlsoSource['role']>): string {
  return `snapshot-${account}${region === null ? '' : `-${region}`}.json`
}

/** The hash of what all of them say: `own` alone where there are no others. */
export function withOthers(own: KeptReading, others: readonly KeptReading[]): KeptReading {
  if (others.length === 0) return own
  const contents = [own.content, ...others.map(({ content }) => content)]
  return {
    snapshot: own.snapshot,
    content: createHash('sha256').update(contents.join(' ')).digest('hex'),
    others: others.map(({ snapshot }) => snapshot),
  }
}

function holdsAnything({ parts }: Snapshot): boolean {
  return snapshotParts.some((part) => parts[part].read)
}

/** Joins each source with its keeper, its copy on disk and its metrics. Never rejects. */
export async function createFurtherAccounts(
  sources: readonly AlsoSource[],
  deps: FurtherAccountsDeps,
): Promise<FurtherAccounts> {
  const kept = await Promise.all(
    sources.map(async (source) => ({ name: source.name, keeper: await keep(source, deps) })),
  )
  return {
    readings: () => kept.flatMap(({ keeper }) => keeper.current() ?? []),
    problems: () => kept.flatMap(({ name, keeper }) => keeper.problems().map((text) => `${name}: ${text}`)),
    refresh: async () => void (await Promise.all(kept.map(({ keeper }) => keeper.refresh()))),
    run: async () => void (await Promise.all(kept.map(({ keeper }) => keeper.run()))),
  }
}

async function keep(source: AlsoSource, deps: FurtherAccountsDeps): Promise<SnapshotKeeper> {
  const { name, role } = source
  const onProblem = (problem: string) => deps.onProblem(`${name}: ${problem}`)
  const metrics = role === null ? null : deps.metrics(role)
  const lastGood: LastGood | null =
    role === null || deps.directory === null
      ? null
      : createLastGood({
          directory: deps.directory,
          fileName: copyName(role),
          ...role,
          version: deps.version,
          wallMs: () => deps.clock.wallMs(),
          onProblem,
        })
  const copy = (await lastGood?.read()) ?? null
  const keeper = createSnapshotKeeper({
    async read(_parts, last) {
      const reading = await source.read(last)
      // Without a copy, why nothing could be read is worth keeping: `doctor` asks nobody.
      if (last === null && !holdsAnything(reading.snapshot)) void lastGood?.write(reading.snapshot)
      return reading
    },
    refreshSeconds: deps.refreshSeconds(source),
    otherRefreshSeconds: null,
    whole: role === null ? 'all' : 'others',
    startWith: copy !== null && holdsAnything(copy) ? copy : null,
    clock: deps.clock,
    jitter: deps.random,
    sleep: deps.sleep,
    signal: deps.signal,
    onProblem,
    onPart(_part, outcome) {
      if (!outcome.read) metrics?.failed(outcome.reason)
    },
    onReading({ snapshot }, changed) {
      const completeMs = keeper.lastSuccessMs()
      if (completeMs !== null) metrics?.read(completeMs)
      void lastGood?.write(snapshot)
      if (changed) deps.onChange(name, snapshot)
    },
  })
  return keeper
}
