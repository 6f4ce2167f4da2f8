import type { TargetFirstLeg } from '../../model/first-leg.ts'
import { pathClasses } from '../../model/path.ts'
import type { Schedule } from '../../model/target.ts'
import type { NameVerdict, TargetVerdict } from '../../model/verdict.ts'

/**
 * How long a verdict may be believed, in seconds from the start of its cycle: three intervals and the
 * deadline; for cron until the next slot and the deadline.
 *
 * `deadlineSeconds`: what one cycle may take. `untilNextSlotSeconds`: asked of the scheduler at the
 * start of the cycle, used for cron only; null (no further slot) leaves the deadline alone.
 */
export function lifeSeconds(
  schedule: Schedule,
  deadlineSeconds: number,
  untilNextSlotSeconds: number | null,
): number {
  if (schedule.kind === 'interval') return 3 * schedule.everySeconds + deadlineSeconds
  return (untilNextSlotSeconds ?? 0) + deadlineSeconds
}

export interface LiveName {
  /** The verdict as it stands now: when its life is over it is `undetermined`. */
  verdict: NameVerdict
  alive: boolean
  /** Seconds of life left, 0 when over. */
  remainingSeconds: number
}

export interface Lives {
  /**
   * A verdict on `key` (one name of one target) whose cycle began at `sinceMs` on the monotonic clock.
   * A late judgement of the same cycle passes the same `sinceMs`: it does not live longer for that. One of an
   * older cycle than the verdict that stands is not taken, unless it is public or contradicts.
   */
  settled(key: string, verdict: NameVerdict, life: { sinceMs: number; lifeSeconds: number }): void
  /** Null before the first verdict. */
  read(key: string): LiveName | null
  alive(key: string): boolean
  remove(key: string): void
}

/**
 * Keeps the last verdict of each name with its end. Nothing runs down by itself: the end is compared
 * with the monotonic clock at each reading, so that a probe that hangs, is skipped or starves can't leave
 * a `private` behind. `monotonicMs` should count suspend.
 */
export function createLives(monotonicMs: () => number): Lives {
  const lives = new Map<string, { verdict: NameVerdict; sinceMs: number; lifeMs: number }>()
  const remaining = (key: string): number => {
    const life = lives.get(key)
    if (life === undefined) return 0
    const ageMs = monotonicMs() - life.sinceMs
    // A cycle that began in the future is a mistake of the caller's; it must not live longer for that.
    return ageMs >= 0 && ageMs < life.lifeMs ? (life.lifeMs - ageMs) / 1000 : 0
  }
  return {
    settled(key, verdict, { sinceMs, lifeSeconds: seconds }) {
      const standing = lives.get(key)
      const older = standing !== undefined && sinceMs < standing.sinceMs
      if (older && !speaksAgainstPrivate(verdict)) return
      lives.set(key, { verdict, sinceMs, lifeMs: seconds * 1000 })
    },
    read(key) {
      const life = lives.get(key)
      if (life === undefined) return null
      const remainingSeconds = remaining(key)
      const alive = remainingSeconds > 0
      return { verdict: alive ? life.verdict : expired(life.verdict), alive, remainingSeconds }
    },
    alive: (key) => remaining(key) > 0,
    remove: (key) => void lives.delete(key),
  }
}

function speaksAgainstPrivate(verdict: NameVerdict): boolean {
  return (
    verdict.state === 'public' ||
    verdict.state === 'mixed' ||
    verdict.conflictOfSide ||
    verdict.tainted === true
  )
}

/** What is left of a verdict when its life is over. Its attempts stay: they are dated and were seen. */
export function expired(verdict: NameVerdict): NameVerdict {
  return {
    ...verdict,
    state: 'undetermined',
    proof: null,
    confirmedProof: null,
    confirmation: 'unavailable',
    possible: [...pathClasses],
    because: [`no verdict in time; the last one, now too old, was ${verdict.state}`],
    wouldDecide: ['a completed probe cycle of this name'],
    absent: false,
  }
}

/**
 * A target's verdict as it stands now. Where a name's life is over, the target's requirement is not met,
 * and the target is `undetermined` unless a name that is alive makes it public or mixed.
 * `live` gives the state of one of its names now, null if there is none.
 */
export function liveTarget(
  verdict: TargetVerdict,
  live: (name: NameVerdict) => LiveName | null,
): TargetVerdict {
  const names = verdict.names.map((name) => {
    const now = live(name)
    return now === null ? { verdict: expired(name), alive: false } : now
  })
  if (names.every((name) => name.alive)) return { ...verdict, names: names.map((name) => name.verdict) }
  const open = names.some(
    ({ verdict: name, alive }) => alive && (name.state === 'public' || name.state === 'mixed'),
  )
  const state =
    open && (verdict.state === 'public' || verdict.state === 'mixed') ? verdict.state : 'undetermined'
  return {
    ...verdict,
    met: verdict.met === null ? null : false,
    state,
    names: names.map((name) => name.verdict),
    ...(verdict.firstLeg !== undefined && { firstLeg: expiredLeg(verdict.firstLeg) }),
  }
}

/** What is left of a first leg when a name's life is over. */
function expiredLeg(firstLeg: TargetFirstLeg | null): TargetFirstLeg | null {
  if (firstLeg === null) return null
  const because = [`no verdict in time; the last first leg, now too old, was ${firstLeg.leg}`]
  const met = firstLeg.met === null ? null : false
  return { ...firstLeg, leg: 'unproven', because, assumptions: [], met }
}
