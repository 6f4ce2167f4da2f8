import type { Clock } from '../../model/host.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import { defaultEverySeconds } from '../config/config.ts'
import { defaults } from '../config/defaults.ts'
import { parseDuration } from '../config/units.ts'
import { type Candidate, candidatesOf } from './discovery-candidates.ts'
import type { DiscoveredScope, DiscoveredStore } from './discovered-store.ts'

export interface DiscoveryDeps {
  /** False where the configuration names its targets: then nothing is discovered. */
  enabled(): boolean
  vantage(): Vantage
  /** The newest reading of the account, null without one. */
  snapshot(): Snapshot | null
  /** Whether a host name has addresses, by the host's own name service. May reject, and may take its time. */
  lookup(hostname: string): Promise<readonly unknown[]>
  /** Null: nothing outlives a restart. */
  store: DiscoveredStore | null
  /** `limits.names`. */
  maxNames(): number
  clock: Clock
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** All targets, whenever there are others than before. */
  onTargets(targets: Target[]): void
  onProblem(problem: string): void
  signal: AbortSignal
}

export interface Discovery {
  targets(): Target[]
  /** Why there is nothing, or not everything: for people. */
  because(): string[]
  /** Takes back what was kept on disk. Never rejects. */
  load(): Promise<void>
  /** Looks once at what there is, and asks for names that are new. Never rejects. */
  refresh(): Promise<void>
  /** Looks again and again, and at each `nudge`, until the signal fires. Resolves when stopped. */
  run(): Promise<void>
  /** There is something new to look at: a reading of the account, a vantage. */
  nudge(): void
}

const everySeconds = 60
/** A name that did not resolve is asked for again after this, then twice as long, … */
const firstRetrySeconds = 60
const lastRetrySeconds = 3600
const lookupSeconds = 5
/** getaddrinfo can't be cancelled and holds one of the runtime's few threads. */
const lookupsAtOnce = 2
const mostShown = 8

/** The timeout of a target that gives none, in seconds. */
function defaultTimeoutSeconds(): number {
  const timeout = parseDuration(defaults.target.timeout)
  if (!timeout.ok) throw new Error('the default timeout is not a duration')
  return timeout.value
}

function defaultConfirmWithinSeconds(): number {
  const within = parseDuration(defaults.target.confirm_within)
  if (!within.ok) throw new Error('the default confirm_within is not a duration')
  return within.value
}

/** The target of a discovered service: as one that gives a service and nothing else, except for what it requires. */
export function discoveredTarget({ name, service, region, required, names }: Candidate): Target {
  return {
    name,
    names: names.map(({ hostname, style }) => ({
      hostname,
      style,
      port: defaults.target.port,
      service,
      region,
    })),
    require: required ? { kind: 'private' } : { kind: 'none' },
    minProof: defaults.target.min_proof,
    requireFirstLeg: defaults.target.require_first_leg,
    resolvers: [...defaults.target.resolvers],
    compareResolvers: [],
    source: null,
    schedule: { kind: 'interval', everySeconds: defaultEverySeconds() },
    timeoutSeconds: defaultTimeoutSeconds(),
    confirmWithinSeconds: defaultConfirmWithinSeconds(),
    evidenceAgeSeconds: null,
    waiver: null,
    discovered: true,
  }
}

function scopeOf(vantage: Vantage): DiscoveredScope | null {
  const { accountId, region, interfaces } = vantage
  if (vantage.kind !== 'ec2' || accountId === null || region === null) return null
  return { account: accountId, region, vpcIds: [...new Set(interfaces.flatMap((i) => i.vpcId ?? []))].sort() }
}

/** Whether what was discovered there says something here: the same account and region, and a VPC in common where known. */
function sameSurroundings(kept: DiscoveredScope, here: DiscoveredScope): boolean {
  if (kept.account !== here.account || kept.region !== here.region) return false
  const known = kept.vpcIds.length > 0 && here.vpcIds.length > 0
  return !known || kept.vpcIds.some((id) => here.vpcIds.includes(id))
}

