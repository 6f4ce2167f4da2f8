import type { Attempt, DnsObservation, FamilyObservation } from '../../model/observation.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Topology } from '../../model/topology.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { destinationIp } from '../../net/ip.ts'
import { unknownRoute } from '../../probes/tls.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { type AttemptContext, noContext } from '../../verdict/judge.ts'
import { type JudgedOnce, judgedOnce } from '../../verdict/judged-once.ts'
import { groupOf, rollUp } from '../../verdict/name.ts'
import { resolverViews } from '../../verdict/resolvers.ts'
import { askResolvers } from './ask-resolvers.ts'
import { dialAddress, undialledAttempt, wouldBeAttempt } from './dial-address.ts'
import { type HoldWindow, choose } from './hold.ts'
import type { DialledAttempt } from '../evidence/late-watch.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { WatchDeps } from './watch-deps.ts'

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
  once: JudgedOnce
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
  /** Asks and dials once; `rejudge` says what it comes to. */
  cycle(options: CycleOptions): Promise<void>
  /** Judges again what is known, for example under a new reading or other limits. Null before the first cycle. */
  rejudge(under?: Partial<Topology>): NameVerdict | null
  /**
   * An attempt that was made elsewhere (a canary, a signed request), with what AWS said of it already. It counts like
   * one of a cycle's. `base`: the reading that was newest when it began.
   */
  witnessed(
    attempt: Attempt,
    base: KeptReading | null,
    evidence: readonly Evidence[],
    lifeSeconds: number,
  ): void
  /** Addresses that it is known to have now. */
  addresses(): string[]
  /** Whether an attempt is one of those that its verdict rests on now. */
  holds(attemptId: string): boolean
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
  const undialled = new Map<string, Pick<Living, 'base' | 'later' | 'once' | 'attempt'>>()
  /** Attempts under way: readings that come meanwhile are theirs as well, even if they are withdrawn again. */
  const flying = new Set<Pick<Living, 'base' | 'later'>>()
  const timeouts = new Map<string, { count: number; sinceMs: number }>()
  let dns: DnsObservation[] = []
  let compared: DnsObservation[] = []
  let families: FamilyObservation[] = []
  let cycled = false

  const topologyOf = (l: Pick<Living, 'base' | 'later'>, around = deps.surroundings()): Topology => ({
    ...around,
    readings: [
      ...(l.base === null ? [] : [l.base.snapshot]),
      ...[...l.later.values()].map((r) => r.snapshot),
    ],
    ...(l.base?.others !== undefined && {
      others: [...new Set([l.base, ...l.later.values()].flatMap((r) => r.others ?? []))],
    }),
  })

  const contextOf = ({ attempt, timeoutsInARow, othersConnected }: Living): AttemptContext => {
    const { evidence, confirmation } = deps.late.wordOn(attempt.stamp.id)
    return { families, timeoutsInARow, othersConnected, late: evidence, confirmation }
  }

  const wayOf = (attempt: Attempt) => `${attempt.host.device ?? '?'}|${attempt.family}`

  const dial = async (
    address: string,
    resolvers: string[],
    dnsSeconds: number | null,
    options: CycleOptions,
  ) => {
    const base = deps.reading()
    const flight: Pick<Living, 'base' | 'later'> = { base, later: new Map() }
    flying.add(flight)
    const startedMs = host.clock.monotonicMs()
    deps.hold.dialled(holdKey, address, startedMs)
    deps.taint.seen(address, host.clock.wallMs())
    const attempt = await dialAddress(
      target,
      name,
      { address, resolvers, dnsSeconds },
      deps,
      options.signal,
    ).finally(() => flying.delete(flight))
    if (attempt === null) return
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
      once: judgedOnce(),
    }
    living.set(address, record)
    if (deps.late.made(attempt)) deps.late.dialled(asDialled(record))
  }

  /** As it is judged by what is known now, for records that come later. */
  const asDialled = (record: Living): DialledAttempt => {
    const topology = topologyOf(record)
    const judged = record.once.judged(record.attempt, topology, contextOf(record))
    const points = capturePoints(judged, topology)
    return { target: target.name, attempt: record.attempt, verdict: judged.verdict, points }
  }

  /** Which way an address that was looked at would go. */
  const groupOfLook = (address: string, attempt: Attempt, topology: Topology): string => {
    const once = undialled.get(address)?.once ?? judgedOnce()
    return groupOf(once.judged(attempt, topology, { ...noContext, families }).verdict)
  }

  /** What the resolvers say of the name stands beside its verdict, with its dates. */
  const withResolvers = (verdict: NameVerdict, under: Partial<Topology>): NameVerdict => {
    const readings = [deps.reading()?.snapshot ?? []].flat()
    const topology = { ...deps.surroundings(), ...under, readings }
    const views = resolverViews(name.hostname, [...dns, ...compared], topology)
    const resolvers = deps.resolverBook?.dated(holdKey, views) ?? views
    return {
      ...verdict,
      resolvers,
      because: [...verdict.because, ...resolvers.flatMap((v) => v.because ?? [])],
    }
  }

  const judgeNow = (under: Partial<Topology> = {}): NameVerdict => {
    const nowMs = host.clock.monotonicMs()
    // One that showed a contradiction may have left the window by the next cycle.
    for (const address of deps.taint.addresses())
      if (living.has(address)) deps.hold.pin(holdKey, address, nowMs)
    const known = deps.hold.known(holdKey, nowMs)
    const around = deps.surroundings()
    const cases = known.addresses.map(({ address }) => {
      const alive = living.get(address)
      if (alive !== undefined && alive.untilMs > nowMs) {
        return {
          attempt: alive.attempt,
          context: contextOf(alive),
          topology: { ...topologyOf(alive, around), ...under },
          once: alive.once,
        }
      }
      // Answered a moment ago, and not looked at yet: nothing is known of its way.
      const waiting = undialled.get(address) ?? {
        attempt: undialledAttempt(name, address, unknownRoute('not asked yet'), [], deps),
        base: null,
        later: new Map<string, KeptReading>(),
        once: judgedOnce(),
      }
      return {
        attempt: waiting.attempt,
        context: { ...noContext, families },
        topology: { ...topologyOf(waiting, around), ...under },
        once: waiting.once,
      }
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
      taintedBecause: deps.taint.reasons(),
      ...deps.late.wordOnName(name.hostname, name.port, target.confirmWithinSeconds),
    }
    const judged = cases.map(({ attempt, context, topology, once }) =>
      once.advised(attempt, topology, context),
    )
    const { attempts, asOf } = deps.late.aged(name, judged, target.evidenceAgeSeconds)
    return withResolvers(rollUp(input, attempts, asOf), under)
  }

  return {
    name,
    async cycle(options) {
      const [asked, usable] = await Promise.all([
        askResolvers(target, name, deps, options.signal),
        deps.families(target.source),
      ])
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
      // Asked at the same time: the kernel then answers for all of them at once.
      await Promise.all(
        known.addresses.map(async (held) => {
          const base = deps.reading()
          const look = { base, later: new Map<string, KeptReading>() }
          flying.add(look)
          const attempt = await wouldBeAttempt(target, name, held, deps, nowMs)
          flying.delete(look)
          if (attempt === null) return
          undialled.set(held.address, { attempt, ...look, once: judgedOnce() })
          waiting.push([held, attempt])
        }),
      )
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
        // One alone is chosen in whatever group it is.
        const group = waiting.length === 1 ? '' : groupOfLook(held.address, attempt, topology)
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
      // Of those that are dialled the attempt is judged, not the look.
      for (const [address, look] of undialled) if (living.has(address)) look.once = judgedOnce()
      cycled = true
    },
    rejudge: (under) => (cycled ? judgeNow(under) : null),
    witnessed(attempt, base, evidence, lifeSeconds) {
      const newest = deps.reading()
      const later = new Map<string, KeptReading>()
      if (base !== null && newest !== null && newest.content !== base.content)
        later.set(newest.content, newest)
      const { stamp, address } = attempt
      const record: Living = {
        attempt,
        base,
        later,
        timeoutsInARow: 0,
        othersConnected: false,
        untilMs: stamp.monotonicMs + lifeSeconds * 1000,
        once: judgedOnce(),
      }
      deps.hold.dialled(holdKey, address, stamp.monotonicMs)
      deps.taint.seen(address, host.clock.wallMs())
      deps.late.witnessed(asDialled(record), evidence)
      const known = living.get(address)
      if (known === undefined || known.attempt.stamp.monotonicMs <= stamp.monotonicMs)
        living.set(address, record)
    },
    addresses: () =>
      deps.hold.known(holdKey, host.clock.monotonicMs()).addresses.map(({ address }) => address),
    holds: (attemptId) => living.values().some(({ attempt }) => attempt.stamp.id === attemptId),
    readAgain(reading) {
      for (const record of [...living.values(), ...undialled.values(), ...flying]) {
        if (record.base === null || record.base.content === reading.content) continue
        record.later.set(reading.content, reading)
      }
    },
    compared: () => compared,
    attempts: () => [...living.values()].map((l) => l.attempt),
    forget() {
      deps.hold.forget(holdKey)
      deps.resolverBook?.forget(holdKey)
    },
    moveTo: (hold) => hold.adopt(holdKey, deps.hold),
  }
}
