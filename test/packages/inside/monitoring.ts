/** Prometheus, Alertmanager and a receiver of notifications on loopback, with the files that the package ships. */
import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { poll } from './root.ts'

export interface Alert {
  status: 'firing' | 'resolved'
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface Monitoring {
  /** Every alert of every notification, in the order of their coming; with the receiver's path. */
  received: (Alert & { path: string })[]
  query(query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>
  end(): Promise<void>
}

export interface MonitoringPlan {
  /** For configuration and data. */
  folder: string
  /** Where the package put its rules and samples. */
  shared: string
  scheme: 'http' | 'https'
  caFile: string
  user: string
  password: string
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.on('close', () => resolve())
    child.kill('SIGTERM')
  })
}

export async function startMonitoring(plan: MonitoringPlan): Promise<Monitoring> {
  const { folder, shared } = plan
  const received: Monitoring['received'] = []
  const receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece))
    request.on('end', () => {
      for (const alert of (JSON.parse(body) as { alerts: Alert[] }).alerts)
        received.push({ ...alert, path: request.url ?? '' })
      response.end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(9095, '127.0.0.1', resolve))

  // The shipped sample, but for its patience: a test has less.
  const sample = readFileSync(join(shared, 'alertmanager', 'alertmanager.yml'), 'utf8')
  const hasty = sample.replace(/(group_wait|group_interval): \w+/g, '$1: 1s')
  writeFileSync(join(folder, 'alertmanager.yml'), hasty)
  cpSync(join(shared, 'prometheus'), join(folder, 'rules'), { recursive: true })
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules/*.rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:9093'] }] }] },
      scrape_configs: [
        {
          job_name: 'pathproof',
          scheme: plan.scheme,
          tls_config: { ca_file: plan.caFile, min_version: 'TLS12' },
          basic_auth: { username: plan.user, password: plan.password },
          static_configs: [{ targets: ['127.0.0.1:10097'] }],
        },
      ],
    }),
  )
  let log = ''
  const children = [
    spawn('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:9090',
    ]),
    spawn('prometheus-alertmanager', [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'alerts')}`,
      '--web.listen-address=127.0.0.1:9093',
      '--cluster.listen-address=',
    ]),
  ]
  for (const child of children) {
    child.stdout.resume()
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (log = (log + piece).slice(-8000)))
    child.on('error', (error) => (log += String(error)))
  }
  const get = async (url: string): Promise<Response | null> =>
    fetch(url, { headers: { connection: 'close' } }).catch(() => null)
  try {
    await poll('Prometheus', async () => (await get('http://127.0.0.1:9090/-/ready'))?.ok)
    await poll('Alertmanager', async () => (await get('http://127.0.0.1:9093/-/ready'))?.ok)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${log}`)
  }
  return {
    received,
    async query(query) {
      const answer = await get(`http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`)
      if (answer === null) return []
      const document = (await answer.json()) as { data: { result: Awaited<ReturnType<Monitoring['query']>> } }
      return document.data.result
    },
    async end() {
      await Promise.all(children.map(ended))
      receiver.closeAllConnections()
      await new Promise((resolve) => receiver.close(resolve))
    },
  }
}
