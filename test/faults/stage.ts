import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Answer } from 'dns-packet'
import type { Config } from '../../agent/config/config.ts'
import { startDaemon } from '../../agent/daemon.ts'
import type { Daemon } from '../../agent/daemon-types.ts'
import { createLog } from '../../agent/log.ts'
import type { ProgramCommand } from '../../agent/child.ts'
import { type Authority, createAuthority } from '../../lab/certificates.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { resolveName } from '../../lab/world/names.ts'
import type { Dial, Endpoint, HostAccess } from '../../model/host.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { createHandClock, type HandClock } from '../agent/hand-clock.ts'
import { type Asked, dnsServer } from '../probes/dns-server.ts'
import { config, scenario, sleepBy } from '../support/lab-daemon.ts'

export type LogLine = Record<string, unknown>

/** What is wrong with the world at present; null: that part of it is as it should be. */
export interface Switches {
  /** What the name servers say on the wire. `ordinary` are the records that the world has for the question. */
  dns: ((asked: Asked, ordinary: () => Answer[]) => void) | null
  /** Instead of getaddrinfo. */
  lookup: HostAccess['lookup'] | null
  /** Instead of a connection to the world. */
  dial: Dial | null
  /** Instead of the kernel's word on routes. */
  hostRoute: HostAccess['hostRoute'] | null
  /** Where the metadata service listens. */
  metadata: Endpoint | null
  /** Only what has to do with this name goes wrong; null: all names. */
  only: string | null
}

const allRight: Switches = {
  dns: null,
  lookup: null,
  dial: null,
  hostRoute: null,
  metadata: null,
  only: null,
}

export interface Stage {
  lab: Lab
  daemon: Daemon
  clock: HandClock
  switches: Switches
  /** Environment of the agent; changes count at once. */
  environment: Record<string, string | undefined>
  /** Signs what the agent takes for AWS's own certificates. */
  authority: Authority
  /** Lines of the log, oldest first. */
  log: LogLine[]
  /** How many verdicts each target has had. */
  judged: Map<string, number>
  /** What the next reload finds; null: the text below, refused. */
  next: { config: Config | null; refusal: string }
  /** Watches these targets and no others, from now on. */
  watch(targets: readonly object[]): Promise<void>
  /** Lets time go by until each target has been judged once more. */
  cycle(): Promise<void>
  /** Takes a step of the scenario, by which a directory is dated anew, and lets the agent read the account. */
  reread(step: string): Promise<void>
  /** The newest verdict of a target as it stands now. */
  verdict(target: string): TargetVerdict | undefined
  /** Everything is as it should be again. */
  mend(): void
  /** The exposition, series by series as they are written. */
  metrics(): Promise<Map<string, number>>
  get(path: string): Promise<{ status: number; text: string }>
  /** A connection that leads to a port of this machine, while the agent takes it for one to the world. */
  divert(port: number): Dial
  /** What must be undone when everything is to be as it should be. */
  onMend(undo: () => void): void
  stop(): Promise<void>
}

export interface StageOptions {
  /** Its text, or its name. */
  scenario: string
  /** Changes to the configuration. */
  document?(lab: Lab): object
  /** How the account is read by its API; gets the agent's wall clock. */
  program?(wallMs: () => number): ProgramCommand
  targets: readonly object[]
  /** More of the environment of the agent. */
  environment?: Record<string, string>
  /** Takes lines of the log instead of keeping them. */
  onLine?(line: LogLine): void
}

/** Waits until `holds` does, for what comes over sockets comes when it comes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const startedMs = performance.now()
  while (!(await holds())) {
    if (performance.now() - startedMs > 20_000) throw new Error(`waited 20 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Lets time go by, in steps of 10 s and at most so many seconds, until the log has a line of this event. */
