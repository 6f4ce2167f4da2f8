import type { Target } from '../model/target.ts'
import type { Config } from './config/config.ts'
import { targetsOf } from './config/targets.ts'
import type { Log } from './log.ts'

export interface Reloaded {
  ok: boolean
  text: string
}

export interface ReloadDeps {
  /** Reads the configuration anew; null where there is no file to read. */
  loadAgain: (() => Promise<{ ok: true; config: Config } | { ok: false; text: string }>) | null
  /** The configuration in force. */
  current(): Config
  /** Targets of a configuration that names none. */
  discovered(): Promise<Target[]>
  /** Takes over a configuration that was found good. @throws if a file that it names can't be read */
  take(config: Config, targets: Target[]): void
  refused(): void
  log: Log
}

/** Sections that are read once, when the agent starts. */
const startOnly = (config: Config): string => JSON.stringify([config.topology, config.agent.vantage])

/** Reads the configuration anew and takes it over, or says why the old one stays. Never rejects. */
export function createReload(deps: ReloadDeps): () => Promise<Reloaded> {
  const { log } = deps
  const refuse = (text: string): Reloaded => {
    deps.refused()
    log.error('reload_refused', { problem: text })
    return { ok: false, text }
  }
  const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

  const once = async (): Promise<Reloaded> => {
    if (deps.loadAgain === null) return refuse('this agent runs without a configuration file')
    let loaded: Awaited<ReturnType<typeof deps.loadAgain>>
    try {
      loaded = await deps.loadAgain()
    } catch (error) {
      return refuse(textOf(error))
    }
    if (!loaded.ok) return refuse(loaded.text)
    const { targets, problems } = targetsOf(loaded.config)
    if (problems.length > 0) return refuse(problems.map((p) => p.problem).join('\n'))
    const before = deps.current()
    if (startOnly(loaded.config) !== startOnly(before)) {
      return refuse(
        'topology and agent.vantage are read at start only: restart the agent to change them; the old configuration stays',
      )
    }
    try {
      deps.take(loaded.config, targets.length === 0 ? await deps.discovered() : targets)
    } catch (error) {
      return refuse(textOf(error))
    }
    if (loaded.config.web.listen !== before.web.listen)
      log.warn('needs_restart', { path: 'web.listen', problem: 'the old address stays until a restart' })
    log.info('reloaded', { targets: targets.length })
    return { ok: true, text: 'reloaded' }
  }

  // One after the other, so that an older file never comes over a newer one.
  let reloading: Promise<unknown> = Promise.resolve()
  return () => {
    const next = reloading.then(once)
    reloading = next.catch(() => undefined)
    return next
  }
}
