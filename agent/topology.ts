import type { HostAccess } from '../model/host.ts'
import { type Snapshot, type Vantage, snapshotParts } from '../model/topology.ts'
import type { TopologyMetrics } from '../exporters/topology-metrics.ts'
import type { Config } from './config/config.ts'
import { createLastGood } from './last-good.ts'
import type { Log } from './log.ts'
import type { ProgramCommand } from './snapshot-child.ts'
import { type KeptReading, type SnapshotKeeper, createSnapshotKeeper } from './snapshot-keeper.ts'
import { snapshotSource } from './snapshot-source.ts'
import { stateDirectoryOf } from './state-file.ts'

export interface TopologyDeps {
  host: HostAccess
  log: Log
  version: string
  /** How this program is started once more, to read the account. */
  program: ProgramCommand
  /** Asked anew at each reading. */
  vantage(): Vantage
  metrics: TopologyMetrics
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
  /** Each new reading; `changed` if it says something else than the last one. */
  onReading(reading: KeptReading, changed: boolean): void
}

/** What the account is configured to do, kept fresh from the source that the configuration names. */
export interface KeptTopology {
  keeper: SnapshotKeeper
  /** Whether there is a source at all. */
  configured: boolean
  /** Readings of further accounts (`topology.also`). */
  others(): Snapshot[]
  /**
   * The first reading. Resolves when it is there, or after some seconds where it comes over the network and is slow: a
   * start must not hang on it, and until it comes no route is evidence.
   */
  start(): Promise<void>
}

/** How long a start waits for the first reading by the API. */
const startSeconds = 10

/** Joins source, keeper, the last good copy on disk and the metrics. Never rejects. */
export async function createTopology(config: Config, deps: TopologyDeps): Promise<KeptTopology> {
  const { host, log, metrics, signal } = deps
  const wallMs = () => host.clock.wallMs()
  const onProblem = (problem: string) => log.warn('topology_problem', { problem })
  const source = snapshotSource(config, deps.vantage, {
    host,
    program: deps.program,
    signal,
    onLine: (line) => log.warn('account_reader', { line }),
    onProblem,
  })
  const directory = source.remote ? stateDirectoryOf(host.environment) : null
  const { accountId: account, region } = deps.vantage()
  const lastGood =
    directory === null
      ? null
      : createLastGood({
          directory,
          account,
          region,
          version: deps.version,
          wallMs,
          onProblem: (problem) => log.warn('last_good', { problem }),
        })
  const copy = (await lastGood?.read()) ?? null
  if (copy !== null) log.info('last_good', { source: copy.source, snapshot: copy.id.slice(0, 12) })
  let others: Snapshot[] = []
  const readOthers = async (): Promise<void> => {
    others = await source.readOthers()
  }
  const keeper = createSnapshotKeeper({
    read: source.read,
    refreshSeconds: config.topology.refreshSeconds,
    otherRefreshSeconds: source.otherRefreshSeconds,
    startWith: copy,
    clock: host.clock,
    jitter: deps.random,
    sleep: deps.sleep,
    signal,
    onProblem,
    onPart(part, outcome) {
      if (!outcome.read) metrics.partFailed(part, outcome.reason)
    },
    onReading(reading, changed, parts) {
      const completeMs = keeper.lastSuccessMs()
      if (completeMs !== null) metrics.complete(completeMs)
      for (const part of snapshotParts) {
        const status = reading.snapshot.parts[part]
        if (status.read && status.atMs !== null) metrics.partRead(part, status.atMs)
      }
      if (changed || parts !== 'routeTables') void lastGood?.write(reading.snapshot)
      if (parts !== 'routeTables') void readOthers()
      deps.onReading(reading, changed)
    },
  })
  return {
    keeper,
    configured: source.read !== null,
    others: () => others,
    async start() {
      const reading = Promise.all([keeper.refresh(), readOthers()])
      if (!source.remote) await reading
      else if (keeper.current() === null) {
        const over = new AbortController()
        await Promise.race([reading, deps.sleep(startSeconds, AbortSignal.any([signal, over.signal]))])
        over.abort()
      }
    },
  }
}
