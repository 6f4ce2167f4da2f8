import type { FirstLeg } from '../../model/first-leg.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import type { Topology, Vantage } from '../../model/topology.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { createFirstLegMetrics } from '../../exporters/first-leg-metrics.ts'
import type { SeriesSet } from '../../exporters/prometheus.ts'
import { createResolverMetrics } from '../../exporters/resolver-metrics.ts'
import { canonicalIp } from '../../net/ip.ts'
import type { ReaderDeps } from '../child.ts'
import type { Config } from '../config/config.ts'
import { createDirectConnectKeeper, readDirectConnectInChild } from './direct-connect.ts'
import type { Log } from '../log.ts'
import type { RecordFunction } from '../record.ts'
import { createTraces, type TraceDestination, traceDestinations } from './traces.ts'

/** What traces and the Direct Connect API show, as a judgement needs it. */
export type Beside = Pick<Topology, 'traces' | 'directConnect'>

export interface FirstLegs {
  /** For every judgement. What is not configured is left out. */
  beside(): Beside
  /** The targets as they are now: their series. */
  sync(targets: readonly Target[]): void
  judged(verdict: TargetVerdict): void
  /** To be called at each scrape. */
  refresh(isAlive: (target: string, hostname: string, style: string) => boolean): void
  /** Traces and reads until the signal fires, as configured; returns at once where neither is. */
  run(config: Pick<Config, 'trace' | 'directConnect'>, signal: AbortSignal): Promise<void>
  problems(): string[]
}

/** A name with the addresses that it is known to have. */
export interface TracedName {
  target: Pick<Target, 'source'>
  name: Pick<WatchedName, 'port'>
  addresses: readonly string[]
}

export interface FirstLegsDeps {
  host: HostAccess
  config(): Pick<Config, 'trace' | 'directConnect'>
  vantage(): Vantage
  known(): readonly TracedName[]
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  series: SeriesSet
  record: RecordFunction
  log: Log
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  random(): number
}

/** Where each of the names' addresses is traced to, from the address that its target leaves by. */
export function destinationsOf(known: readonly TracedName[], host: HostAccess): TraceDestination[] {
  return known.flatMap(({ target, name, addresses }) => {
    const sourceOf = (family: 4 | 6): string | null => {
      const { source } = target
      if (source === null) return null
      const own = canonicalIp(source)
      if (own !== null) return own
      const device = host.addresses().find((a) => a.device === source && a.family === family && !a.linkLocal)
      return device?.address ?? null
    }
    return traceDestinations(addresses, name.port, sourceOf)
  })
}

/** The first leg over time: what shows it, its series, and its changes. */
export function createFirstLegs(deps: FirstLegsDeps): FirstLegs {
  const { host, log, record } = deps
  const metrics = createFirstLegMetrics(deps.series)
  const resolvers = createResolverMetrics(deps.series)
  const last = new Map<string, FirstLeg>()
  const applies = (): boolean => deps.vantage().kind !== 'ec2'
  const onProblem = (problem: string): void => log.warn('first_leg_problem', { problem })
  const traces = createTraces({
    clock: host.clock,
    trace: host.trace,
    destinations: () => (applies() ? destinationsOf(deps.known(), host) : []),
    onProblem,
    sleep: deps.sleep,
  })
  let keeper: ReturnType<typeof createDirectConnectKeeper> | null = null

  return {
    beside: () => ({
      ...(deps.config().trace !== null && { traces: traces.current() }),
      ...(deps.config().directConnect !== null && { directConnect: keeper?.current() ?? null }),
    }),
    sync(targets) {
      metrics.sync(targets, deps.vantage().kind === 'on-prem')
      resolvers.sync(targets)
      const names = new Set(targets.map(({ name }) => name))
      for (const name of last.keys()) if (!names.has(name)) last.delete(name)
    },
    judged(verdict) {
      metrics.update(verdict)
      resolvers.update(verdict)
      const { target, firstLeg } = verdict
      if (firstLeg === undefined || firstLeg === null) return
      const before = last.get(target)
      if (before === firstLeg.leg) return
      last.set(target, firstLeg.leg)
      const { leg, because, unknownHops } = firstLeg
      record('first_leg', { target, leg, before: before ?? null, because, unknownHops })
      if (before === undefined) return
      metrics.changed(target)
      log.warn('first_leg_changed', { target, leg, before, because: because[0] ?? '', unknownHops })
    },
    refresh(isAlive) {
      metrics.refresh(isAlive)
      resolvers.refresh(isAlive)
    },
    async run(config, signal) {
      const { trace, directConnect } = config
      const own = createDirectConnectKeeper({
        everySeconds: directConnect?.everySeconds ?? null,
        region: () => directConnect?.region ?? deps.region(),
        read: (region) => readDirectConnectInChild(region, deps.reader(signal)),
        clock: host.clock,
        onProblem,
        sleep: deps.sleep,
        random: deps.random,
        signal,
      })
      keeper = own
      await Promise.all([own.run(), trace === null ? null : traces.run(trace.everySeconds, signal)])
      if (keeper === own) keeper = null
    },
    problems: () => [...traces.problems(), ...(keeper?.problems() ?? [])],
  }
}

/** What a single look needs: the Direct Connect API read once, and traces of names once they are known. */
export interface FirstLegLook {
  beside(): Beside
  trace(known: readonly TracedName[]): Promise<void>
}

/** One look, as configured; nothing is done on EC2. `reader` null: the account may not be asked. */
export async function lookAtFirstLeg(deps: {
  host: HostAccess
  config: Pick<Config, 'trace' | 'directConnect'>
  vantage: Vantage
  region: string | null
  reader: ReaderDeps | null
  onProblem(problem: string): void
  signal: AbortSignal
}): Promise<FirstLegLook> {
  const { host, config, vantage, reader, onProblem, signal } = deps
  if (vantage.kind === 'ec2') return { beside: () => ({}), trace: () => Promise.resolve() }
  const traces = createTraces({
    clock: host.clock,
    trace: host.trace,
    destinations: () => [],
    onProblem,
    sleep: () => Promise.resolve(),
  })
  const region = config.directConnect?.region ?? deps.region
  const asked = config.directConnect !== null && reader !== null && region !== null
  const result = asked ? await readDirectConnectInChild(region, reader) : null
  for (const { detail, nextStep } of result?.failures ?? [])
    onProblem(`direct_connect: ${detail}; ${nextStep}`)
  return {
    beside: () => ({
      ...(config.trace !== null && { traces: traces.current() }),
      ...(config.directConnect !== null && { directConnect: result?.reading ?? null }),
    }),
    trace: (known) =>
      config.trace === null
        ? Promise.resolve()
        : traces.once(destinationsOf(known, host).slice(0, 32), signal),
  }
}
