/** Runs what the program keeps from cycle to cycle (hold window, living attempts, readings, taint) through a random life. */
import { createHoldWindow, choose } from '../../agent/watch/hold.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { withLastGood } from '../../aws/snapshot-merge.ts'
import { type Life, life, type Moment } from '../../lab/world/life.ts'
import { limits } from '../../lab/world/observe-account.ts'
import type { SeenAttempt } from '../../lab/world/observe-attempt.ts'
import type { Journey } from '../../lab/world/types.ts'
import type { Basis, Evidence } from '../../model/evidence.ts'
import { sideOf } from '../../model/path.ts'
import type { Snapshot, Topology } from '../../model/topology.ts'
import type { AttemptVerdict, NameVerdict } from '../../model/verdict.ts'
import { judgeAttempt, noContext } from '../../verdict/judge.ts'
import { groupOf, judgeName } from '../../verdict/name.ts'

export interface LifeTally {
  lives: number
  moments: number
  /** Verdicts of names, by state. */
  states: Map<string, number>
  /** Judgements in which an address of an earlier answer leaked that the present answer does not hold. */
  rotatedLeaks: number
  /** Records that contradicted the account. */
  contradictions: number
  /** Judgements that would have been private without the taint. */
  held: number
  /** A record has proven the last attempt, a reading since shows another way, and no attempt was made since. */
  lagging: number
  wrong: string[]
}

export const emptyLifeTally = (): LifeTally => ({
  lives: 0,
  moments: 0,
  states: new Map(),
  rotatedLeaks: 0,
  contradictions: 0,
  held: 0,
  lagging: 0,
  wrong: [],
})

/** To break a part on purpose: a test must see it. */
export interface LifeOptions {
  holdSeconds?: number
  taint?: boolean
  /** Later readings are not put beside the one that was newest at the attempt. */
  rejudged?: boolean
}

interface Kept {
  seen: SeenAttempt
  base: Snapshot | null
  later: Snapshot[]
  /** Unix milliseconds. */
  untilMs: number
  late: Evidence[]
}

const intervalMs = 60_000
const windowMs = 900_000
const holdKey = 'name'

/** What a flow record of the deciding leg leaves: the very class. */
function recordOf({ class: truth }: Journey, atMs: number): Evidence {
  const because = 'a record of this connection'
  return {
    rule: 'flow',
    possible: [truth],
    rank: 'observed',
    because,
    source: 'flow',
    observedAtMs: atMs,
    flags: [],
    assumptions: [],
  }
}

const keyOf = (basis: Basis): string => JSON.stringify(Object.entries(basis).toSorted())
const leaks = ({ delivered, class: how }: Journey): boolean => delivered && sideOf[how] !== 'private'

