// The one-file program: a bundle inside the pinned runtime (Node's single executable application).
import { chmodSync, copyFileSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { type Build, has, root, run, version } from './common.ts'
import { bundledPackages, licencesText, runtimePackage } from './licences.ts'

/** CommonJS, for its code cache halves the start; what has none of its own is told where it runs from. */
const banner = `/*! pathproof ${version} | Apache-2.0 | licences of what is bundled: pathproof --licenses */
const pathproofUrl = require('node:url').pathToFileURL(process.execPath).href;`

/**
 * With it V8 hashes by the same seed each time, so that the code cache, and with it the executable, comes out the same byte for
 * byte. It concerns the build alone: the program that is built draws its own.
 */
const seed = '--random-seed=20260101'

/** Builds `pathproof` into `out` and the licences of all that it holds beside it. Gives the path of each. */
export async function buildBinary(at: Build): Promise<{ binary: string; licences: string; runtime: string }> {
  const bundle = join(at.work, 'pathproof.cjs')
  const result = await build({
    entryPoints: [join(root, 'agent', 'main.ts')],
    outfile: bundle,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    define: { 'import.meta.url': 'pathproofUrl' },
    banner: { js: banner },
    // names stay, so that a crash can be read
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  const node = realpathSync(process.execPath)
  const runtime = process.versions.node
  if (Number(runtime.split('.')[0]) < 26) throw new Error(`Node 26 is needed to build, this is ${runtime}`)
  const licences = join(at.work, 'THIRD-PARTY-LICENSES.txt')
  writeFileSync(
    licences,
    licencesText('pathproof', [
      runtimePackage(join(dirname(node), '..'), runtime),
      ...bundledPackages(root, result.metafile),
    ]),
  )
  // Symbols are a quarter of the runtime. Only before the bundle is in it: a finished executable does not survive strip.
  const executable = join(at.work, 'node')
  copyFileSync(node, executable)
  if (!has('strip')) throw new Error('strip is missing (Debian package binutils)')
  run('strip', ['-s', executable])
  const binary = join(at.work, 'pathproof')
  const scenarios = join(root, 'lab', 'scenarios')
  const configuration = {
    // relative: this path becomes a part of the executable
    main: basename(bundle),
    mainFormat: 'commonjs',
    executable,
    output: binary,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    // no option comes from the environment: NODE_OPTIONS could load anything into a program that holds credentials
    execArgvExtension: 'none',
    assets: {
      'THIRD-PARTY-LICENSES.txt': licences,
      ...Object.fromEntries(
        readdirSync(scenarios)
          .filter((file) => file.endsWith('.yaml'))
          .toSorted()
          .map((file) => [`scenarios/${file}`, join(scenarios, file)]),
      ),
    },
  }
  const file = join(at.work, 'sea.json')
  writeFileSync(file, JSON.stringify(configuration))
  run(node, [seed, '--build-sea', file], { cwd: at.work })
  chmodSync(binary, 0o755)
  const said = run(binary, ['--version'], { cwd: at.work })
  if (said !== `pathproof ${version} (node ${runtime})\n`) throw new Error(`the executable says ${said}`)
  // The path of the bundle is in no part of it, or two builds in different places would differ.
  if (readFileSync(binary).includes(at.work)) throw new Error('the executable holds the path of its build')
  return { binary, licences, runtime }
}
