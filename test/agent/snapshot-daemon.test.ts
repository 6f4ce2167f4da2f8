import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Config } from '../../agent/config/config.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { startDaemon } from '../../agent/daemon.ts'
import type { Daemon } from '../../agent/daemon-types.ts'
import { createLog } from '../../agent/log.ts'
import { sleep } from '../../agent/machine.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { loadScenario } from '../../lab/scenario.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { systemHost } from '../../probes/host.ts'
import { compiled } from '../support/processes.ts'

const program = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }

let state = ''
let lab: Lab | null = null
let daemon: Daemon | null = null
let logged: Record<string, unknown>[] = []
let configured: Config
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'pathproof-'))
  logged = []
})
afterEach(async () => {
  await daemon?.stop(1)
  await lab?.close()
  daemon = null
  lab = null
  await rm(state, { recursive: true })
})

/** The daemon on a lab, whose API it reads. */
async function start(environment: Record<string, string | undefined> = {}): Promise<Daemon> {
  lab ??= await startLab(await loadScenario('01-gateway-endpoint'), {
    mode: 'mapped',
    clock: { wallMs: () => Date.now() },
    timed: false,
  })
  const { accessKeyId, secretAccessKey, sessionToken } = lab.apiCredentials()
  const real = systemHost(process.env)
  const host = {
    ...lab.hostAccess(real),
    environment: {
      PATH: process.env['PATH'],
      ...compiled,
      HOME: state,
      STATE_DIRECTORY: state,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_EC2: lab.apiUrl ?? '',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_ACCOUNT_ID: '111122223333',
      ...environment,
    },
  }
  const document = {
    version: 1,
    targets: lab.scenario.names.map(({ target, require: _require, ...what }) => ({
      name: target,
      ...what,
      every: '5s',
      timeout: '2s',
    })),
    topology: { source: 'aws' },
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    web: { listen: '127.0.0.1:0' },
  }
  const loaded = parseConfig(JSON.stringify(document), 'test', Date.now())
  if (!loaded.ok) throw new Error(loaded.problems.map(({ problem }) => problem).join('\n'))
  configured = loaded.config
  daemon = await startDaemon(configured, {
    host,
    log: createLog({
      write: (line) => logged.push(JSON.parse(line) as Record<string, unknown>),
      level: 'info',
      format: 'json',
      journal: false,
      wallMs: () => Date.now(),
      monotonicMs: () => performance.now(),
    }),
    version: '0.0.0',
    readText: () => Promise.resolve(null),
    sleep,
    random: () => 0.5,
    hostRoots: () => [],
    loadAgain: null,
    program,
  })
  return daemon
}

const metric = async (series: string): Promise<number | undefined> => {
  const { host, port } = (daemon as Daemon).address
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

test('the account by its API: read at the start, shown in the metrics, kept on disk', async () => {
  await start()
  const called = new Set((lab as Lab).apiRequests().map(({ service, action }) => `${service}:${action}`))
  expect(called).toEqual(new Set(iamPolicy(configured)?.Statement.flatMap(({ Action }) => Action)))
  expect(logged.filter(({ event }) => event === 'topology_problem')).toEqual([])
  const now = Date.now() / 1000
  expect(now - ((await metric('pathproof_topology_last_success_timestamp_seconds')) ?? 0)).toBeLessThan(60)
  expect(
    now - ((await metric('pathproof_topology_part_last_success_timestamp_seconds{part="routeTables"}')) ?? 0),
  ).toBeLessThan(60)
  expect(await metric('pathproof_topology_errors_total{part="routeTables",reason="denied"}')).toBe(0)
  await expect
    .poll(() => readFile(join(state, 'snapshot.json'), 'utf8').catch(() => ''))
    .toMatch(/pathproof\.last-good\/1/)
  await expect
    .poll(() => daemon?.verdicts().map(({ state: verdict }) => verdict), { timeout: 20_000 })
    .toEqual(expect.arrayContaining(['private']))
})

test('a start while the API is away: the copy, its problem, its metric, and the daemon listens all the same', async () => {
  await start()
  await expect.poll(() => readFile(join(state, 'snapshot.json'), 'utf8').catch(() => '')).not.toBe('')
  await daemon?.stop(1)
  logged = []
  await start({ AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1' })
  expect(logged.find(({ event }) => event === 'last_good')).toMatchObject({
    source: expect.stringMatching(/^copy on disk of: EC2 API/),
  })
  await expect
    .poll(() => metric('pathproof_topology_errors_total{part="routeTables",reason="unreachable"}'), {
      timeout: 20_000,
    })
    .toBe(1)
  expect(await metric('pathproof_topology_last_success_timestamp_seconds')).toBe(0)
  expect(logged.find(({ event }) => event === 'topology_problem')?.['problem']).toMatch(
    /127\.0\.0\.1 can't be reached \(ECONNREFUSED\)/,
  )
  const { host, port } = (daemon as Daemon).address
  const page = await (await fetch(`http://${host}:${port}/`)).text()
  expect(page).toMatch(/reached \(ECONNREFUSED\)/)
})
