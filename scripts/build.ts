// Bundles the program into a directory that needs nothing beside it but Node:
//   npm run build                     into dist/
//   npm run build -- --out DIR        elsewhere
// pathproof.mjs is the program. run.js holds what the daemon needs at its start, run.code what V8 made of it (of use to the very
// version of Node that built it; any other compiles anew); the other parts are read when they are needed, most of them (the AWS
// SDK) never by the daemon itself. With them stand what it reads (the lab's scenarios), the JSON Schema, and the licences.
import { createHash } from 'node:crypto'
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
import manifest from '../package.json' with { type: 'json' }
import { bundledPackages, licencesText } from './package/licences.ts'
import { bundleParts, programText, writeParts } from './package/parts.ts'
import { runtimeOptions } from './package/runtime.ts'

const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
const out = resolve(values.out)

const banner = `#!/usr/bin/env node
/*! pathproof ${manifest.version} | ${manifest.license} | licences of what is bundled: THIRD-PARTY-LICENSES.txt */`

if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, 'pathproof.mjs')))
  throw new Error(`${out} holds something else than an earlier build; name another directory`)
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const bundle = join(out, 'pathproof.mjs')
const { files, metafile } = await bundleParts()
const names = writeParts(files, out, process.execPath, runtimeOptions, false)
// V8 itself compares no more than lengths and versions: code that is not of this very text, or damaged, must not run.
const sum = createHash('sha256')
for (const file of ['run.js', 'run.code']) sum.update(readFileSync(join(out, file)))
const source = `{
  url: import.meta.url,
  read(name) {
    const { readFileSync } = process.getBuiltinModule('node:fs')
    const { fileURLToPath } = process.getBuiltinModule('node:url')
    const file = fileURLToPath(new URL(name + '.js', import.meta.url))
    const bytes = readFileSync(file)
    let code
    if (name === 'run') try {
      code = readFileSync(file.slice(0, -2) + 'code')
      const { createHash } = process.getBuiltinModule('node:crypto')
      if (createHash('sha256').update(bytes).update(code).digest('hex') !== '${sum.digest('hex')}') code = undefined
    } catch { /* it is compiled anew */ }
    return { text: bytes.latin1Slice(), code, file }
  },
}`
writeFileSync(bundle, await programText(banner, source))
chmodSync(bundle, 0o755)
const packages = bundledPackages(root, metafile)
writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licencesText('pathproof.mjs', packages))
// Found by the lab beside the file that it runs from.
cpSync(join(root, 'lab', 'scenarios'), join(out, 'scenarios'), { recursive: true })
for (const file of ['LICENSE', 'pathproof.schema.json']) cpSync(join(root, file), join(out, file))

const bytes = names.reduce((sum, file) => sum + statSync(join(out, file)).size, 0)
const size = (bytes / 1024 / 1024).toFixed(1)
console.log(`${bundle}: ${size} MiB in ${names.length} files, ${packages.length} packages bundled`)
