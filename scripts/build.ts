// Bundles the program into a directory that needs nothing beside it but Node:
//   npm run build                     into dist/
//   npm run build -- --out DIR        elsewhere
// pathproof.mjs is the program; the parts beside it are loaded when they are needed, most of them (the AWS SDK) never by the
// daemon itself. With them stand what it reads (the lab's scenarios), the JSON Schema, and the licences.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import manifest from '../package.json' with { type: 'json' }
import { bundledPackages, licencesText } from './package/licences.ts'

const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
const out = resolve(values.out)

const banner = `#!/usr/bin/env node
/*! pathproof ${manifest.version} | ${manifest.license} | licences of what is bundled: THIRD-PARTY-LICENSES.txt */
import { createRequire as pathproofCreateRequire } from 'node:module'
const require = pathproofCreateRequire(import.meta.url)`

if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, 'pathproof.mjs')))
  throw new Error(`${out} holds something else than an earlier build; name another directory`)
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const bundle = join(out, 'pathproof.mjs')
const result = await build({
  entryPoints: { pathproof: join(root, 'agent', 'main.ts') },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  splitting: true,
  // Beside the program: what is found beside it is found from a part as well.
  chunkNames: 'part-[hash]',
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: banner },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
chmodSync(bundle, 0o755)
const packages = bundledPackages(root, result.metafile)
writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licencesText('pathproof.mjs', packages))
// Found by the lab beside the file that it runs from.
cpSync(join(root, 'lab', 'scenarios'), join(out, 'scenarios'), { recursive: true })
for (const file of ['LICENSE', 'pathproof.schema.json']) cpSync(join(root, file), join(out, file))

const parts = readdirSync(out).filter((file) => file.endsWith('.mjs'))
const size = (parts.reduce((sum, file) => sum + statSync(join(out, file)).size, 0) / 1024 / 1024).toFixed(1)
console.log(`${bundle}: ${size} MiB in ${parts.length} parts, ${packages.length} packages bundled`)
