import { randomBytes } from 'node:crypto'
import { type SecureContext, createSecureContext } from 'node:tls'
import type { EgressFinding, EgressResult, EgressState } from '../../model/egress.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Family, Observation } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import type { EgressMetrics } from '../../exporters/egress-metrics.ts'
import { canonicalIp } from '../../net/ip.ts'
import { parseCidr } from '../../net/cidr.ts'
import { lookOut } from '../../probes/egress.ts'
import { egressState } from '../../probes/egress-state.ts'
import { type EgressDestination, parseEgressUrl } from '../../probes/egress-url.ts'
import { limit } from '../../probes/limit.ts'
import type { LoopWatch } from '../../probes/loop-watch.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import type { TimerClock } from '../clock.ts'
import type { Config, EgressCheckConfig, EgressConfig } from '../config/config.ts'
import { createControlBook } from './egress-control.ts'
import type { Log } from '../log.ts'
import { createScheduler } from '../watch/schedule.ts'

/** One check as it stands now. */
export interface EgressReport extends Omit<EgressResult, 'atMs'> {
  /** When its last round ended, Unix milliseconds; null before the first. */
  lastAtMs: number | null
  /** Since when it is in this state. */
  sinceMs: number
  /** Rounds since this check was configured, by what they showed. */
  looks: Record<EgressState, number>
  lastOpenMs: number | null
  /** What the rounds cover and what they don't, in words. */
  coverage: string
}

export interface EgressDeps {
  host: HostAccess
  timers: TimerClock
  log: Log
  metrics: EgressMetrics
  record(result: EgressResult): void
  /** As they are watched now. */
  target(name: string): Target | null
  userAgent: string
  /** Hosts that started together don't look together. */
  seed: string
  signal: AbortSignal
  /** Left out: the bytes of node:crypto. */
  random?(count: number): Buffer
  loop?: LoopWatch
  /** The first look comes within this time; left out: that of the scheduler. */
  firstRunSeconds?: number
}

export interface Egress {
  /** Takes the checks of a configuration. A check that stays as it is keeps what it knows. */
  replace(config: Pick<Config, 'egress' | 'nat64Prefixes'>): void
  /** Everything that targets observe: the controls come from it. */
  observed(target: Target, observation: Observation): void
  /** As they stand now: one whose looks stopped is `untestable`. */
  reports(): EgressReport[]
  /** Writes the states that changed by themselves into the metrics; to be called before they are read. */
  refresh(): void
  stop(): void
  settled(): Promise<void>
}

interface Check {
  config: EgressCheckConfig
  settings: Pick<EgressConfig, 'everySeconds' | 'timeoutSeconds'>
  destination: EgressDestination
  last: EgressResult | null
  /** Monotonic milliseconds of the last round's end, of the beginning of the check before the first. */
  lastMonotonicMs: number
  lastAtMs: number | null
  state: EgressState
  sinceMs: number
  looks: Record<EgressState, number>
  lastOpenMs: number | null
}

/** Looks under way at once over all checks. */
const mostAtOnce = 16

const worst = (findings: readonly EgressFinding[]): EgressFinding | undefined =>
  findings.find(({ state }) => state === 'open') ??
  findings.find(({ state }) => state === 'untestable') ??
  findings[0]

/**
 * Tries again and again to get out where nothing may get out. Nothing is tried but what the configuration names. What is seen
 * is beside the verdicts and never part of them.
 */
