import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { defaultTargets, type RunningDaemon, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { needs, titled } from '../support/needs.ts'
import { endAll, start } from '../support/processes.ts'

const missing = await needs('prometheus')

let directory = ''
let running: RunningDaemon | null = null
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-remote-write-'))
})
afterEach(async () => {
  await running?.stop()
  running = null
  await endAll()
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A Prometheus of its own: where it listens, and an end. */
async function prometheus(name: string, config: object, ...flags: string[]) {
  const file = join(directory, `${name}.yml`)
  writeFileSync(file, JSON.stringify(config))
  const server = start('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(directory, name)}`,
    '--web.listen-address=127.0.0.1:0',
    ...flags,
  ])
  const port = await server.output.until(
    'its port',
    () => /"Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.stderr())?.[1],
    60,
  )
  await server.output.until('it is ready', () => server.stderr().includes('Server is ready'), 60)
  return { ...server, url: `http://127.0.0.1:${port}` }
}

type Found = { metric: Record<string, string>; value: [number, string] }[]

async function ask(url: string, query: string): Promise<Found> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`, {
    headers: { connection: 'close' },
  })
  return ((await answer.json()) as { data: { result: Found } }).data.result
}

/** Asks again and again; what is written remotely comes some seconds after its scrape. */
async function until(url: string, query: string, so: (found: Found) => boolean): Promise<Found> {
  const untilMs = performance.now() + 60_000
  for (;;) {
    const found = await ask(url, query)
    if (so(found)) return found
    if (performance.now() > untilMs)
      throw new Error(`waited for ${query}: ${JSON.stringify(found).slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

describe.skipIf(missing !== null)(titled('remote write', missing), () => {
  it('what one Prometheus scrapes of an agent arrives at another, every series of it', async () => {
    running = await startLabDaemon({
      scenario: 'demo',
      document: (world) => ({ ...surroundings(world), targets: defaultTargets(world, '5s') }),
    })
    const { daemon, verdicts } = running
    await verdicts.until('all targets', (all) => new Set(all.map((v) => v.target)).size === 5)
    const receiver = await prometheus('receiver', {}, '--web.enable-remote-write-receiver')
    const agent = await prometheus('agent', {
      global: { scrape_interval: '1s', external_labels: { account_id: '111122223333' } },
      scrape_configs: [
        { job_name: 'pathproof', static_configs: [{ targets: [`127.0.0.1:${daemon.address.port}`] }] },
      ],
      remote_write: [{ url: `${receiver.url}/api/v1/write`, queue_config: { batch_send_deadline: '1s' } }],
    })
    const names = 'count({job="pathproof", __name__=~"pathproof_.*"}) by (__name__)'
    const scraped = await until(agent.url, names, (found) => found.length > 30)
    const arrived = await until(receiver.url, names, (found) => found.length >= scraped.length)
    const sorted = (found: Found) =>
      found.map(({ metric, value }) => `${metric['__name__']} ${value[1]}`).sort()
    expect(sorted(arrived)).toEqual(expect.arrayContaining(sorted(scraped)))
    const gauge = 'pathproof_path_private{target="artifacts", style="regional"}'
    const [found] = await until(receiver.url, gauge, (all) => all[0]?.value[1] === '1')
    expect(found?.metric).toMatchObject({ account_id: '111122223333', job: 'pathproof' })
    expect(agent.stderr()).not.toMatch(/non-recoverable error/)
  }, 180_000)
})

describe('series per agent', () => {
  const seriesOf = async (targets: number): Promise<number> => {
    running = await startLabDaemon({
      scenario: 'demo',
      document: (world) => ({
        ...surroundings(world),
        targets: Array.from({ length: targets }, (_, n) => ({
          name: `target-${n}`,
          hostname: `bucket-${n}.s3.us-east-1.amazonaws.com`,
          every: '60s',
          timeout: '2s',
        })),
      }),
    })
    const { text } = await running.get('/metrics')
    await running.stop()
    running = null
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  }

  it('at 1, 10 and 100 targets of one name: within the budget of 40 for each', async () => {
    const [one = 0, ten = 0, hundred = 0] = [await seriesOf(1), await seriesOf(10), await seriesOf(100)]
    process.stdout.write(`series at 1, 10, 100 targets: ${one}, ${ten}, ${hundred}\n`)
    const each = (hundred - ten) / 90
    expect(each).toBeLessThanOrEqual(40)
    // what an agent has without targets: process, account, histograms of services
    expect(one - each).toBeLessThan(600)
  }, 60_000)
})
