import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkCommand } from '../../agent/cli/check.ts'
import { configCommand } from '../../agent/cli/config.ts'
import { ledgerCommand } from '../../agent/cli/ledger.ts'
import { nameCommand } from '../../agent/cli/name.ts'
import { reportCommand } from '../../agent/cli/report.ts'
import { routeCommand } from '../../agent/cli/route.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { createAuthority } from '../../lab/certificates.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import type { HostAccess } from '../../model/host.ts'
import { systemHost } from '../../probes/host.ts'
import { type Said, say } from '../support/io.ts'
import { config, type RunningDaemon, scenario, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { endAll, pathproof } from '../support/processes.ts'

/** Stands in every secret; whatever comes out of the program must not hold it. */
const mark = 'Zq9SECRETmark7x'

const signed = (host: string) =>
  `https://${host}/file.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA${mark.toUpperCase()}%2F20261120%2Fus-east-1%2Fs3%2Faws4_request` +
  `&X-Amz-Date=20261120T115900Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=${mark}&X-Amz-Signature=${mark}`
const v2 = (host: string) =>
  `https://${host}/k?AWSAccessKeyId=AKIA${mark.toUpperCase()}&Expires=1795000000&Signature=${mark}%3D`
const withUser = (host: string) => `https://user:${mark}@${host}/`
const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const secretUrls = [
  signed(s3),
  v2(s3),
  withUser(s3),
  signed('not a host'),
  withUser('999.1.1.1'),
  `http://user:${mark}@[::1/`,
  `s3://${mark}@b/${signed('x')}`,
]

const environment = {
  AWS_ACCESS_KEY_ID: `AKIA${mark.toUpperCase()}`,
  AWS_SECRET_ACCESS_KEY: mark,
  AWS_SESSION_TOKEN: `IQoJb3JpZ2lu${mark}`,
  HTTPS_PROXY: `http://user:${mark}@proxy.example:3128`,
  https_proxy: `http://user:${mark}@proxy.example:3128`,
}

function clean(text: string, what: string): void {
  const at = text.toLowerCase().indexOf(mark.toLowerCase())
  expect(at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 60), what).toBe('')
}

function cleanSaid({ stdout, stderr }: Said, what: string): void {
  expect(stdout.length + stderr.length, `${what}: nothing was said`).toBeGreaterThan(0)
  clean(stdout, `${what}, stdout`)
  clean(stderr, `${what}, stderr`)
}

let directory = ''
let lab: Lab
/** A TLS service whose certificate and answers are full of secrets. */
let service: Server
let authority = ''
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-secrets-test-'))
  lab = await startLab(await scenario('gateway-endpoint'), {
    mode: 'mapped',
    clock: { wallMs: Date.now },
    timed: false,
  })
  const made = createAuthority({ commonName: `X-Amz-Security-Token=${mark}`, nowMs: Date.now() })
  authority = join(directory, 'ca.pem')
  writeFileSync(authority, made.certificate)
  const leaf = made.issue({ names: [s3, `x-amz-signature=${mark}.example`] })
  service = createServer({ cert: leaf.certificate, key: leaf.key }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () =>
      socket.end(
        [
          'HTTP/1.1 307 Temporary Redirect',
          `Location: ${signed('artifacts-lab.s3.eu-west-1.amazonaws.com').replace('https://', `https://user:${mark}@`)}`,
          `x-amz-request-id: X-Amz-Signature=${mark}`,
          `x-amz-id-2: AKIA${mark.toUpperCase()}`,
          `x-amz-bucket-region: eu-west-1?X-Amz-Signature=${mark}`,
          `Set-Cookie: session=${mark}`,
          'Content-Length: 0',
          '',
          '',
        ].join('\r\n'),
      ),
    )
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await lab.close()
  await new Promise((resolve) => service.close(resolve))
  rmSync(directory, { recursive: true, force: true })
})

let running: RunningDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
  await endAll()
})

