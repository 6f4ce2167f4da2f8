/**
 * Runs inside the namespaces: starts a scenario on real addresses and ports, runs commands there as a user would, and writes what
 * they said. `node lab-commands.ts RESULT-FILE SCENARIO JSON`; JSON is a list of `{argv, step?, stdin?}`, in which `$SNAPSHOT`,
 * `$CONFIG` and `$CA` stand for the lab's files.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startLab } from '../../../lab/lab.ts'
import { insideNamespace } from '../../../lab/namespace.ts'
import { loadScenario } from '../../../lab/scenario.ts'

interface Wanted {
  argv: [string, ...string[]]
  step?: string
}

const [file = '', scenario = '', json = '[]'] = process.argv.slice(2)
if ((await insideNamespace(process.env)) === null) throw new Error('not inside')
const lab = await startLab(await loadScenario(scenario), {
  mode: 'namespace',
  clock: { wallMs: () => Date.now() },
  timed: false,
})
const config = join(dirname(lab.caFile), 'pathproof.json')
const targets = lab.scenario.names.map(({ target, require: _require, ...what }) => ({
  name: target,
  ...what,
  timeout: '2s',
}))
const document = {
  version: 1,
  targets,
  topology: { source: 'directory', directory: lab.snapshotDirectory },
  partition_roots: [{ partition: 'aws', file: lab.caFile }],
}
writeFileSync(config, JSON.stringify(document, null, 1))
const put = (text: string): string =>
  text
    .replaceAll('$SNAPSHOT', lab.snapshotDirectory)
    .replaceAll('$CONFIG', config)
    .replaceAll('$CA', lab.caFile)

function run([command, ...args]: [string, ...string[]]): Promise<{
  code: number | null
  stdout: string
  stderr: string
}> {
  return new Promise((resolve, reject) => {
    const child = spawn(put(command), args.map(put), { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...said }))
  })
}

const results: unknown[] = []
try {
  for (const { argv, step } of JSON.parse(json) as Wanted[]) {
    if (step !== undefined) await lab.apply(step)
    results.push(await run(argv))
  }
} finally {
  await lab.close()
}
writeFileSync(file, JSON.stringify(results))
process.exit(0)
