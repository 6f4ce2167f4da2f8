import type { Evidence } from '../../model/evidence.ts'
import type { Clock } from '../../model/host.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { judgeTarget } from '../../verdict/target.ts'
import { type Lives, lifeSeconds, liveTarget } from './lives.ts'
import { type NameWatch, watchName } from './name-watch.ts'
import { mostRedirects, redirectedNames } from './redirects.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { TaintBook } from '../evidence/taint.ts'
import type { WatchDeps } from './watch-deps.ts'

export interface FleetDeps {
  clock: Clock
  lives: Lives
  taint: TaintBook
  /** The book of taints has changed: it is to be kept. */
  tainted(): void
  /** Attempts as they are judged now: later readings may have widened what an earlier judgement left. */
  weighed(attempts: readonly AttemptVerdict[]): void
  /** Asked of the scheduler at the start of a cycle; used for cron. */
  nextSlotSeconds(target: string): number | null
  /** A new judgement of a whole target; `changed` if its state or whether it is met differs from the last one. */
  judged(
    target: Target,
    verdict: TargetVerdict,
    attempts: ReadonlyMap<string, Attempt[]>,
    changed: boolean,
  ): void
  /** A cycle is over; what it came to is judged next. Unix milliseconds of its start, and how long what it found may be believed. */
  looked?(target: Target, look: { atMs: number; lifeSeconds: number }): void
  /** A redirect led to further names; they belong to the target from now on. */
  joined(target: Target, names: readonly WatchedName[]): void
}

/** All targets of the configuration with the watches of their names. */
export interface Fleet {
  targets(): Target[]
  /** Takes the targets of a new configuration. Unchanged ones keep what they know unless `anew`. */
  replace(
    targets: readonly Target[],
    shared: WatchDeps & { resolveTrusted(timeoutSeconds: number): Promise<void> },
    anew: boolean,
  ): void
  /** One cycle of one target; rejects only if it was aborted. */
  cycle(name: string, signal: AbortSignal): Promise<void>
  /** A new reading of the account: every name is judged again under it. */
  readAgain(reading: KeptReading): void
  /**
   * Records of the network or of AWS have spoken of attempts, living or not: what they contradict or lift goes into the
   * taint, and the names that rest on them are judged again.
   */
  told(verdicts: readonly AttemptVerdict[]): void
  /** An attempt that was made outside a cycle (a canary, a signed request), with what AWS said of it; its name is judged again. */
  witnessed(witnessed: WitnessedAttempt): void
  /** All watched names with the addresses that each is known to have. */
  known(): { target: Target; name: WatchedName; addresses: string[] }[]
  /** Verdicts as they stand now, lives run out included. */
  verdicts(): TargetVerdict[]
  attempt(id: string): AttemptVerdict | null
}

/** `base`: the reading that was newest when it began. */
export interface WitnessedAttempt {
  target: string
  attempt: Attempt
  base: KeptReading | null
  evidence: readonly Evidence[]
  /** For how long it counts, from its start. */
  lifeSeconds: number
}

interface Watched {
  /** As configured. */
  configured: Target
  /** With the names that redirects led to. */
  target: Target
  watches: NameWatch[]
  shared: WatchDeps & { resolveTrusted(timeoutSeconds: number): Promise<void> }
  /** Start of the last cycle that completed, and how long what it found may be believed. */
  life: { sinceMs: number; lifeSeconds: number } | null
  last: TargetVerdict | null
}

/** Without a look at any name for longer, nobody can say that an address was not seen. */
const mostUnwatchedMs = 2 * 3600 * 1000

export function lifeKey(target: string, hostname: string, style: string): string {
  return `${target}\n${hostname}\n${style}`
}

/** DNS, then the attempt, each within the target's timeout. */
export function deadlineSeconds(target: Target): number {
  return 2 * target.timeoutSeconds
}

