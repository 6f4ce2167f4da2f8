import type { HostAccess } from '../../model/host.ts'
import { type Snapshot, type Vantage, snapshotParts } from '../../model/topology.ts'
import type { FurtherMetrics, TopologyMetrics } from '../../exporters/topology-metrics.ts'
import type { ProgramCommand } from '../child.ts'
import type { Config } from '../config/config.ts'
import { createFurtherAccounts, withOthers } from './further-accounts.ts'
import { createLastGood } from './last-good.ts'
import type { Log } from '../log.ts'
import { alsoSources } from './snapshot-also.ts'
import { type KeptReading, type SnapshotKeeper, createSnapshotKeeper } from './snapshot-keeper.ts'
import { snapshotSource } from './snapshot-source.ts'
import { stateDirectoryOf } from '../state-file.ts'

export interface TopologyDeps {
  host: HostAccess
  log: Log
  version: string
  /** How this program is started once more, to read the account. */
  program: ProgramCommand
  /** Asked anew at each reading. */
  vantage(): Vantage
  metrics: TopologyMetrics
  /** Of a further account that is read by a role. */
  furtherMetrics(role: { account: string; region: string | null }): FurtherMetrics
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
  /** Each new reading, of further accounts too; `changed` if it says something else than the last one. */
  onReading(reading: KeptReading, changed: boolean): void
}

/** What the account is configured to do, kept fresh from the source that the configuration names. */
export interface KeptTopology {
  /** Of the account itself; what it gives as current, its problems and its run are those of the further accounts as well. */
  keeper: SnapshotKeeper
  /** Whether there is a source at all. */
  configured: boolean
  /** Readings of further accounts (`topology.also`). */
  others(): Snapshot[]
  /**
   * The first readings. Resolves when they are there, or after some seconds where one comes over the network and is slow: a
   * start must not hang on it, and until it comes no route is evidence.
   */
  start(): Promise<void>
}

/** How long a start waits for the first reading by the API. */
export const startSeconds = 10

/** Joins source, keeper, the last good copy on disk and the metrics. Never rejects. */
export async function createTopology(config: Config, deps: TopologyDeps): Promise<KeptTopology> {
  const { host, log, metrics, signal } = deps
  const wallMs = () => host.clock.wallMs()
  const onProblem = (problem: string) => log.warn('topology_problem', { problem })
  const sourceDeps = {
    host,
    program: deps.program,
    signal,
    onLine: (line: string) => log.warn('account_reader', { line }),
  }
  const source = snapshotSource(config, deps.vantage, sourceDeps)
  const stateDirectory = stateDirectoryOf(host.environment)
  const directory = source.kept ? stateDirectory : null
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
  const also = alsoSources(config, deps.vantage, sourceDeps)
  const further = await createFurtherAccounts(also, {
    directory: stateDirectory,
    version: deps.version,
    refreshSeconds: ({ role }) =>
      role === null && !source.remote ? config.topology.refreshSeconds : config.topology.otherRefreshSeconds,
    clock: host.clock,
    random: deps.random,
    sleep: deps.sleep,
    signal,
    metrics: deps.furtherMetrics,
    onProblem,
    onChange(name, snapshot) {
      log.info('further_account', { account: name, snapshot: snapshot.id.slice(0, 12) })
      const own = keeper.current()
      if (own !== null) deps.onReading(withOthers(own, further.readings()), true)
    },
  })
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
      deps.onReading(withOthers(reading, further.readings()), changed)
    },
  })
  const remote = source.remote || also.some(({ role }) => role !== null)
  return {
    keeper: {
      ...keeper,
      current() {
        const own = keeper.current()
        return own === null ? null : withOthers(own, further.readings())
      },
      problems: () => [...keeper.problems(), ...further.problems()],
      run: async () => void (await Promise.all([keeper.run(), further.run()])),
    },
    configured: source.read !== null,
    others: () => further.readings().map(({ snapshot }) => snapshot),
    async start() {
      const reading = Promise.all([keeper.refresh(), further.refresh()])
      if (!remote) await reading
      else if (keeper.current() === null || further.readings().length < also.length) {
        const over = new AbortController()
        await Promise.race([reading, deps.sleep(startSeconds, AbortSignal.any([signal, over.signal]))])
        over.abort()
      }
    },
  }
}
