import type { Target } from '../../model/target.ts'
import { withCanary } from '../evidence/canary-target.ts'
import type { Config } from '../config/config.ts'
import { configHash } from '../config/effective.ts'
import { foundation } from './foundation.ts'
import type { Shared } from './shared.ts'

export interface WatchingParts {
  /** The region of the canary's own names; null while it is not known. */
  region(): string | null
  /** The limits in it hold for the whole agent: targets that stay and those that come share them. */
  sharedFor(config: Config): Shared
  /** Before the targets change. */
  taking(config: Config, hash: string): void
  /** `anew`: what stays of the targets starts from nothing as well. */
  watch(targets: Target[], shared: Shared, anew: boolean): void
  taken(config: Config, hash: string, shared: Shared): void
}

/** The configuration in force, and what is watched because of it. */
export interface Watching {
  config(): Config
  /** Hash of the effective configuration (`configHash`). */
  hash(): string
  /** Takes over a configuration. @throws if a file that it names can't be read; the old one stays in force then */
  take(config: Config, targets: Target[]): void
  /** Other targets under the same configuration. Nothing happens before the first `take`. */
  found(targets: Target[]): void
  /** The region may be another one. */
  moved(): void
  /** What is known beside the readings where attempts are judged; null before the first `take`. */
  surroundings(): ReturnType<Shared['surroundings']> | null
}

export function createWatching(first: Config, parts: WatchingParts): Watching {
  let config = first
  let hash = configHash(first)
  let base: { on: string; shared: Shared } | null = null
  /** Configured or discovered; without the canary's own. */
  let given: Target[] = []

  const watch = (shared: Shared, anew: boolean): void =>
    parts.watch(withCanary(config, given, parts.region()), shared, anew)

  return {
    config: () => config,
    hash: () => hash,
    take(configured, targets) {
      const on = foundation(configured)
      const anew = base?.on !== on
      const kept = base === null || anew ? { on, shared: parts.sharedFor(configured) } : base
      base = kept
      config = configured
      hash = configHash(configured)
      given = targets
      parts.taking(config, hash)
      watch(kept.shared, anew)
      parts.taken(config, hash, kept.shared)
    },
    found(targets) {
      if (base === null) return
      given = targets
      watch(base.shared, false)
    },
    moved() {
      if (base !== null) watch(base.shared, false)
    },
    surroundings: () => base?.shared.surroundings() ?? null,
  }
}
