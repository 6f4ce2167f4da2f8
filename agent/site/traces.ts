import type { Trace, TraceResult } from '../../model/first-leg.ts'
import type { Clock, HostAccess } from '../../model/host.ts'
import { canonicalIp } from '../../net/ip.ts'

/** Where a trace goes to. `source` null: the kernel chooses. */
export interface TraceDestination {
  address: string
  port: number
  source: string | null
}

export interface Traces {
  /** Those that are young enough. */
  current(): Trace[]
  /** Traces each once, not all at a time. Never rejects. */
  once(destinations: readonly TraceDestination[], signal: AbortSignal): Promise<void>
  /** Traces again and again, each destination once per interval, until the signal fires. */
  run(everySeconds: number, signal: AbortSignal): Promise<void>
  /** Why traces give nothing; empty: they do, or none was asked for. */
  problems(): string[]
}

export interface TracesDeps {
  clock: Clock
  /** Left out: this host can't. */
  trace: HostAccess['trace']
  /** All that are to be traced now; empty where there is no first leg. */
  destinations(): readonly TraceDestination[]
  onProblem(problem: string): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
}

/** A destination that is new is not left waiting for its interval. */
const tickSeconds = 15
const mostPerTick = 8
const atOnce = 2
const mostKept = 1024
/** Intervals after which a trace is no word on now. */
const mostIntervals = 3

const cannot: TraceResult = { traced: false, reason: 'failed', detail: 'this host can trace nothing' }

/** Keeps the newest trace of each destination. What is older than three intervals is dropped: routers change their minds. */
export function createTraces(deps: TracesDeps): Traces {
  const { clock, destinations } = deps
  const kept = new Map<string, { trace: Trace; startedMs: number }>()
  let lifeSeconds = Infinity
  let problem: string | null = null

  const keyOf = ({ address, port, source }: TraceDestination): string => `${address} ${port} ${source ?? ''}`
  const one = async (to: TraceDestination, signal: AbortSignal): Promise<void> => {
    const startedMs = clock.monotonicMs()
    const atMs = clock.wallMs()
    const result = (await deps.trace?.(to)) ?? cannot
    if (signal.aborted) return
    const key = keyOf(to)
    kept.delete(key)
    const [oldest] = kept.keys()
    if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest)
    kept.set(key, { trace: { ...to, atMs, result }, startedMs })
    const next = result.traced ? null : `trace: ${result.detail}`
    if (next !== null && next !== problem) deps.onProblem(next)
    problem = next
  }
  const once = async (wanted: readonly TraceDestination[], signal: AbortSignal): Promise<void> => {
    let next = 0
    const work = async (): Promise<void> => {
      for (let n = next++; n < wanted.length && !signal.aborted; n = next++) {
        const to = wanted[n]
        if (to !== undefined) await one(to, signal)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  }
  /** Never traced first, then the oldest. */
  const due = (everySeconds: number): TraceDestination[] => {
    const nowMs = clock.monotonicMs()
    const unique = new Map(destinations().map((to) => [keyOf(to), to]))
    for (const key of kept.keys()) if (!unique.has(key)) kept.delete(key)
    const startedMs = (to: TraceDestination): number => kept.get(keyOf(to))?.startedMs ?? -Infinity
    return [...unique.values()]
      .filter((to) => nowMs - startedMs(to) >= everySeconds * 1000)
      .toSorted((a, b) => startedMs(a) - startedMs(b))
      .slice(0, mostPerTick)
  }
  return {
    current() {
      const nowMs = clock.monotonicMs()
      return [...kept.values()].flatMap(({ trace, startedMs }) =>
        nowMs - startedMs <= lifeSeconds * 1000 ? [trace] : [],
      )
    },
    once,
    async run(everySeconds, signal) {
      lifeSeconds = mostIntervals * everySeconds
      while (!signal.aborted) {
        await once(due(everySeconds), signal)
        await deps.sleep(tickSeconds, signal)
      }
    },
    problems: () => (problem === null ? [] : [problem]),
  }
}

/** Destinations of the addresses of one name; what is no address goes to nobody. */
export function traceDestinations(
  addresses: readonly string[],
  port: number,
  sourceOf: (family: 4 | 6) => string | null,
): TraceDestination[] {
  return addresses.flatMap((text) => {
    const address = canonicalIp(text)
    if (address === null) return []
    return [{ address, port, source: sourceOf(address.includes(':') ? 6 : 4) }]
  })
}
