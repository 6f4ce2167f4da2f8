// Bundles the program into dist/: one entry, its lazily loaded parts beside it, no node_modules needed at run time.
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const out = join(root, 'dist')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

rmSync(out, { recursive: true, force: true })
const result = await build({
  absWorkingDir: root,
  entryPoints: { pathproof: 'agent/main.ts' },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // What is loaded only when it is needed (the AWS SDK, the lab) stays in files of its own.
  splitting: true,
  chunkNames: 'part-[hash]',
  platform: 'node',
  // The ES modules of the AWS SDK load three times as fast as its CommonJS twins.
  mainFields: ['module', 'main'],
  format: 'esm',
  target: 'node24',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  banner: {
    js: [
      `// pathproof ${version}, Apache-2.0; licences of what is bundled: THIRD-PARTY-LICENCES.txt`,
      // Bundled CommonJS packages ask for Node's own modules by require.
      "import { createRequire as pathproofRequire } from 'node:module'",
      'const require = pathproofRequire(import.meta.url)',
    ].join('\n'),
  },
})

cpSync(join(root, 'lab/scenarios'), join(out, 'scenarios'), { recursive: true })
cpSync(join(root, 'pathproof.schema.json'), join(out, 'pathproof.schema.json'))
cpSync(join(root, 'deploy/pathproof.yml'), join(out, 'pathproof.yml'))
cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'))

/** The folder of the package that a bundled file belongs to. */
function packageOf(file: string): string | null {
  const parts = file.split('/')
  const at = parts.lastIndexOf('node_modules')
  if (at < 0) return null
  const scoped = parts[at + 1]?.startsWith('@') === true
  return parts.slice(0, at + (scoped ? 3 : 2)).join('/')
}

const packages = new Set(Object.keys(result.metafile.inputs).flatMap((file) => packageOf(relative(root, resolve(root, file))) ?? []))
const licences = [...packages].sort().map((folder) => {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string; version: string; license?: string }
  const files = readdirSync(join(root, folder)).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
  const texts = files.map((name) => readFileSync(join(root, folder, name), 'utf8').trim())
  return `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})\n\n${texts.join('\n\n') || 'The package carries no licence file of its own.'}`
})
writeFileSync(join(out, 'THIRD-PARTY-LICENCES.txt'), `${licences.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`)

const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
console.log(`dist/pathproof.mjs: ${Object.keys(result.metafile.outputs).length} files, ${(bytes / 1e6).toFixed(1)} MB, ${packages.size} packages bundled`)
