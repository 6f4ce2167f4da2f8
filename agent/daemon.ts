import type { HostAccess } from '../model/host.ts'
import type { Target } from '../model/target.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import { catalogue } from '../exporters/catalogue.ts'
import { createFlowlogMetrics } from '../exporters/flowlog-metrics.ts'
import { createProbeMetrics } from '../exporters/probe-metrics.ts'
import { createProcessMetrics } from '../exporters/process-metrics.ts'
import { createSeriesSet } from '../exporters/prometheus.ts'
import { createFurtherMetrics, createTopologyMetrics } from '../exporters/topology-metrics.ts'
import { createVerdictMetrics } from '../exporters/verdict-metrics.ts'
import { proxyVariables } from '../probes/tls.ts'
import { createBackground } from './background.ts'
import { withCanary } from './canary-target.ts'
import { type TimerClock, withTimers } from './clock.ts'
import { createClockWatch } from './clock-watch.ts'
import type { Config } from './config/config.ts'
import { configHash } from './config/effective.ts'
import { targetsOf } from './config/targets.ts'
import { privateServices } from './census-services.ts'
import { createCloudwatchWatch } from './cloudwatch-watch.ts'
import { createDiscovery } from './discovery.ts'
import { discoveredFile } from './discovered-store.ts'
import { createFirstLegs } from './first-legs.ts'
import { createFleet, lifeKey } from './fleet.ts'
import { foundation } from './foundation.ts'
import { createFlowLogs } from './flow-logs.ts'
import { flowlogState, saveFlowlogState } from './flowlog-state.ts'
import { createHttp } from './http.ts'
import { parseListenAddress } from './listen.ts'
import { sleep } from './machine.ts'
import { createListWatch } from './list-watch.ts'
import { createLives } from './lives.ts'
import { createLedger } from './ledger.ts'
import { configurationParts, createWatchedRecords, snapshotRecord } from './ledger-standing.ts'
import type { Log } from './log.ts'
import { createMissBook, missesOf } from './misses.ts'
import { type RecordFunction, createRecord, createRing, fanOut } from './record.ts'
import { readRecords } from './records-child.ts'
import { createResolverBook } from './resolver-book.ts'
import { createReload } from './reload.ts'
import { createScheduler } from './schedule.ts'
import { type Shared, createShared } from './shared.ts'
import { type ProgramCommand, ownProgram } from './child.ts'
import { noEndpoints, readerDeps, regionOf } from './snapshot-source.ts'
import { createTellings } from './tellings.ts'
import { createTopology } from './topology.ts'
import { createOutward } from './outward.ts'
import { stateDirectoryOf } from './state-file.ts'
import { createTaintBook } from './taint.ts'
import { loadTaints, taintSaver } from './taint-store.ts'
import { createSelfMetrics } from './self-metrics.ts'
import { createTroubles } from './troubles.ts'
import { surfaceOf } from './surface.ts'
import { findVantage } from './vantage.ts'
import { createVantageKeeper } from './vantage-keeper.ts'

export interface DaemonDeps {
  host: HostAccess
  log: Log
  version: string
  readText(path: string): Promise<string | null>
  /** The schedule's timers; left out: those of this process. */
  timers?: TimerClock
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  /** Roots of the host's own certificate store; null: the real one. */
  hostRoots: (() => string[]) | null
  /** Reads the configuration anew; null where there is no file to read. */
  loadAgain: (() => Promise<{ ok: true; config: Config } | { ok: false; text: string }>) | null
  /** Called for each judgement of a target; the lab's display listens here. */
  onVerdict?(verdict: TargetVerdict, changed: boolean): void
  /** How this program is started once more, to read the account; left out: as it was started itself. */
  program?: ProgramCommand
  /** Overrides `web.listen`. */
  listen?: string
}

export interface Daemon {
  address: { host: string; port: number }
  verdicts(): TargetVerdict[]
  reload(): Promise<{ ok: boolean; text: string }>
  /** Resolves when no cycle is under way. */
  settled(): Promise<void>
  /** Starts no further cycle, lets the ones under way end for at most `graceSeconds`, closes everything. */
  stop(graceSeconds: number): Promise<void>
}

/** For what was aborted to come to its end. */
const lastSeconds = 2
/** For the ledger's last checkpoint, and once more for its anchors: each takes a process of its own where AWS is asked. */
const ledgerSeconds = 7

/**
 * The composition root of the daemon: schedule → cycle → verdict → metrics, pages and records. Resolves once
 * the HTTP surface listens; the first verdicts come by the schedule.
 * @throws if the listen address can't be had, or a file that the configuration names can't be read
 */
