import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import bcrypt from 'bcryptjs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { needs, titled } from '../support/needs.ts'
import { defaultTargets, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { binary, endAll, start } from '../support/processes.ts'
import { webFiles } from '../support/web-files.ts'

const missing = await needs('prometheus', 'openssl')

describe.skipIf(missing !== null)(
  titled('a daemon behind TLS, client certificates and passwords', missing),
  () => {
    const files = webFiles()
    const directory = mkdtempSync(join(tmpdir(), 'pathproof-web-e2e-'))
    afterEach(endAll)
    afterAll(() => {
      files.remove()
      rmSync(directory, { recursive: true, force: true })
    })

    it('is scraped by a real Prometheus', async () => {
      const ca = files.certificate('ca', null, 'DNS:ca')
      files.certificate('server', ca, 'DNS:localhost,IP:127.0.0.1')
      const client = files.certificate('client', ca, 'DNS:prometheus.example')
      const web = files.write(
        'web.yml',
        `tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [prometheus.example]
basic_auth_users:
  prometheus: ${bcrypt.hashSync('scrape me', 6)}
`,
      )
      // Nothing is due while the test runs.
      const config = join(directory, 'pathproof.yml')
      writeFileSync(
        config,
        `version: 1
agent: { vantage: on-prem }
topology: { source: directory, directory: ${directory} }
flow_logs: { enabled: false }
posture: { enabled: false }
targets: [{ name: t, hostname: a.invalid, cron: "0 3 1 1 *" }]
web: { listen: "127.0.0.1:0", telemetry_path: /probe }
`,
      )
      const daemon = start(binary, [
        'run',
        '--config.file',
        config,
        '--web.config.file',
        web,
        '--log.format',
        'json',
      ])
      const port = await daemon.output.until(
        'its port',
        () => /"listening".*?"port":(\d+)/.exec(daemon.stderr())?.[1],
        60,
      )
      const ask = (auth: string | null, path = '/probe') =>
        new Promise<number>((resolve, reject) => {
          request(
            {
              host: '127.0.0.1',
              port,
              path,
              ca: readFileSync(ca.cert),
              cert: readFileSync(client.cert),
              key: readFileSync(client.key),
              agent: false,
              ...(auth === null ? {} : { auth }),
            },
            (response) => {
              response.resume()
              resolve(response.statusCode ?? 0)
            },
          )
            .on('error', reject)
            .end()
        })
      // By the comparer of passwords in a process of its own.
      expect(await ask('prometheus:scrape me')).toBe(200)
      expect([
        await ask('prometheus:other'),
        await ask(null),
        await ask('prometheus:scrape me', '/metrics'),
      ]).toEqual([401, 401, 404])
      writeFileSync(
        join(directory, 'prometheus.yml'),
        JSON.stringify({
          global: { scrape_interval: '1s' },
          scrape_configs: [
            {
              job_name: 'pathproof',
              scheme: 'https',
              metrics_path: '/probe',
              basic_auth: { username: 'prometheus', password: 'scrape me' },
              tls_config: { ca_file: ca.cert, cert_file: client.cert, key_file: client.key },
              static_configs: [{ targets: [`127.0.0.1:${port}`] }],
            },
          ],
        }),
      )
      const get = await prometheus(directory)
      const query = async (of: string) =>
        (await get(`query?query=${encodeURIComponent(of)}`)) as { result: { value?: [number, string] }[] }
      const valueOf = async (of: string) => (await query(of)).result[0]?.value?.[1]
      await expect.poll(() => valueOf('up'), { timeout: 30_000, interval: 200 }).toBe('1')
      await expect
        .poll(() => valueOf('pathproof_web_config_last_reload_successful'), {
          timeout: 10_000,
          interval: 200,
        })
        .toBe('1')
    }, 120_000)

    it('gives Prometheus exemplars that lead to attempts', async () => {
      const running = await startLabDaemon({
        scenario: 'demo',
        document: (world) => ({ ...surroundings(world), targets: defaultTargets(world, '5s') }),
      })
      try {
        const target = `127.0.0.1:${running.daemon.address.port}`
        writeFileSync(
          join(directory, 'prometheus.yml'),
          JSON.stringify({
            global: { scrape_interval: '1s' },
            scrape_configs: [{ job_name: 'pathproof', static_configs: [{ targets: [target] }] }],
          }),
        )
        const get = await prometheus(directory)
        const ids = async (): Promise<string[]> => {
          const span = `start=${Date.now() / 1000 - 600}&end=${Date.now() / 1000 + 60}`
          const found = (await get(
            `query_exemplars?query=pathproof_tls_handshake_seconds_bucket&${span}`,
          )) as {
            exemplars: { labels: { attempt_id?: string } }[]
          }[]
          return found.flatMap(({ exemplars }) => exemplars.flatMap(({ labels }) => labels.attempt_id ?? []))
        }
        await expect
          .poll(async () => (await ids()).length, { timeout: 30_000, interval: 200 })
          .toBeGreaterThan(0)
        const statuses = []
        for (const id of (await ids()).slice(0, 3)) {
          statuses.push((await running.get(`/api/v1/attempts/${id}`)).status)
        }
        expect(new Set(statuses)).toEqual(new Set([200]))
      } finally {
        await running.stop()
      }
    }, 120_000)
  },
)

/** A Prometheus over the configuration in `directory`; gives the data of an answer of its API. */
async function prometheus(directory: string): Promise<(path: string) => Promise<unknown>> {
  const data = mkdtempSync(join(directory, 'data-'))
  const server = start('prometheus', [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${data}`,
    '--web.listen-address=127.0.0.1:0',
    '--enable-feature=exemplar-storage',
  ])
  const at = await server.output.until(
    'its port',
    () => /"Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.stderr())?.[1],
    60,
  )
  await server.output.until('it is ready', () => server.stderr().includes('Server is ready'), 60)
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${at}/api/v1/${path}`, { headers: { connection: 'close' } })
    return ((await answer.json()) as { data: unknown }).data
  }
}
