/** What the runtime itself costs, as a peer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bed } from './bed.ts'
import type { Load, Outcome } from './load.ts'

export async function bare(bed: Bed, load: Load): Promise<Outcome> {
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
