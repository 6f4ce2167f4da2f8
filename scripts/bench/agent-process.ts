/** The agent as a process of its own, from source, for what is measured from outside. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './bed.ts'

export interface AgentProcess {
  pid: number
  port: number
  stop(): Promise<void>
}

/** `more` are further keys of its configuration. It knows no account, and its names are asked once an hour. Throws if it ends. */
export async function startAgent(targets: number, more: Record<string, unknown> = {}): Promise<AgentProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  const config = join(directory, 'pathproof.yml')
  const written = {
    version: 1,
    agent: { vantage: 'on-prem' },
    topology: { source: 'directory', directory },
    targets: Array.from({ length: targets }, (_, index) => ({
      name: `t${index}`,
      hostname: `b${index}.s3.us-east-1.amazonaws.com`,
      every: '1h',
    })),
    ...more,
  }
  writeFileSync(config, JSON.stringify(written))
  const child = spawn(
    process.execPath,
    [join(root, 'agent/main.ts'), 'run', '--config.file', config, '--web.listen-address', '127.0.0.1:0'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    rmSync(directory, { recursive: true, force: true })
  }
  let said = ''
  for await (const line of createInterface({ input: child.stderr })) {
    said += `${line}\n`
    const port = Number(/\bport=(\d+)/.exec(line)?.[1] ?? 0)
    if (port === 0) continue
    child.stderr.resume()
    return { pid: child.pid ?? 0, port, stop }
  }
  await stop()
  throw new Error(`the agent ended: ${said}`)
}
