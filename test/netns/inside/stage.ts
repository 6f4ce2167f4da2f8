/**
 * Everything that lives inside the namespaces but the agents: AWS's services, metadata, EC2's API and the name servers in
 * this process, on sockets that `sockets.py` has opened in their namespaces; the routers' BGP, the relay and the capture as
 * its children. It is told what to do by lines of JSON on its standard input and answers on its output; when the
 * input ends, all of it ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { awsEnvironment } from '../../../lab/api/environment.ts'
import { noFaults } from '../../../lab/api/faults.ts'
import { hostRole, partitionOf } from '../../../lab/api/principals.ts'
import { createApi } from '../../../lab/api/server.ts'
import { createAuthority } from '../../../lab/certificates.ts'
import { startDnsServer } from '../../../lab/dns.ts'
import { createMetadataService } from '../../../lab/imds.ts'
import { apiDoor } from '../../../lab/play-loopback.ts'
import { createServices } from '../../../lab/services.ts'
import { createSnapshotDirectory } from '../../../lab/snapshot.ts'
import { metadataOf } from '../../../lab/world/metadata.ts'
import { resolveName } from '../../../lab/world/names.ts'
import type { WorldSpec } from '../../../lab/world/spec.ts'
import { changeWorld } from '../../../lab/world/world.ts'
import { awsBird, onpremBird } from '../bird.ts'
import { arrived, endpointRanges, firstWorld } from '../world.ts'
import { type StageCommand, type StageEvent, captured, probed, relayed } from '../plan.ts'

const directory = process.argv[2] ?? ''
const here = import.meta.dirname
let world = firstWorld()
const nowMs = () => Date.now()

const say = (event: StageEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

// whoever listened is gone: the end of the input says so as well
process.stdout.on('error', () => undefined)

const children = new Set<ChildProcess>()

/** A helper that runs until its input ends, and whose lines of JSON are told on. */
function helper(name: string, command: [string, ...string[]]): { child: ChildProcess; ready: Promise<void> } {
  const [program, ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  child.stdin?.on('error', () => undefined)
  child.once('exit', (code, signal) => {
    children.delete(child)
    say({ event: 'ended', name, how: String(code ?? signal) })
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${name} ended`)))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line === '{"ready": true}') resolve()
      else if (name === 'capture') process.stdout.write(`{"event":"packet","packet":${line}}\n`)
    })
  })
  ready.catch(() => undefined)
  return { child, ready }
}

function python(name: string, spec: unknown): ReturnType<typeof helper> {
  const file = join(directory, `${name}.json`)
  writeFileSync(file, JSON.stringify(spec))
  return helper(name, ['python3', '-B', join(here, `${name}.py`), file])
}

const enter = (ns: string) => ['nsenter', `--net=/run/netns/${ns}`] as const

function bird(ns: 'onprem' | 'vgw', config: string): void {
  const file = join(directory, `bird-${ns}`)
  writeFileSync(`${file}.conf`, config)
  const [program, ...args] = enter(ns)
  helper(`bird-${ns}`, [
    program,
    ...args,
    'bird',
    '-f',
    '-c',
    `${file}.conf`,
    '-s',
    `${file}.ctl`,
    '-P',
    `${file}.pid`,
  ])
}

function run(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-ec', script], (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${script}: ${stderr.trim() || error.message}`))
    })
  })
}

const authority = createAuthority({ commonName: 'pathproof netns root', nowMs: nowMs() })
const caFile = join(directory, 'ca.pem')
writeFileSync(caFile, authority.certificate)
const snapshot = createSnapshotDirectory(directory)
await snapshot.write(world, nowMs())
const api = createApi({ world: () => world, faults: noFaults, nowMs })
const services = createServices({
  world: () => world,
  travel: arrived,
  authority,
  interceptor: authority,
  nowMs,
  buckets: [],
  api(request, response, { service }) {
    const door = apiDoor(request, service)
    if (door === null) return false
    api.handle(request, response, door)
    return true
  },
})
const metadata = createMetadataService({
  metadata: () => metadataOf(world),
  role: () => ({
    name: hostRole,
    arn: `arn:${partitionOf(world.region)}:iam::${world.account}:instance-profile/${hostRole}`,
    credentials: api.credentials(),
  }),
  mode: 'answers',
  nowMs,
})

