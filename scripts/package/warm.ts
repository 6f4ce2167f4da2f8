// Makes V8's code for the parts of the program (see parts.ts): starts the daemon once, without targets and without an account,
// so that nothing leaves this host, asks it for its metrics, and keeps what was compiled until then.
//   node warm.ts FOLDER run|all
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { exampleConfig } from '../../agent/config/example.ts'
import type { parseConfig } from '../../agent/config/load.ts'
import { createLoader } from './loader.ts'

const [, , folder = '', which] = process.argv
const text = (name: string): string => readFileSync(join(folder, `${name}.js`), 'latin1')
const write = (name: string, script: Script): void =>
  writeFileSync(join(folder, `${name}.code`), script.createCachedData())
if (which === 'all')
  for (const file of readdirSync(folder).toSorted()) {
    const name = /^(part-.*)\.js$/.exec(file)?.[1]
    if (name !== undefined) write(name, new Script(text(name), { filename: `${name}.js` }))
  }

const place = mkdtempSync(join(tmpdir(), 'pathproof-warm-'))
process.once('exit', () => rmSync(place, { recursive: true, force: true }))
const config = join(place, 'pathproof.yml')
writeFileSync(
  config,
  JSON.stringify({
    version: 1,
    agent: { vantage: 'on-prem' },
    topology: { source: 'directory', directory: join(place, 'none') },
    web: { listen: '127.0.0.1:0' },
  }),
)
// Nothing of the building host may show.
for (const name of Object.keys(process.env)) if (name !== 'PATH') delete process.env[name]
process.argv = [process.execPath, 'pathproof', 'run', '--config.file', config, '--log.format', 'json']

const loader = createLoader({
  read: (name) => ({ text: text(name), code: undefined, file: `${name}.js` }),
  url: pathToFileURL(join(folder, 'pathproof.mjs')).href,
})

function taken(status: number | undefined): void {
  if (status !== 200) throw new Error(`/metrics answered ${status}`)
  const parse = loader.exported('parseConfig') as typeof parseConfig
  const read = parse(exampleConfig, 'example', 0)
  if (!read.ok) throw new Error(`the example is refused: ${JSON.stringify(read.problems)}`)
  const script = loader.scripts.get('run')
  if (script === undefined) throw new Error('the parts of the start were not read')
  write('run', script)
  process.exit(0)
}

const stderr = process.stderr.write.bind(process.stderr)
process.stderr.write = ((chunk: string) => {
  const port = /"event":"listening".*"port":(\d+)/.exec(chunk)?.[1]
  if (port === undefined) return chunk.includes('"level":"error"') ? stderr(chunk) : true
  get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (answer) => {
    answer.resume().once('end', () => taken(answer.statusCode))
  })
  return true
}) as typeof process.stderr.write
loader.require('pathproof')
