/**
 * Runs inside the namespaces, started by api-namespace.test.ts: starts a scenario from a file, asks the API with AWS's
 * own client before and after each of its steps, and writes what came to the file given. `node api.ts RESULT-FILE SCENARIO`
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startLab } from '../../../lab/lab.ts'
import { loadScenario } from '../../../lab/scenario.ts'
import type { HostAccess } from '../../../model/host.ts'

const [file = '', name = ''] = process.argv.slice(2)
const scenario = await loadScenario(name)
const lab = await startLab(scenario, {
  mode: 'namespace',
  clock: { wallMs: () => Date.now() },
  timed: false,
})

const { environment } = lab.hostAccess({ environment: process.env } as HostAccess)
const sdk = fileURLToPath(new URL('sdk.ts', import.meta.url))
// not the synchronous form: the servers are in this process
const ask = async (): Promise<unknown> => {
  const { stdout } = await promisify(execFile)(process.execPath, [sdk], {
    env: { ...environment, AWS_REGION: 'us-east-1' },
  })
  return JSON.parse(stdout)
}

const seen: unknown[] = [await ask()]
for (const step of scenario.steps) {
  await lab.apply(step.name)
  seen.push(await ask())
}
const urls = [lab.apiUrl, lab.metadataUrl]
const requests = lab.apiRequests().map(({ action, account, outcome }) => ({ action, account, outcome }))
await lab.close()
writeFileSync(file, JSON.stringify({ seen, urls, requests }))
process.exit(0)