/** Plays the life of one seed and adds it up. */
export function tryLife(seed: number, tally: LifeTally, options: LifeOptions = {}): void {
  const { holdSeconds = windowMs / 1000, taint = true, rejudged = true } = options
  const lived = life(seed)
  const { vantage, sites, scene } = lived
  const { account, region } = scene.world
  const hold = createHoldWindow({ windowSeconds: holdSeconds })
  const book = createTaintBook()
  const dialled = new Map<string, Kept>()
  const looked = new Map<string, Kept>()
  let current: Snapshot | null = null
  let unrecorded: Kept[] = []
  /** By itself: which addresses showed a contradiction on which basis, and when an address was last answered. */
  const shown = new Map<string, Map<string, number>>()
  const answeredMs = new Map<string, number>()
  tally.lives += 1

  const topologyOf = ({ base, later }: Kept): Topology => ({
    vantage,
    sites,
    limits,
    others: [],
    trustedEndpoints: [],
    readings: base === null ? [] : [base, ...later],
  })
  const contextOf = ({ seen, late }: Kept, { families }: Moment) => {
    const [record] = late
    const isPrivate = record !== undefined && sideOf[record.possible[0] ?? 'relay'] === 'private'
    const confirmation = isPrivate ? ('confirmed' as const) : ('unavailable' as const)
    const { timeoutsInARow, othersConnected } = seen
    return { ...noContext, families, timeoutsInARow, othersConnected, late, confirmation }
  }
  const keptOf = (address: string, atMs: number): Kept | undefined => {
    const alive = dialled.get(address)
    return alive !== undefined && alive.untilMs > atMs ? alive : looked.get(address)
  }

  const judge = (moment: Moment, atMs: number, tainted: Basis[]): NameVerdict => {
    const known = hold.known(holdKey, atMs)
    const attempts = known.addresses.flatMap(({ address }) => {
      const kept = keptOf(address, atMs)
      return kept === undefined
        ? []
        : [
            {
              attempt: kept.seen.attempt,
              context: contextOf(kept, moment),
              topology: topologyOf(kept),
            },
          ]
    })
    const { dns, families } = moment
    return judgeName(
      {
        hostname: lived.hostname,
        style: 'other',
        resolvers: ['system'],
        dns: [dns],
        families,
        attempts,
        complete: known.complete && attempts.length === known.addresses.length,
        tainted,
      },
      { ...topologyOf({ base: null, later: [] } as unknown as Kept) },
    )
  }

  /** `knowable`: everything that decides has been shown to whoever looks. */
  const compare = (
    moment: Moment,
    answer: readonly string[],
    atMs: number,
    truly: (address: string) => Journey,
    knowable: boolean,
    connected: boolean,
  ): void => {
    const verdict = judge(moment, atMs, taint ? book.bases() : [])
    tally.states.set(verdict.state, (tally.states.get(verdict.state) ?? 0) + 1)
    const held = [...answeredMs].filter(([, ms]) => atMs - ms <= windowMs).map(([address]) => address)
    const leaking = held.filter((address) => leaks(truly(address)))
    if (leaking.some((address) => !answer.includes(address))) tally.rotatedLeaks += 1
    if (verdict.state !== 'private') {
      if (verdict.tainted && judge(moment, atMs, []).state === 'private') tally.held += 1
      return
    }
    const own = (address: string): AttemptVerdict | undefined =>
      verdict.attempts.find((a) => a.address === address)
    const contradicted = (address: string): boolean =>
      (own(address)?.bases ?? []).some((basis) => shown.has(keyOf(basis)))
    // A record has shown the way of this very attempt. That it is another one now is for the next attempt to find.
    const recorded = (address: string): boolean => {
      const kept = keptOf(address, atMs)
      return !connected && kept !== undefined && kept.late.length > 0 && !leaks(kept.seen.truth)
    }
    const wrong = leaking.filter((address) => (knowable && !recorded(address)) || contradicted(address))
    if (knowable && leaking.some(recorded)) tally.lagging += 1
    const when = connected ? 'after the connections' : 'after the reading'
    if (wrong.length > 0) tally.wrong.push(explain(lived, moment, when, wrong, truly, verdict))
  }

  const takeReading = (moment: Moment): void => {
    const read = decodeSnapshot(moment.reading, { source: 'lab', account, region })
    if (!Object.values(read.parts).some((part) => part.read)) return
    current = withLastGood(current, read)
    if (!rejudged) return
    for (const kept of [...dialled.values(), ...looked.values()])
      if (kept.base !== null) kept.later.push(current)
  }

  /** Records come one cycle late, of some of the connections. */
  const takeRecords = (moment: Moment): void => {
    for (const [n, kept] of unrecorded.entries()) {
      const { truth, attempt } = kept.seen
      if (!truth.delivered || attempt.outcome.reached !== 'tls' || (seed + n) % 3 === 0) continue
      const before = judgeAttempt(attempt, topologyOf(kept), contextOf(kept, moment))
      kept.late.push(recordOf(truth, attempt.stamp.wallMs))
      const after = judgeAttempt(attempt, topologyOf(kept), contextOf(kept, moment))
      book.judged(after)
      const { address, bases } = after
      for (const basis of bases) {
        const key = keyOf(basis)
        const addresses = shown.get(key) ?? new Map<string, number>()
        if (leaks(truth)) {
          addresses.set(address, attempt.stamp.wallMs)
          shown.set(key, addresses)
        } else if ((addresses.get(address) ?? Infinity) < attempt.stamp.wallMs) addresses.delete(address)
        if (addresses.size === 0) shown.delete(key)
      }
      if (before.state === 'private' && leaks(truth)) tally.contradictions += 1
    }
    unrecorded = []
  }

  let last: Moment | null = null
  for (const moment of lived.moments) {
    const { atMs, answered } = moment
    tally.moments += 1
    takeReading(moment)
    const readMs = atMs - 500
    if (last !== null) {
      takeRecords(last)
      const knowable = moment.honestThen && moment.whole
      compare(last, last.answered, readMs, moment.trulyThen, knowable, false)
    }
    hold.answered(holdKey, 'system', answered, atMs)
    for (const address of answered) {
      answeredMs.set(address, atMs)
      book.seen(address, atMs)
    }
    const pinned = new Set(book.addresses())
    const { addresses } = hold.known(holdKey, atMs)
    for (const { address } of addresses) if (pinned.has(address)) hold.pin(holdKey, address, atMs)
    const groups = new Map<string, typeof addresses>()
    for (const held of addresses) {
      const kept = { seen: moment.look(held.address, false), base: current, later: [], late: [], untilMs: 0 }
      looked.set(held.address, kept)
      const group = groupOf(judgeAttempt(kept.seen.attempt, topologyOf(kept), contextOf(kept, moment)))
      groups.set(group, [...(groups.get(group) ?? []), held])
    }
    for (const address of choose([...groups.values()])) {
      hold.dialled(holdKey, address, atMs)
      const seen = moment.look(address, true)
      const kept = { seen, base: current, later: [], late: [], untilMs: atMs + 3 * intervalMs }
      dialled.set(address, kept)
      unrecorded.push(kept)
    }
    compare(moment, answered, atMs, moment.truly, moment.honest && moment.whole, true)
    last = moment
  }
}

