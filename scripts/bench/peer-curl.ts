/** curl, one process for each probe, with the times that it tells (`-w`): no daemon, so less often than the others. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { nameOf } from './bed.ts'
import type { Bed } from './bed.ts'
import type { Load, Outcome } from './load.ts'
import { paced } from './paced.ts'
import { quantile } from './samples.ts'
import type { Sample } from './samples.ts'
import { capture, errorsOf, joinByPort } from './wire.ts'

/** At a hundred a second its starts alone would take more than the machine has. */
export const curlPerSecond = 20

const format = '%{http_code} %{local_port} %{time_namelookup} %{time_connect} %{time_appconnect}'

/** Of one line of that format: seconds since curl's start, as curl(1) says. Null unless it was answered with 200. */
export function readCurl(line: string, atMs: number): Sample | null {
  const fields = line.trim().split(' ').map(Number)
  const [code, port, named, connected, secured] = fields
  if (fields.length !== 5 || fields.some((n) => !Number.isFinite(n))) return null
  if (code !== 200 || port === undefined || named === undefined) return null
  if (connected === undefined || secured === undefined) return null
  return {
    port,
    atMs: atMs + named * 1000,
    timings: {
      dnsSeconds: named,
      tcpConnectSeconds: connected - named,
      tlsHandshakeSeconds: secured - connected,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
  }
}

/** CPU seconds of the children of this process that have ended (proc(5), fields 16 and 17 of `stat`). */
function cpuOfEnded(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

export async function curl(bed: Bed, load: Load): Promise<Outcome> {
  const samples: Sample[] = []
  const memory: number[] = []
  let next = 0
  let failed = 0
  let running = 0
  const probe = () => {
    const number = next++ % load.targets
    const atMs = Date.now()
    running++
    const args = ['-4', '-s', '-o', '/dev/null', '--cacert', bed.caFile, '-w', format]
    const child = execFile('curl', [...args, `https://${nameOf(number)}/`], (error, stdout) => {
      running--
      const sample = error === null ? readCurl(stdout, atMs) : null
      if (sample === null) failed++
      else samples.push(sample)
    })
    if (number % 20 === 0)
      setTimeout(() => {
        try {
          const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
          const kibibytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1]
          if (kibibytes !== undefined) memory.push(Number(kibibytes) / 1024)
        } catch {
          // it has ended
        }
      }, 10)
  }
  const drained = async () => {
    while (running > 0) await wait(20)
  }
  await paced(curlPerSecond, 1, probe)
  await drained()
  const tap = await capture(bed)
  samples.length = 0
  const before = cpuOfEnded()
  const started = performance.now()
  await paced(curlPerSecond, load.measureSeconds, probe)
  const lasted = (performance.now() - started) / 1000
  await drained()
  const used = cpuOfEnded() - before
  const joined = joinByPort(await tap.end(), samples)
  if (failed > 0) process.stderr.write(`curl: ${failed} failed probes\n`)
  return {
    cpuSecondsPer1000: (used / samples.length) * 1000,
    memoryMebibytes: quantile(memory, 0.5),
    probes: samples.length,
    seconds: lasted,
    tcp: errorsOf(joined, 'tcp', false),
    tls: errorsOf(joined, 'tls', false),
  }
}
