import { createAttestedMetrics } from '../exporters/attested-metrics.ts'
import { proxyVariables } from '../probes/tls.ts'
import { openAccount } from './account/account.ts'
import { createAgentMetrics } from './agent-metrics.ts'
import { createBackground } from './evidence/background.ts'
import { withTimers } from './clock.ts'
import { createClockWatch } from './clock-watch.ts'
import { ownProgram } from './child.ts'
import type { Config } from './config/config.ts'
import { targetsOf } from './config/targets.ts'
import { createCloudwatchWatch } from './evidence/cloudwatch-watch.ts'
import type { Daemon, DaemonDeps } from './daemon-types.ts'
import { createFirstLegs } from './site/first-legs.ts'
import { createFleet } from './watch/fleet.ts'
import { createFlowLogs } from './evidence/flow-logs.ts'
import { flowlogState, saveFlowlogState } from './evidence/flowlog-state.ts'
import { openWaiting } from './evidence/late-store.ts'
import { agentSurface } from './web/agent-surface.ts'
import { createHttp } from './web/http.ts'
import { openLifeMark } from './web/life-mark.ts'
import { sleep } from './machine.ts'
import { parseListenAddress } from './web/listen.ts'
import { createLives } from './watch/lives.ts'
import { createLedger } from './ledger/ledger.ts'
import type { LoopWatch } from '../probes/loop-watch.ts'
import { configurationParts, createWatchedRecords } from './ledger/standing.ts'
import { missesOf } from './account/misses.ts'
import { type RecordFunction, createRecord, createRing, fanOut, lookedUp } from './record.ts'
import { readRecords } from './evidence/records-child.ts'
import { createResolverBook } from './watch/resolver-book.ts'
import { createReload } from './reload.ts'
import { createScheduler } from './watch/schedule.ts'
import { createShared } from './watch/shared.ts'
import { createTellings } from './tellings.ts'
import { createOutward } from './site/outward.ts'
import { createPace } from './watch/pace.ts'
import { createPageBooks } from './web/pages.ts'
import { createSinks } from './web/sinks.ts'
import { stateDirectoryOf } from './state-file.ts'
import { stopOrderly } from './stopping.ts'
import { openTaints } from './evidence/taint-store.ts'
import { createTroubles } from './troubles.ts'
import { countTimers } from './watchdog.ts'
import { createWatching } from './watch/watching.ts'
import { createWeb } from './web/web.ts'

