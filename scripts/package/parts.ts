// The program in parts: one file with all that the daemon needs at its start, and the others (the AWS SDK, the other commands)
// as files that are read when they are needed. CommonJS, for linking ECMAScript modules costs more than running them.
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Metafile, build, transform } from 'esbuild'
import { root, run } from './common.ts'
import { createLoader } from './loader.ts'

export interface Parts {
  /** Name to text: `run`, and a name for each further part. */
  files: ReadonlyMap<string, string>
  metafile: Metafile
}

/**
 * V8 hashes by the same seed each time, so that what it makes comes out the same byte for byte. It concerns the build alone:
 * the program that is built draws its own.
 */
export const seed = '--random-seed=20260101'

/**
 * For the making of V8's code. Without a collection of garbage, memory is as the system gave it, zero, also in the gaps between the
 * fields of what V8 writes down: else the same code comes out with other bytes. And nothing that was compiled is thrown away.
 */
const withoutCollection = ['--min-semi-space-size=128', '--max-semi-space-size=128']

const start = 'agent/cli/run.ts'
const nameOf = (path: string): string => basename(path, '.mjs')

/** Everything that `names` import, and what that imports. */
function reached(metafile: Metafile, names: readonly string[]): Set<string> {
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, { imports: of }]) => [nameOf(path), of]),
  )
  const found = new Set<string>()
  const open = [...names]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    for (const { external, kind, path } of imports.get(name) ?? [])
      if (external !== true && kind === 'import-statement') open.push(nameOf(path))
  }
  return found
}

/** Several parts as one expression: an object of functions, each called once. Strict, as modules are. */
const object = (parts: readonly [string, string][]): string =>
  `({${parts
    .map(
      ([name, text]) =>
        `${JSON.stringify(name)}:function(exports,require,module,pathproofUrl){"use strict";${text}\n}`,
    )
    .join(',\n')}})`

/** Bundles the program. Names stay, so that a crash can be read. */
export async function bundleParts(): Promise<Parts> {
  const small = { minifyWhitespace: true, minifySyntax: true, legalComments: 'none' } as const
  const { outputFiles, metafile } = await build({
    ...small,
    entryPoints: { pathproof: join(root, 'agent', 'main.ts') },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    splitting: true,
    chunkNames: 'part-[hash]',
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  const texts = new Map<string, string>()
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      ...small,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': 'pathproofUrl' },
    })
    texts.set(
      nameOf(path),
      code.replaceAll(/require\("\.\/(part-[A-Z0-9]{8}|pathproof)\.mjs"\)/g, 'require("$1")'),
    )
  }
  const command = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === start)
  if (command === undefined) throw new Error(`${start} is no part of its own`)
  const first = reached(metafile, ['pathproof', nameOf(command[0])])
  const sorted = [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const files = new Map([['run', object(sorted.filter(([name]) => first.has(name)))]])
  for (const [name, text] of sorted) if (!first.has(name)) files.set(name, object([[name, text]]))
  return { files, metafile }
}

/**
 * Writes the parts into `folder` as NAME.js, and beside them V8's code for them as NAME.code: of `run` with the functions that a
 * start of the daemon calls, of the others (if `all`) what compiling them gives. Gives the names of the files.
 * @param node the runtime; another version compiles anew
 */
export function writeParts(
  files: Parts['files'],
  folder: string,
  node: string,
  options: readonly string[],
  all: boolean,
): string[] {
  for (const [name, text] of files) {
    if (/[^\0-\xff]/.test(text)) throw new Error(`${name}: a character beyond Latin-1`)
    // one byte a character: half the memory, and no decoding
    writeFileSync(join(folder, `${name}.js`), text, 'latin1')
  }
  const warm = join(import.meta.dirname, 'warm.ts')
  run(node, [seed, ...options, ...withoutCollection, warm, folder, all ? 'all' : 'run'])
  return [...files.keys()].flatMap((name) =>
    all || name === 'run' ? [`${name}.js`, `${name}.code`] : [`${name}.js`],
  )
}

/** The text of the program itself: finds its parts by `source`, the text of a `PartSource`, and starts. */
export async function programText(banner: string, source: string): Promise<string> {
  const text = `(${createLoader})(${source}).require('pathproof')`
  const { code } = await transform(text, { target: 'node24', minifyWhitespace: true, minifySyntax: true })
  return `${banner}\n${code}`
}