export function createFleet(deps: FleetDeps): Fleet {
  const fleet = new Map<string, Watched>()
  /** When taints were looked at last, Unix milliseconds. */
  let lookedMs: number | null = null

  /** True if the names hold, or lift, a taint: then all names must be judged again, for it goes by way and not by name. */
  const weigh = (names: readonly NameVerdict[]): boolean => {
    const attempts = names.flatMap((name) => name.attempts)
    deps.weighed(attempts)
    return weighAttempts(attempts)
  }

  const weighAttempts = (attempts: readonly AttemptVerdict[]): boolean => {
    const changed = attempts.map((attempt) => deps.taint.judged(attempt)).includes(true)
    const expired = expireTaint()
    if (changed || expired) deps.tainted()
    return changed || expired
  }

  /**
   * An address of a taint is forgotten for not being seen only where somebody looked: not after a sleep, a clock that was set
   * or a night between two cycles, and not as long as a name is known to have it.
   */
  const expireTaint = (): boolean => {
    const nowMs = deps.clock.wallMs()
    const looked = lookedMs !== null && nowMs >= lookedMs && nowMs - lookedMs <= mostUnwatchedMs
    lookedMs = nowMs
    const addresses = deps.taint.addresses()
    if (addresses.length === 0) return false
    const known = new Set(
      [...fleet.values()].flatMap(({ watches }) => watches.flatMap((watch) => watch.addresses())),
    )
    for (const address of addresses) if (!looked || known.has(address)) deps.taint.seen(address, nowMs)
    return deps.taint.expire(nowMs)
  }

  const rejudgeAll = (): void => {
    for (const watched of fleet.values()) {
      const names = watched.watches.map((watch) => watch.rejudge())
      if (names.every((n) => n !== null)) settle(watched, names)
    }
  }

  const judged = (watched: Watched, names: NameVerdict[]): void => {
    if (weigh(names)) rejudgeAll()
    else settle(watched, names)
  }

  const settle = (watched: Watched, names: NameVerdict[]): void => {
    const { target, life } = watched
    if (life === null) return
    for (const name of names) deps.lives.settled(lifeKey(target.name, name.hostname, name.style), name, life)
    const verdict = judgeTarget(target, names, deps.clock.wallMs())
    const before = watched.last
    const changed =
      before === null ||
      before.state !== verdict.state ||
      before.met !== verdict.met ||
      before.names.some((n, i) => n.state !== verdict.names[i]?.state)
    watched.last = verdict
    const attempts = new Map(
      watched.watches.map((w) => [`${w.name.hostname}\n${w.name.style}`, w.attempts()]),
    )
    deps.judged(target, verdict, attempts, changed)
  }

  return {
    targets: () => [...fleet.values()].map((w) => w.target),
    replace(targets, shared, anew) {
      const wanted = new Set(targets.map((t) => t.name))
      const forget = ({ target }: Watched): void => {
        for (const name of target.names) deps.lives.remove(lifeKey(target.name, name.hostname, name.style))
      }
      for (const [name, watched] of fleet) {
        if (wanted.has(name)) continue
        forget(watched)
        for (const watch of watched.watches) watch.forget()
        fleet.delete(name)
      }
      for (const target of targets) {
        const known = fleet.get(target.name)
        if (known !== undefined && !anew && JSON.stringify(known.configured) === JSON.stringify(target))
          continue
        // Addresses of names that stay are kept: one that leaks must not vanish because an interval was changed.
        if (known !== undefined) {
          const stays = new Set(target.names.map((n) => `${n.hostname} ${n.port}`))
          forget(known)
          if (known.shared.hold !== shared.hold)
            for (const watch of known.watches)
              if (stays.has(`${watch.name.hostname} ${watch.name.port}`)) watch.moveTo(shared.hold)
          for (const watch of known.watches)
            if (!stays.has(`${watch.name.hostname} ${watch.name.port}`)) watch.forget()
        }
        fleet.set(target.name, {
          configured: target,
          target,
          shared,
          watches: target.names.map((name) => watchName(target, name, shared)),
          life: null,
          last: null,
        })
      }
    },
    async cycle(name, signal) {
      const watched = fleet.get(name)
      if (watched === undefined) return
      const { target, shared } = watched
      const sinceMs = deps.clock.monotonicMs()
      const life = {
        sinceMs,
        lifeSeconds: lifeSeconds(target.schedule, deadlineSeconds(target), deps.nextSlotSeconds(name)),
      }
      await shared.resolveTrusted(target.timeoutSeconds)
      const cycle = (watch: NameWatch) => watch.cycle({ signal, lifeSeconds: life.lifeSeconds, perGroup: 1 })
      await Promise.all(watched.watches.map(cycle))
      const room = target.names.length - watched.configured.names.length
      const led = redirectedNames(
        target.names,
        watched.watches.flatMap((w) => w.attempts()),
      ).slice(0, mostRedirects - room)
      signal.throwIfAborted()
      if (fleet.get(name) !== watched) return
      const further = led.map((one) => watchName(target, one, shared))
      if (led.length > 0) {
        // From now on: a reading or a record that comes while they are looked at must reach them as well.
        watched.watches.push(...further)
        watched.target = { ...target, names: [...target.names, ...led] }
        deps.joined(watched.target, led)
      }
      await Promise.all(further.map(cycle))
      signal.throwIfAborted()
      if (fleet.get(name) !== watched) return
      // Judged at the end: what a watch found must not outlive a reading or a record that came while others were under way.
      const names = watched.watches.map((watch) => watch.rejudge())
      if (!names.every((n) => n !== null)) return
      watched.life = life
      const { clock } = deps
      const atMs = clock.wallMs() - Math.round(clock.monotonicMs() - sinceMs)
      deps.looked?.(target, { atMs, lifeSeconds: life.lifeSeconds })
      judged(watched, names)
    },
    readAgain(reading) {
      for (const { watches } of fleet.values()) for (const watch of watches) watch.readAgain(reading)
      for (const watched of fleet.values()) {
        const names = watched.watches.map((watch) => watch.rejudge())
        if (names.every((n) => n !== null)) judged(watched, names)
      }
    },
    told(verdicts) {
      if (verdicts.length === 0) return
      if (weighAttempts(verdicts)) return rejudgeAll()
      const ids = new Set(verdicts.map(({ id }) => id))
      const hostnames = new Set(verdicts.map(({ hostname, port }) => `${hostname} ${port}`))
      for (const watched of fleet.values()) {
        const concerned = watched.watches.some(
          (watch) =>
            hostnames.has(`${watch.name.hostname} ${watch.name.port}`) ||
            ids.values().some((id) => watch.holds(id)),
        )
        if (!concerned) continue
        const names = watched.watches.map((watch) => watch.rejudge())
        if (names.every((n) => n !== null)) judged(watched, names)
      }
    },
    witnessed({ target, attempt, base, evidence, lifeSeconds: forSeconds }) {
      const watched = fleet.get(target)
      const watch = watched?.watches.find(
        ({ name }) => name.hostname === attempt.hostname && name.port === attempt.port,
      )
      if (watched === undefined || watch === undefined) return
      watch.witnessed(attempt, base, evidence, forSeconds)
      const names = watched.watches.map((one) => one.rejudge())
      if (names.every((n) => n !== null)) judged(watched, names)
    },
    known: () =>
      [...fleet.values()].flatMap(({ target, watches }) =>
        watches.map((watch) => ({ target, name: watch.name, addresses: watch.addresses() })),
      ),
    verdicts: () =>
      [...fleet.values()].flatMap(({ target, last }) =>
        last === null
          ? []
          : [liveTarget(last, (name) => deps.lives.read(lifeKey(target.name, name.hostname, name.style)))],
      ),
    attempt(id) {
      for (const { last } of fleet.values()) {
        for (const name of last?.names ?? []) {
          const found = name.attempts.find((a) => a.id === id)
          if (found !== undefined) return found
        }
      }
      return null
    },
  }
}