function explain(
  lived: Life,
  moment: Moment,
  when: string,
  wrong: readonly string[],
  truly: (address: string) => Journey,
  verdict: NameVerdict,
): string {
  const { seed, moments, lies } = lived
  const lines = [
    `life ${seed}, moment ${moments.indexOf(moment)} of ${moments.length}, ${when}: ${lived.hostname} is private`,
    `lies ${lies}; honest ${moments.map((m) => `${m.honestThen}/${m.honest}/${m.whole}`).join(' ')}`,
  ]
  for (const address of wrong) {
    const { class: how, hops } = truly(address)
    lines.push(`${address} truly goes by ${how}: ${hops.join(' | ')}`)
  }
  for (const a of verdict.attempts) {
    lines.push(`  ${a.localAddress} -> ${a.address} ${a.state}/${a.wouldBe} {${a.possible.join(' ')}}`)
    for (const e of a.evidence) lines.push(`    ${e.rank} ${e.rule}: {${e.possible.join(' ')}} ${e.because}`)
  }
  return lines.join('\n')
}

/** The sum as text. */
export function lifeText(tally: LifeTally): string {
  const { lives, moments, states, rotatedLeaks, contradictions, held, lagging, wrong } = tally
  const shares = [...states].toSorted().map(([state, count]) => `${count} ${state}`)
  return (
    `${lives} lives of ${moments} cycles: names ${shares.join(', ')}; ${rotatedLeaks} times a leak was not in the present answer, ` +
    `${contradictions} records contradicted the account, taint held ${held} verdicts back, ${lagging} stood by a record until the next attempt; ${wrong.length} false private`
  )
}
