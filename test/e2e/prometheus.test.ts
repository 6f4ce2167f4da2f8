import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { defaultTargets, type RunningDaemon, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { needs, titled } from '../support/needs.ts'
import { endAll, root, start } from '../support/processes.ts'

const missing = await needs('promtool', 'prometheus')
const deployed = (file: string) => join(root, 'deploy', 'prometheus', file)
const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'

function promtool(args: string[], input?: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  })
  return { status, output: stdout + stderr }
}

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-prometheus-test-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let running: RunningDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
  await endAll()
})

async function lab(): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario: 'demo',
    document: (world) => ({ ...surroundings(world), targets: defaultTargets(world, '5s') }),
  })
  return running
}

describe.skipIf(missing !== null)(titled('Prometheus', missing), () => {
  it('promtool finds no fault with /metrics of a daemon that has judged', async () => {
    const { verdicts, get } = await lab()
    await verdicts.until('all targets', (all) => new Set(all.map((v) => v.target)).size === 5)
    const { text } = await get('/metrics')
    expect(text).toContain('pathproof_path_private{')
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' })
    // It does find some.
    expect(promtool(['check', 'metrics'], '# TYPE x_total gauge\nx_total 1\n').status).not.toBe(0)
  })

  it('an alert on the gauge fires when the route is taken away, and resolves when it is back', async () => {
    const { daemon, lab: world, metric } = await lab()
    writeFileSync(
      join(directory, 'gauge.yml'),
      JSON.stringify({
        groups: [
          {
            name: 'gauge',
            rules: [
              { alert: 'NotPrivate', expr: 'pathproof_path_private{target="artifacts"} == 0', for: '0s' },
            ],
          },
        ],
      }),
    )
    copyFileSync(deployed('pathproof.rules.yml'), join(directory, 'pathproof.rules.yml'))
    writeFileSync(
      join(directory, 'prometheus.yml'),
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ['gauge.yml', 'pathproof.rules.yml'],
        scrape_configs: [
          { job_name: 'pathproof', static_configs: [{ targets: [`127.0.0.1:${daemon.address.port}`] }] },
        ],
      }),
    )
    const server = start('prometheus', [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ])
    // It says which port it got only in its log.
    const port = await server.output.until(
      'its port',
      () => /"Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.stderr())?.[1],
      60,
    )
    await server.output.until('it is ready', () => server.stderr().includes('Server is ready'), 60)
    const ask = async (
      query: string,
    ): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`, {
        headers: { connection: 'close' },
      })
      return (
        (await answer.json()) as {
          data: { result: { metric: Record<string, string>; value: [number, string] }[] }
        }
      ).data.result
    }
    /** Asks again and again; Prometheus itself looks once a second. */
    const until = async <T>(
      what: string,
      query: string,
      found: (result: Awaited<ReturnType<typeof ask>>) => T | null | false,
    ): Promise<T> => {
      const untilMs = performance.now() + 60_000
      for (;;) {
        const result = await ask(query)
        const value = found(result)
        if (value !== null && value !== false) return value
        await new Promise((resolve) => setTimeout(resolve, 100))
        if (performance.now() > untilMs)
          throw new Error(`waited for ${what}: ${JSON.stringify(result)}\n${server.stderr().slice(-2000)}`)
      }
    }
    const firing = 'ALERTS{alertstate="firing", target="artifacts"}'
    expect(await until('a scrape', 'up{job="pathproof"}', (r) => r[0]?.value[1] === '1')).toBe(true)
    await until('the gauge', `pathproof_path_private{hostname="${s3}"}`, (r) => r[0]?.value[1] === '1')
    await until('silence', firing, (r) => r.length === 0)

    await world.apply('route-taken-away')
    await until('the alert on the gauge', firing, (r) =>
      r.some((a) => a.metric['alertname'] === 'NotPrivate' && a.metric['hostname'] === s3),
    )
    const told = await until(
      'the shipped alert',
      firing,
      (r) =>
        r.find(
          (a) => a.metric['alertname'] === 'PathproofRequirementNotMet' && a.metric['hostname'] === s3,
        ) ?? null,
    )
    expect(told.metric).toMatchObject({ state: 'public', class: 'nat_gateway', severity: 'critical' })
    expect(await metric(`pathproof_path_private{target="artifacts",hostname="${s3}",style="regional"}`)).toBe(
      0,
    )

    await world.apply('route-put-back')
    await until('the end of all alerts', firing, (r) => r.length === 0)
    expect(await ask(`pathproof_path_private{hostname="${s3}"}`)).toMatchObject([
      { value: [expect.any(Number), '1'] },
    ])

    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  }, 240_000)
})
