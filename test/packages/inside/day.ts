/**
 * A day in production, inside the namespaces: `node day.ts ROOT OLD.deb NEW.deb`. Each step that went well is a line on standard output;
 * the first that does not ends it with 1. ROOT is a Debian root without the package; the packages lie in its /tmp.
 */
import { equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { startLab } from '../../../lab/lab.ts'
import { insideNamespace } from '../../../lab/namespace.ts'
import { loadScenario } from '../../../lab/scenario.ts'
import { startMonitoring } from './monitoring.ts'
import { enterRoot, poll, type Service, startService } from './root.ts'

const [folder = '', older = '', newer = ''] = process.argv.slice(2)
if ((await insideNamespace(process.env)) === null) throw new Error('not inside')
const user = 'prometheus'
const password = 'a password of this test'
const bucketName = 's3.us-east-1.amazonaws.com'
let steps = 0
const done = (what: string): void => console.log(`${++steps}. ${what}`)

const root = enterRoot(folder)
const configuration = join(folder, 'etc/pathproof/pathproof.yml')
const lab = await startLab(await loadScenario('demo'), {
  mode: 'namespace',
  clock: { wallMs: () => Date.now() },
  timed: false,
})
copyFileSync('/etc/resolv.conf', join(folder, 'etc/resolv.conf'))
copyFileSync('/etc/nsswitch.conf', join(folder, 'etc/nsswitch.conf'))
// The host's own kernel is the lab's to play: its device is an ENI's, and `ip` tells of a host in that subnet.
const [eni] = lab.world().host.devices
if (eni === undefined) throw new Error('the host of this scenario has no device')
execFileSync('ip', ['link', 'set', 'dev', 'pp0', 'address', eni.mac])
execFileSync('ip', ['addr', 'add', '10.0.1.50/32', 'dev', 'pp0'])
const [link] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', 'dev', 'pp0'], { encoding: 'utf8' })) as {
  ifindex: number
}[]
writeFileSync(join(folder, 'run/ifindex'), String(link?.ifindex))
renameSync(join(folder, 'usr/bin/ip'), join(folder, 'usr/bin/ip.real'))
writeFileSync(
  join(folder, 'usr/bin/ip'),
  readFileSync(join(import.meta.dirname, 'ip.sh'), 'utf8').replace('@MAC@', eni.mac),
  { mode: 0o755 },
)

