import type { ProbeMetrics } from '../exporters/probe-metrics.ts'
import type { VerdictMetrics } from '../exporters/verdict-metrics.ts'
import type { Attempt, Observation } from '../model/observation.ts'
import type { Target } from '../model/target.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import type { Log } from './log.ts'
import type { RecordFunction } from './record.ts'

export interface TellingsDeps {
  log: Log
  record: RecordFunction
  wallMs(): number
  probeMetrics: ProbeMetrics
  verdictMetrics: VerdictMetrics
  /** Others who look at observations and verdicts as they come. */
  observers: readonly ((target: Target, observation: Observation) => void)[]
  judges: readonly ((verdict: TargetVerdict, changed: boolean) => void)[]
}

/** Where every observation and every verdict goes: records, metrics, the log. */
export interface Tellings {
  observed(target: Target, observation: Observation): void
  judged(
    target: Target,
    verdict: TargetVerdict,
    attempts: ReadonlyMap<string, Attempt[]>,
    changed: boolean,
  ): void
}

export function createTellings(deps: TellingsDeps): Tellings {
  const { log, record, wallMs, probeMetrics, verdictMetrics } = deps
  return {
    observed(target, observation) {
      record('observation', observation)
      for (const observer of deps.observers) observer(target, observation)
      const hostname = 'hostname' in observation ? observation.hostname : null
      const name = target.names.find((n) => n.hostname === hostname)
      probeMetrics.observed(observation, { service: name?.service ?? null, style: name?.style ?? 'other' })
    },
    judged(target, verdict, attempts, changed) {
      record('target_verdict', verdict)
      verdictMetrics.update(verdict, wallMs())
      for (const { hostname, style } of target.names) {
        const dialled = attempts.get(`${hostname}\n${style}`) ?? []
        verdictMetrics.attempted(target.name, hostname, style, dialled)
      }
      if (changed) {
        for (const { hostname, state, proof, because } of verdict.names)
          log.info('verdict', { target: target.name, hostname, state, proof, because })
      }
      for (const judge of deps.judges) judge(verdict, changed)
    },
  }
}
