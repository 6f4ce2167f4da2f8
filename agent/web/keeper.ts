import type { Problem } from '../config/problems.ts'
import type { Log } from '../log.ts'
import { noWebConfig } from './config.ts'
import { type WebLoad, type WebMaterial, signatureOf, webProblemText } from './files.ts'

export interface WebKeeperDeps {
  /** The file; null: there is none, and nothing is protected. */
  file: string | null
  load(file: string): WebLoad
  log: Log
  /** Whether the files as they are now are in force; told when that is found out. */
  onLooked(good: boolean): void
}

/** The web configuration in force: the last good one, however the files change. */
export interface WebKeeper {
  /** Looks whether a file has changed, which takes a few system calls, and reads them if so. */
  now(): WebMaterial
  /** Reads the files, changed or not. Gives what is wrong with them, or null. */
  reload(): string | null
  /** What is wrong with the files as they are now. */
  notices(): string[]
  /** Called with each new material, before anything is answered under it. */
  onChange(tell: (material: WebMaterial) => void): void
}

/**
 * Reads the web configuration for the first time.
 * @throws Error with every problem, a line each, where it is not good: a surface must not come up without its protection
 */
export function createWebKeeper({ file, load, log, onLooked }: WebKeeperDeps): WebKeeper {
  const tells: ((material: WebMaterial) => void)[] = []
  let material: WebMaterial = { config: noWebConfig, tls: null }
  let seen: Pick<WebLoad, 'looked' | 'signature'> = { looked: [], signature: '' }
  let problem: string | null = null

  if (file !== null) {
    const first = load(file)
    if (!first.ok) throw new Error(webProblemText(first.problems))
    material = first.material
    seen = first
    onLooked(true)
  }

  const refuse = (problems: readonly Problem[] | string): void => {
    const text = typeof problems === 'string' ? problems : webProblemText(problems)
    if (text !== problem) log.error('web_config_refused', { problem: text })
    problem = text
    onLooked(false)
  }

  const take = (loaded: WebLoad): void => {
    seen = { looked: loaded.looked, signature: loaded.signature }
    if (!loaded.ok) {
      refuse(loaded.problems)
      return
    }
    const turned = (loaded.material.tls === null) !== (material.tls === null)
    // The listener speaks one of the two for good, and the rest of the file belongs to it.
    if (turned) {
      refuse(`${file}: TLS is switched on or off by a restart only; the old file stays in force`)
      return
    }
    material = loaded.material
    problem = null
    for (const tell of tells) tell(material)
    onLooked(true)
    log.info('web_config_reloaded', { tls: material.tls !== null, users: material.config.users.size })
  }

  return {
    now() {
      if (file !== null && signatureOf(seen.looked) !== seen.signature) take(load(file))
      return material
    },
    reload() {
      if (file !== null) take(load(file))
      return problem
    },
    notices: () => (problem === null ? [] : [`the web configuration is not taken over: ${problem}`]),
    onChange: (tell) => void tells.push(tell),
  }
}