export async function said(stage: Stage, event: string, from: number, mostSeconds: number): Promise<void> {
  let passed = 0
  await until(`a line ${event}`, async () => {
    if (stage.log.slice(from).some((line) => line['event'] === event)) return true
    if (passed >= mostSeconds) return false
    passed += 10
    await stage.clock.advance(10_000)
    await stage.daemon.settled()
    return false
  })
}

export const hostAddress = '10.0.1.50'

/** A port of this machine on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * The real daemon on a world of the lab, with real name servers, TLS servers and metadata service on loopback, and
 * with a switch for everything that can go wrong between them. Time is moved by hand; sockets take the time they take.
 */
export async function startStage(options: StageOptions): Promise<Stage> {
  const undo: (() => unknown)[] = []
  const clock = createHandClock(1_000, Date.now())
  const real = systemHost({ PATH: process.env['PATH'] })
  const lab = await startLab(await scenario(options.scenario), {
    mode: 'mapped',
    // the SDK signs by this machine's own clock
    clock: options.program === undefined ? clock : real.clock,
    timed: false,
  })
  undo.push(() => lab.close())
  const played = lab.hostAccess(real)
  const switches: Switches = { ...allRight }
  const folder = mkdtempSync(join(tmpdir(), 'pathproof-faults-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const authority = createAuthority({ commonName: 'pathproof fault root', nowMs: Date.now() })
  const roots = join(folder, 'roots.pem')
  writeFileSync(roots, readFileSync(lab.caFile, 'utf8') + authority.certificate)

  const hit = (hostname: string): boolean => switches.only === null || switches.only === hostname
  const ordinary = ({ name, type }: Asked): Answer[] => {
    const found = resolveName(lab.world(), name.toLowerCase())
    const addresses = type === 'A' ? found.ipv4 : type === 'AAAA' ? found.ipv6 : []
    return addresses.map((data) => ({ type: type as 'A' | 'AAAA', name, ttl: found.ttlSeconds, data }))
  }
  const names = await dnsServer((asked) => {
    // kept by the server for tests of the wire; this one runs for days
    names.asked.length = 0
    if (switches.dns !== null && hit(asked.name.toLowerCase())) switches.dns(asked, () => ordinary(asked))
    else {
      const { rcode } = resolveName(lab.world(), asked.name.toLowerCase())
      asked.answer(ordinary(asked), { rcode: rcode === 'NXDOMAIN' ? 3 : rcode === 'SERVFAIL' ? 2 : 0 })
    }
  })
  undo.push(() => names.close())

  const lookup: HostAccess['lookup'] = async (hostname) => {
    if (switches.lookup !== null && hit(hostname)) return switches.lookup(hostname)
    const resolver = new Resolver({ timeout: 400, tries: 1 })
    resolver.setServers([`127.0.0.1:${names.port}`])
    const both = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const found = both.flatMap((one, i) =>
      one.status === 'fulfilled'
        ? one.value.map((address) => ({ address, family: i === 0 ? (4 as const) : (6 as const) }))
        : [],
    )
    if (found.length > 0) return found
    const none = both.every(
      (one) => one.status === 'rejected' && ['ENOTFOUND', 'ENODATA'].includes(String(one.reason.code)),
    )
    const code = none ? 'ENOTFOUND' : 'EAI_AGAIN'
    throw Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: 'getaddrinfo' })
  }
  const ofVictim = (address: string): boolean => {
    if (switches.only === null) return true
    const { ipv4, ipv6 } = resolveName(lab.world(), switches.only)
    return ipv4.includes(address) || ipv6.includes(address)
  }
  const environment: Stage['environment'] = { ...played.environment, ...options.environment }
  const host: HostAccess = {
    ...played,
    clock,
    environment,
    lookup,
    dial: (to) => (switches.dial !== null && ofVictim(to.address) ? switches.dial(to) : played.dial(to)),
    hostRoute: (to, from) =>
      switches.hostRoute !== null && ofVictim(to) ? switches.hostRoute(to, from) : played.hostRoute(to, from),
    serverAddress(server) {
      if (server.port === 53) return { address: '127.0.0.1', port: names.port }
      return switches.metadata ?? played.serverAddress(server)
    },
  }

  const log: LogLine[] = []
  const judged = new Map<string, number>()
  const surroundings = {
    version: 1,
    topology: { source: 'directory', directory: lab.snapshotDirectory, max_age: '24h', other_max_age: '24h' },
    partition_roots: [{ partition: 'aws', file: roots }],
    web: { listen: '127.0.0.1:0' },
    ...options.document?.(lab),
  }
  const withTargets = (targets: readonly object[]): Config => config({ ...surroundings, targets })
  const next: Stage['next'] = { config: null, refusal: '' }
  let watched = options.targets.map((target) => String((target as { name?: unknown }).name))
  const daemon = await startDaemon(withTargets(options.targets), {
    host,
    log: createLog({
      write(line) {
        const read = JSON.parse(line) as LogLine
        if (options.onLine === undefined) log.push(read)
        else options.onLine(read)
      },
      level: 'debug',
      format: 'json',
      journal: false,
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
    }),
    version: '0.0.0-test',
    readText: () => Promise.resolve('Amazon EC2\n'),
    sleep: sleepBy(clock),
    timers: clock,
    random: () => 0.5,
    hostRoots: lab.hostRoots,
    loadAgain: () =>
      Promise.resolve(
        next.config === null ? { ok: false, text: next.refusal } : { ok: true, config: next.config },
      ),
    onVerdict: ({ target }) => void judged.set(target, (judged.get(target) ?? 0) + 1),
    ...(options.program === undefined ? {} : { program: options.program(() => clock.wallMs()) }),
  })
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${daemon.address.port}${path}`, {
      headers: { connection: 'close' },
    })
    return { status: answer.status, text: await answer.text() }
  }

  const mending: (() => void)[] = []
  const mend = (): void => {
    Object.assign(switches, allRight)
    for (const one of mending.splice(0)) one()
  }

  const metrics = async (): Promise<Map<string, number>> => {
    const { text } = await get('/metrics')
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      series.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    )
  }

  return {
    lab,
    daemon,
    clock,
    switches,
    environment,
    authority,
    log,
    judged,
    next,
    async watch(targets) {
      next.config = withTargets(targets)
      const reloaded = await daemon.reload()
      next.config = null
      if (!reloaded.ok) throw new Error(reloaded.text)
      watched = targets.map((target) => String((target as { name?: unknown }).name))
    },
    async cycle() {
      const before = new Map(judged)
      for (let passed = 0; passed < 120; passed += 5) {
        await clock.advance(5_000)
        await daemon.settled()
        if (watched.every((target) => (judged.get(target) ?? 0) > (before.get(target) ?? 0))) return
      }
      throw new Error('nothing was judged in two minutes')
    },
    async reread(step) {
      const datedMs = clock.wallMs()
      await lab.apply(step)
      await until('a reading of the account', async () => {
        const at = (await metrics()).get(
          'pathproof_topology_part_last_success_timestamp_seconds{part="prefixLists"}',
        )
        if ((at ?? 0) * 1000 >= datedMs) return true
        await clock.advance(5_000)
        await daemon.settled()
        return false
      })
    },
    verdict: (target) => daemon.verdicts().find((verdict) => verdict.target === target),
    mend,
    metrics,
    get,
    divert: (port) => (to) => {
      const socket = connect({ host: '127.0.0.1', port })
      let local: Endpoint | null = null
      socket.once('connect', () => {
        local = { address: to.localAddress ?? hostAddress, port: socket.localPort ?? 0 }
      })
      return { socket, local: () => local }
    },
    onMend: (one) => void mending.push(one),
    async stop() {
      mend()
      const stopped = daemon.stop(0)
      await clock.advance(0)
      await stopped
      for (const one of undo.toReversed()) await one()
    },
  }
}
