import type { Attempt } from '../../model/observation.ts'

/** Samples of each name; with four numbers each, a little more than a kilobyte. */
export const mostSamples = 60

export interface TimedSample {
  atMs: number
  seconds: number
  uncertaintySeconds: number
}

export interface TimingBook {
  observed(key: string, attempt: Attempt): void
  /** Oldest first; an unknown uncertainty is infinite. */
  tcp(key: string): TimedSample[]
  tls(key: string): TimedSample[]
  keep(keys: ReadonlySet<string>): void
  size(): number
}

interface Samples {
  atMs: Float64Array
  /** TCP, TLS (not a number: the phase was not reached) and uncertainty of each sample. One array, for each costs as much again. */
  seconds: Float32Array
  written: number
}

const columns = { tcp: 0, tls: 1, uncertainty: 2 }
const width = 3

/** The last timings of each name, for its plots. At most `mostNames` names (default 10,000). */
export function createTimingBook(mostNames = 10_000): TimingBook {
  const names = new Map<string, Samples>()

  const read = (key: string, which: 'tcp' | 'tls'): TimedSample[] => {
    const samples = names.get(key)
    if (samples === undefined) return []
    const found: TimedSample[] = []
    for (let n = Math.max(0, samples.written - mostSamples); n < samples.written; n++) {
      const at = n % mostSamples
      const seconds = samples.seconds[at * width + columns[which]] ?? Number.NaN
      if (Number.isNaN(seconds)) continue
      found.push({
        atMs: samples.atMs[at] ?? 0,
        seconds,
        uncertaintySeconds: samples.seconds[at * width + columns.uncertainty] ?? Infinity,
      })
    }
    return found
  }

  return {
    observed(key, { timings, stamp }) {
      if (timings.tcpConnectSeconds === null && timings.tlsHandshakeSeconds === null) return
      let samples = names.get(key)
      if (samples === undefined) {
        if (names.size >= mostNames) return
        samples = {
          atMs: new Float64Array(mostSamples),
          seconds: new Float32Array(width * mostSamples),
          written: 0,
        }
        names.set(key, samples)
      }
      const at = samples.written % mostSamples
      samples.atMs[at] = stamp.wallMs
      samples.seconds[at * width + columns.tcp] = timings.tcpConnectSeconds ?? Number.NaN
      samples.seconds[at * width + columns.tls] = timings.tlsHandshakeSeconds ?? Number.NaN
      samples.seconds[at * width + columns.uncertainty] = timings.uncertaintySeconds ?? Infinity
      samples.written++
    },
    tcp: (key) => read(key, 'tcp'),
    tls: (key) => read(key, 'tls'),
    keep(keys) {
      for (const key of names.keys()) if (!keys.has(key)) names.delete(key)
    },
    size: () => names.size,
  }
}
