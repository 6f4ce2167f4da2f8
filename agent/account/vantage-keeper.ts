import type { Clock } from '../../model/host.ts'
import type { Vantage } from '../../model/topology.ts'

export interface VantageKeeper {
  /** What is known of where this host stands; `unknown` before the first look. */
  current(): Vantage
  /** Looks now; never rejects. */
  refresh(): Promise<void>
  /** Looks again and again until the signal fires. Resolves when stopped. */
  run(): Promise<void>
}

export interface VantageKeeperDeps {
  find(): Promise<Vantage>
  clock: Clock
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** Called for the first look, and for each one that shows something else than the last. */
  onChange(vantage: Vantage, before: Vantage | null): void
  /** Nothing is sure any more, and for a while what was known is kept. Called when that begins, with what was found. */
  onKept?(found: Vantage): void
  signal: AbortSignal
}

/** While nothing is sure: the service may only have been late, or the network not up yet. */
const unknownEverySeconds = 60
/** An instance stays what it is, but interfaces and addresses come and go. */
const knownEverySeconds = 900
/** For so long a service that fell silent does not take away what it said: it is the same boot of the same machine. */
const rememberedSeconds = 3600

const notLooked: Vantage = {
  kind: 'unknown',
  because: ['nothing has been asked yet'],
  instanceId: null,
  accountId: null,
  region: null,
  interfaces: [],
}

/** True if two looks say the same; the words in which the reasons are put don't count. */
export function sameVantage(a: Vantage, b: Vantage): boolean {
  const facts = ({ because: _because, ...rest }: Vantage) => JSON.stringify(rest)
  return facts(a) === facts(b)
}

/**
 * Keeps the answer to "where am I" fresh. A metadata service that was silent at the start does not fix `unknown` for ever,
 * and interfaces that are attached later appear.
 */
export function createVantageKeeper(deps: VantageKeeperDeps): VantageKeeper {
  let current: Vantage | null = null
  /** Of the last look that settled something. */
  let knownAtMs = -Infinity
  /** Whether the last look did. */
  let settled = false
  let looking: Promise<void> | null = null

  const look = async (): Promise<void> => {
    let found: Vantage
    try {
      found = await deps.find()
    } catch (error) {
      found = { ...notLooked, because: [error instanceof Error ? error.message : String(error)] }
    }
    if (deps.signal.aborted) return
    const before = current
    const wasSettled = settled
    settled = found.kind !== 'unknown'
    if (settled) knownAtMs = deps.clock.monotonicMs()
    else if (
      current !== null &&
      current.kind !== 'unknown' &&
      deps.clock.monotonicMs() - knownAtMs < rememberedSeconds * 1000
    ) {
      if (wasSettled) deps.onKept?.(found)
      return
    }
    current = found
    if (before === null || !sameVantage(before, found)) deps.onChange(found, before)
  }

  const refresh = (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }

  return {
    current: () => current ?? notLooked,
    refresh,
    async run() {
      while (!deps.signal.aborted) {
        await deps.sleep(settled ? knownEverySeconds : unknownEverySeconds, deps.signal)
        if (!deps.signal.aborted) await refresh()
      }
    },
  }
}
