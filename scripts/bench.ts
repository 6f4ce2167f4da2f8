// Measures the product against what it is built on, in the same run: `npm run bench [-- --json]`.
// Figures are medians of five, each of its own process; ratios hold better than times on a shared machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { benchFlowMatching } from './bench/flow-match.ts'
import { benchLateBook } from './bench/late-book.ts'
import { benchPrefixTable } from './bench/prefix-table.ts'
import { benchReport } from './bench/report.ts'

const root = resolve(import.meta.dirname, '..')
const json = process.argv.includes('--json')
const rounds = 5

interface Figure {
  name: string
  value: number
  unit: string
  floor?: number
  ceiling?: number
  spread?: [number, number]
}

function middle(values: number[]): { value: number; spread: [number, number] } {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    value: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    spread: [sorted[0] ?? NaN, sorted.at(-1) ?? NaN],
  }
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end)
  }
  throw new Error(`the process ended without a line: ${text}`)
}

async function client(kind: string, port: number, ca: string, count: number, concurrency: number) {
  const child = spawn(
    process.execPath,
    [join(root, 'scripts/bench/tls-client.ts'), kind, String(port), String(count), String(concurrency)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  child.stdin.end(ca)
  return JSON.parse(await firstLine(child.stdout)) as {
    cpuSeconds: number
    wallSeconds: number
    peakMebibytes: number
  }
}

async function benchProbes(): Promise<Figure[]> {
  const server = spawn(process.execPath, [join(root, 'scripts/bench/tls-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const { port, ca } = JSON.parse(await firstLine(server.stdout)) as { port: number; ca: string }
    const product: number[] = []
    const bare: number[] = []
    const memory: number[] = []
    const bareMemory: number[] = []
    for (let round = 0; round < rounds; round++) {
      // In turn, so that a change of the machine's speed meets both.
      const p = await client('product', port, ca, 1000, 16)
      const b = await client('bare', port, ca, 1000, 16)
      product.push(p.cpuSeconds)
      bare.push(b.cpuSeconds)
      memory.push(p.peakMebibytes)
      bareMemory.push(b.peakMebibytes)
    }
    return [
      { name: 'CPU per 1,000 TLS probes (16 at once)', unit: 's', ...middle(product) },
      { name: 'the same, bare tls.connect and HEAD', unit: 's', ...middle(bare) },
      { name: 'ratio', unit: '×', ...middle(product.map((p, i) => p / (bare[i] ?? NaN))) },
      { name: 'peak memory of that process', unit: 'MiB', ...middle(memory) },
      { name: 'the same, bare', unit: 'MiB', ...middle(bareMemory) },
    ]
  } finally {
    server.stdin.end()
    await once(server, 'close')
  }
}

/** Milliseconds from the start of a process to its first 200 on `path`. */
async function timeToAnswer(args: string[], port: number, path: string): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'], cwd: root })
  try {
    for (;;) {
      const answered = await fetch(`http://127.0.0.1:${port}${path}`).then(
        (r) => r.status === 200,
        () => false,
      )
      if (answered) return performance.now() - started
      if (performance.now() - started > 20_000) throw new Error(`no answer from ${args.join(' ')}`)
      await new Promise((done) => setTimeout(done, 2))
    }
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }
}

async function benchStart(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  try {
    const config = join(directory, 'pathproof.yml')
    writeFileSync(
      config,
      `version: 1\nagent: { vantage: on-prem }\ntargets: []\ntopology: { source: directory, directory: ${JSON.stringify(directory)} }\n`,
    )
    const bare = join(directory, 'bare.mjs')
    writeFileSync(
      bare,
      "import http from 'node:http'\nhttp.createServer((q, r) => r.end('ok')).listen(Number(process.argv[2]), '127.0.0.1')\n",
    )
    const product: number[] = []
    const plain: number[] = []
    for (let round = 0; round < rounds; round++) {
      const port = 20_000 + Math.floor(Math.random() * 20_000)
      product.push(
        await timeToAnswer(
          ['agent/main.ts', 'run', '--config.file', config, '--web.listen-address', `127.0.0.1:${port}`],
          port,
          '/metrics',
        ),
      )
      plain.push(await timeToAnswer([bare, String(port + 1)], port + 1, '/'))
    }
    return [
      { name: 'start to first /metrics, from source', unit: 'ms', ...middle(product) },
      { name: 'start to first answer of a bare node:http server', unit: 'ms', ...middle(plain) },
      { name: 'ratio', unit: '×', ...middle(product.map((p, i) => p / (plain[i] ?? NaN))) },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const ranges = gunzipSync(readFileSync(join(root, 'test/data/ip-ranges.json.gz'))).toString('utf8')
const groups: Record<string, Figure[]> = {
  'longest-prefix look-ups at real size': await benchPrefixTable(ranges),
  'flow records of 1,000 connections among 1,000,000': benchFlowMatching(),
  '100,000 flow records joined to 10,000 waiting attempts': benchLateBook(),
  'a report on a quarter of five targets, a look a minute': benchReport(),
  probes: await benchProbes(),
  start: await benchStart(),
}
if (json) console.log(JSON.stringify({ node: process.version, cpus: cpus().length, groups }))
else {
  console.log(`node ${process.version}, ${cpus().length} processors`)
  for (const [group, figures] of Object.entries(groups)) {
    console.log(`\n${group}`)
    for (const { name, value, unit, spread, floor, ceiling } of figures) {
      const range = spread === undefined ? '' : `  (${spread.map((s) => s.toPrecision(3)).join(' to ')})`
      const least = floor === undefined ? '' : `  (wanted: at least ${floor.toPrecision(3)})`
      const most = ceiling === undefined ? '' : `  (wanted: at most ${ceiling.toPrecision(3)})`
      console.log(`  ${name.padEnd(60)} ${value.toPrecision(3).padStart(8)} ${unit}${range}${least}${most}`)
    }
  }
}