/**
 * Discovers targets on an instance: a name joins once it has resolved, and nothing leaves again: an endpoint that is gone
 * leaves its target behind, with what it required, so that it turns instead of vanishing.
 */
export function createDiscovery(deps: DiscoveryDeps): Discovery {
  const known = new Map<string, Candidate>()
  const retries = new Map<string, { failures: number; nextMs: number }>()
  let scope: DiscoveredScope | null = null
  let unresolved: string[] = []
  let full = false
  let saved = true
  let loaded = false
  let looking: Promise<void> | null = null
  let again = false
  let nudged = false
  let wake: (() => void) | null = null

  const counted = () => known.values().reduce((sum, service) => sum + service.names.length, 0)
  const targets = (): Target[] =>
    [...known.values()].filter((service) => service.names.length > 0).map(discoveredTarget)

  const resolves = async (hostname: string): Promise<boolean> => {
    const waiting = new AbortController()
    const late = deps.sleep(lookupSeconds, AbortSignal.any([deps.signal, waiting.signal])).then(() => [])
    try {
      return (await Promise.race([deps.lookup(hostname), late])).length > 0
    } catch {
      return false
    } finally {
      waiting.abort()
    }
  }

  /** Those of the names that resolve now; the others wait for their next turn. */
  const resolving = async (hostnames: readonly string[]): Promise<Set<string>> => {
    const found = new Set<string>()
    const queue = hostnames.filter((h) => (retries.get(h)?.nextMs ?? -Infinity) <= deps.clock.monotonicMs())
    const ask = async (): Promise<void> => {
      for (let hostname = queue.shift(); hostname !== undefined; hostname = queue.shift()) {
        if (deps.signal.aborted) return
        if (await resolves(hostname)) {
          found.add(hostname)
          retries.delete(hostname)
          continue
        }
        const failures = (retries.get(hostname)?.failures ?? 0) + 1
        const seconds = Math.min(lastRetrySeconds, firstRetrySeconds * 2 ** Math.min(failures - 1, 10))
        retries.set(hostname, { failures, nextMs: deps.clock.monotonicMs() + seconds * 1000 })
      }
    }
    await Promise.all(Array.from({ length: lookupsAtOnce }, ask))
    return found
  }

  const load = async (): Promise<void> => {
    if (deps.store === null || loaded) return
    loaded = true
    // On-prem nothing is discovered, and what another life of this disk discovered is not meant.
    if (deps.vantage().kind === 'on-prem') return
    try {
      const kept = await deps.store.load()
      if (kept === null) return
      scope = kept.scope
      for (const service of kept.services) {
        const room = Math.max(0, deps.maxNames() - counted())
        if (service.names.length > room) outOfRoom()
        const names = service.names.slice(0, room)
        if (names.length > 0) known.set(service.name, { ...service, names })
      }
    } catch (error) {
      deps.onProblem(`what was discovered before is ignored: ${codeOf(error)}`)
    }
  }

  /** Forgets what belongs to other surroundings, for example after the disk was cloned into another VPC. */
  const settleScope = (here: DiscoveredScope): boolean => {
    const moved = scope !== null && !sameSurroundings(scope, here)
    if (moved) {
      deps.onProblem(
        `what was discovered in ${scope?.account} ${scope?.region} ${scope?.vpcIds.join(' ')} is dropped: this instance is elsewhere`,
      )
      known.clear()
    }
    if (JSON.stringify(scope) !== JSON.stringify(here)) saved = false
    scope = here
    return moved
  }

  const outOfRoom = (): void => {
    if (!full)
      deps.onProblem(`more names were discovered than limits.names (${deps.maxNames()}) has room for`)
    full = true
  }

  const save = async (): Promise<void> => {
    if (deps.store === null || scope === null || saved) return
    try {
      await deps.store.save({ scope, services: [...known.values()] })
      saved = true
    } catch (error) {
      deps.onProblem(`what was discovered can't be kept on disk (${codeOf(error)})`)
    }
  }

  const look = async (): Promise<void> => {
    const here = scopeOf(deps.vantage())
    if (here === null || !deps.enabled()) return
    await load()
    let changed = settleScope(here)
    const candidates = candidatesOf(deps.vantage(), deps.snapshot())
    const missing = candidates.flatMap(({ name, names }) => {
      const have = known.get(name)?.names ?? []
      return names.filter((n) => !have.some((h) => h.hostname === n.hostname)).map((n) => n.hostname)
    })
    const found = await resolving(missing)
    if (deps.signal.aborted) return
    for (const candidate of candidates) {
      const standing = known.get(candidate.name)
      const added = candidate.names.filter((n) => found.has(n.hostname))
      const room = Math.max(0, deps.maxNames() - counted())
      if (added.length > room) outOfRoom()
      const service: Candidate = {
        ...candidate,
        required: candidate.required || (standing?.required ?? false),
        names: [...(standing?.names ?? []), ...added.slice(0, room)],
      }
      if (service.names.length === 0) continue
      if (JSON.stringify(service) === JSON.stringify(standing)) continue
      known.set(candidate.name, service)
      changed = true
    }
    unresolved = missing.filter((hostname) => !found.has(hostname))
    if (changed) {
      saved = false
      // the configuration may have come to name its targets meanwhile
      if (deps.enabled()) deps.onTargets(targets())
    }
    await save()
  }

  const refresh = (): Promise<void> => {
    again = looking !== null
    looking ??= (async () => {
      do {
        again = false
        await look()
      } while (again && !deps.signal.aborted)
    })().finally(() => {
      looking = null
    })
    return looking
  }

  return {
    targets,
    because() {
      const vantage = deps.vantage()
      const because: string[] = []
      if (vantage.kind !== 'ec2')
        because.push(
          `targets are discovered on EC2 only, and this host is ${vantage.kind}`,
          ...vantage.because,
        )
      else if (deps.snapshot()?.parts.endpoints.read !== true)
        because.push('the endpoints of the account have not been read, so none is known')
      if (unresolved.length > 0) {
        const more = unresolved.length > mostShown ? ` and ${unresolved.length - mostShown} more` : ''
        because.push(
          `names that did not resolve are left out: ${unresolved.slice(0, mostShown).join(', ')}${more}`,
        )
      }
      if (full) because.push(`limits.names (${deps.maxNames()}) leaves some out`)
      return because
    },
    load,
    refresh,
    nudge() {
      nudged = true
      wake?.()
    },
    async run() {
      while (!deps.signal.aborted) {
        nudged = false
        await refresh()
        if (nudged) continue
        const rest = new AbortController()
        wake = () => rest.abort()
        await deps.sleep(everySeconds, AbortSignal.any([deps.signal, rest.signal]))
      }
    },
  }
}

/** What a one-off look at this host would watch, and why that is not more. Nothing is kept. */
export async function discoverOnce(
  deps: Pick<DiscoveryDeps, 'lookup' | 'clock' | 'sleep' | 'signal'> & {
    vantage: Vantage
    snapshot: Snapshot | null
    maxNames: number
  },
): Promise<{ targets: Target[]; because: string[] }> {
  const problems: string[] = []
  const discovery = createDiscovery({
    ...deps,
    enabled: () => true,
    vantage: () => deps.vantage,
    snapshot: () => deps.snapshot,
    maxNames: () => deps.maxNames,
    store: null,
    onTargets: () => undefined,
    onProblem: (problem) => problems.push(problem),
  })
  await discovery.refresh()
  return { targets: discovery.targets(), because: [...discovery.because(), ...problems] }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return (error as NodeJS.ErrnoException).code ?? error.message
}
