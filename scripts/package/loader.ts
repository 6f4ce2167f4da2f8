// How the program finds its own parts: the text of this function stands in what is shipped, and the build uses it as well.
import type { Script } from 'node:vm'

/** Where the parts are. */
export interface PartSource {
  /** The text of a file of parts, and the code that V8 made of it at the build if that is there. */
  read(name: string): { text: string; code: Buffer | undefined; file: string }
  /** `import.meta.url` of every part. */
  url: string
}

type Part = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  pathproofUrl: string,
) => void

/**
 * Gives the `require` of the parts. `run` holds all that the daemon needs at its start; each further part is a file of its own,
 * read when it is asked for. Code that V8 finds unfit (another version, other flags) is compiled anew from the text.
 * It must not use anything of this module: it is shipped as text.
 */
export function createLoader(source: PartSource): {
  require(id: string): unknown
  /** What some part that was loaded exports by this name. */
  exported(name: string): unknown
  scripts: ReadonlyMap<string, Script>
} {
  const { Script } = process.getBuiltinModule('node:vm')
  const scripts = new Map<string, Script>()
  const parts: Record<string, Part> = Object.create(null)
  const loaded: Record<string, { exports: object }> = Object.create(null)
  let foreign: ((id: string) => unknown) | null = null
  const open = (name: string): void => {
    const { text, code, file } = source.read(name)
    const script = new Script(text, { filename: file, cachedData: code })
    scripts.set(name, script)
    Object.assign(parts, script.runInThisContext())
  }
  const require = (id: string): unknown => {
    const known = loaded[id]
    if (known !== undefined) return known.exports
    if (!/^(?:part-[A-Z0-9]{8}|pathproof)$/.test(id)) {
      const builtin = process.getBuiltinModule(id)
      if (builtin !== undefined) return builtin
      // what a dependency asks for only where it is installed
      foreign ??= process.getBuiltinModule('node:module').createRequire(source.url)
      return foreign(id)
    }
    if (scripts.size === 0) open('run')
    if (parts[id] === undefined) open(id)
    const module = { exports: {} }
    loaded[id] = module
    parts[id]?.(module.exports, require, module, source.url)
    return module.exports
  }
  return {
    require,
    exported: (name) =>
      Object.values(loaded)
        .map((part) => (part.exports as Record<string, unknown>)[name])
        .find((value) => value !== undefined),
    scripts,
  }
}