/** The HTTP surface as a client with the right authority sees it. */
function get(path: string, credentials?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers =
      credentials === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
    const asked = httpsRequest(
      {
        host: '127.0.0.1',
        port: 10097,
        path,
        headers,
        ca: readFileSync(join(folder, 'etc/pathproof/ca.pem')),
        agent: false,
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
const metrics = async (): Promise<string> => (await get('/metrics', `${user}:${password}`)).text

let sockets = 0
const start = async (): Promise<Service> => {
  const service = await startService(root, join(folder, '..', `notify-${++sockets}`))
  await service.until('READY', (text) => text.startsWith('READY=1'))
  return service
}
const stop = async (service: Service): Promise<void> => {
  service.signal('SIGTERM')
  equal(await service.ended, 0, service.log())
  ok(service.told().includes('STOPPING=1'))
}

// --- install
root.run('dpkg', '--install', older)
match(root.run('dpkg-query', '-W', '-f', '${Status} ${Version}', 'pathproof'), /^install ok installed .*-1$/)
equal(root.run('dpkg', '--verify', 'pathproof'), '')
match(root.run('/usr/bin/pathproof', '--version'), /^pathproof /)
ok(lstatSync(join(folder, 'etc/systemd/system/multi-user.target.wants/pathproof.service')).isSymbolicLink())
done('installed from the package, and enabled')

// The unit where dpkg put it; only the program is looked for under / by systemd-analyze.
const units = join(folder, '..', 'units')
mkdirSync(units)
writeFileSync(
  join(units, 'pathproof.service'),
  root
    .read('lib/systemd/system/pathproof.service')
    .replace('ExecStart=/usr/bin/pathproof', 'ExecStart=/bin/true'),
)
const verified = spawnSync('systemd-analyze', ['verify', '--man=no', join(units, 'pathproof.service')], {
  encoding: 'utf8',
})
const faults = `${verified.stdout}${verified.stderr}`
  .split('\n')
  .filter((line) => line.includes('pathproof') && !line.includes("'OpenFile'"))
equal(faults.join('\n'), '')
const exposure = spawnSync('systemd-analyze', [
  'security',
  '--offline=true',
  '--threshold=13',
  join(units, 'pathproof.service'),
])
equal(exposure.status, 0, String(exposure.stdout))
done('the unit is understood by systemd, and exposes at most 1.3')

// --- the default, untouched
match(root.run('pathproof', 'config', 'check'), /^ok: .*discovered on EC2/)
// without a metadata service's certificate or any right: it must run, and say private of nothing
const untouched = await start()
const plain = await (
  await fetch('http://127.0.0.1:10097/metrics', { headers: { connection: 'close' } })
).text()
match(plain, /^pathproof_build_info\{/m)
ok(!/^pathproof_path_private\{.*\} 1$/m.test(plain))
await stop(untouched)
done('runs with the configuration that it was installed with')

// --- what an administrator does
mkdirSync(join(folder, 'var/lib/pathproof'), { recursive: true })
copyFileSync(lab.caFile, join(folder, 'etc/pathproof/aws-ca.pem'))
const pem = (name: string): string => join(folder, 'etc/pathproof', name)
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=pathproof test',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    pem('web-key.pem'),
    '-out',
    pem('ca.pem'),
  ],
  { stdio: 'ignore' },
)
writeFileSync(
  pem('web.yml'),
  `tls_server_config: { cert_file: ca.pem, key_file: web-key.pem }\nbasic_auth_users: { ${user}: "${hashSync(password, 4)}" }\n`,
)
execFileSync('promtool', ['check', 'web-config', pem('web.yml')], { stdio: 'ignore' })
// The one thing that a real host needs nothing of: the authority of the lab's AWS, for probes and for the SDK.
const edited = `${root
  .read('etc/pathproof/pathproof.yml')
  .replace('topology: { source: aws }', 'topology: { source: aws, refresh: 10s }')}
partition_roots: [{ partition: aws, file: /etc/pathproof/aws-ca.pem }]
`
writeFileSync(configuration, edited)
appendFileSync(
  join(folder, 'etc/default/pathproof'),
  'PATHPROOF_OPTIONS="--web.config.file /etc/pathproof/web.yml --log.format json"\nNODE_EXTRA_CA_CERTS=/etc/pathproof/aws-ca.pem\n',
)
root.run('pathproof', 'config', 'check')
const service = await start()
equal((await get('/metrics')).status, 401)
equal((await get('/metrics', `${user}:wrong`)).status, 401)
equal((await get('/metrics', `${user}:${password}`)).status, 200)
done('serves by TLS, and only to those who know the password')

// --- a verdict without a target in the configuration
const isPrivate = (text: string): boolean =>
  new RegExp(`^pathproof_path_private\\{[^}]*hostname="${bucketName}"[^}]*\\} 1$`, 'm').test(text)
try {
  await poll('the first private verdict', async () => isPrivate(await metrics()), 120)
} catch (error) {
  throw new Error(
    `${(error as Error).message}\n${(await metrics()).slice(0, 6000)}\n${service.log().slice(-6000)}`,
  )
}
done('found what to watch by itself, and proved S3 private')

// --- monitoring
const monitoring = await startMonitoring({
  folder: join(folder, '..'),
  shared: join(folder, 'usr/share/pathproof'),
  scheme: 'https',
  caFile: pem('ca.pem'),
  user,
  password,
})
await poll('a scrape', async () => (await monitoring.query('up{job="pathproof"}'))[0]?.value[1] === '1')
await poll(
  'the gauge',
  async () =>
    (await monitoring.query(`pathproof_path_private{hostname="${bucketName}"}`))[0]?.value[1] === '1',
)
done('scraped by Prometheus over TLS with a password')

const of = (status: string, from: number) =>
  monitoring.received
    .slice(from)
    .find(
      ({ status: one, labels }) =>
        one === status &&
        labels['alertname'] === 'PathproofRequirementNotMet' &&
        labels['hostname'] === bucketName,
    )
const before = monitoring.received.length
equal(of('firing', 0), undefined)
await lab.apply('route-taken-away')
const firing = await poll('the alert', () => of('firing', before), 120)
equal(firing.labels['severity'], 'critical')
equal(firing.path, '/pager')
match(firing.annotations['summary'] ?? '', new RegExp(bucketName.replaceAll('.', '\\.')))
done('the route was taken away: an alert came to the receiver')
const fired = monitoring.received.length
await lab.apply('route-put-back')
await poll('its end', () => of('resolved', fired), 120)
// addresses that were judged on both readings are public no more, and private when they are looked at again
await poll('a private verdict again', async () => isPrivate(await metrics()), 120)
done('the route was put back: the alert was resolved')

// --- a bad file
const told = service.told().length
writeFileSync(configuration, `${edited}\nno_such_key: true\n`)
service.signal('SIGHUP')
match(await service.until('the refusal', (text) => text.startsWith('READY=1'), told), /reload refused/)
match(await metrics(), /^pathproof_config_last_reload_successful 0$/m)
ok(isPrivate(await metrics()), 'the verdict of before stands')
await poll(
  'Prometheus to see it',
  async () => (await monitoring.query('pathproof_config_last_reload_successful'))[0]?.value[1] === '0',
)
writeFileSync(configuration, edited)
const again = service.told().length
service.signal('SIGHUP')
ok(!(await service.until('the reload', (text) => text.startsWith('READY=1'), again)).includes('refused'))
match(await metrics(), /^pathproof_config_last_reload_successful 1$/m)
done('a bad file was refused and changed nothing; a good one was taken')

// --- upgrade
root.run('dpkg', '--force-confold', '--install', newer)
match(root.run('dpkg-query', '-W', '-f', '${Version}', 'pathproof'), /-2$/)
equal(root.read('etc/pathproof/pathproof.yml'), edited)
ok(existsSync(`${configuration}.dpkg-dist`))
// the old process goes on until it is restarted, as postinst does where systemd runs
equal((await get('/-/healthy', `${user}:${password}`)).status, 200)
await stop(service)
const upgraded = await start()
await poll('a verdict of the new one', async () => isPrivate(await metrics()), 120)
await poll(
  'a scrape of the new one',
  async () => (await monitoring.query('up{job="pathproof"}'))[0]?.value[1] === '1',
)
done('upgraded: the changed configuration was kept')
await monitoring.end()
await stop(upgraded)

// --- the end
ok(
  existsSync(join(folder, 'var/lib/pathproof/discovered.json')) ||
    existsSync(join(folder, 'var/lib/pathproof')),
)
root.run('dpkg', '--remove', 'pathproof')
ok(
  !existsSync(join(folder, 'usr/bin/pathproof')) &&
    !existsSync(join(folder, 'lib/systemd/system/pathproof.service')),
)
equal(root.read('etc/pathproof/pathproof.yml'), edited)
ok(existsSync(join(folder, 'var/lib/pathproof')))
done('removed: configuration and state stay')
for (const file of ['web.yml', 'web-key.pem', 'ca.pem', 'aws-ca.pem']) execFileSync('rm', [pem(file)])
root.run('dpkg', '--purge', 'pathproof')
for (const path of [
  'etc/pathproof',
  'etc/default/pathproof',
  'var/lib/pathproof',
  'usr/share/pathproof',
  'usr/share/doc/pathproof',
])
  ok(!existsSync(join(folder, path)), path)
equal(root.run('find', '/etc/systemd', '/var/lib/systemd', '-name', '*pathproof*'), '')
equal(root.attempt('dpkg-query', '-W', 'pathproof').status, 1)
done('purged: nothing is left')
await lab.close()
process.exit(0)
