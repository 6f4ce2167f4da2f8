/**
 * Where the floor of a probe's CPU lies on this runtime: only the system calls and the cryptography that a probe can't do without,
 * added one by one, by turns with blackbox_exporter in the same run. Nothing is judged, checked or kept. As root, in namespaces of its own:
 *   unshare --net --mount node scripts/bench/floor.ts [ROUNDS [SECONDS]]
 * Prints JSON: CPU seconds per 1,000 probes of each round (children and threads included), and the median ratio to blackbox_exporter.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { promises as dns } from 'node:dns'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, createSecureContext } from 'node:tls'
import { encodeQuery } from '../../probes/dns-message.ts'
import { addressOf, cpuSecondsOf, layBed, nameOf } from './bed.ts'
import type { Bed } from './bed.ts'

type Probe = (number: number) => Promise<void>

const perSecond = 100
const targets = 1000
const modules = (caFile: string) => `modules:
  https:
    prober: http
    timeout: 5s
    http: { method: GET, preferred_ip_protocol: ip4, ip_protocol_fallback: false, tls_config: { ca_file: ${caFile} } }
`

/** A connection, a handshake that is verified by OpenSSL, a request written by hand, its answer unread. */
function handshakes(bed: Bed): Probe {
  const secureContext = createSecureContext({
    ca: readFileSync(bed.caFile, 'utf8'),
    minVersion: 'TLSv1.2',
    ecdhCurve: 'X25519:P-256:P-384',
  })
  return (number) =>
    new Promise((done, fail) => {
      const servername = nameOf(number)
      const socket = connect({ host: addressOf(number), port: 443, servername, secureContext })
      socket.once('secureConnect', () =>
        socket.write(`HEAD / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`),
      )
      socket.once('data', () => {
        socket.destroy()
        done()
      })
      socket.once('error', fail)
    })
}

/** A and AAAA from one fresh socket, the answers only counted. */
function twoQuestions(hostname: string): Promise<void> {
  return new Promise((done, fail) => {
    const socket = createSocket({
      type: 'udp4',
      lookup: (address, options, callback) => callback(null, address, isIP(address) || Number(options)),
    })
    let left = 2
    socket.once('error', fail)
    socket.on('message', () => {
      if (--left > 0) return
      socket.close()
      done()
    })
    socket.connect(53, '10.0.0.2', () => {
      for (const type of ['A', 'AAAA'] as const)
        socket.send(encodeQuery({ id: randomInt(0x10000), hostname, type, edns: true }))
    })
  })
}

/** The kernel's route by a lasting `ip`, three lines a question, the answers only counted. */
function kernelRoutes(): { ask(line: string): Promise<void>; child: ChildProcess } {
  const child = spawn('ip', ['-4', '-j', '-d', '-force', '-batch', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting: (() => void)[] = []
  let lines = 0
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
      if (++lines % 3 === 0) waiting.shift()?.()
  })
  return {
    child,
    ask: (line) =>
      new Promise((done) => {
        waiting.push(done)
        child.stdin.write(`route get ${line}\nroute get fibmatch ${line}\nrule show\n`)
      }),
  }
}

async function blackbox(bed: Bed): Promise<{ probe: Probe; child: ChildProcess }> {
  const config = join(bed.directory, 'floor-blackbox.yml')
  writeFileSync(config, modules(bed.caFile))
  const child = spawn(
    'prometheus-blackbox-exporter',
    [`--config.file=${config}`, '--web.listen-address=127.0.0.1:9115', '--log.level=error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await wait(700)
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  const probe: Probe = (number) =>
    new Promise((done, fail) => {
      const path = `/probe?module=https&target=${encodeURIComponent(`https://${nameOf(number)}/`)}`
      get({ host: '127.0.0.1', port: 9115, path, agent }, (response) => {
        response.resume().once('end', done)
      }).once('error', fail)
    })
  return { probe, child }
}

const median = (list: readonly number[]) =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN

async function measure(rounds: number, seconds: number): Promise<unknown> {
  const bed = await layBed()
  const peer = await blackbox(bed)
  const routes = kernelRoutes()
  const secure = handshakes(bed)
  const found = (number: number) => dns.lookup(nameOf(number), { all: true, order: 'verbatim' })
  const steps: Record<string, Probe> = {
    'connection, handshake, request': secure,
    'and A and AAAA from one socket': async (number) => {
      await twoQuestions(nameOf(number))
      await secure(number)
    },
    'and getaddrinfo': async (number) => {
      await Promise.all([found(number), twoQuestions(nameOf(number))])
      await secure(number)
    },
    "and the kernel's route twice": async (number) => {
      await Promise.all([found(number), twoQuestions(nameOf(number))])
      await routes.ask(addressOf(number))
      await secure(number)
      await routes.ask(`${addressOf(number)} from 10.0.1.50`)
    },
    blackbox_exporter: peer.probe,
  }
  const statOf = (pid: number | undefined) => cpuSecondsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const cpuOf = (name: string) => {
    if (name === 'blackbox_exporter') return statOf(peer.child.pid)
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6 + statOf(routes.child.pid)
  }
  let next = 0
  const run = async (name: string, lasting: number) => {
    const probe = steps[name] as Probe
    const count = lasting * perSecond
    const before = cpuOf(name)
    const started = performance.now()
    const all: Promise<void>[] = []
    for (let i = 0; i < count; i++) {
      const ahead = started + (i * 1000) / perSecond - performance.now()
      if (ahead > 1) await wait(ahead)
      all.push(probe(next++ % targets))
    }
    await Promise.all(all)
    return ((cpuOf(name) - before) / count) * 1000
  }
  const names = Object.keys(steps)
  const told: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]))
  // the just-in-time compiler has had its turn then
  for (const name of names) await run(name, 5)
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed())
      told[name]?.push(await run(name, seconds))
  const peers = told['blackbox_exporter'] ?? []
  routes.child.kill('SIGTERM')
  peer.child.kill('SIGTERM')
  await bed.close()
  return names.map((name) => ({
    name,
    cpuSecondsPer1000: told[name],
    ratio: median((told[name] ?? []).map((used, round) => used / (peers[round] ?? NaN))),
  }))
}

const [rounds = '5', seconds = '4'] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await measure(Number(rounds), Number(seconds)), null, 2)}\n`)
process.exit(0)
