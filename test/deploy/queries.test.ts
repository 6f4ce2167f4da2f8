/** Every query of the dashboards, and every rule, as a real Prometheus answers it that scraped daemons in the lab. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type DrivenDaemon, startDriven } from '../support/driven-daemon.ts'
import { defaultTargets, surroundings } from '../support/lab-daemon.ts'
import { needs, titled } from '../support/needs.ts'
import { endAll, root, start } from '../support/processes.ts'
import { dashboardsOf, withoutVariables } from './grafana.ts'

const missing = await needs('prometheus')

/** Queries that rightly have no answer here, each with its reason. */
const empty: Record<string, string> = {
  'Failed probes': 'no probe fails in these scenarios',
}

const everything = `name: everything
title: Everything is switched on
story: A private subnet with a gateway endpoint and a NAT gateway, whose network is recorded.
world:
  flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001, aggregationSeconds: 60, deliverySeconds: 60 }]
  resolvers: [{ name: corp, view: vpc, address: 10.0.1.53 }]
names:
  - { target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }
  - { target: sts-global, hostname: sts.amazonaws.com }
expect: [{ hostname: artifacts-lab.s3.us-east-1.amazonaws.com, state: private }]
`

let directory = ''
let ec2: DrivenDaemon | null = null
let onPrem: DrivenDaemon | null = null
let base = ''

interface Answer {
  status: string
  error?: string
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

async function ask(query: string): Promise<Answer> {
  const url = `${base}/api/v1/query?query=${encodeURIComponent(query)}`
  return (await (await fetch(url, { headers: { connection: 'close' } })).json()) as Answer
}

/** Waits until both agents were scraped this often from now on. */
async function scraped(times: number): Promise<void> {
  const count = async () => {
    const { data } = await ask('min(count_over_time(up{job="pathproof"}[1h])) and count(up == 1) == 2')
    return Number(data.result[0]?.value[1] ?? 0)
  }
  const before = await count()
  await expect.poll(count, { timeout: 30_000, interval: 100 }).toBeGreaterThanOrEqual(before + times)
}

async function begin(): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-queries-test-'))
  const key = join(directory, 'key.pem')
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  ec2 = await startDriven({
    scenario: everything,
    document: (lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws' },
      flow_logs: { enabled: true },
      resolvers: lab.resolvers
        .filter(({ name }) => name === 'corp')
        .map((one) => ({ name: 'corp', address: `${one.address}:${one.port}` })),
      targets: defaultTargets(lab, '30s').map((one) => ({
        ...one,
        compare_resolvers: ['corp'],
        ...(one.name === 'sts-global' && { waiver: { reason: 'legacy SDK', until: '2099-12-31' } }),
      })),
      egress: { must_fail: [{ name: 'cloudflare-443', url: 'tcp://1.1.1.1:443', control: 'artifacts' }] },
      posture: { enabled: true },
      ledger: {
        directory: join(directory, 'ledger'),
        name: 'test/host',
        key_file: key,
        checkpoint_every: '60s',
      },
    }),
  })
  onPrem = await startDriven({
    scenario: 'first-leg',
    document: (lab) => {
      const { vantage, ...declared } = lab.scenario.agent
      return { ...surroundings(lab), agent: { vantage }, ...declared, targets: defaultTargets(lab, '30s') }
    },
  })
  // Every group at the pace of this server.
  const rules = readFileSync(join(root, 'deploy/prometheus/pathproof.rules.yml'), 'utf8')
  writeFileSync(join(directory, 'rules.yml'), rules.replaceAll('    interval: 1m\n', ''))
  writeFileSync(
    join(directory, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: ['rules.yml'],
      scrape_configs: [
        {
          job_name: 'pathproof',
          static_configs: [
            { targets: [ec2, onPrem].map(({ daemon }) => `127.0.0.1:${daemon.address.port}`) },
          ],
        },
      ],
    }),
  )
  const server = start('prometheus', [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    '--web.listen-address=127.0.0.1:0',
  ])
  const port = await server.output.until(
    'its port',
    () => /"Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.stderr())?.[1],
    60,
  )
  await server.output.until('it is ready', () => server.stderr().includes('Server is ready'), 60)
  base = `http://127.0.0.1:${port}`
  await Promise.all([ec2.minutes(1), onPrem.minutes(2)])
  await scraped(2)
  await ec2.minutes(7)
  await onPrem.lab.apply('vpn')
  await onPrem.minutes(2)
  await scraped(3)
}

