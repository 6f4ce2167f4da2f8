/** Start and memory of the shipped bundle, AWS sources on, beside a bare `node:http` server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
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

/** Milliseconds to its first 200 on `path`, and its resident memory in MiB some seconds later. */
async function startOf(
  args: string[],
  port: number,
  path: string,
  environment: Record<string, string>,
): Promise<{ ms: number; memory: number }> {
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  try {
    while (!(await answers(port, path))) {
      if (performance.now() - started > 20_000) throw new Error(`no answer from ${args.join(' ')}`)
      await wait(1)
    }
    const ms = performance.now() - started
    await wait(4000)
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return { ms, memory: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024 }
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
    const bare = join(directory, 'bare.mjs')
    writeFileSync(
      bare,
      "import http from 'node:http'\nhttp.createServer((q, r) => r.end('ok')).listen(Number(process.argv[2]), '127.0.0.1')\n",
    )
    const cache = { NODE_COMPILE_CACHE: join(directory, 'cache'), AWS_REGION: 'us-east-1' }
    const product: number[] = []
    const plain: number[] = []
    const memory: number[] = []
    const plainMemory: number[] = []
    for (let round = -1; round < rounds; round++) {
      const port = 20_000 + Math.floor(Math.random() * 20_000)
      const run = ['run', '--config.file', config, '--web.listen-address', `127.0.0.1:${port}`]
      const own = await startOf([join(out, 'pathproof.mjs'), ...run], port, '/metrics', cache)
      const other = await startOf([bare, String(port + 1)], port + 1, '/', cache)
      // the first fills the compile cache
      if (round < 0) continue
      product.push(own.ms)
      plain.push(other.ms)
      memory.push(own.memory)
      plainMemory.push(other.memory)
    }
    const ratio = (a: number[], b: number[]) => middle(a.map((x, i) => x / (b[i] ?? NaN)))
    return [
      { name: 'start to first /metrics, bundle with compile cache', unit: 'ms', ...middle(product) },
      { name: 'start to first answer of a bare node:http server', unit: 'ms', ...middle(plain) },
      { name: 'ratio', unit: '×', ceiling: 1.3, ...ratio(product, plain) },
      { name: 'memory, idle', unit: 'MiB', ...middle(memory) },
      { name: 'the same, bare', unit: 'MiB', ...middle(plainMemory) },
      { name: 'ratio', unit: '×', ceiling: 1.25, ...ratio(memory, plainMemory) },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await measureStart()))