/** The lab's host whose connections all end at the telltale service. */
const telltale = (host: HostAccess): HostAccess => ({
  ...host,
  environment,
  dial: () => {
    const socket = connect({ host: '127.0.0.1', port: (service.address() as AddressInfo).port })
    return {
      socket,
      local: () => (socket.localPort === undefined ? null : { address: '10.0.1.50', port: socket.localPort }),
    }
  },
})

/** A dump in which somebody left secrets, in a policy, a tag, and a broken file. */
function telltaleDump(name: string, broken: boolean): string {
  const dump = join(directory, name)
  cpSync(lab.snapshotDirectory, dump, { recursive: true, dereference: true })
  rmSync(join(dump, 'manifest.json'))
  const file = join(dump, 'describe-vpc-endpoints.json')
  const document = JSON.parse(readFileSync(file, 'utf8'))
  for (const endpoint of document.VpcEndpoints) {
    endpoint.PolicyDocument = JSON.stringify({
      Statement: [{ Condition: { StringEquals: { 'aws:Referer': signed(s3) } } }],
    })
    endpoint.Tags = [{ Key: 'note', Value: `aws_secret_access_key=${mark}` }]
  }
  writeFileSync(file, JSON.stringify(document))
  const tables = join(dump, 'describe-route-tables.json')
  const routes = JSON.parse(readFileSync(tables, 'utf8'))
  for (const table of routes.RouteTables) {
    table.Routes.push(
      { DestinationCidrBlock: `https://user:${mark}@10.0.0.0/8`, GatewayId: `igw?X-Amz-Signature=${mark}` },
      // This one wins, and its target is told as a reason.
      {
        DestinationCidrBlock: '52.216.8.53/32',
        NetworkInterfaceId: `eni-0?X-Amz-Signature=${mark}`,
        State: 'active',
        Origin: 'CreateRoute',
      },
    )
  }
  writeFileSync(
    tables,
    broken ? `${JSON.stringify(routes).slice(0, -20)} ${signed(s3)}` : JSON.stringify(routes),
  )
  return dump
}

