import { createEgressMetrics, createPostureMetrics } from '../../exporters/egress-metrics.ts'
import type { SeriesSet } from '../../exporters/prometheus.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Observation } from '../../model/observation.ts'
import { redactValue } from '../../model/redact.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import type { TimerClock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { createEgress } from './egress.ts'
import type { Log } from '../log.ts'
import { createPosture } from './posture.ts'
import type { RecordFunction } from '../record.ts'

export interface OutwardDeps {
  host: HostAccess
  timers: TimerClock
  log: Log
  series: SeriesSet
  record: RecordFunction
  version: string
  config(): Config
  targets(): readonly Target[]
  snapshot(): Snapshot | null
  vantage(): Vantage
  /** Whether the account is read at all. */
  accountRead: boolean
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  signal: AbortSignal
}

/** What stands beside the verdicts: ways out that must be closed, and the posture of account and host. */
export interface Outward {
  take(config: Config): void
  observed(target: Target, observation: Observation): void
  /** There is something new to look at. */
  look(): void
  /** To be called before the metrics are read. */
  refresh(): void
  /** What a person must know at once. */
  notices(): string[]
  documents: Readonly<Record<'egress' | 'posture', () => object | null>>
  run(): Promise<void>
}

export function createOutward(deps: OutwardDeps): Outward {
  const { host, log, series, record } = deps
  const egress = createEgress({
    host,
    timers: deps.timers,
    log,
    metrics: createEgressMetrics(series),
    record: (result) => record('egress', result),
    target: (name) => deps.targets().find((target) => target.name === name) ?? null,
    userAgent: `pathproof/${deps.version}`,
    seed: host.bootId,
    signal: deps.signal,
  })
  const posture = createPosture({
    host,
    log,
    metrics: createPostureMetrics(series),
    configured: () => deps.accountRead,
    config: deps.config,
    snapshot: deps.snapshot,
    vantage: deps.vantage,
    targets: deps.targets,
    record: (report) => record('posture', report),
    sleep: deps.sleep,
    signal: deps.signal,
  })
  return {
    take(config) {
      egress.replace(config)
      posture.look()
    },
    observed: egress.observed,
    look: posture.look,
    refresh: egress.refresh,
    notices: () =>
      egress
        .reports()
        .flatMap(({ check, state, because }) =>
          state === 'open' ? [`egress ${check} is open: ${because}`] : [],
        ),
    documents: {
      egress() {
        const checks = egress.reports()
        // One by one: the redactor leaves out what is too much for it at a time.
        return checks.length === 0 ? null : { schema: 'pathproof.egress/1', checks: checks.map(redactValue) }
      },
      posture() {
        const document = posture.document()
        return document === null
          ? null
          : (redactValue({ schema: 'pathproof.posture/1', ...document }) as object)
      },
    },
    async run() {
      await posture.run()
      await egress.settled()
    },
  }
}
