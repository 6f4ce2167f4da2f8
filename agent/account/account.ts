import type { Snapshot } from '../../model/topology.ts'
import type { Target } from '../../model/target.ts'
import type { AgentMetrics } from '../agent-metrics.ts'
import { ownProgram } from '../child.ts'
import type { Config } from '../config/config.ts'
import type { DaemonDeps } from '../daemon-types.ts'
import { discoveredFile } from './discovered-store.ts'
import { type Discovery, createDiscovery } from './discovery.ts'
import { snapshotRecord } from '../ledger/standing.ts'
import { createListWatch } from './list-watch.ts'
import { type MissBook, createMissBook } from './misses.ts'
import type { RecordFunction } from '../record.ts'
import type { KeptReading, SnapshotKeeper } from './snapshot-keeper.ts'
import { noEndpoints, readerDeps, regionOf } from './snapshot-source.ts'
import { type KeptTopology, createTopology } from './topology.ts'
import { type VantageKeeper, createVantageKeeper } from './vantage-keeper.ts'
import { findVantage } from './vantage.ts'

export interface AccountParts {
  first: Config
  deps: Pick<DaemonDeps, 'host' | 'log' | 'version' | 'readText' | 'program' | 'sleep' | 'random'>
  config(): Config
  metrics: AgentMetrics
  /** Null: nothing that was found is kept for the next start. */
  stateDirectory: string | null
  record: RecordFunction
  signal: AbortSignal
  /** This host stands elsewhere, or is found to. */
  onMoved(): void
  /** The account was read, whether anything changed or not. */
  onReading(reading: KeptReading): void
  /** What was read, or from where it is looked at, is another. */
  onChanged(reading: KeptReading): void
  onTargets(targets: Target[]): void
}

/** Where this host stands, what its account is configured to do, and what follows from both. */
export interface Account {
  vantages: VantageKeeper
  topology: KeptTopology
  keeper: SnapshotKeeper
  discovery: Discovery
  misses: MissBook
  /** The region of this host; null while it is not known. */
  region(): string | null
  snapshot(): Snapshot | null
  /** For a child process that asks AWS. */
  reader(signal: AbortSignal): ReturnType<typeof readerDeps>
  /** Keeps everything fresh until the signal. */
  run(): Promise<unknown>
}

/** Finds out where this host stands, and opens what keeps its account's snapshot. Reads nothing of the account yet. */
export async function openAccount(parts: AccountParts): Promise<Account> {
  const { first, deps, config, metrics, stateDirectory, record, signal } = parts
  const { host, log, version } = deps
  const program = deps.program ?? ownProgram()
  const listWatch = createListWatch((list) => log.warn('prefix_list_shrank', list))

  const vantages = createVantageKeeper({
    find: () => findVantage({ host, readText: deps.readText, configured: config().agent.vantage, signal }),
    clock: host.clock,
    sleep: deps.sleep,
    signal,
    onKept: ({ because }) => log.warn('vantage_kept', { because }),
    onChange(vantage, before) {
      const { kind, because, interfaces } = vantage
      log.info('vantage', { kind, because, interfaces: interfaces.map(({ id }) => id) })
      record('vantage', vantage)
      metrics.self.vantage(vantage)
      if (before === null) return
      parts.onMoved()
      const reading = keeper.current()
      if (reading !== null) parts.onChanged(reading)
      discovery.nudge()
    },
  })
  await vantages.refresh()

  const topology = await createTopology(first, {
    host,
    log,
    version,
    program,
    vantage: () => vantages.current(),
    metrics: metrics.topology,
    furtherMetrics: metrics.further,
    sleep: deps.sleep,
    random: deps.random,
    signal,
    onReading(reading, changed) {
      metrics.self.prefixLists(reading.snapshot)
      listWatch.look(reading.snapshot)
      parts.onReading(reading)
      if (!changed) return
      const { id, source } = reading.snapshot
      record('snapshot', snapshotRecord(reading.snapshot))
      log.info('topology_changed', { snapshot: id.slice(0, 12), source })
      parts.onChanged(reading)
      discovery.nudge()
    },
  })
  const { keeper } = topology
  const snapshot = () => keeper.current()?.snapshot ?? null

  const discovery = createDiscovery({
    enabled: () => config().targets.length === 0,
    vantage: vantages.current,
    snapshot,
    lookup: host.lookup,
    store: stateDirectory === null ? null : discoveredFile(stateDirectory),
    maxNames: () => config().limits.names,
    clock: host.clock,
    sleep: deps.sleep,
    onTargets(targets) {
      log.info('discovered', { targets: targets.map(({ name }) => name) })
      parts.onTargets(targets)
    },
    onProblem: (problem) => log.warn('discovery_problem', { problem }),
    signal,
  })

  return {
    vantages,
    topology,
    keeper,
    discovery,
    misses: createMissBook({ clock: host.clock, ask: () => keeper.soon() }),
    region: () => regionOf(config(), vantages.current(), host.environment),
    snapshot,
    reader: (aborted) =>
      readerDeps(
        { host, program, signal: aborted, onLine: (line) => log.warn('records_reader', { line }) },
        vantages.current(),
        config().topology.endpoint ?? noEndpoints,
      ),
    run: () => Promise.all([keeper.run(), vantages.run(), discovery.run()]),
  }
}