describe('no secret comes out', () => {
  it('of the daemon: log, metrics, pages, documents, ledger', async () => {
    const kept = join(directory, 'ledger')
    const dump = telltaleDump('daemon', false)
    running = await startLabDaemon({
      scenario: 'gateway-endpoint',
      host: telltale,
      document: (world) => ({
        ...surroundings(world),
        topology: { source: 'directory', directory: dump, refresh: '10s' },
        partition_roots: [{ partition: 'aws', file: authority }],
        web: { listen: '127.0.0.1:0', reload: true },
        ledger: { directory: kept, key_file: `/nonexistent/key?X-Amz-Signature=${mark}` },
        targets: [
          {
            name: 'artifacts',
            hostname: s3,
            every: '2s',
            timeout: '1900ms',
            waiver: { reason: `see ${signed(s3)}`, ticket: `token=${mark}`, until: '2099-12-31' },
          },
        ],
      }),
      loadAgain: async () => {
        const loaded = parseConfig(
          `version: 1\n# ${signed(s3)}\ntargets: [{ name: x, hostname: "${withUser(s3)}" }]\nkey?X-Amz-Signature=${mark}: 1\n`,
          'x.yml',
          Date.now(),
        )
        return {
          ok: false,
          text: loaded.ok
            ? ''
            : loaded.problems.map((p) => `${p.path}: ${p.problem}, expected ${p.expected}`).join('\n'),
        }
      },
    })
    const { get, log, verdicts, daemon } = running
    // The redirect has made a second name of the target's by then.
    await verdicts.until('the redirect', (all) => (all.at(-1)?.names.length ?? 0) > 1)
    const reload = await get('/-/reload', { method: 'POST' })
    expect(reload.status).toBe(500)
    clean(reload.text, 'reload')
    const document = await get('/api/v1/verdicts')
    expect(document.text).toContain('REDACTED')
    for (const path of [
      '/metrics',
      '/',
      '/api/v1/verdicts',
      '/api/v1/ledger',
      '/api/v1/egress',
      '/api/v1/posture',
      '/api/v1/status',
      '/targets/artifacts',
      `/targets/${encodeURIComponent(signed('x'))}`,
      '/-/ready',
      `/api/v1/attempts/${signed('x').slice(8)}`,
      `/${signed('x')}`,
    ]) {
      clean((await get(path)).text, path)
    }
    for (const verdict of daemon.verdicts()) {
      for (const name of verdict.names) {
        for (const { id } of name.attempts) {
          clean((await get(`/api/v1/attempts/${id}`)).text, 'attempt')
          clean((await get(`/attempts/${id}`)).text, 'page of an attempt')
        }
      }
    }
    expect(log.items.some((line) => line['event'] === 'reload_refused')).toBe(true)
    await daemon.stop(1)
    clean(JSON.stringify(log.items), 'log')
    const files = readdirSync(kept, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const written = files
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      .join('\n')
    for (const kind of ['configuration', 'target', 'observation', 'attempt_verdict', 'target_verdict'])
      expect(written).toContain(`"kind":"${kind}"`)
    expect(written).toContain('REDACTED')
    clean(written, 'ledger')
    for (const argv of [
      ['verify', kept],
      ['verify', '--json', kept],
      ['replay', kept],
      ['replay', '--json', kept],
      ['replay', '--from', `?X-Amz-Signature=${mark}`, kept],
      ['replay', `/nonexistent/?X-Amz-Signature=${mark}`],
    ])
      cleanSaid(await say((io) => ledgerCommand(argv, io)), `ledger ${argv[0]}`)
    for (const format of ['html', 'json', 'csv', 'oscal', 'ocsf']) {
      const said = await say((io) => reportCommand(['--format', format, kept], io))
      expect(said.stdout).toContain('artifacts')
      // The waiver's reason is told, without what is secret in it.
      if (['html', 'json', 'csv'].includes(format)) expect(said.stdout).toContain('REDACTED')
      cleanSaid(said, `report as ${format}`)
    }
    for (const argv of [
      ['--key', `host+12345678+${mark}`, kept],
      ['--from', signed('x'), kept],
      ['--format', `?X-Amz-Signature=${mark}`, kept],
      ['--anchor', `/nonexistent/?X-Amz-Signature=${mark}`, kept],
      ['--out', `/nonexistent/?X-Amz-Signature=${mark}`, kept],
      [`/nonexistent/?X-Amz-Signature=${mark}`],
      [`--${signed('x')}`],
    ])
      cleanSaid(await say((io) => reportCommand(argv, io)), `report ${argv[0]?.slice(0, 9)}`)
  })

  it('of check, name and route, whatever the input', async () => {
    const dump = telltaleDump('check', false)
    const broken = telltaleDump('broken', true)
    const file = join(directory, 'check.yml')
    writeFileSync(
      file,
      JSON.stringify({ version: 1, partition_roots: [{ partition: 'aws', file: authority }] }),
    )
    const at = {
      host: telltale(lab.hostAccess(systemHost({}))),
      hostRoots: () => [],
      readText: () => Promise.resolve(null),
    }
    for (const json of [['--json'], []]) {
      for (const from of [dump, broken]) {
        const checked = await say((io) =>
          checkCommand(
            [...json, '--config.file', file, '--snapshot', from, ...secretUrls],
            { ...io, environment },
            at,
          ),
        )
        cleanSaid(checked, `check ${json}`)
        const to = [...secretUrls.flatMap((url) => ['--to', url]), '--to', '52.216.8.53', '--to', '10.1.1.1']
        cleanSaid(
          await say((io) => routeCommand([...json, '--snapshot', from, '--from', 'eni-0a000050', ...to], io)),
          `route ${json}`,
        )
        cleanSaid(
          await say((io) =>
            routeCommand(
              [...json, '--snapshot', from, '--from', `eni-?X-Amz-Signature=${mark}`, '--to', '1.1.1.1'],
              io,
            ),
          ),
          'route --from',
        )
      }
      cleanSaid(
        await say((io) => nameCommand([...json, ...secretUrls], { ...io, nowMs: Date.now() })),
        `name ${json}`,
      )
      cleanSaid(
        await say((io) => nameCommand(json, { ...io, nowMs: Date.now() }), { lines: secretUrls }),
        `name ${json}, lines`,
      )
    }
    for (const url of secretUrls) {
      cleanSaid(await say((io) => checkCommand([`--${url}`], io, at)), 'check, unknown option')
      cleanSaid(
        await say((io) => checkCommand(['--snapshot', url, '--config.file', url], io, at)),
        'check, paths',
      )
      cleanSaid(
        await say((io) => routeCommand(['--snapshot', url, '--from', url, '--to', url], io)),
        'route, paths',
      )
    }
  })

  it('of the configuration: its errors, and what is shown of it', async () => {
    const bad = join(directory, 'bad.yml')
    writeFileSync(
      bad,
      `version: 1
targets:
  - { name: "x?X-Amz-Signature=${mark}", hostname: "${withUser(s3)}" }
  - { name: a, hostname: "${signed(s3)}", every: "token=${mark}", source: "${withUser('x')}" }
  - { name: b, hostname: ${s3}, require: "password=${mark}" }
"X-Amz-Security-Token=${mark}": 1
resolvers: [{ name: r, address: "user:${mark}@10.0.0.2:53" }]
topology: { source: directory, directory: "${withUser('x')}" , refresh: "secret=${mark}" }
web: { listen: "user:${mark}@127.0.0.1:1" }
egress: { must_fail: [{ name: c, url: "${withUser('x')}", control: a }] }
`,
    )
    const good = join(directory, 'good.yml')
    writeFileSync(good, JSON.stringify(goodDocument(), null, 1))
    for (const json of [['--json'], []]) {
      cleanSaid(await say((io) => configCommand(['check', ...json, bad], io)), `config check ${json}`)
      cleanSaid(await say((io) => configCommand(['show', ...json, bad], io)), `config show ${json}, bad`)
      cleanSaid(await say((io) => configCommand(['check', ...json, good], io)), `config check ${json}, good`)
      const shown = await say((io) => configCommand(['show', ...json, good], io))
      expect(shown.code).toBe(0)
      cleanSaid(shown, `config show ${json}, good`)
    }
    expect((await say((io) => configCommand(['check', bad], io))).code).toBe(78)
  })

  it('of the process itself, with secrets in its environment and its arguments', async () => {
    const all = await Promise.all([
      pathproof(['name', ...secretUrls], { env: environment }),
      pathproof(['name', '--json'], { env: environment, stdin: secretUrls.join('\n') }),
      pathproof([`--${signed('x')}`], { env: environment }),
      pathproof(['run', '--config.file', `/nonexistent/${signed('x')}`], { env: environment }),
      pathproof(['run', '--config.file', join(directory, 'bad.yml')], { env: environment }),
      pathproof(['lab', '--scenario', signed('x')], { env: environment }),
      pathproof(['config', 'check', withUser('x')], { env: environment }),
    ])
    for (const [index, { stdout, stderr }] of all.entries())
      cleanSaid({ code: 0, stdout, stderr }, `process ${index}`)
  })
})

function goodDocument(): object {
  const document = {
    version: 1,
    targets: [
      {
        name: 'a',
        hostname: s3,
        waiver: { reason: `see ${signed(s3)}`, ticket: `X-Amz-Signature=${mark}`, until: '2099-12-31' },
      },
    ],
    topology: { source: 'directory', directory: `/var/lib/x?X-Amz-Signature=${mark}` },
  }
  config(document)
  return document
}
