/**
 * Runs inside the namespaces, started by records-namespace.test.ts: AWS's own clients visit S3 and then ask for what AWS
 * has recorded of it. `node records.ts RESULT-FILE SCENARIO`
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startLab } from '../../../lab/lab.ts'
import { loadScenario } from '../../../lab/scenario.ts'
import type { HostAccess } from '../../../model/host.ts'

const [file = '', name = ''] = process.argv.slice(2)
let aheadMs = 0
const lab = await startLab(await loadScenario(name), {
  mode: 'namespace',
  clock: { wallMs: () => Date.now() + aheadMs },
  timed: false,
})
const { environment } = lab.hostAccess({ environment: process.env } as HostAccess)
const sdk = fileURLToPath(new URL('records-sdk.ts', import.meta.url))
// not the synchronous form: the servers are in this process
const run = async (what: string): Promise<unknown> => {
  const { stdout } = await promisify(execFile)(process.execPath, [sdk, what], {
    env: { ...environment, AWS_REGION: 'us-east-1' },
  })
  return JSON.parse(stdout)
}
const visited = await run('visit')
// records are in the past by then, and the clients' clocks still near enough
aheadMs = 120_000
const recorded = await run('look')
await lab.close()
writeFileSync(file, JSON.stringify({ visited, recorded }))
process.exit(0)
