/** Times as they are reported against times on the wire: tcpdump beside the load, joined by local port. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bed } from './bed.ts'
import { readWire } from './pcap.ts'
import type { Wire } from './pcap.ts'
import { quantile } from './samples.ts'
import type { Sample } from './samples.ts'

/** Milliseconds and shares (0 to 1). */
export interface Errors {
  count: number
  p50: number
  p99: number
  /** Share of samples beyond the published bound by more than half a millisecond; null: nothing is published. */
  exceeded: number | null
  /** Of all samples, those of `exceeded` that were reported too long: their event lay unread unnoticed. */
  tooLong: number | null
  /** Share that the product leaves out of its histograms. */
  leftOut: number | null
  boundP50: number | null
  wireP50: number
}

/** Watches the instance's device until `end`. Throws if tcpdump does not start. */
export async function capture(bed: Bed): Promise<{ end(): Promise<Wire[]> }> {
  const file = join(bed.directory, 'wire.pcap')
  const what = ['-i', 'ens5', '-Z', 'root', '-s', '100', '-B', '65536', '--time-stamp-precision=nano']
  const child = spawn('tcpdump', [...what, '-w', file, 'tcp port 443'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
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

export interface Joined {
  wire: Wire
  sample: Sample
}

const nearMs = 2000

/** One sample for each connection on the wire: same local port, begun within two seconds. Where two would do, none is taken. */
export function joinByPort(wires: readonly Wire[], samples: readonly Sample[]): Joined[] {
  const byPort = Map.groupBy(samples, ({ port }) => port)
  return wires.flatMap((wire) => {
    const near = byPort.get(wire.port)?.filter(({ atMs }) => Math.abs(atMs - wire.atMs) < nearMs) ?? []
    return near.length === 1 && near[0] ? [{ wire, sample: near[0] }] : []
  })
}

export type Phase = 'tcp' | 'tls'

/** As `exporters/probe-metrics.ts` leaves samples out. */
function doubtful(seconds: number, bound: number): boolean {
  return bound > Math.max(0.002, 0.2 * seconds)
}

const reportedOf = ({ timings }: Sample, phase: Phase): number | null =>
  phase === 'tcp' ? timings.tcpConnectSeconds : timings.tlsHandshakeSeconds
const truthOf = (wire: Wire, phase: Phase): number | null => (phase === 'tcp' ? wire.tcpMs : wire.tlsMs)

/** Of samples that name their port. A sample without a bound counts as bound 0; `published` false: there are none, and nothing is left out. */
export function errorsOf(joined: readonly Joined[], phase: Phase, published = true): Errors {
  const rows = joined.flatMap(({ wire, sample }) => {
    const seconds = reportedOf(sample, phase)
    const truth = truthOf(wire, phase)
    if (seconds === null || truth === null) return []
    return [{ error: seconds * 1000 - truth, seconds, bound: sample.timings.uncertaintySeconds ?? 0, truth }]
  })
  const kept = rows.filter(({ seconds, bound }) => !doubtful(seconds, bound)).map(({ error }) => error)
  const far = rows.filter(({ error, bound }) => Math.abs(error) > bound * 1000 + 0.5)
  const bounds = rows.map(({ bound }) => bound * 1000)
  const truths = rows.map(({ truth }) => truth)
  return {
    count: rows.length,
    p50: quantile(kept, 0.5),
    p99: quantile(kept, 0.99),
    exceeded: published ? far.length / rows.length : null,
    tooLong: published ? far.filter(({ error }) => error > 0).length / rows.length : null,
    leftOut: published ? 1 - kept.length / rows.length : null,
    boundP50: published ? quantile(bounds, 0.5) : null,
    wireP50: quantile(truths, 0.5),
  }
}

/** Of samples that name no port: differences of percentiles, which says less than percentiles of differences. */
export function differencesOf(wires: readonly Wire[], samples: readonly Sample[], phase: Phase): Errors {
  const told = samples.map((sample) => (reportedOf(sample, phase) ?? NaN) * 1000).filter((ms) => ms > 0)
  const truths = wires.map((wire) => truthOf(wire, phase)).filter((ms) => ms !== null)
  return {
    count: told.length,
    p50: quantile(told, 0.5) - quantile(truths, 0.5),
    p99: quantile(told, 0.99) - quantile(truths, 0.99),
    exceeded: null,
    tooLong: null,
    leftOut: null,
    boundP50: null,
    wireP50: quantile(truths, 0.5),
  }
}
