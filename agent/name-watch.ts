import { randomInt } from 'node:crypto'
import type { HostAccess } from '../model/host.ts'
import type {
  Attempt,
  DnsObservation,
  Family,
  FamilyObservation,
  HostRoute,
  Observation,
  Stamp,
} from '../model/observation.ts'
import type { Target, WatchedName } from '../model/target.ts'
import type { Evidence } from '../model/evidence.ts'
import type { Confirmation } from '../model/path.ts'
import type { Topology } from '../model/topology.ts'
import type { NameVerdict } from '../model/verdict.ts'
import { canonicalIp, destinationIp, parseIp } from '../net/ip.ts'
import { expectedCertificateName } from './certificate-name.ts'
import { querySystem } from '../probes/system-resolver.ts'
import { queryResolver } from '../probes/dns.ts'
import type { Limit as ProbeLimit } from '../probes/limit.ts'
import type { LoopWatch } from '../probes/loop-watch.ts'
import { probeTls, proxyVariables, unknownRoute } from '../probes/tls.ts'
import type { TrustStore } from '../probes/trust.ts'
import { judgeAttempt, noContext } from '../verdict/judge.ts'
import { groupOf, judgeName } from '../verdict/name.ts'
import { type HoldWindow, choose } from './hold.ts'
import type { Limit } from './limit.ts'
import type { KeptReading } from './snapshot-keeper.ts'
import type { TaintBook } from './taint.ts'

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
  /** Every observation, as it was made. */
  observed(target: Target, observation: Observation): void
  /** What late records contradicted, for all names. */
  taint: Pick<TaintBook, 'bases' | 'addresses' | 'seen'>
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

