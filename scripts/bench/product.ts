/** The daemon as a whole at a steady rate in the bed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { build } from 'esbuild'
import { runtimeEnvironment, runtimeOptions } from '../package/runtime.ts'
import { layBed, nameOf, stolenSeconds } from './bed.ts'
import type { Bed } from './bed.ts'
import { fetchText } from './fetch-text.ts'
import { holdConnections } from './held.ts'
import type { Load, Outcome } from './load.ts'
import { quantile } from './samples.ts'
import type { Sample } from './samples.ts'
import { capture, errorsOf, joinByPort } from './wire.ts'

const port = 10_097
const metrics = `http://127.0.0.1:${port}/metrics`

/** Gives the arguments that name what was written. */
function writeConfig(bed: Bed, load: Load): { config: string; web: string[] } {
  const config = join(bed.directory, 'pathproof.yml')
  const due = load.cron === undefined ? `every: ${load.everySeconds}s` : `cron: "${load.cron}"`
  const targets = Array.from(
    { length: load.targets },
    (_, i) => `  - { name: t${i}, hostname: ${nameOf(i)}, ${due}, timeout: 1s }\n`,
  )
  const web = join(bed.directory, 'web.yml')
  const pair = `{ cert_file: ${join(bed.directory, 'leaf.pem')}, key_file: ${join(bed.directory, 'leaf.key')} }`
  if (load.webTls === true) writeFileSync(web, `tls_server_config: ${pair}\n`, { mode: 0o600 })
  writeFileSync(
    config,
    `version: 1
partition_roots: [{ partition: aws, file: ${bed.caFile} }]
topology: { source: directory, directory: ${bed.snapshot}, refresh: ${load.refreshSeconds ?? 60}s }
web: { listen: "127.0.0.1:${port}" }
targets:
${targets.join('')}`,
  )
  return { config, web: load.webTls === true ? [web] : [] }
}

/** Builds the program, writes its configuration, starts it and waits until it listens. */
async function startProduct(bed: Bed, load: Load): Promise<{ child: ChildProcess; out: string }> {
  const out = join(bed.directory, 'samples.json')
  const { config, web } = writeConfig(bed, load)
  // as it is shipped: without the compiler of the source in the same process
  const parts = join(bed.directory, 'program')
  const program = join(parts, 'daemon-run.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'daemon-run.ts')],
    outdir: parts,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    minifyWhitespace: true,
    minifySyntax: true,
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
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const options = load.nodeFlags ?? runtimeOptions
  const child = spawn(process.execPath, [...options, ...flags, program, config, out, ...web], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...runtimeEnvironment },
  })
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'close').then(() => Promise.reject(new Error('the daemon ended'))),
  ])
  return { child, out }
}

interface Told {
  cpuSeconds: number
  split: Record<string, number>
  seconds: number
  memory: number
  states: [string, number][]
  samples: Sample[]
}

export async function product(bed: Bed, load: Load): Promise<Outcome> {
  const { child, out } = await startProduct(bed, load)
  const held = load.held === undefined ? null : holdConnections(port, load.held.kind, load.held.connections)
  await wait((load.warmSeconds ?? load.everySeconds + 3) * 1000)
  const tap = await capture(bed)
  child.kill('SIGUSR2')
  const stolen = () => stolenSeconds(readFileSync('/proc/stat', 'utf8'))
  const stolenBefore = stolen()
  const scrapes: number[] = []
  const scraper = setInterval(() => {
    if (load.webTls === true) return
    const started = performance.now()
    fetchText(metrics).then(
      () => scrapes.push(performance.now() - started),
      () => undefined,
    )
  }, load.scrapeSeconds * 1000)
  await wait(load.measureSeconds * 1000)
  clearInterval(scraper)
  const stolenShare = (stolen() - stolenBefore) / (load.measureSeconds * availableParallelism())
  held?.close()
  child.kill('SIGTERM')
  const wires = await tap.end()
  if (child.exitCode === null) await once(child, 'close')
  const told = JSON.parse(readFileSync(out, 'utf8')) as Told
  const joined = joinByPort(wires, told.samples)
  const probes = told.samples.length
  const begun = told.samples.map(({ atMs }) => atMs)
  return {
    cpuSecondsPer1000: (told.cpuSeconds / probes) * 1000,
    memoryMebibytes: told.memory,
    probes,
    seconds: told.seconds,
    states: told.states,
    spanSeconds: (Math.max(...begun) - Math.min(...begun)) / 1000,
    split: Object.fromEntries(
      Object.entries(told.split).map(([name, used]) => [name, (used / probes) * 1000]),
    ),
    tcp: errorsOf(joined, 'tcp'),
    tls: errorsOf(joined, 'tls'),
    scrape: { p50: quantile(scrapes, 0.5), p99: quantile(scrapes, 0.99) },
    heldOpened: held?.opened() ?? 0,
    stolenShare,
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
    const privateNames = async () => {
      const lines = (await fetchText(metrics)).split('\n')
      return lines.filter((line) => line.startsWith('pathproof_path_private{') && line.endsWith(' 1')).length
    }
    for (let i = 0; i < 240 && (await privateNames()) < load.targets; i++) await wait(250)
    const before = await privateNames()
    bed.loseRoute()
    const started = performance.now()
    while ((await privateNames()) > 0 && performance.now() - started < 150_000) await wait(100)
    const seconds = (performance.now() - started) / 1000
    child.kill('SIGTERM')
    await once(child, 'close')
    return { seconds, before }
  } finally {
    await bed.close()
  }
}
