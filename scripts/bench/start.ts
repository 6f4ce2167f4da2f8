/** Start and memory of what is shipped, the bundle and the one-file program, AWS sources on, beside a bare `node:http` server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { buildBinary } from '../package/binary.ts'
import { version } from '../package/common.ts'
import { runtimeEnvironment, runtimeOptions } from '../package/runtime.ts'
import { root } from './bed.ts'
import { middle } from './samples.ts'

const rounds = 5

function answers(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200))
    }).once('error', () => resolve(false))
  })
}

interface Started {
  /** Milliseconds to the first 200. */
  ms: number
  /** Milliseconds that its main thread had a processor until then; holds on a busy machine too. */
  cpu: number
  /** Resident MiB some seconds later. */
  memory: number
}

async function startOf(
  file: string,
  args: string[],
  port: number,
  path: string,
  environment: Record<string, string>,
): Promise<Started> {
  const started = performance.now()
  const child: ChildProcess = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1', ...environment },
  })
  try {
    while (!(await answers(port, path))) {
      if (performance.now() - started > 20_000) throw new Error(`no answer from ${file} ${args.join(' ')}`)
      await wait(1)
    }
    const ms = performance.now() - started
    const cpu = Number(readFileSync(`/proc/${child.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
    await wait(4000)
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return { ms, cpu, memory: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024 }
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }
}

export async function measureStart() {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  try {
    const out = join(directory, 'dist')
    execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--out', out], { stdio: 'ignore' })
    const config = join(directory, 'pathproof.yml')
    // an API that nobody answers: the reader of the account is started and fails, as on a host without a way to it
    writeFileSync(
      config,
      'version: 1\nagent: { vantage: on-prem }\ntargets: [{ name: a, hostname: s3.us-east-1.amazonaws.com, every: 1h }]\ntopology: { source: aws }\n',
    )
    const { binary } = await buildBinary({ out, work: directory, version, epoch: 0, arch: process.arch })
    const listens = ".createServer((q, r) => r.end('ok')).listen(Number(process.argv[2]), '127.0.0.1')\n"
    const bare = join(directory, 'bare.mjs')
    writeFileSync(bare, `import http from 'node:http'\nhttp${listens}`)
    const common = join(directory, 'bare.cjs')
    writeFileSync(common, `require('node:http')${listens}`)
    // what is shipped brings its code along; the bare server gets Node's own cache
    const cache = { NODE_COMPILE_CACHE: join(directory, 'cache') }
    const run = ['run', '--config.file', config, '--web.listen-address']
    const program = [...runtimeOptions, join(out, 'pathproof.mjs'), ...run]
    const ways: Record<string, (port: number) => Promise<Started>> = {
      bundle: (port) =>
        startOf(process.execPath, [...program, `127.0.0.1:${port}`], port, '/metrics', runtimeEnvironment),
      'one-file program': (port) =>
        startOf(binary, [...run, `127.0.0.1:${port}`], port, '/metrics', runtimeEnvironment),
      'bare node:http server': (port) => startOf(process.execPath, [bare, String(port)], port, '/', cache),
      'bare, as CommonJS': (port) => startOf(process.execPath, [common, String(port)], port, '/', cache),
    }
    const seen: Record<string, Started[]> = {}
    for (let round = -1; round < rounds; round++) {
      for (const [name, start] of Object.entries(ways)) {
        const one = await start(20_000 + Math.floor(Math.random() * 12_000))
        // the first fills the caches
        if (round >= 0) (seen[name] ??= []).push(one)
      }
    }
    const of = (name: string, what: keyof Started): number[] => (seen[name] ?? []).map((one) => one[what])
    const names = Object.keys(ways)
    const other = 'bare node:http server'
    const rows = (what: keyof Started, words: string, unit: string) =>
      names.map((name) => ({ name: `${words}, ${name}`, unit, ...middle(of(name, what)) }))
    const ratios = (what: keyof Started, words: string, ceiling?: number) =>
      names.slice(0, 2).map((name) => ({
        name: `${words}, ${name}: ratio`,
        unit: '×',
        ...(ceiling === undefined ? {} : { ceiling }),
        ...middle(of(name, what).map((x, i) => x / (of(other, what)[i] ?? Number.NaN))),
      }))
    return [
      ...rows('ms', 'start to first answer', 'ms'),
      ...ratios('ms', 'start', 1.3),
      ...rows('cpu', 'processor time of the main thread until then', 'ms'),
      ...ratios('cpu', 'processor time'),
      ...rows('memory', 'memory, idle', 'MiB'),
      ...ratios('memory', 'memory, idle', 1.25),
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await measureStart()))
