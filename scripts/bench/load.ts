/**
 * The daemon and blackbox_exporter at a steady rate on the same far ends, with tcpdump beside them: CPU, memory, and the times
 * that they report against the times on the wire. Runs in the bed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { build } from 'esbuild'
import { cpuSecondsOf, layBed, nameOf } from './bed.ts'
import type { Bed } from './bed.ts'
import { readWire } from './pcap.ts'
import type { Wire } from './pcap.ts'
import { quantile } from './samples.ts'
import type { Sample } from './samples.ts'

export interface Load {
  who: 'product' | 'blackbox' | 'bare'
  targets: number
  everySeconds: number
  measureSeconds: number
  scrapeSeconds: number
  answers: number
  warmSeconds?: number
  /** Of the account's readings; default 60. */
  refreshSeconds?: number
  /** Instead of the interval: all targets are due at once. */
  cron?: string
  nodeFlags?: string[]
}

export interface Errors {
  count: number
  p50: number
  p99: number
  /** Share of samples beyond the published bound by more than half a millisecond; null: nothing is published. */
  exceeded: number | null
  /** Share that the product leaves out of its histograms. */
  leftOut: number | null
  boundP50: number | null
  wireP50: number
}

export interface Outcome {
  cpuSecondsPer1000: number
  memoryMebibytes: number
  probes: number
  seconds: number
  /** From the first attempt to the last. */
  spanSeconds?: number
  states?: [string, number][]
  /** Of the CPU seconds: main thread, other threads, children. */
  split?: Record<string, number>
  tcp: Errors | null
  tls: Errors | null
  scrape?: { p50: number; p99: number }
}

async function capture(bed: Bed): Promise<{ end(): Promise<Wire[]> }> {
  const file = join(bed.directory, 'wire.pcap')
  const child = spawn(
    'tcpdump',
    [
      '-i',
      'ens5',
      '-Z',
      'root',
      '-s',
      '100',
      '-B',
      '65536',
      '--time-stamp-precision=nano',
      '-w',
      file,
      'tcp port 443',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (data) => {
    said += String(data)
  })
  while (!said.includes('listening on')) {
    if (child.exitCode !== null) throw new Error(`tcpdump: ${said}`)
    await wait(20)
  }
  return {
    async end() {
      await wait(300)
      child.kill('SIGINT')
      await once(child, 'close')
      if (!/\b0 packets dropped by kernel/.test(said)) process.stderr.write(said)
      return readWire(readFileSync(file))
    },
  }
}

/** One sample for each connection on the wire: same local port, begun within two seconds. */
export function join2(wires: readonly Wire[], samples: readonly Sample[]): { wire: Wire; sample: Sample }[] {
  const byPort = Map.groupBy(samples, ({ port }) => port)
  return wires.flatMap((wire) => {
    const near = byPort.get(wire.port)?.filter(({ atMs }) => Math.abs(atMs - wire.atMs) < 2000) ?? []
    return near.length === 1 && near[0] ? [{ wire, sample: near[0] }] : []
  })
}

type Phase = 'tcp' | 'tls'

/** As `exporters/probe-metrics.ts` leaves samples out. */
function doubtful(seconds: number, bound: number): boolean {
  return bound > Math.max(0.002, 0.2 * seconds)
}

export function errorsOf(joined: readonly { wire: Wire; sample: Sample }[], phase: Phase): Errors {
  const rows = joined.flatMap(({ wire, sample: { timings } }) => {
    const seconds = phase === 'tcp' ? timings.tcpConnectSeconds : timings.tlsHandshakeSeconds
    const truth = phase === 'tcp' ? wire.tcpMs : wire.tlsMs
    if (seconds === null || truth === null) return []
    return [{ error: seconds * 1000 - truth, seconds, bound: timings.uncertaintySeconds ?? 0, truth }]
  })
  const kept = rows.filter(({ seconds, bound }) => !doubtful(seconds, bound)).map(({ error }) => error)
  return {
    count: rows.length,
    p50: quantile(kept, 0.5),
    p99: quantile(kept, 0.99),
    exceeded: rows.filter(({ error, bound }) => Math.abs(error) > bound * 1000 + 0.5).length / rows.length,
    leftOut: 1 - kept.length / rows.length,
    boundP50: quantile(
      rows.map(({ bound }) => bound * 1000),
      0.5,
    ),
    wireP50: quantile(
      rows.map(({ truth }) => truth),
      0.5,
    ),
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 200 })

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.once('end', () => resolve(text))
    }).once('error', reject)
  })
}

