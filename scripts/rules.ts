// Writes the rules that are shipped, out of the program's own table:
//   node scripts/rules.ts    deploy/prometheus/pathproof.rules.yml, and the same as JSON for the mixin
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ruleFiles } from './dashboards/files.ts'

const root = resolve(import.meta.dirname, '..')
for (const [path, text] of ruleFiles()) {
  await mkdir(dirname(resolve(root, path)), { recursive: true })
  await writeFile(resolve(root, path), text)
}
