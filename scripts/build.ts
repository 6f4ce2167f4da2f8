// Builds the program into one file that needs nothing beside it but Node:
//   npm run build                     into dist/
//   npm run build -- --out DIR        elsewhere
// Beside pathproof.mjs stand what it reads (the lab's scenarios), the JSON Schema, and the licences.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build, type Metafile } from 'esbuild'
import manifest from '../package.json' with { type: 'json' }

interface BundledPackage {
  name: string
  version: string
  license: string
  /** Texts of its licence and notice files. */
  texts: string[]
}

const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
const out = resolve(values.out)

const banner = `#!/usr/bin/env node
/*! pathproof ${manifest.version} | ${manifest.license} | licences of what is bundled: THIRD-PARTY-LICENSES.txt */
import { createRequire as pathproofCreateRequire } from 'node:module'
const require = pathproofCreateRequire(import.meta.url)`

/** The folder of the package that a bundled file is from, null for the program's own. */
function packageFolder(input: string): string | null {
  const match = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
  return match?.[1] ?? null
}

function readPackage(folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const texts = readdirSync(join(root, folder))
    .filter(
      (file) => /^(licen[cs]e|notice|copying)/i.test(file) && statSync(join(root, folder, file)).isFile(),
    )
    .toSorted()
    .map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  if (typeof license !== 'string' || license === '') throw new Error(`${name} ${version} names no licence`)
  return { name, version, license, texts }
}

function bundledPackages(metafile: Metafile): BundledPackage[] {
  const folders = new Set(Object.keys(metafile.inputs).flatMap((input) => packageFolder(input) ?? []))
  return [...folders].map(readPackage).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Each text once, with the packages that it covers. */
function licencesText(packages: readonly BundledPackage[]): string {
  const rule = '='.repeat(100)
  const groups = Map.groupBy(
    packages,
    ({ license, texts }) =>
      texts.join('\n\n') || `(its package names the licence ${license} and brings no text)`,
  )
  const parts = [...groups].map(
    ([text, covered]) =>
      `${rule}\n${covered.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')}\n${rule}\n\n${text}\n`,
  )
  return `What pathproof.mjs bundles, with its licences.\n\n${parts.join('\n')}`
}

if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, 'pathproof.mjs')))
  throw new Error(`${out} holds something else than an earlier build; name another directory`)
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const bundle = join(out, 'pathproof.mjs')
const result = await build({
  entryPoints: [join(root, 'agent', 'main.ts')],
  outfile: bundle,
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
const packages = bundledPackages(result.metafile)
writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licencesText(packages))
// Found by the lab beside the file that it runs from.
cpSync(join(root, 'lab', 'scenarios'), join(out, 'scenarios'), { recursive: true })
for (const file of ['LICENSE', 'pathproof.schema.json']) cpSync(join(root, file), join(out, file))

const size = (statSync(bundle).size / 1024 / 1024).toFixed(1)
console.log(`${bundle}: ${size} MiB, ${packages.length} packages bundled`)
