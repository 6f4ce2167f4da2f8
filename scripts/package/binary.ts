// The one-file program: its parts inside the pinned runtime (Node's single executable application).
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Build, has, root, run, version } from './common.ts'
import { bundledPackages, licencesText, runtimePackage } from './licences.ts'
import { bundleParts, programText, seed, writeParts } from './parts.ts'
import { runtimeOptions } from './runtime.ts'

const banner = `/*! pathproof ${version} | Apache-2.0 | licences of what is bundled: pathproof --licenses */`

/** Its parts and V8's code for them are assets of the executable. */
const source = `{
  url: process.getBuiltinModule('node:url').pathToFileURL(process.execPath).href,
  read(name) {
    const { getRawAsset } = process.getBuiltinModule('node:sea')
    const asset = (file) => Buffer.from(getRawAsset(file))
    return { text: asset(name + '.js').latin1Slice(), code: asset(name + '.code'), file: 'pathproof/' + name + '.js' }
  },
}`

/** Builds `pathproof` into `out` and the licences of all that it holds beside it. Gives the path of each. */
export async function buildBinary(at: Build): Promise<{ binary: string; licences: string; runtime: string }> {
  const bundle = join(at.work, 'pathproof.cjs')
  writeFileSync(bundle, await programText(banner, source))
  const { files, metafile } = await bundleParts()
  const node = realpathSync(process.execPath)
  const runtime = process.versions.node
  if (Number(runtime.split('.')[0]) < 26) throw new Error(`Node 26 is needed to build, this is ${runtime}`)
  const licences = join(at.work, 'THIRD-PARTY-LICENSES.txt')
  writeFileSync(
    licences,
    licencesText('pathproof', [
      runtimePackage(join(dirname(node), '..'), runtime),
      ...bundledPackages(root, metafile),
    ]),
  )
  // Symbols are a quarter of the runtime. Only before the bundle is in it: a finished executable does not survive strip.
  const executable = join(at.work, 'node')
  copyFileSync(node, executable)
  if (!has('strip')) throw new Error('strip is missing (Debian package binutils)')
  run('strip', ['-s', executable])
  const binary = join(at.work, 'pathproof')
  const parts = join(at.work, 'parts')
  mkdirSync(parts)
  const names = writeParts(files, parts, node, runtimeOptions, true)
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
    execArgv: runtimeOptions,
    execArgvExtension: 'none',
    assets: {
      ...Object.fromEntries(names.map((name) => [name, join(parts, name)])),
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
