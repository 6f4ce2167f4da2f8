import type { Target } from '../../model/target.ts'
import { canaryNames } from './canary-names.ts'
import type { CanaryConfig, Config } from '../config/config.ts'
import { deadlineSeconds } from '../watch/fleet.ts'
import { lifeSeconds } from '../watch/lives.ts'

const names = ['canary', 'canary-bucket', 'pathproof-canary']

/**
 * A target of the canary's own, for the styles of names that no watched name can carry it for; null: it needs none. Nothing
 * is required of it. Between two rounds its names are only looked at like any other, so what AWS has said of them goes on
 * to count until the round after the next is due.
 */
export function canaryTarget(
  canary: CanaryConfig,
  region: string,
  targets: readonly Target[],
): Target | null {
  const found = canaryNames(
    canary,
    region,
    targets.flatMap((target) => target.names),
  )
  const name = names.find((free) => targets.every((target) => target.name !== free))
  if (found.length === 0 || name === undefined) return null
  const schedule = { kind: 'interval' as const, everySeconds: canary.everySeconds }
  const target: Target = {
    name,
    names: found,
    require: { kind: 'none' },
    minProof: 'configured',
    requireFirstLeg: 'any',
    resolvers: ['system'],
    compareResolvers: [],
    source: null,
    schedule,
    timeoutSeconds: 5,
    confirmWithinSeconds: 1800,
    evidenceAgeSeconds: null,
    waiver: null,
    discovered: false,
  }
  return { ...target, evidenceAgeSeconds: lifeSeconds(schedule, deadlineSeconds(target), null) }
}

/** The targets with the canary's own, where one is configured and it needs its own. */
export function withCanary(
  { canary }: Pick<Config, 'canary'>,
  targets: Target[],
  here: string | null,
): Target[] {
  const region = canary?.region ?? here
  const own = canary === null || region === null ? null : canaryTarget(canary, region, targets)
  return own === null ? targets : [...targets, own]
}