export async function startDaemon(first: Config, deps: DaemonDeps): Promise<Daemon> {
  const { host, log, version } = deps
  const stopping = new AbortController()
  const ending = new AbortController()
  const monotonicMs = () => host.clock.monotonicMs()
  const wallMs = () => host.clock.wallMs()
  let config = first
  let configuration = configHash(first)
  let sequence = 0
  const nextId = () => `${host.bootId.slice(0, 8)}-${process.pid.toString(36)}-${(++sequence).toString(36)}`

  const series = createSeriesSet(catalogue)
  const verdictMetrics = createVerdictMetrics(series)
  const probeMetrics = createProbeMetrics(series)
  const processMetrics = createProcessMetrics()
  const self = createSelfMetrics(series, version)

  const ring = createRing()
  const ledger = createLedger({
    host,
    timers: deps.timers ?? withTimers(host.clock),
    log,
    series,
    expected: first.ledger !== null,
    record: (kind, body) => record(kind, body),
    region: () => region(),
    reader: (signal) => reader(signal),
    clockOffsetSeconds: () => flowLogs.clockOffsetSeconds(),
    interfaces: () => vantages.current().interfaces.map(({ id }) => id),
    nextId,
    sleep: deps.sleep,
    random: deps.random,
  })
  const record: RecordFunction = createRecord(fanOut([ring, ledger.sink]), wallMs, (lost, error) =>
    log.error('record_lost', { sequence: lost, error: error as Error }),
  )
  const watchedRecords = createWatchedRecords()
  const tellWatched = (): void => {
    for (const body of watchedRecords.told(fleet.targets(), configuration)) record('target', body)
  }
  const lives = createLives(monotonicMs)
  const troubles = createTroubles(log, monotonicMs)
  const clockWatch = createClockWatch(host.clock, (seconds) => log.warn('clock_jumped', { seconds }))
  const listWatch = createListWatch((list) => log.warn('prefix_list_shrank', list))
  const vantages = createVantageKeeper({
    find: () =>
      findVantage({
        host,
        readText: deps.readText,
        configured: config.agent.vantage,
        signal: stopping.signal,
      }),
    clock: host.clock,
    sleep: deps.sleep,
    signal: stopping.signal,
    onKept: ({ because }) => log.warn('vantage_kept', { because }),
    onChange(vantage, before) {
      const { kind, because, interfaces } = vantage
      log.info('vantage', { kind, because, interfaces: interfaces.map(({ id }) => id) })
      record('vantage', vantage)
      self.vantage(vantage)
      if (before === null) return
      // The canary's own names go by the region, which may have been found only now.
      if (base !== null) watch(withCanary(config, given, region()), base.shared, false)
      const reading = keeper.current()
      if (reading !== null) fleet.readAgain(reading)
      discovery.nudge()
    },
  })
  await vantages.refresh()

  const topology = await createTopology(config, {
    host,
    log,
    version,
    program: deps.program ?? ownProgram(),
    vantage: () => vantages.current(),
    metrics: createTopologyMetrics(series),
    furtherMetrics: (role) => createFurtherMetrics(series, role),
    sleep: deps.sleep,
    random: deps.random,
    signal: stopping.signal,
    onReading(reading, changed) {
      self.prefixLists(reading.snapshot)
      listWatch.look(reading.snapshot)
      outward.look()
      if (!changed) return
      const { id, source } = reading.snapshot
      record('snapshot', snapshotRecord(reading.snapshot))
      log.info('topology_changed', { snapshot: id.slice(0, 12), source })
      fleet.readAgain(reading)
      discovery.nudge()
    },
  })
  const { keeper } = topology
  const misses = createMissBook({ clock: host.clock, ask: () => keeper.soon() })

  const stateDirectory = stateDirectoryOf(host.environment)
  const taint = createTaintBook(stateDirectory === null ? [] : await loadTaints(stateDirectory, wallMs()))
  const saveTaint = stateDirectory === null ? null : taintSaver(stateDirectory, log)
  const keepTaint = (): void => {
    log.warn('taint', { bases: taint.bases().map((b) => `${b.routeTable} ${b.route} ${b.target}`) })
    saveTaint?.(taint.contents())
  }
  const region = () => regionOf(config, vantages.current(), host.environment)
  const reader = (signal: AbortSignal) =>
    readerDeps(
      {
        host,
        program: deps.program ?? ownProgram(),
        signal,
        onLine: (line) => log.warn('records_reader', { line }),
      },
      vantages.current(),
      config.topology.endpoint ?? noEndpoints,
    )
  const flowlogMetrics = createFlowlogMetrics(series)
  const flowLogs = createFlowLogs({
    host,
    config: () => config.flowLogs,
    snapshot: () => keeper.current()?.snapshot ?? null,
    vantage: vantages.current,
    region,
    reader,
    metrics: flowlogMetrics,
    counted: ledger.counted,
    told: (verdicts) => {
      for (const verdict of verdicts) record('attempt_verdict', verdict)
      fleet.told(verdicts)
    },
    onRead(results, nowMs) {
      if (stateDirectory === null) return
      saveFlowlogState(stateDirectory, flowlogState(results, nowMs, flowLogs.clockOffsetSeconds())).catch(
        (error: Error) => log.warn('flow_logs_state', { error }),
      )
    },
    onProblem: (problem) => log.warn('flow_logs_problem', { problem }),
    sleep: deps.sleep,
    random: deps.random,
  })

  const firstLegs = createFirstLegs({
    host,
    config: () => config,
    vantage: vantages.current,
    known: () => fleet.known(),
    region,
    reader,
    series,
    record,
    log,
    sleep: deps.sleep,
    random: deps.random,
  })
  const resolverBook = createResolverBook(wallMs)

  const fleet = createFleet({
    clock: host.clock,
    lives,
    taint,
    tainted: keepTaint,
    weighed: flowLogs.book.weighed,
    nextSlotSeconds: (name) => scheduler.nextSlotSeconds(name),
    looked: (target, look) => record('look', { target: target.name, ...look }),
    joined(target, names) {
      tellWatched()
      verdictMetrics.sync(fleet.targets())
      firstLegs.sync(fleet.targets())
      log.info('names_joined', { target: target.name, names: names.map((n) => n.hostname) })
    },
    judged: (...judgement) => tellings.judged(...judgement),
  })

  const tellings = createTellings({
    log,
    record,
    wallMs,
    probeMetrics,
    verdictMetrics,
    observers: [
      troubles.observed,
      (_target, observation) => {
        if (observation.kind === 'attempt') flowLogs.observed(observation)
      },
      (target, observation) => outward.observed(target, observation),
    ],
    judges: [
      firstLegs.judged,
      ({ names }) => misses.met(missesOf(names, keeper.current()?.snapshot ?? null)),
      (verdict, changed) => deps.onVerdict?.(verdict, changed),
    ],
  })

  const sharedFor = (configured: Config): Shared =>
    createShared({
      config: configured,
      configuration: () => configuration,
      host,
      vantage: vantages.current,
      version,
      nextId,
      reading: () => keeper.current(),
      others: () => topology.others(),
      observed: tellings.observed,
      late: flowLogs.book,
      hostRoots: deps.hostRoots,
      taint,
      beside: firstLegs.beside,
      resolverBook,
    })

  const scheduler = createScheduler({
    clock: deps.timers ?? withTimers(host.clock),
    signal: ending.signal,
    run: (name, signal) => {
      clockWatch.look()
      return fleet.cycle(name, signal)
    },
    onSkip(name, reason, slots) {
      probeMetrics.skipped(reason, slots)
      ledger.skipped(name, reason, slots)
      log.warn('cycle_skipped', { target: name, reason, slots })
    },
    onLag: (_name, seconds) => probeMetrics.lag(seconds),
    onError(name, error) {
      if (!ending.signal.aborted) log.error('cycle_failed', { target: name, error: error as Error })
    },
    seed: host.bootId,
  })

  // The limits hold for the whole agent: targets that stay and those that come must share them.
  let base: { on: string; shared: Shared } | null = null
  /** Configured or discovered; without the canary's own. */
  let given: Target[] = []

  const watch = (targets: Target[], shared: Shared, anew: boolean): void => {
    fleet.replace(targets, shared, anew)
    verdictMetrics.sync(fleet.targets())
    firstLegs.sync(fleet.targets())
    tellWatched()
    scheduler.replace(targets.map(({ name, schedule }) => ({ name, schedule })))
  }

  const discovery = createDiscovery({
    enabled: () => config.targets.length === 0,
    vantage: vantages.current,
    snapshot: () => keeper.current()?.snapshot ?? null,
    lookup: host.lookup,
    store: stateDirectory === null ? null : discoveredFile(stateDirectory),
    maxNames: () => config.limits.names,
    clock: host.clock,
    sleep: deps.sleep,
    onTargets(targets) {
      if (base === null) return
      log.info('discovered', { targets: targets.map(({ name }) => name) })
      given = targets
      watch(withCanary(config, targets, region()), base.shared, false)
    },
    onProblem: (problem) => log.warn('discovery_problem', { problem }),
    signal: stopping.signal,
  })

  const cloudwatch = createCloudwatchWatch({
    clock: host.clock,
    snapshot: () => keeper.current()?.snapshot ?? null,
    verdicts: () => fleet.verdicts(),
    region,
    read: (request, signal) => readRecords(request, reader(signal)),
    onWords: (words) => log.warn('cloudwatch_contradicts', { words }),
    sleep: deps.sleep,
    random: deps.random,
  })

  const outward = createOutward({
    host,
    timers: deps.timers ?? withTimers(host.clock),
    log,
    series,
    record,
    version,
    config: () => config,
    targets: () => fleet.targets(),
    snapshot: () => keeper.current()?.snapshot ?? null,
    vantage: vantages.current,
    accountRead: topology.configured,
    sleep: deps.sleep,
    signal: stopping.signal,
  })

  const background = createBackground({
    host,
    fleet,
    flowLogs,
    cloudwatch,
    firstLegs,
    log,
    record,
    vantage: vantages.current,
    reading: () => keeper.current(),
    region,
    reader,
    observed: ({ target }, attempt) => tellings.observed(target, attempt),
    sleep: deps.sleep,
    random: deps.random,
    signal: stopping.signal,
  })

  const take = (configured: Config, targets: Target[]): void => {
    const on = foundation(configured)
    const anew = base?.on !== on
    if (base === null || anew) base = { on, shared: sharedFor(configured) }
    config = configured
    configuration = configHash(configured)
    given = targets
    ledger.take(configured)
    for (const part of configurationParts(configured, configuration)) record('configuration', part)
    watch(withCanary(configured, targets, region()), base.shared, anew)
    background.take(configured, base.shared)
    outward.take(configured)
    discovery.nudge()
    self.reloaded(true, wallMs())
    record('lifecycle', { event: 'configured', version, configuration })
  }

  const reload = createReload({
    loadAgain: deps.loadAgain,
    current: () => config,
    async discovered() {
      await discovery.load()
      return discovery.targets()
    },
    take,
    refused() {
      self.reloaded(false, wallMs())
      record('lifecycle', { event: 'configuration_refused', version, configuration })
    },
    log,
  })

  const readyBecause = (): string[] => {
    const because: string[] = []
    if (topology.configured && keeper.current() === null)
      because.push("the account's snapshot has not been read yet")
    if (fleet.targets().length === 0) because.push('no targets are configured', ...discovery.because())
    return because
  }

  const http = createHttp(
    surfaceOf({
      version,
      wallMs,
      log,
      fleet,
      ring,
      keeper,
      vantages,
      readyBecause,
      earlier: (id) => flowLogs.book.attempt(id),
      notices: () => [
        ...flowLogs.problems(),
        ...firstLegs.problems(),
        ...outward.notices(),
        ...ledger.notices(),
      ],
      documents: {
        census: () => flowLogs.census(wallMs(), privateServices(fleet.targets())),
        cloudwatch: () => cloudwatch.document(),
        ledger: ledger.document,
        ...outward.documents,
      },
      async metrics(format) {
        const further = await processMetrics(format)
        flowlogMetrics.covered(flowLogs.census(wallMs(), [])?.coveredSeconds ?? 0)
        flowlogMetrics.clockOffset(flowLogs.clockOffsetSeconds())
        flowlogMetrics.scraped(wallMs())
        outward.refresh()
        ledger.refresh()
        // Last before the rendering: a life may end while the process is asked.
        const isAlive = (target: string, hostname: string, style: string) =>
          lives.alive(lifeKey(target, hostname, style))
        verdictMetrics.refresh(isAlive, wallMs())
        firstLegs.refresh(isAlive)
        return series.render(format, further)
      },
      reload: () => (config.web.reload ? reload : null),
    }),
  )

  const wanted = deps.listen ?? config.web.listen
  const listen = parseListenAddress(wanted)
  if ('error' in listen) throw new Error(`web.listen: ${wanted}: ${listen.error}`)
  const { targets, problems } = targetsOf(config)
  if (problems.length > 0) throw new Error(problems.map((p) => p.problem).join('\n'))
  await topology.start()
  const address = await http.listen(listen)
  record('lifecycle', { event: 'started', version, configuration })
  if (targets.length === 0) await discovery.load()
  take(config, targets.length === 0 ? discovery.targets() : targets)
  const keeping = Promise.all([keeper.run(), vantages.run(), discovery.run(), outward.run()])
  log.info('listening', { host: address.host, port: address.port })
  const proxies = proxyVariables(host.environment)
  if (proxies.length > 0) log.info('proxy_ignored', { variables: proxies })

  return {
    address,
    verdicts: () => fleet.verdicts(),
    reload,
    settled: () => scheduler.settled(),
    async stop(graceSeconds) {
      scheduler.stop()
      await Promise.race([scheduler.settled(), deps.sleep(graceSeconds, stopping.signal)])
      ending.abort(new Error('the agent stops'))
      stopping.abort(new Error('the agent stops'))
      // What does not heed the signal must not keep a service from ending.
      const over = new AbortController()
      const closed = Promise.all([scheduler.settled(), keeping, background.settled(), http.close(1)])
      await Promise.race([closed, sleep(lastSeconds, over.signal)])
      over.abort()
      record('lifecycle', { event: 'stopped', version, configuration })
      await ledger.close('the agent stops', ledgerSeconds)
      log.info('stopped', {})
      log.flush()
    },
  }
}
