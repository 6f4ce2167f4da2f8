import type { LedgerRecord } from '../../ledger/types.ts'
import type { Attempt, DnsObservation, FamilyObservation } from '../../model/observation.ts'
import type { PathState } from '../../model/path.ts'
import { type AttemptVerdict, type NameVerdict, rulesVersion } from '../../model/verdict.ts'
import { rollUp } from '../../verdict/name.ts'
import { judgeTarget } from '../../verdict/target.ts'
import { createReplayBasis } from './replay-basis.ts'
import { countedOf, countedRows, judgeAgain, judgeWholly } from './replay-judge.ts'
import {
  type StoredTarget,
  readAttempt,
  readAttemptVerdict,
  readDns,
  readFamily,
  readTarget,
  readWholeAttempt,
} from './replay-read.ts'

/** A stored verdict that today's rules would not give. */
export interface ReplayChange {
  seq: number
  atMs: number
  of: 'attempt' | 'name' | 'target'
  /** Target, host name or attempt. */
  what: string
  before: string
  now: string
  because: string[]
  /** What was private, blocked or met is so no more. */
  worse: boolean
}

export interface ReplayResult {
  /** Version of the rules that judged again, and those that the verdicts name (null: none is named). */
  rules: { now: number; stored: (number | null)[] }
  attempts: number
  /** Of these, how many were judged by their observation and the account's readings as well. */
  wholly: number
  names: number
  targets: number
  /** Looks that repeat a verdict: they change with it. */
  repeats: number
  changedRepeats: number
  changes: ReplayChange[]
  moreChanges: number
  /** Of verdicts that were judged again, what stayed as it is stored: how many, by what and why. */
  asStored: Record<string, number>
  /** What could not be judged again, by reason. */
  notJudged: Record<string, number>
}

export interface Replay {
  /** Records in their order. */
  take(record: LedgerRecord): void
  result(): ReplayResult
}

const mostKept = 50_000
const mostChanges = 1000

const goodness: readonly PathState[] = ['public', 'mixed', 'undetermined', 'blocked', 'private']

function isWorse(before: PathState, now: PathState): boolean {
  return goodness.indexOf(now) < goodness.indexOf(before)
}

const sayAttempt = ({ state, proof, possible, firstLeg }: AttemptVerdict): string =>
  `${state}${proof === null ? '' : ` (${proof})`}: ${possible.join(', ') || 'nothing possible'}${firstLeg ? `; first leg ${firstLeg.leg}` : ''}`