/** Instead of a dial from an interface that has no address. */
const noSource: HostAccess['dial'] = () => {
  throw Object.assign(new Error('the interface has no address of this family'), { code: 'EADDRNOTAVAIL' })
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

/** An attempt that still counts, with the readings that it is judged on. */
interface Living {
  attempt: Attempt
  /** The reading that was newest when the attempt began. */
  base: KeptReading | null
  /** Later readings that say something else than the base and each other. */
  later: Map<string, KeptReading>
  /** Context at the attempt. */
  timeoutsInARow: number
  othersConnected: boolean
  /** Monotonic milliseconds after which it is no longer the word on its address. */
  untilMs: number
  /** What records of the network or of AWS said of it since. */
  late: Evidence[]
  confirmation: Confirmation
}

export interface CycleOptions {
  signal: AbortSignal
  /** Seconds for which an attempt counts, from its start. */
  lifeSeconds: number
  /** How many addresses of a group to dial: one in the daemon, all in a one-off check. */
  perGroup: number
}

export interface NameWatch {
  readonly name: WatchedName
  /** Asks, dials and judges once. */
  cycle(options: CycleOptions): Promise<NameVerdict>
  /** Judges again what is known, for example under a new reading or other limits. Null before the first cycle. */
  rejudge(under?: Partial<Topology>): NameVerdict | null
  /** Records have spoken of one of its living attempts. False if it is not (any more) one of them. */
  told(attemptId: string, evidence: readonly Evidence[], confirmation: Confirmation): boolean
  /** A new reading of the account: attempts that rest on another one are judged on both from now on. */
  readAgain(reading: KeptReading): void
  /** Answers of the resolvers that are only compared, newest cycle. */
  compared(): DnsObservation[]
  attempts(): Attempt[]
  /** Drops what the watches share about this name; for one that is no longer watched. */
  forget(): void
  /** What is known of its addresses goes on in another window, as after a reload. */
  moveTo(hold: HoldWindow): void
}

/** Watches one host name of one target: its addresses, its living attempts and what they say. */
export function watchName(target: Target, name: WatchedName, deps: WatchDeps): NameWatch {
  const { host } = deps
  const holdKey = `${target.name}|${name.hostname}|${name.port}`
  const living = new Map<string, Living>()
  /** Known addresses that were looked at and not dialled, with the readings since that look. */
  const undialled = new Map<string, Pick<Living, 'base' | 'later'> & { attempt: Attempt }>()
  /** Attempts under way: readings that come meanwhile are theirs as well, even if they are withdrawn again. */
  const flying = new Set<Pick<Living, 'base' | 'later'>>()
  const timeouts = new Map<string, { count: number; sinceMs: number }>()
  let dns: DnsObservation[] = []
  let compared: DnsObservation[] = []
  let families: FamilyObservation[] = []
  let cycled = false

  const topologyOf = (l: Pick<Living, 'base' | 'later'>): Topology => ({
    ...deps.surroundings(),
    readings: [
      ...(l.base === null ? [] : [l.base.snapshot]),
      ...[...l.later.values()].map((r) => r.snapshot),
    ],
  })

  const ask = async (signal: AbortSignal): Promise<DnsObservation[]> => {
    const base = {
      clock: host.clock,
      serverAddress: host.serverAddress,
      stamp: deps.stamp,
      randomId: () => randomInt(0x10000),
      timeoutSeconds: target.timeoutSeconds,
      signal,
    }
    const one = async (resolver: string, counts: boolean): Promise<DnsObservation[]> => {
      if (resolver === 'system') {
        const both = await querySystem(name.hostname, {
          ...base,
          lookup: host.lookup,
          systemServers: host.systemServers,
          lookups: deps.lookups,
        })
        return both.map((o) => ({ ...o, counts }))
      }
      const server = deps.resolvers.get(resolver)
      if (server === undefined) return []
      return [
        await queryResolver({ hostname: name.hostname, resolver: { name: resolver, server }, counts }, base),
      ]
    }
    const asked = await Promise.all([
      ...target.resolvers.map((r) => one(r, true)),
      ...target.compareResolvers.map((r) => one(r, false)),
    ])
    return asked.flat()
  }

  /** The interface that the target names has no address of the family: another one must not stand in for it. */
  const lacksSource = (family: Family): boolean =>
    target.source !== null &&
    canonicalIp(target.source) === null &&
    deps.sourceAddress(target.source, family) === null

  const wayOf = (attempt: Attempt) => `${attempt.host.device ?? '?'}|${attempt.family}`

  const dial = async (
    address: string,
    resolvers: string[],
    dnsSeconds: number | null,
    options: CycleOptions,
  ) => {
    const ip = parseIp(address)
    if (!ip.ok) return
    const base = deps.reading()
    const flight: Pick<Living, 'base' | 'later'> = { base, later: new Map() }
    flying.add(flight)
    const startedMs = host.clock.monotonicMs()
    deps.hold.dialled(holdKey, address, startedMs)
    deps.taint.seen(address, host.clock.wallMs())
    const attempt = await probeTls(
      {
        hostname: name.hostname,
        port: name.port,
        address,
        family: ip.value.family,
        localAddress: deps.sourceAddress(target.source, ip.value.family),
        resolvers,
        dnsSeconds,
        expectedName: expectedCertificateName(name),
      },
      {
        clock: host.clock,
        dial: lacksSource(ip.value.family) ? noSource : host.dial,
        hostRoute: host.hostRoute,
        environment: host.environment,
        loop: deps.loop,
        handshakes: deps.handshakes,
        trust: deps.trust,
        stamp: deps.stamp,
        userAgent: deps.userAgent,
        timeoutSeconds: target.timeoutSeconds,
        signal: options.signal,
      },
    )
    flying.delete(flight)
    if (attempt.outcome.reached === 'nothing' && attempt.outcome.failure.type === 'aborted') return
    deps.observed(target, attempt)
    const { outcome } = attempt
    if (outcome.reached === 'tls')
      deps.connections.connected(target.name, wayOf(attempt), host.clock.monotonicMs())
    const timedOut = outcome.reached === 'nothing' && outcome.failure.type === 'timeout'
    const streak = timedOut
      ? {
          count: (timeouts.get(address)?.count ?? 0) + 1,
          sinceMs: timeouts.get(address)?.sinceMs ?? startedMs,
        }
      : null
    if (streak === null) timeouts.delete(address)
    else timeouts.set(address, streak)
    const record: Living = {
      attempt,
      ...flight,
      timeoutsInARow: streak?.count ?? 0,
      othersConnected:
        streak !== null && deps.connections.othersSince(target.name, wayOf(attempt), streak.sinceMs),
      untilMs: startedMs + options.lifeSeconds * 1000,
      late: [],
      confirmation: 'unavailable',
    }
    living.set(address, record)
  }

  const undialledAttempt = (address: string, route: HostRoute, resolvers: string[] = []): Attempt => {
    const family: Family = address.includes(':') ? 6 : 4
    return {
      kind: 'attempt',
      stamp: deps.stamp(),
      hostname: name.hostname,
      port: name.port,
      address,
      family,
      localAddress: null,
      localPort: null,
      resolvers,
      outcome: { reached: 'not_dialled' },
      http: null,
      timings: {
        dnsSeconds: null,
        tcpConnectSeconds: null,
        tlsHandshakeSeconds: null,
        firstByteSeconds: null,
        uncertaintySeconds: null,
      },
      host: route,
      proxyVariables: proxyVariables(host.environment),
    }
  }

  const wouldBe = async (address: string, resolvers: string[], sinceMs: number): Promise<Attempt | null> => {
    const ip = parseIp(address)
    if (!ip.ok) return null
    const source = deps.sourceAddress(target.source, ip.value.family)
    const route = lacksSource(ip.value.family)
      ? unknownRoute(`${target.source} has no IPv${ip.value.family} address`)
      : await deps.rememberedRoute(address, source, sinceMs)
    return undialledAttempt(address, route, resolvers)
  }

  const judgeNow = (under: Partial<Topology> = {}): NameVerdict => {
    const nowMs = host.clock.monotonicMs()
    const known = deps.hold.known(holdKey, nowMs)
    const cases = known.addresses.flatMap(({ address }) => {
      const alive = living.get(address)
      if (alive !== undefined && alive.untilMs > nowMs) {
        return [
          {
            attempt: alive.attempt,
            context: {
              ...noContext,
              families,
              timeoutsInARow: alive.timeoutsInARow,
              othersConnected: alive.othersConnected,
              late: alive.late,
              confirmation: alive.confirmation,
            },
            topology: { ...topologyOf(alive), ...under },
          },
        ]
      }
      // Answered a moment ago, and not looked at yet: nothing is known of its way.
      const waiting = undialled.get(address) ?? {
        attempt: undialledAttempt(address, unknownRoute('not asked yet')),
        base: null,
        later: new Map<string, KeptReading>(),
      }
      return [
        {
          attempt: waiting.attempt,
          context: { ...noContext, families },
          topology: { ...topologyOf(waiting), ...under },
        },
      ]
    })
    const input = {
      hostname: name.hostname,
      style: name.style,
      resolvers: target.resolvers,
      dns,
      families,
      attempts: cases,
      complete: known.complete,
      tainted: deps.taint.bases(),
    }
    return judgeName(input, { ...deps.surroundings(), ...under, readings: [] })
  }

  return {
    name,
    async cycle(options) {
      const [asked, usable] = await Promise.all([ask(options.signal), deps.families(target.source)])
      options.signal.throwIfAborted()
      dns = asked.filter((o) => o.counts)
      compared = asked.filter((o) => !o.counts)
      families = usable
      for (const observation of [...asked, ...usable]) deps.observed(target, observation)
      const nowMs = host.clock.monotonicMs()
      const dnsSeconds: number[] = []
      for (const observation of dns) {
        for (const answer of [observation.ipv4, observation.ipv6]) {
          if (!answer.answered) continue
          dnsSeconds.push(answer.rttSeconds)
          const addresses = answer.addresses.flatMap((a) => destinationIp(a.address) ?? [])
          deps.hold.answered(holdKey, observation.resolver, addresses, nowMs)
          for (const address of addresses) deps.taint.seen(address, host.clock.wallMs())
        }
      }
      // An address that showed a contradiction stays until that is settled, whatever the resolvers answer.
      const contradicted = new Set(deps.taint.addresses())
      for (const { address, pinned } of deps.hold.known(holdKey, nowMs).addresses) {
        if (contradicted.has(address)) deps.hold.pin(holdKey, address, nowMs)
        else if (pinned) deps.hold.unpin(holdKey, address)
      }
      const known = deps.hold.known(holdKey, nowMs)
      const addresses = new Set(known.addresses.map((a) => a.address))
      for (const address of living.keys()) if (!addresses.has(address)) living.delete(address)
      for (const address of undialled.keys()) if (!addresses.has(address)) undialled.delete(address)
      for (const address of timeouts.keys()) if (!addresses.has(address)) timeouts.delete(address)

      const waiting: [(typeof known.addresses)[number], Attempt][] = []
      for (const held of known.addresses) {
        const base = deps.reading()
        const look = { base, later: new Map<string, KeptReading>() }
        flying.add(look)
        const attempt = await wouldBe(held.address, held.resolvers, nowMs)
        flying.delete(look)
        if (attempt === null) continue
        undialled.set(held.address, { attempt, ...look })
        waiting.push([held, attempt])
      }
      // A family is asked for by samples; a route to one of the very addresses shows that it is usable after all.
      families = families.filter(
        (f) =>
          f.usable ||
          !host.addresses().some((a) => a.family === f.family && !a.linkLocal) ||
          !waiting.some(([, attempt]) => attempt.family === f.family && attempt.host.device !== null),
      )
      const groups = new Map<string, typeof known.addresses>()
      const topology = topologyOf({ base: deps.reading(), later: new Map() })
      for (const [held, attempt] of waiting) {
        const group = groupOf(judgeAttempt(attempt, topology, { ...noContext, families }))
        groups.set(group, [...(groups.get(group) ?? []), held])
      }
      const chosen = choose([...groups.values()], options.perGroup)
      const seconds = dnsSeconds.length === 0 ? null : Math.max(...dnsSeconds)
      await Promise.all(
        chosen.map((address) => {
          const resolvers = known.addresses.find((a) => a.address === address)?.resolvers ?? []
          return deps.connects.run(target.name, options.signal, () =>
            dial(address, resolvers, seconds, options),
          )
        }),
      )
      cycled = true
      return judgeNow()
    },
    rejudge: (under) => (cycled ? judgeNow(under) : null),
    told(attemptId, evidence, confirmation) {
      for (const record of living.values()) {
        if (record.attempt.stamp.id !== attemptId) continue
        record.late.push(...evidence)
        record.confirmation = confirmation
        return true
      }
      return false
    },
    readAgain(reading) {
      for (const record of [...living.values(), ...undialled.values(), ...flying]) {
        if (record.base === null || record.base.content === reading.content) continue
        record.later.set(reading.content, reading)
      }
    },
    compared: () => compared,
    attempts: () => [...living.values()].map((l) => l.attempt),
    forget: () => deps.hold.forget(holdKey),
    moveTo: (hold) => hold.adopt(holdKey, deps.hold),
  }
}
