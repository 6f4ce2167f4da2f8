import type { AttestedMetrics } from '../../exporters/attested-metrics.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Vantage } from '../../model/topology.ts'
import { runAttestations } from './attestations.ts'
import type { KnownName } from './canary.ts'
import type { ReaderDeps } from '../child.ts'
import type { CloudwatchWatch } from './cloudwatch-watch.ts'
import type { Config } from '../config/config.ts'
import type { FirstLegs } from '../site/first-legs.ts'
import type { Fleet } from '../watch/fleet.ts'
import type { FlowLogs } from './flow-logs.ts'
import type { Log } from '../log.ts'
import type { RecordFunction } from '../record.ts'
import type { Shared } from '../watch/shared.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { Attempt } from '../../model/observation.ts'

export interface BackgroundDeps {
  host: HostAccess
  fleet: Fleet
  flowLogs: FlowLogs
  cloudwatch: CloudwatchWatch
  firstLegs: FirstLegs
  log: Log
  record: RecordFunction
  attested: AttestedMetrics
  vantage(): Vantage
  reading(): KeptReading | null
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  observed(known: KnownName, attempt: Attempt): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  random(): number
  signal: AbortSignal
}

/** What runs beside the schedule and asks AWS: the reading of flow logs, the canary, the look into CloudTrail. */
export interface Background {
  /** Begins, or goes on as it is where nothing that it rests on has changed. */
  take(config: Config, shared: Shared): void
  /** Resolves when all has ended; after the signal has fired. */
  settled(): Promise<void>
}

export function createBackground(deps: BackgroundDeps): Background {
  const { log, signal } = deps
  let on: { key: string; shared: Shared; stop: AbortController } | null = null
  let running: Promise<unknown> = Promise.resolve()
  return {
    take(config, shared) {
      const { flowLogs, cloudwatch, canary, cloudtrail, trace, directConnect } = config
      deps.attested.show({ canary: canary !== null, cloudtrail: cloudtrail !== null })
      const key = JSON.stringify([flowLogs, cloudwatch, canary, cloudtrail, trace, directConnect])
      if (on?.key === key && on.shared === shared) return
      on?.stop.abort(new Error('the configuration has changed'))
      const stop = new AbortController()
      on = { key, shared, stop }
      const until = AbortSignal.any([signal, stop.signal])
      const attestations = {
        ...deps,
        config,
        shared,
        book: deps.flowLogs.book,
        onProblem: (of: 'canary' | 'cloudtrail', problem: string) => log.warn(`${of}_problem`, { problem }),
      }
      const ended = Promise.all([
        deps.flowLogs.run(until),
        deps.cloudwatch.run(cloudwatch?.everySeconds ?? null, until),
        deps.firstLegs.run(config, until),
        runAttestations(attestations, until),
      ])
      running = Promise.all([running, ended.catch(failed)])
    },
    settled: async () => void (await running),
  }

  function failed(error: unknown): void {
    if (!signal.aborted && on?.stop.signal.aborted === false)
      log.error('background_failed', { error: error as Error })
  }
}
