import type { Config } from './config.ts'

/** What the configuration asks for and this version only checks; `path` as in the file. */
export interface NotActive {
  path: string
  text: string
}

interface Unfinished {
  path: string
  what: string
  asked(config: Config): boolean
}

/**
 * Everything in the configuration that this version reads and checks but does not act on. Nothing here may make a verdict look
 * better than it is: what a target demands and this version can't show counts as not met.
 */
const unfinished: readonly Unfinished[] = []

/** What of it `config` asks for. */
export function notActive(config: Config): NotActive[] {
  return unfinished
    .filter(({ asked }) => asked(config))
    .map(({ path, what }) => ({ path, text: `${what} is not active in this version` }))
}