export function createEgress(deps: EgressDeps): Egress {
  const { host, log, metrics } = deps
  const { clock } = host
  const controls = createControlBook(clock)
  const checks = new Map<string, Check>()
  const atOnce = limit(mostAtOnce)
  const handshakes = limit(4)
  const loop = deps.loop ?? loopWatch()
  // made for the first look: it reads all the roots, which takes 20 ms of the start
  let context: SecureContext | null = null
  const secureContext = (): SecureContext => {
    context ??= createSecureContext()
    return context
  }
  let nat64Prefixes: string[] = []

  const sourceOf =
    (target: Target | null) =>
    (family: Family): string | null => {
      const source = target?.source ?? null
      if (source === null) return null
      const own = canonicalIp(source)
      if (own !== null) return own.includes(':') === (family === 6) ? own : null
      return (
        addresses().find((a) => a.device === source && a.family === family && !a.linkLocal)?.address ?? null
      )
    }

  const addresses = (): ReturnType<HostAccess['addresses']> => {
    try {
      return host.addresses()
    } catch {
      return []
    }
  }

  const enter = (check: Check, state: EgressState, because: string): void => {
    const { name, url } = check.config
    metrics.state(name, state)
    if (check.state === state) return
    const first = check.last === null
    const before = check.state
    check.state = state
    check.sinceMs = clock.wallMs()
    const fields = { check: name, url, state, because }
    if (state === 'open') log.error('egress_open', fields)
    else if (before === 'open') log.warn('egress_not_seen_open', fields)
    else if (!first && state === 'untestable') log.warn('egress_untestable', fields)
    else log.info('egress', fields)
  }

  const look = async (name: string, signal: AbortSignal): Promise<void> => {
    const check = checks.get(name)
    if (check === undefined) return
    const { config, settings, destination } = check
    const atMs = clock.wallMs()
    const target = deps.target(config.control)
    const first = target?.names[0]
    const task = {
      destination,
      heedProxy: config.proxy,
      control: first === undefined ? null : { host: first.hostname, port: first.port },
      source: sourceOf(target),
    }
    const round = await atOnce.run(() =>
      lookOut(task, {
        clock,
        dial: host.dial,
        lookup: host.lookup,
        serverAddress: host.serverAddress,
        environment: host.environment,
        hasFamily: (family) => addresses().some((one) => one.family === family && !one.linkLocal),
        loop,
        handshakes,
        secureContext: secureContext(),
        randomBytes: deps.random ?? randomBytes,
        nat64Prefixes: nat64Prefixes.flatMap((text) => {
          const prefix = parseCidr(text)
          return prefix.ok ? [prefix.value] : []
        }),
        userAgent: deps.userAgent,
        timeoutSeconds: settings.timeoutSeconds,
        signal,
      }),
    )
    if (signal.aborted || checks.get(name) !== check) return
    const means = ['udp', 'dns', 'ntp'].includes(destination.scheme) ? 'udp' : 'tcp'
    const control = (family: Family | null) => {
      const { proxiedControl } = round
      if (proxiedControl !== null)
        return { target: config.control, atMs: proxiedControl.good ? atMs : null, ...proxiedControl }
      if (target !== null) return controls.control(target, means, family)
      const because = `control ${config.control}: there is no such target`
      return { target: config.control, good: false, because, atMs: null }
    }
    const findings = round.looks.map((seen): EgressFinding => {
      const word = egressState(destination, seen, { same: control(seen.family), any: control(null) })
      return { look: seen, ...word }
    })
    const shown = worst(findings)
    if (shown === undefined) return
    const result: EgressResult = {
      check: name,
      url: config.url,
      control: config.control,
      state: shown.state,
      because: shown.because,
      atMs,
      everySeconds: settings.everySeconds,
      findings,
    }
    check.looks[result.state]++
    if (result.state === 'open') check.lastOpenMs = clock.wallMs()
    check.lastMonotonicMs = clock.monotonicMs()
    check.lastAtMs = clock.wallMs()
    enter(check, result.state, result.because)
    check.last = result
    deps.record(result)
  }

  const scheduler = createScheduler({
    clock: deps.timers,
    signal: deps.signal,
    run: look,
    onSkip: (check, reason, slots) => log.warn('egress_skipped', { check, reason, slots }),
    onLag: () => undefined,
    onError(check, error) {
      if (!deps.signal.aborted) log.error('egress_failed', { check, error: error as Error })
    },
    seed: deps.seed,
    ...(deps.firstRunSeconds !== undefined && { firstRunSeconds: deps.firstRunSeconds }),
  })

  /** Why what was seen last says nothing any more, null while it does. */
  const stopped = ({ settings, lastMonotonicMs }: Check): string | null => {
    const seconds = (clock.monotonicMs() - lastMonotonicMs) / 1000
    if (seconds <= 3 * settings.everySeconds + 2 * settings.timeoutSeconds) return null
    return `no look has ended for ${Math.round(seconds)} s`
  }

  const refresh = (): void => {
    for (const check of checks.values()) {
      const why = stopped(check)
      if (why !== null) enter(check, 'untestable', why)
    }
  }

  return {
    replace({ egress, nat64Prefixes: prefixes }) {
      const { everySeconds, timeoutSeconds } = egress
      const settings = { everySeconds, timeoutSeconds }
      const wanted = new Map(egress.mustFail.map((config) => [config.name, config]))
      const same = JSON.stringify(prefixes) === JSON.stringify(nat64Prefixes)
      nat64Prefixes = prefixes
      for (const [name, check] of checks) {
        const config = wanted.get(name)
        const unchanged =
          same && JSON.stringify([check.config, check.settings]) === JSON.stringify([config, settings])
        if (!unchanged) checks.delete(name)
      }
      for (const [name, config] of wanted) {
        const destination = parseEgressUrl(config.url)
        if (checks.has(name) || !destination.ok) continue
        checks.set(name, {
          config,
          settings,
          destination: destination.value,
          last: null,
          lastMonotonicMs: clock.monotonicMs(),
          lastAtMs: null,
          state: 'untestable',
          sinceMs: clock.wallMs(),
          looks: { blocked: 0, open: 0, untestable: 0 },
          lastOpenMs: null,
        })
        metrics.sync([...checks.keys()])
        metrics.state(name, 'untestable')
      }
      metrics.sync([...checks.keys()])
      const schedule = { kind: 'interval', everySeconds } as const
      scheduler.replace([...checks.keys()].map((name) => ({ name, schedule })))
    },
    observed: (target, observation) => controls.observed(target, observation),
    refresh,
    reports() {
      refresh()
      return [...checks.values()].map((check): EgressReport => {
        const { config, settings, last } = check
        const why = stopped(check)
        return {
          check: config.name,
          url: config.url,
          control: config.control,
          state: check.state,
          because: why ?? last?.because ?? 'not looked at yet',
          everySeconds: settings.everySeconds,
          findings: last?.findings ?? [],
          lastAtMs: check.lastAtMs,
          sinceMs: check.sinceMs,
          looks: { ...check.looks },
          lastOpenMs: check.lastOpenMs,
          coverage: coverageText(check.looks, settings.everySeconds),
        }
      })
    },
    stop: () => scheduler.stop(),
    settled: () => scheduler.settled(),
  }
}

/** What so many looks show, and what they can't. */
export function coverageText(looks: Readonly<Record<EgressState, number>>, everySeconds: number): string {
  const tested = looks.blocked + looks.open
  const all = tested + looks.untestable
  const many = (n: number) => `${n} look${n === 1 ? '' : 's'}`
  const left = looks.untestable === 0 ? '' : `; ${looks.untestable} of ${many(all)} could not be tested`
  const gap = `one each ${everySeconds} s; an opening shorter than that can be missed`
  if (tested === 0) return all === 0 ? 'no look yet' : `nothing was tested in ${many(all)}, ${gap}`
  if (looks.open === 0) return `not seen open in ${many(tested)}, ${gap}${left}`
  return `seen open in ${looks.open} of ${many(tested)}, ${gap}${left}`
}
