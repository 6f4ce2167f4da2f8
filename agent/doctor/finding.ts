import type { HostAccess } from '../../model/host.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { Config } from '../config/config.ts'
import type { VantageFinding } from '../account/vantage.ts'

/** `ok`: seen as it should be; `warn`: something stays in doubt; `fail`: the agent can't do its work like this. */
export type FindingStatus = 'ok' | 'warn' | 'fail'

/** One thing that this host or account can or can't see. */
export interface Finding {
  /** What was looked at, in a word or two. */
  area: string
  status: FindingStatus
  text: string
  /** What mends it; null where nothing has to be mended. */
  next: string | null
}

export const ok = (area: string, text: string): Finding => ({ area, status: 'ok', text, next: null })
export const warn = (area: string, text: string, next: string): Finding => ({
  area,
  status: 'warn',
  text,
  next,
})
export const fail = (area: string, text: string, next: string): Finding => ({
  area,
  status: 'fail',
  text,
  next,
})

/** What every look needs. */
export interface Patient {
  host: HostAccess
  config: Config
  targets: readonly Target[]
  where: VantageFinding
  snapshot: Snapshot | null
  /** A name of AWS that this host may well use. */
  sample: string
  timeoutSeconds: number
  signal: AbortSignal
}

/** `n` things in words: `1 name`, `2 names`. */
export function counted(n: number, singular: string): string {
  return `${n} ${singular}${n === 1 ? '' : 's'}`
}

/** A duration for people. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 120) return `${whole} s`
  if (whole < 7200) return `${Math.round(whole / 60)} min`
  return `${Math.round(whole / 3600)} h`
}
