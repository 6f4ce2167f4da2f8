import type { PostureMetrics } from '../../exporters/egress-metrics.ts'
import type { HostAccess } from '../../model/host.ts'
import type { PostureCheck, PostureReport, PostureState } from '../../model/posture.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import { postureOf } from '../../probes/posture.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../log.ts'

export interface PostureDeps {
  host: Pick<HostAccess, 'clock' | 'addresses'>
  log: Log
  metrics: PostureMetrics
  /** Whether the account is read at all. */
  configured(): boolean
  config(): Pick<Config, 'posture' | 'topology' | 'trustedEndpoints'>
  snapshot(): Snapshot | null
  vantage(): Vantage
  targets(): readonly Target[]
  /** A report that says something else than the last one. */
  record(report: PostureReport): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  signal: AbortSignal
}

/** One check as it stands now. */
export interface PostureShown {
  check: PostureCheck
  state: PostureState
  because: string
  /** Since when it is in this state, Unix milliseconds. */
  sinceMs: number
}

export interface Posture {
  /** Looks now. Never throws. */
  look(): void
  /** Looks again and again, for what is read grows old; until the signal fires. */
  run(): Promise<void>
  /** Null: switched off, or nothing of the account is read. */
  document(): { atMs: number; snapshot: string | null; checks: PostureShown[] } | null
}

/** Between two looks, besides those at each new reading. */
const lookSeconds = 30

/** The facts that `postureOf` needs, as they are now. */
export function postureNow(
  deps: Omit<PostureDeps, 'metrics' | 'record' | 'log' | 'sleep' | 'signal' | 'configured'>,
): PostureReport {
  const { host } = deps
  const { topology, trustedEndpoints } = deps.config()
  let addresses: ReturnType<HostAccess['addresses']> | null
  try {
    addresses = host.addresses()
  } catch {
    addresses = null
  }
  return postureOf({
    snapshot: deps.snapshot(),
    vantage: deps.vantage(),
    limits: {
      routeTablesMaxAgeSeconds: topology.maxAgeSeconds,
      otherMaxAgeSeconds: topology.otherMaxAgeSeconds,
    },
    nowMs: host.clock.wallMs(),
    addresses,
    names: deps.targets().flatMap(({ names }) => names),
    endpointsElsewhere: trustedEndpoints.length > 0 || topology.also.length > 0,
  })
}

/** Keeps the posture checks. They are shown beside the verdicts; nothing that judges knows of them. */
export function createPosture(deps: PostureDeps): Posture {
  const { log, metrics } = deps
  let last: PostureReport | null = null
  let shown = new Map<PostureCheck, PostureShown>()

  const lookNow = (): void => {
    const on = deps.config().posture.enabled && deps.configured()
    metrics.show(on)
    if (!on) {
      last = null
      shown = new Map()
      return
    }
    const report = postureNow(deps)
    const next = new Map<PostureCheck, PostureShown>()
    for (const finding of report.findings) {
      const { check, state, because } = finding
      const before = shown.get(check)
      const same = before?.state === state
      next.set(check, { ...finding, sinceMs: same ? before.sinceMs : report.atMs })
      metrics.state(check, state)
      if (same) continue
      const write = state === 'fail' ? log.warn : log.info
      // at the start nothing has changed yet
      if (before !== undefined) write('posture_changed', { check, state, before: before.state, because })
    }
    const states = (one: PostureReport | null) => one?.findings.map(({ state }) => state).join()
    const changed = states(last) !== states(report)
    last = report
    shown = next
    if (changed) deps.record(report)
  }

  const look = (): void => {
    try {
      lookNow()
    } catch (error) {
      log.error('posture_failed', { error: error as Error })
    }
  }

  return {
    look,
    async run() {
      while (!deps.signal.aborted) {
        look()
        await deps.sleep(lookSeconds, deps.signal)
      }
    },
    document: () =>
      last === null ? null : { atMs: last.atMs, snapshot: last.snapshot, checks: [...shown.values()] },
  }
}