/** Builds the program, writes its configuration, starts it and waits until it listens. */
async function startProduct(bed: Bed, load: Load): Promise<{ child: ChildProcess; out: string }> {
  const config = join(bed.directory, 'pathproof.yml')
  const out = join(bed.directory, 'samples.json')
  const due = load.cron === undefined ? `every: ${load.everySeconds}s` : `cron: "${load.cron}"`
  const targets = Array.from(
    { length: load.targets },
    (_, i) => `  - { name: t${i}, hostname: ${nameOf(i)}, ${due}, timeout: 1s }\n`,
  )
  writeFileSync(
    config,
    `version: 1\npartition_roots: [{ partition: aws, file: ${bed.caFile} }]\ntopology: { source: directory, directory: ${bed.snapshot}, refresh: ${load.refreshSeconds ?? 60}s }\nweb: { listen: "127.0.0.1:10097" }\ntargets:\n${targets.join('')}`,
  )
  // as it is shipped: without the compiler of the source in the same process
  const program = join(bed.directory, 'daemon-run.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'daemon-run.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url)",
    },
    logLevel: 'error',
  })
  const profile = process.env['BENCH_PROFILE']
  const child = spawn(
    process.execPath,
    [
      ...(load.nodeFlags ?? []),
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
      program,
      config,
      out,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'close').then(() => Promise.reject(new Error('the daemon ended'))),
  ])
  return { child, out }
}

async function product(bed: Bed, load: Load): Promise<Outcome> {
  const { child, out } = await startProduct(bed, load)
  await wait((load.warmSeconds ?? load.everySeconds + 3) * 1000)
  const tap = await capture(bed)
  child.kill('SIGUSR2')
  const scrapes: number[] = []
  const scraper = setInterval(() => {
    const started = performance.now()
    fetchText('http://127.0.0.1:10097/metrics').then(
      () => scrapes.push(performance.now() - started),
      () => undefined,
    )
  }, load.scrapeSeconds * 1000)
  await wait(load.measureSeconds * 1000)
  clearInterval(scraper)
  child.kill('SIGTERM')
  const wires = await tap.end()
  if (child.exitCode === null) await once(child, 'close')
  const told = JSON.parse(readFileSync(out, 'utf8')) as {
    cpuSeconds: number
    split: Record<string, number>
    seconds: number
    memory: number
    states: [string, number][]
    samples: Sample[]
  }
  const joined = join2(wires, told.samples)
  const probes = told.samples.length
  return {
    cpuSecondsPer1000: (told.cpuSeconds / probes) * 1000,
    memoryMebibytes: told.memory,
    probes,
    seconds: told.seconds,
    states: told.states,
    spanSeconds:
      (Math.max(...told.samples.map((s) => s.atMs)) - Math.min(...told.samples.map((s) => s.atMs))) / 1000,
    split: Object.fromEntries(
      Object.entries(told.split).map(([name, used]) => [name, (used / probes) * 1000]),
    ),
    tcp: errorsOf(joined, 'tcp'),
    tls: errorsOf(joined, 'tls'),
    scrape: { p50: quantile(scrapes, 0.5), p99: quantile(scrapes, 0.99) },
  }
}

/** Seconds from the moment that the account lost the route until no gauge is 1. */
export async function measureRouteGone([text = '{}']: string[]): Promise<{
  seconds: number
  before: number
}> {
  const load = JSON.parse(text) as Load
  const bed = await layBed({ answers: load.answers })
  try {
    const { child } = await startProduct(bed, load)
    const shown = async () => {
      const lines = (await fetchText('http://127.0.0.1:10097/metrics')).split('\n')
      return lines.filter((line) => line.startsWith('pathproof_path_private{') && line.endsWith(' 1')).length
    }
    for (let i = 0; i < 240 && (await shown()) < load.targets; i++) await wait(250)
    const before = await shown()
    bed.loseRoute()
    const started = performance.now()
    while ((await shown()) > 0 && performance.now() - started < 150_000) await wait(100)
    const seconds = (performance.now() - started) / 1000
    child.kill('SIGTERM')
    await once(child, 'close')
    return { seconds, before }
  } finally {
    await bed.close()
  }
}

