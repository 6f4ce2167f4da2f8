import type { HostAccess } from '../../model/host.ts'
import type { Family, FamilyObservation, HostRoute, Observation, Stamp } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import type { Topology } from '../../model/topology.ts'
import type { Limit as ProbeLimit } from '../../probes/limit.ts'
import type { LoopWatch } from '../../probes/loop-watch.ts'
import type { TrustStore } from '../../probes/trust.ts'
import type { HoldWindow } from './hold.ts'
import type { LateWatch } from '../evidence/late-watch.ts'
import type { Limit } from './limit.ts'
import type { ResolverBook } from './resolver-book.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { TaintBook } from '../evidence/taint.ts'

/** What the watches of all names share. */
export interface WatchDeps {
  host: HostAccess
  hold: HoldWindow
  connects: Limit
  handshakes: ProbeLimit
  lookups: ProbeLimit
  loop: LoopWatch
  trust: TrustStore
  userAgent: string
  /** Named resolvers of the configuration, with the address that each listens on. */
  resolvers: ReadonlyMap<string, { address: string; port: number }>
  stamp(): Stamp
  /** All but the readings; each attempt brings its own. */
  surroundings(): Omit<Topology, 'readings'>
  reading(): KeptReading | null
  /** Since when each resolver answers as it does; left out: nobody watches over time. */
  resolverBook?: ResolverBook | undefined
  /** Every observation, as it was made. */
  observed(target: Target, observation: Observation): void
  /** What late records contradicted, for all names. */
  taint: Pick<TaintBook, 'bases' | 'reasons' | 'addresses' | 'seen'>
  /** What records of the network or of AWS will say of attempts, and have said of ways. */
  late: LateWatch
  /** Who connected last by each device and family: to tell one dead address from a dead network. */
  connections: ConnectionBook
  /** The kernel's way, remembered for a moment: for addresses that are only compared, not dialled. */
  rememberedRoute(destination: string, source: string | null, sinceMs: number): Promise<HostRoute>
  /** Address of `source` (an address or an interface) in one family, null: the kernel chooses. */
  sourceAddress(source: string | null, family: Family): string | null
  /** Whether this host can send a family at all, asked once a cycle. */
  families(source: string | null): Promise<FamilyObservation[]>
}

/** When a target last completed a handshake by one device and family. Times are monotonic milliseconds. */
export interface ConnectionBook {
  connected(target: string, way: string, atMs: number): void
  /** True if a target other than `target` connected by `way` at or after `sinceMs`. */
  othersSince(target: string, way: string, sinceMs: number): boolean
}

export function createConnectionBook(): ConnectionBook {
  const last = new Map<string, Map<string, number>>()
  return {
    connected(target, way, atMs) {
      const targets = last.get(way) ?? new Map<string, number>()
      targets.set(target, atMs)
      last.set(way, targets)
    },
    othersSince(target, way, sinceMs) {
      return [...(last.get(way) ?? [])].some(([name, atMs]) => name !== target && atMs >= sinceMs)
    },
  }
}