/** Judges the verdicts of a ledger with today's rules, one record after the other, in bounded memory. */
export function createReplay(): Replay {
  const attempts = new Map<string, AttemptVerdict>()
  const seen = new Map<string, Attempt>()
  const whole = new Map<string, Attempt>()
  const basis = createReplayBasis()
  const dns = new Map<string, DnsObservation>()
  const families = new Map<string, FamilyObservation>()
  const changedTargets = new Set<string>()
  const stored = new Set<number | null>()
  const result: ReplayResult = {
    rules: { now: rulesVersion, stored: [] },
    attempts: 0,
    wholly: 0,
    names: 0,
    targets: 0,
    repeats: 0,
    changedRepeats: 0,
    changes: [],
    moreChanges: 0,
    asStored: {},
    notJudged: {},
  }

  const keep = <V>(map: Map<string, V>, key: string, value: V): void => {
    map.delete(key)
    if (map.size >= mostKept) map.delete(map.keys().next().value ?? '')
    map.set(key, value)
  }
  const skip = (reason: string): void => {
    result.notJudged[reason] = (result.notJudged[reason] ?? 0) + 1
  }
  const change = (one: ReplayChange): void => {
    if (result.changes.length < mostChanges) result.changes.push(one)
    else result.moreChanges++
  }

  const stays = (what: string): void => {
    result.asStored[what] = (result.asStored[what] ?? 0) + 1
  }

  const anew = (before: AttemptVerdict): AttemptVerdict => {
    const attempt = whole.get(before.id)
    const on = attempt === undefined ? null : basis.topologyOf(attempt, before.grounds.late.length > 0)
    if (attempt !== undefined && on !== null && typeof on !== 'string') {
      result.wholly++
      for (const rule of new Set(countedOf(before, attempt).map((one) => one.rule)))
        stays(countedRows[rule] ?? rule)
      if (on.beside && (before.firstLeg ?? null) !== null)
        stays('the first leg: traces and readings of Direct Connect are not kept')
      return judgeWholly(before, attempt, on)
    }
    const without = !before.dialled ? 'it was not dialled' : 'its observation is not kept'
    stays(`rows of routes and addresses: ${on ?? without}`)
    return judgeAgain(before, seen.get(before.id) ?? null)
  }

  const takeAttempt = ({ seq, wallMs, body }: LedgerRecord): void => {
    const before = readAttemptVerdict(body)
    if (before === null) {
      skip('attempt: not a whole verdict')
      return
    }
    stored.add(typeof body['rules'] === 'number' ? body['rules'] : null)
    const now = anew(before)
    keep(attempts, before.id, now)
    result.attempts++
    if (sayAttempt(before) === sayAttempt(now)) return
    change({
      seq,
      atMs: wallMs,
      of: 'attempt',
      what: `${before.id} ${before.hostname} ${before.address}`,
      before: sayAttempt(before),
      now: sayAttempt(now),
      because: reasonsOf(now),
      worse: isWorse(before.state, now.state),
    })
  }

  const nameAgain = (name: StoredTarget['names'][number]): NameVerdict | null => {
    const known = name.attempts.flatMap((id) => attempts.get(id) ?? [])
    if (known.length < name.attempts.length) {
      skip('name: not all of its attempts are kept')
      return null
    }
    const bases = known.flatMap((attempt) => attempt.bases)
    if (name.tainted && bases.length === 0) {
      skip('name: held back by what the ledger does not tell')
      return null
    }
    // Where the answers of DNS raised no doubt they need not be looked at again.
    const asked = name.doubt || name.absent
    const answers = asked
      ? [...dns.values()].filter(({ hostname, counts }) => counts && hostname === name.hostname)
      : []
    const now = rollUp(
      {
        hostname: name.hostname,
        style: name.style,
        resolvers: [...new Set(answers.map(({ resolver }) => resolver))],
        dns: answers,
        families: [...families.values()],
        attempts: [],
        complete: !name.because.some((text) => text.startsWith('more addresses were answered')),
        tainted: name.tainted ? bases : [],
        confirmed:
          name.confirmedProof === null
            ? []
            : bases.map((basis) => ({ basis, rank: name.confirmedProof ?? 'consistent' })),
        confirmation: name.confirmation,
        lastConfirmedMs: name.lastConfirmedMs,
      },
      known,
    )
    if (name.doubt && !now.doubt) {
      skip('name: the doubt that it was judged with is not kept')
      return null
    }
    return now
  }

  const takeTarget = ({ seq, wallMs, body }: LedgerRecord): void => {
    const target = readTarget(body)
    if (target === null) {
      skip('target: not a whole verdict')
      return
    }
    const names: NameVerdict[] = []
    for (const before of target.names) {
      const now = nameAgain(before)
      if (now === null) continue
      result.names++
      // What confirmed it stands in other records; a name that says the same is as proven as it was.
      const same = now.state === before.state
      names.push(same ? { ...now, proof: before.proof, confirmedProof: before.confirmedProof } : now)
      if (same) continue
      changedTargets.add(target.id)
      change({
        seq,
        atMs: wallMs,
        of: 'name',
        what: `${target.target} ${before.hostname}`,
        before: before.state,
        now: now.state,
        because: now.because,
        worse: isWorse(before.state, now.state),
      })
    }
    if (names.length < target.names.length || target.leftOut > 0) {
      skip('target: not all of its names')
      return
    }
    result.targets++
    const now = judgeTarget(
      {
        name: target.target,
        require: target.require,
        minProof: target.minProof,
        requireFirstLeg: 'any',
        waiver: target.waiver,
      },
      names,
      wallMs,
    )
    const met = now.met === null ? null : now.met && !target.firstLegMissing
    if (now.state === target.state && met === target.met) return
    changedTargets.add(target.id)
    const say = (state: string, is: boolean | null) =>
      `${state}${is === null ? '' : is ? ', met' : ', not met'}`
    change({
      seq,
      atMs: wallMs,
      of: 'target',
      what: target.target,
      before: say(target.state, target.met),
      now: say(now.state, met),
      because: now.names.flatMap(({ because }) => because).slice(0, 8),
      worse: isWorse(target.state, now.state) || (target.met === true && met === false),
    })
  }

  /** The rules are made for what this program wrote; a ledger may hold anything. */
  const guarded = (work: (record: LedgerRecord) => void, record: LedgerRecord): void => {
    try {
      work(record)
    } catch {
      skip(`${record.kind}: it has not the form of one`)
    }
  }

  return {
    take(record) {
      const { kind, body } = record
      basis.take(kind, body)
      if (kind === 'observation') {
        const attempt = readAttempt(body)
        const answer = readDns(body)
        const family = readFamily(body)
        const entire = readWholeAttempt(body)
        if (attempt !== null) keep(seen, attempt.stamp.id, attempt)
        if (entire !== null) keep(whole, entire.stamp.id, entire)
        if (answer !== null) keep(dns, `${answer.hostname} ${answer.resolver} ${answer.counts}`, answer)
        if (family !== null) families.set(String(family.family), family)
      } else if (kind === 'attempt_verdict') guarded(takeAttempt, record)
      else if (kind === 'attempt_repeat') {
        const of = attempts.get(String(body['of']))
        const list = Array.isArray(body['attempts']) ? body['attempts'] : []
        for (const entry of list) {
          if (of === undefined) skip('attempt: what it repeats is not kept')
          else if (Array.isArray(entry)) keep(attempts, String(entry[0]), { ...of, id: String(entry[0]) })
        }
      } else if (kind === 'target_verdict') guarded(takeTarget, record)
      else if (kind === 'verdict_repeat' && Array.isArray(body['looks'])) {
        for (const look of body['looks']) {
          const { of, continued } = (typeof look === 'object' && look !== null ? look : {}) as Record<
            string,
            unknown
          >
          if (continued === true) continue
          result.repeats++
          if (changedTargets.has(String(of))) result.changedRepeats++
        }
      }
    },
    result: () => ({ ...result, rules: { ...result.rules, stored: [...stored].sort() } }),
  }
}

function reasonsOf({ evidence, conflicts }: AttemptVerdict): string[] {
  return [
    ...conflicts.map(({ because }) => because),
    ...evidence.map(({ rule, because }) => `${rule}: ${because}`),
  ].slice(0, 6)
}
