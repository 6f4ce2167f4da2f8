import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { httpLoad } from './http-load.ts'

const root = resolve(import.meta.dirname, '../..')
const targets = 500

/** The HTTP surface of a daemon of its own with 500 targets, under scrapes and under those who mean it no good. */
export async function benchHttp() {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  const config = join(directory, 'pathproof.yml')
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      agent: { vantage: 'on-prem' },
      topology: { source: 'directory', directory },
      targets: Array.from({ length: targets }, (_, index) => ({
        name: `t${index}`,
        hostname: `b${index}.s3.us-east-1.amazonaws.com`,
        every: '1h',
      })),
    }),
  )
  const child = spawn(
    process.execPath,
    [join(root, 'agent/main.ts'), 'run', '--config.file', config, '--web.listen-address', '127.0.0.1:0'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  try {
    const lines = createInterface({ input: child.stderr })
    let port = 0
    for await (const line of lines) {
      port = Number(/\bport=(\d+)/.exec(line)?.[1] ?? 0)
      if (port > 0) break
    }
    child.stderr.resume()
    const residentBytes = (): number | null => {
      const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
      return kibibytes === undefined ? null : Number(kibibytes) * 1024
    }
    const loads = await httpLoad({ port, residentBytes })
    return loads.flatMap((one) => [
      { name: `${one.load}: served`, unit: '× of what was sent', floor: 1, value: one.served / one.sent },
      { name: `${one.load}: longest scrape beside it`, unit: 'ms', value: one.longestScrapeSeconds * 1000 },
      { name: `${one.load}: memory at most`, unit: 'MiB', value: one.residentMostMib ?? Number.NaN },
    ])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
    rmSync(directory, { recursive: true, force: true })
  }
}
