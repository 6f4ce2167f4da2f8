import type { Requirement, Waiver } from './verdict.ts'
import type { Rank } from './path.ts'

/** The kinds of AWS host name. `other` is a name that is not one of the known styles. */
export const nameStyles = [
  'global',
  'regional',
  'dash',
  'dualstack',
  'fips',
  'accelerate',
  'website',
  'access_point',
  'object_lambda',
  'mrap',
  'express',
  'outposts',
  'control',
  'vpce',
  'account',
  'other',
] as const

export type NameStyle = (typeof nameStyles)[number]

/** One host name that a target watches. */
export interface WatchedName {
  hostname: string
  port: number
  style: NameStyle
  /** The real service name (`kinesis`, not `kinesis-streams`), null if it is not an AWS name. */
  service: string | null
  region: string | null
}

export type Schedule =
  | { kind: 'interval'; everySeconds: number }
  /** Five-field cron expression in UTC. */
  | { kind: 'cron'; expression: string }

/** One thing that the user wants proven. */
export interface Target {
  name: string
  names: WatchedName[]
  require: Requirement
  minProof: Rank
  /** Which first leg is demanded (from on-prem); anything but `any` is met only when that leg is shown. */
  requireFirstLeg: 'any' | 'direct_connect' | 'vpn'
  /** Names of resolvers whose answers count, and of those that are only compared. */
  resolvers: string[]
  compareResolvers: string[]
  /** Address or interface to dial from; null: the kernel chooses. */
  source: string | null
  schedule: Schedule
  timeoutSeconds: number
  /** How long ago a confirmation by records may lie that `minProof` observed or attested asks for. */
  confirmWithinSeconds: number
  /** How long an attempt that records alone settled goes on to count; null: like any other. */
  evidenceAgeSeconds: number | null
  waiver: Waiver | null
  discovered: boolean
}