/** For the ledger's last checkpoint, and once more for its anchors: each takes a process of its own where AWS is asked. */
const ledgerSeconds = 7
/** For what waits in the exporters. */
const sinkSeconds = 2

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
  let sequence = 0
  // in a container the process has the same number after each restart: an id must not come again
  const idBegin = `${host.bootId.slice(0, 8)}-${wallMs().toString(36)}-${process.pid.toString(36)}`
  const nextId = () => `${idBegin}-${(++sequence).toString(36)}`

  const metrics = createAgentMetrics(version)
  const { series, self } = metrics
  const ring = createRing(4096, 32_768, lookedUp)
  const ledger = createLedger({
    host,
    timers: deps.timers ?? withTimers(host.clock),
    log,
    series,
    expected: first.ledger !== null,
    record: (kind, body) => record(kind, body),
    region: () => account.region(),
    reader: (signal) => account.reader(signal),
    clockOffsetSeconds: () => flowLogs.clockOffsetSeconds(),
    interfaces: () => account.vantages.current().interfaces.map(({ id }) => id),
    full: () => deps.onFull?.(),
    basis: { current: () => keeper.current(), surroundings: () => watching.surroundings() },
    nextId,
    sleep: deps.sleep,
    random: deps.random,
  })
  const sinks = createSinks({
    log,
    series,
    wallMs,
    targets: () => fleet.targets(),
    verdicts: () => fleet.verdicts(),
    ledgerTroubles: ledger.notices,
    life: () => life,
    region: () => account.region(),
    reader: (signal) => account.reader(signal),
    sleep: deps.sleep,
    wait: sleep,
    random: deps.random,
  })
  const record: RecordFunction = createRecord(
    fanOut([ring, ledger.sink, sinks.sink]),
    wallMs,
    (lost, error) => log.error('record_lost', { sequence: lost, error: error as Error }),
  )
  const lifecycle = (event: 'started' | 'configured' | 'configuration_refused' | 'stopped'): void =>
    record('lifecycle', { event, version, configuration: watching.hash() })
  const watchedRecords = createWatchedRecords()
  /** What is watched from now on is another. */
  const watched = (): void => {
    metrics.verdict.sync(fleet.targets())
    firstLegs.sync(fleet.targets())
    for (const body of watchedRecords.told(fleet.targets(), watching.hash())) record('target', body)
  }

  let loop: LoopWatch | null = null
  const watching = createWatching(first, {
    region: () => account.region(),
    sharedFor: (configured) =>
      createShared({
        config: configured,
        configuration: () => watching.hash(),
        host,
        vantage: vantages.current,
        version,
        nextId,
        reading: () => keeper.current(),
        others: account.topology.others,
        observed: tellings.observed,
        late: flowLogs.book,
        hostRoots: deps.hostRoots,
        taint: taints.book,
        beside: firstLegs.beside,
        resolverBook,
      }),
    taking(configured, hash) {
      ledger.take(configured)
      for (const part of configurationParts(configured, hash)) record('configuration', part)
    },
    watch(targets, shared, anew) {
      loop = shared.loop
      fleet.replace(targets, shared, anew)
      watched()
      scheduler.replace(targets.map(({ name, schedule }) => ({ name, schedule })))
    },
    taken(configured, _hash, shared) {
      background.take(configured, shared)
      outward.take(configured)
      sinks.take(configured)
      account.discovery.nudge()
      self.reloaded(true, wallMs())
      lifecycle('configured')
    },
  })

  const lives = createLives(monotonicMs)
  const books = createPageBooks(host.clock, lives)
  const troubles = createTroubles(log, monotonicMs)
  const clockWatch = createClockWatch(host.clock, (seconds) => log.warn('clock_jumped', { seconds }))
  const stateDirectory = stateDirectoryOf(host.environment)
  const account = await openAccount({
    first,
    deps,
    config: watching.config,
    metrics,
    stateDirectory,
    record,
    signal: stopping.signal,
    onMoved: watching.moved,
    onReading(reading) {
      ledger.read(reading)
      outward.look()
    },
    onChanged: (reading) => fleet.readAgain(reading),
    onTargets: watching.found,
  })
  const { vantages, keeper, region, reader, snapshot } = account
  const taints = await openTaints(stateDirectory, wallMs(), log)
  const life = await openLifeMark(stateDirectory, wallMs, log)
  const waiting = await openWaiting(stateDirectory, monotonicMs, log)
  const flowLogs = createFlowLogs({
    host,
    config: () => watching.config().flowLogs,
    snapshot,
    vantage: vantages.current,
    region,
    reader,
    metrics: metrics.flowlog,
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
    waiting,
    sleep: deps.sleep,
    random: deps.random,
  })

  const firstLegs = createFirstLegs({
    host,
    config: watching.config,
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
    taint: taints.book,
    tainted: taints.keep,
    weighed: flowLogs.book.weighed,
    nextSlotSeconds: (name) => scheduler.nextSlotSeconds(name),
    looked: (target, look) => record('look', { target: target.name, ...look }),
    joined(target, names) {
      watched()
      log.info('names_joined', { target: target.name, names: names.map((n) => n.hostname) })
    },
    judged: (...judgement) => tellings.judged(...judgement),
  })

  const tellings = createTellings({
    log,
    record,
    wallMs,
    probeMetrics: metrics.probe,
    verdictMetrics: metrics.verdict,
    observers: [
      troubles.observed,
      (_target, observation) => {
        if (observation.kind === 'attempt') flowLogs.observed(observation)
      },
      (target, observation) => outward.observed(target, observation),
      books.observed,
    ],
    judges: [
      firstLegs.judged,
      books.judged,
      ({ names }) => account.misses.met(missesOf(names, snapshot())),
      (verdict, changed) => deps.onVerdict?.(verdict, changed),
    ],
  })

  // a schedule that is driven by hand, as in tests, is its own pace
  const begin = () => loop?.begin() ?? Promise.resolve()
  const pace = deps.timers === undefined ? createPace({ nowMs: () => performance.now(), sleep, begin }) : null
  const slots = countTimers(deps.timers ?? withTimers(host.clock))
  const scheduler = createScheduler({
    clock: slots.clock,
    signal: ending.signal,
    async run(name, signal) {
      await pace?.turn(signal)
      signal.throwIfAborted()
      clockWatch.look()
      return fleet.cycle(name, signal)
    },
    onSkip(name, reason, slots) {
      metrics.probe.skipped(reason, slots)
      ledger.skipped(name, reason, slots)
      log.warn('cycle_skipped', { target: name, reason, slots })
    },
    onLag: (_name, seconds) => metrics.probe.lag(seconds),
    onError(name, error) {
      if (!ending.signal.aborted) log.error('cycle_failed', { target: name, error: error as Error })
    },
    seed: host.bootId,
  })

  const cloudwatch = createCloudwatchWatch({
    clock: host.clock,
    snapshot,
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
    config: watching.config,
    targets: () => fleet.targets(),
    snapshot,
    vantage: vantages.current,
    accountRead: account.topology.configured,
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
    attested: createAttestedMetrics(series),
    vantage: vantages.current,
    reading: () => keeper.current(),
    region,
    reader,
    observed: ({ target }, attempt) => tellings.observed(target, attempt),
    sleep: deps.sleep,
    random: deps.random,
    signal: stopping.signal,
  })

  const { program = ownProgram() } = deps
  const web = createWeb({ file: deps.webConfig ?? null, program, log, series, signal: stopping.signal })
  const reloadConfig = createReload({
    loadAgain: deps.loadAgain,
    current: watching.config,
    async discovered() {
      await account.discovery.load()
      return account.discovery.targets()
    },
    take: watching.take,
    refused() {
      self.reloaded(false, wallMs())
      lifecycle('configuration_refused')
    },
    log,
  })

  const reload: typeof reloadConfig = async () => {
    sinks.reopen()
    const wrong = web.reload()
    const done = await reloadConfig()
    return wrong === null ? done : { ok: false, text: [wrong, done.text].join('\n') }
  }

  const shown = agentSurface({
    version,
    wallMs,
    log,
    metrics,
    account,
    watching,
    fleet,
    lives,
    ring,
    books,
    flowLogs,
    cloudwatch,
    firstLegs,
    outward,
    ledger,
    sinks,
    web,
    reload,
  })
  const http = createHttp(shown, {}, web.protection)

  const wanted = deps.listen ?? first.web.listen
  const listen = parseListenAddress(wanted)
  if ('error' in listen) throw new Error(`web.listen: ${wanted}: ${listen.error}`)
  const { targets, problems } = targetsOf(first)
  if (problems.length > 0) throw new Error(problems.map((p) => p.problem).join('\n'))
  // Before the first reading of the account, which may take its time: what is configured shows from the start, as not proven.
  metrics.verdict.sync(targets)
  const address = await http.listen(listen)
  await account.topology.start().catch(async (error: unknown) => {
    await http.close(0)
    throw error
  })
  sinks.take(first)
  lifecycle('started')
  if (targets.length === 0) await account.discovery.load()
  watching.take(first, targets.length === 0 ? account.discovery.targets() : targets)
  const keeping = Promise.all([account.run(), outward.run()])
  log.info('listening', { host: address.host, port: address.port })
  const proxies = proxyVariables(host.environment)
  if (proxies.length > 0) log.info('proxy_ignored', { variables: proxies })

  return {
    address,
    verdicts: () => fleet.verdicts(),
    reload,
    settled: () => scheduler.settled(),
    progress: () => ({
      targets: fleet.targets().length,
      ticks: slots.ticks(),
      overdueSeconds: slots.overdueSeconds(),
      ledger: ledger.progress(),
    }),
    async stop(graceSeconds) {
      await stopOrderly({
        halt: scheduler.stop,
        settled: scheduler.settled,
        grace: () => deps.sleep(graceSeconds, stopping.signal),
        abort(reason) {
          ending.abort(reason)
          stopping.abort(reason)
        },
        ended: () => Promise.all([scheduler.settled(), keeping, background.settled(), http.close(1)]),
      })
      lifecycle('stopped')
      const ended = [sinks.close(sinkSeconds), ledger.close('the agent stops', ledgerSeconds)]
      await Promise.all([...ended, waiting.save(true)])
      log.info('stopped', {})
      log.flush()
    },
  }
}
