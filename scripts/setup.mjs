// Installs the pinned dependencies (the runtime among them) if the lockfile has changed since the last
// time. Runs before `npm start` and `npm test` on whatever Node the machine has, from version 20 on.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stampFile = join(root, 'node_modules', '.pathproof-setup')
const stamp = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex')

const installed = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp

if (!installed()) {
  process.stderr.write('pathproof: installing the pinned dependencies and runtime (once per lockfile)\n')
  // npm runs this script, so npm's own path is known; elsewhere it is looked up in PATH.
  const npm = process.env.npm_execpath
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const run = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (run.status !== 0) {
    process.stderr.write(
      `pathproof: "npm ci" failed (${run.error ? run.error.message : `exit code ${run.status}`}). ` +
        'Next step: run "npm ci" by hand in this folder and read its message.\n',
    )
    process.exit(1)
  }
  writeFileSync(stampFile, stamp)
}

const runtime = join(root, 'node_modules', '.bin', 'node')
if (!existsSync(runtime) && Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `pathproof: there is no packaged runtime for ${process.platform}-${process.arch}, and this Node is ` +
      `${process.versions.node}. Next step: install Node 24 or newer.\n`,
  )
  process.exit(1)
}