async function bare(bed: Bed, load: Load): Promise<Outcome> {
  const out = join(bed.directory, 'bare.json')
  const args = [String(load.targets), String(load.everySeconds), bed.caFile, out]
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-run.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(createInterface({ input: child.stdout }), 'line')
  await wait((load.warmSeconds ?? 5) * 1000)
  child.kill('SIGUSR2')
  await wait(load.measureSeconds * 1000)
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'close')
  const told = JSON.parse(readFileSync(out, 'utf8')) as {
    cpuSeconds: number
    seconds: number
    memory: number
    probes: number
  }
  return {
    cpuSecondsPer1000: (told.cpuSeconds / told.probes) * 1000,
    memoryMebibytes: told.memory,
    probes: told.probes,
    seconds: told.seconds,
    tcp: null,
    tls: null,
  }
}

const modules = (caFile: string) => `modules:
  https:
    prober: http
    timeout: 5s
    http:
      method: GET
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
      tls_config: { ca_file: ${caFile} }
`

async function blackbox(bed: Bed, load: Load): Promise<Outcome> {
  const config = join(bed.directory, 'blackbox.yml')
  writeFileSync(config, modules(bed.caFile))
  const child: ChildProcess = spawn(
    'prometheus-blackbox-exporter',
    [`--config.file=${config}`, '--web.listen-address=127.0.0.1:9115', '--log.level=error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await wait(500)
  const stat = () => cpuSecondsOf(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))
  const samples: Sample[] = []
  let failed = 0
  let next = 0
  const seconds = (text: string, name: string) => {
    const match = new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)
    return match ? Number(match[1]) : null
  }
  const probe = async () => {
    const number = next++ % load.targets
    const atMs = Date.now()
    const url = `http://127.0.0.1:9115/probe?module=https&target=${encodeURIComponent(`https://${nameOf(number)}/`)}`
    const text = await fetchText(url).catch(() => '')
    if (!/^probe_success 1$/m.test(text)) failed++
    const phase = (name: string) => seconds(text, `probe_http_duration_seconds{phase="${name}"}`)
    samples.push({
      port: 0,
      atMs,
      timings: {
        dnsSeconds: null,
        tcpConnectSeconds: phase('connect'),
        tlsHandshakeSeconds: phase('tls'),
        firstByteSeconds: null,
        uncertaintySeconds: null,
      },
    })
  }
  const everyMs = (load.everySeconds * 1000) / load.targets
  const pace = async (forSeconds: number) => {
    const started = performance.now()
    for (let i = 0; i < (forSeconds * 1000) / everyMs; i++) {
      const ahead = started + i * everyMs - performance.now()
      if (ahead > 1) await wait(ahead)
      void probe()
    }
  }
  await pace(3)
  const tap = await capture(bed)
  samples.length = 0
  const before = stat()
  const started = performance.now()
  await pace(load.measureSeconds)
  const used = stat() - before
  const lasted = (performance.now() - started) / 1000
  await wait(500)
  const memory =
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
  const wires = await tap.end()
  child.kill('SIGTERM')
  await once(child, 'close')
  if (failed > 0) process.stderr.write(`blackbox_exporter: ${failed} failed probes\n`)
  // its samples name no port: percentiles are compared
  const reported = (pick: (sample: Sample) => number | null) =>
    samples.map((s) => (pick(s) ?? NaN) * 1000).filter((n) => n > 0)
  const difference = (
    pick: (sample: Sample) => number | null,
    truth: (wire: Wire) => number | null,
  ): Errors => {
    const told = reported(pick)
    const true_ = wires.map(truth).filter((n) => n !== null)
    return {
      count: told.length,
      p50: quantile(told, 0.5) - quantile(true_, 0.5),
      p99: quantile(told, 0.99) - quantile(true_, 0.99),
      exceeded: null,
      leftOut: null,
      boundP50: null,
      wireP50: quantile(true_, 0.5),
    }
  }
  return {
    cpuSecondsPer1000: (used / samples.length) * 1000,
    memoryMebibytes: memory,
    probes: samples.length,
    seconds: lasted,
    tcp: difference(
      (s) => s.timings.tcpConnectSeconds,
      (w) => w.tcpMs,
    ),
    tls: difference(
      (s) => s.timings.tlsHandshakeSeconds,
      (w) => w.tlsMs,
    ),
  }
}

export async function measureLoad([text = '{}']: string[]): Promise<Outcome> {
  const load = JSON.parse(text) as Load
  const bed = await layBed({ answers: load.answers })
  try {
    return await { product, blackbox, bare }[load.who](bed, load)
  } finally {
    await bed.close()
  }
}
