import type { NameStyle } from '../../model/target.ts'
import { formatDuration } from './units.ts'

/**
 * How many addresses of a name one cycle dials at least: one per group (family, interface, route). Names of these styles, and
 * names that are not AWS's, can answer in both families.
 */
const dualStackStyles: ReadonlySet<NameStyle> = new Set(['dualstack', 'account', 'vpce', 'other'])

/** CPU seconds of one probe, scheduled and measured, on one thread; 2.2 to 4.3 ms were measured. */
const probeCpuSeconds = 0.0025

/** Above this rate the timings begin to measure this program's own queue. */
const honestPerSecond = 200

export interface FitTarget {
  name: string
  styles: NameStyle[]
  /** Seconds between two cycles; for a cron expression the shortest gap. */
  periodSeconds: number
  timeoutSeconds: number
}

export interface FitLimits {
  connects: number
  connectsPerTarget: number
}

export interface Fit {
  names: number
  connectsPerMinute: number
  /** Connections that wait at once when nothing answers. */
  waiting: number
  /** Sentences with their sums: what can't work (by index of the target, null: all together), and what will work badly. */
  problems: { target: number | null; problem: string; expected: string }[]
  warnings: string[]
}

/** Connections that one cycle of a target opens at least. */
export function attemptsOf(target: Pick<FitTarget, 'styles'>): number {
  return target.styles.reduce((sum, style) => sum + (dualStackStyles.has(style) ? 2 : 1), 0)
}

const rounded = (value: number) => String(Math.round(value * 100) / 100)

/**
 * Whether a schedule can be kept when no connection answers and each waits for its whole time-out, as it is when the path
 * breaks: then above all the verdicts must come in time.
 */
export function fitOf(targets: readonly FitTarget[], limits: FitLimits): Fit {
  const result: Fit = { names: 0, connectsPerMinute: 0, waiting: 0, problems: [], warnings: [] }
  const atOnce = Math.min(limits.connectsPerTarget, limits.connects)
  for (const [index, target] of targets.entries()) {
    const attempts = attemptsOf(target)
    const { periodSeconds, timeoutSeconds } = target
    result.names += target.styles.length
    result.connectsPerMinute += (attempts * 60) / periodSeconds
    result.waiting += (attempts * timeoutSeconds) / periodSeconds
    const cycleSeconds = Math.ceil(attempts / atOnce) * timeoutSeconds
    if (cycleSeconds > periodSeconds) {
      result.problems.push({
        target: index,
        problem:
          `the schedule can't fit: ${attempts} connections for ${target.styles.length} names, ${atOnce} at once, ` +
          `each up to ${formatDuration(timeoutSeconds)}, make ${formatDuration(cycleSeconds)}`,
        expected: `at most the ${formatDuration(periodSeconds)} between two cycles`,
      })
    }
  }
  if (result.waiting > limits.connects) {
    result.problems.push({
      target: null,
      problem:
        `the schedule can't fit: over all targets, connections × timeout / interval make ${rounded(result.waiting)} ` +
        `connections that wait at once when nothing answers (${result.names} names, ${rounded(result.connectsPerMinute)} connects per minute)`,
      expected: `at most limits.connects, ${limits.connects}`,
    })
  }
  const perSecond = result.connectsPerMinute / 60
  if (perSecond * probeCpuSeconds > 1) {
    result.problems.push({
      target: null,
      problem: `the schedule can't fit: ${rounded(perSecond)} connects per second × ${probeCpuSeconds * 1000} ms of CPU are more than one thread has`,
      expected: `at most ${1 / probeCpuSeconds} connects per second`,
    })
  } else if (perSecond > honestPerSecond) {
    result.warnings.push(
      `${rounded(perSecond)} connects per second: above ${honestPerSecond} the timings begin to measure this program itself`,
    )
  }
  return result
}