/** Who answers at which of the sockets. */
function receiverAt(ns: string): (socket: Socket) => void {
  if (ns === 'vpc') return metadata.receive
  // something on the internet that takes connections
  if (ns === 'r2') return (socket) => void socket.on('error', () => undefined).end()
  return (socket) => {
    const { remoteAddress: source, localAddress: destination } = socket
    if (source === undefined || destination === undefined) socket.destroy()
    else services.receive(socket, { source, destination, port: 443 })
  }
}

interface OpenSocket {
  ns: string
  kind: 'tcp' | 'udp'
  address: string
  port: number
  fd: number
}
const sockets = JSON.parse(process.env['PATHPROOF_STAGE_SOCKETS'] ?? '[]') as OpenSocket[]
for (const { kind, address, port, fd, ns } of sockets) {
  if (port === 53) {
    if (kind === 'tcp') continue
    const tcp = sockets.find(
      (other) => other.kind === 'tcp' && other.address === address && other.port === 53,
    )
    const { name = 'system' } = world.resolvers.find((each) => each.address === address) ?? {}
    await startDnsServer({
      address,
      port,
      answer: (hostname) => resolveName(world, hostname, name),
      descriptors: { udp: fd, tcp: tcp?.fd ?? -1 },
    })
    continue
  }
  const receive = receiverAt(ns)
  createServer((socket) => receive(socket)).listen({ fd })
}

const relay = python('relay', relayed)
const capture = python('capture', captured)
bird('onprem', onpremBird)
bird('vgw', awsBird(endpointRanges))
await Promise.all([relay.ready, capture.ready])
await python('prober', probed).ready

/** Becomes the agent in its namespace, with name service and `ip` of its own. */
const entrance = `set -e
for name in resolv.conf nsswitch.conf hosts; do if [ -e "/etc/$name" ]; then mount --bind "$1/$name" "/etc/$name"; fi; done
for cache in /run/nscd /var/run/nscd; do if [ -d "$cache" ]; then mount --bind "$1/empty" "$cache"; fi; done
mount --bind "$1/ip" "$(readlink -f "$(command -v ip)")"
shift; exec "$@"`

function agent(command: Extract<StageCommand, { do: 'agent' }>): void {
  const { name, ns, files, config, descriptor, arguments: before, environment } = command
  const log = openSync(join(directory, `${name}.log`), 'a')
  const places = { credentials: api.credentials(), apiUrl: null, s3Url: null, caFile, given: false }
  const inside = [...enter(ns), 'unshare', '--mount', 'sh', '-c', entrance, 'sh', files, ...before]
  const main = join(here, '../../../agent/main.ts')
  const [program = '', ...args] = [...inside, process.execPath, main, 'run', '--config.file', config]
  args.push('--web.listen-address', 'fd:3', '--log.format', 'json')
  const child = spawn(program, args, {
    stdio: ['ignore', log, log, descriptor],
    env: { PATH: process.env['PATH'], ...awsEnvironment(world, places), ...environment },
  })
  children.add(child)
  child.once('exit', (code, signal) => {
    children.delete(child)
    say({ event: 'ended', name, how: String(code ?? signal) })
  })
}

async function obey(command: StageCommand): Promise<unknown> {
  switch (command.do) {
    case 'world':
      world = changeWorld(world, command.change as WorldSpec)
      await snapshot.write(world, nowMs())
      return null
    case 'dump':
      await snapshot.write(world, nowMs())
      return null
    case 'network':
      return run(command.script)
    case 'delay':
      relay.child.stdin?.write(`${JSON.stringify({ link: command.link, delayMs: command.delayMs })}\n`)
      return null
    case 'agent':
      return agent(command)
    case 'requests':
      return api.requests().map(({ action, at, outcome }) => ({ action, at, outcome }))
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as StageCommand & { id: number }
    obey(command).then(
      (result) => say({ event: 'done', id: command.id, result: result ?? null }),
      (error: Error) => say({ event: 'failed', id: command.id, error: error.message }),
    )
  })
  .on('close', () => void end())

async function end(): Promise<void> {
  const open = [...children]
  const gone = open.map((child) => new Promise((resolve) => child.once('exit', resolve)))
  for (const child of open) {
    child.stdin?.end()
    child.kill('SIGTERM')
  }
  const late = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
  }, 5000)
  await Promise.all(gone)
  clearTimeout(late)
  // whoever has started this may be gone
  rmSync(directory, { recursive: true, force: true })
  process.exit(0)
}

say({ event: 'ready', caFile, snapshotDirectory: snapshot.path })
