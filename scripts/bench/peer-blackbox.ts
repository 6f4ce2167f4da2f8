/** blackbox_exporter on the same targets: GET by its prober `http`, asked for each probe by its own HTTP, as Prometheus does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuSecondsOf, nameOf } from './bed.ts'
import type { Bed } from './bed.ts'
import { fetchText } from './fetch-text.ts'
import type { Load, Outcome } from './load.ts'
import { paced } from './paced.ts'
import type { Sample } from './samples.ts'
import { capture, differencesOf } from './wire.ts'

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

function seconds(text: string, name: string): number | null {
  const match = new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)
  return match ? Number(match[1]) : null
}

export async function blackbox(bed: Bed, load: Load): Promise<Outcome> {
  const config = join(bed.directory, 'blackbox.yml')
  writeFileSync(config, modules(bed.caFile))
  const child: ChildProcess = spawn(
    'prometheus-blackbox-exporter',
    [`--config.file=${config}`, '--web.listen-address=127.0.0.1:9115', '--log.level=error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await wait(500)
  const cpu = () => cpuSecondsOf(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))
  const samples: Sample[] = []
  let failed = 0
  let next = 0
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
  const pace = (forSeconds: number) => paced(load.targets / load.everySeconds, forSeconds, () => void probe())
  await pace(3)
  const tap = await capture(bed)
  samples.length = 0
  const before = cpu()
  const started = performance.now()
  await pace(load.measureSeconds)
  const used = cpu() - before
  const lasted = (performance.now() - started) / 1000
  await wait(500)
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const wires = await tap.end()
  child.kill('SIGTERM')
  await once(child, 'close')
  if (failed > 0) process.stderr.write(`blackbox_exporter: ${failed} failed probes\n`)
  return {
    cpuSecondsPer1000: (used / samples.length) * 1000,
    memoryMebibytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    probes: samples.length,
    seconds: lasted,
    // its samples name no port
    tcp: differencesOf(wires, samples, 'tcp'),
    tls: differencesOf(wires, samples, 'tls'),
  }
}