afterAll(async () => {
  await endAll()
  await ec2?.stop()
  await onPrem?.stop()
  if (directory !== '') rmSync(directory, { recursive: true, force: true })
})

const queries = dashboardsOf().flatMap(({ file, panels }) =>
  panels.flatMap(({ title, targets }) => targets.map(({ expr, refId }) => ({ file, title, refId, expr }))),
)

describe.skipIf(missing !== null)(titled('Prometheus', missing), () => {
  // What follows asks the same server.
  it('scrapes daemons with everything switched on', begin, 120_000)

  it('has an answer to every query', async () => {
    const wrong: string[] = []
    for (const { file, title, refId, expr } of queries) {
      const { status, error, data } = await ask(
        withoutVariables(expr, { __rate_interval: '30s', __range: '30s' }),
      )
      const where = `${file}, ${title}, ${refId}`
      if (status !== 'success') wrong.push(`${where}: ${error}`)
      else if (data.result.length === 0 && empty[title] === undefined) wrong.push(`${where}: nothing`)
      else if (data.result.length > 0 && empty[title] !== undefined)
        wrong.push(`${where}: take it off the list`)
    }
    expect(wrong).toEqual([])
  })

  it('variables find what there is to choose', async () => {
    const found: string[] = []
    for (const { variables } of dashboardsOf())
      for (const { name, type, query } of variables) {
        if (type !== 'query') continue
        const [, series = '', label = ''] =
          /^label_values\((.+), (\w+)\)$/.exec((query as { query: string }).query) ?? []
        const { data } = await ask(`group by (${label}) (${withoutVariables(series)})`)
        expect(data.result.length, name).toBeGreaterThan(0)
        found.push(...data.result.map(({ metric }) => `${name}=${metric[label]}`))
      }
    expect(found).toEqual(
      expect.arrayContaining(['job=pathproof', 'target=artifacts', 'target=sts-global', 'service=s3']),
    )
  })

  it('all rules are evaluated without an error, and all that is recorded is there', async () => {
    const answer = (await (
      await fetch(`${base}/api/v1/rules`, { headers: { connection: 'close' } })
    ).json()) as {
      data: { groups: { rules: { name: string; type: string; health: string; lastError?: string }[] }[] }
    }
    const rules = answer.data.groups.flatMap((group) => group.rules)
    expect(rules.length).toBeGreaterThan(40)
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
    for (const { name, type } of rules)
      if (type === 'recording') expect((await ask(name)).data.result.length, name).toBeGreaterThan(0)
  })

  it('what is shown is what is so', async () => {
    const value = async (title: string) => {
      const { expr } = queries.find((one) => one.title === title) ?? { expr: '' }
      return (await ask(withoutVariables(expr))).data.result
    }
    // Two names are private, one on each host; one is public, and excused.
    expect(Number((await value('Proven private'))[0]?.value[1])).toBeCloseTo(2 / 3)
    expect(await value('Public or mixed now')).toMatchObject([{ value: [expect.any(Number), '1'] }])
    expect(await value('Waivers in force')).toMatchObject([{ value: [expect.any(Number), '1'] }])
    expect(
      (await value('Worst state of each target'))
        .map(({ metric, value: [, code] }) => [metric['target'], code])
        .toSorted(),
    ).toEqual([
      ['artifacts', '1'],
      ['sts-global', '5'],
    ])
    expect((await value('First leg')).map(({ value: [, code] }) => code)).toEqual(['2'])
    expect(
      (await value('Public and mixed now')).map(({ metric }) => [metric['target'], metric['class']]),
    ).toEqual([['sts-global', 'nat_gateway']])
  })
})
