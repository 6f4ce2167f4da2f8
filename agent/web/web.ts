import type { SeriesSet } from '../../exporters/prometheus.ts'
import type { ProgramCommand } from '../child.ts'
import type { HttpProtection } from './http.ts'
import type { Log } from '../log.ts'
import { sleep } from '../machine.ts'
import { createWebAuth } from './auth.ts'
import { loadWebConfig } from './files.ts'
import { createWebKeeper } from './keeper.ts'
import { comparePassword } from './password.ts'

/** What protects the HTTP surface of a running agent. */
export interface Web {
  protection: HttpProtection
  notices(): string[]
  /** Reads the web configuration anew. Gives what is wrong with it, or null. */
  reload(): string | null
}

/**
 * `file`: the web configuration; null: nothing is protected.
 * @throws where it is not good, with a line for each problem
 */
export function createWeb(deps: {
  file: string | null
  program: ProgramCommand
  log: Log
  series: SeriesSet
  signal: AbortSignal
}): Web {
  const { file, log, series, signal } = deps
  const good = file === null ? null : series.gauge('pathproof_web_config_last_reload_successful', {})
  const keeper = createWebKeeper({ file, load: loadWebConfig, log, onLooked: (is) => good?.set(is ? 1 : 0) })
  const compare = comparePassword(deps.program, signal, (line) => log.warn('password_comparer', { line }))
  const auth = createWebAuth({
    compare,
    wait: (seconds) => sleep(seconds, signal),
    onError: (error) => log.error('password_not_compared', { error: error as Error }),
  })
  return { protection: { keeper, auth }, notices: keeper.notices, reload: keeper.reload }
}
