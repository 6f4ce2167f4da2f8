import type { Appended } from '../../ledger/types.ts'
import type { Look, RepeatedLook } from '../../ledger/records.ts'
import type { Attempt, DnsObservation, FamilyObservation, Observation } from '../../model/observation.ts'
import {
  type AttemptVerdict,
  type NameVerdict,
  type TargetVerdict,
  rulesVersion,
} from '../../model/verdict.ts'
import { attemptKey, coarseKey, targetKey } from './alike.ts'
import { fitted, isPlainlyPrivate, mostMade, recordedTarget, repeatBodies } from './fit.ts'
import type { LedgerBasis } from './basis.ts'
import { createTurns } from './turns.ts'
import type { Recorded, RecordBodies, RecordKind } from '../record.ts'

export interface BodiesDeps {
  /** Writes one record; resolves when it is known what became of it. Never rejects. */
  append(kind: string, body: object): Promise<Appended>
  setTimer(ms: number, fn: () => void): () => void
  /** Unique in the ledger. */
  nextId(): string
  /** What verdicts rest on beside the observations; left out: it is not kept. */
  basis?: LedgerBasis
  /** Calls back after a turn of the event loop; left out: what takes long is done in one go. */
  turn?(fn: () => void): void
  /** What came later than it was taken threw. */
  failed?(error: unknown): void
}

/** From all that is judged to what the ledger keeps of it: in full where it is new, as a short repeat where it is not. */
export interface LedgerBodiesWriter {
  take(record: Recorded): void
  /** Writes what was collected, and all that waits. */
  flush(): void
  /** The checks of ways out by their names, with all that is configured of them: of others, nothing stands any more. */
  checks(configured: ReadonlyMap<string, string>): void
  /** A new segment has begun, or something was lost: whatever stands is written in full again, at once or when it comes up. */
  anew(): void
}

/** A crash loses what is collected, and reports then show a gap. */
const collectMs = 5000
const mostLooks = 100
const mostToldPerLine = 400
const mostFresh = 4096
const mostKnown = 8192
/** Of one judgement; further ones are counted. */
const mostInFull = 64

const shortOf = ({ id, address, localPort }: AttemptVerdict): RepeatedLook['made'][number] => [
  id,
  address,
  localPort,
]

interface Known {
  id: string
  key: string
  coarse: string
}

/** Kinds of which the last one, by what it is of, says how things are: each segment has them anew. */
const standing: { [K in RecordKind]?: (body: Extract<Recorded, { kind: K }>['body']) => string } = {
  vantage: () => '',
  snapshot: () => '',
  posture: () => '',
  target: ({ target }) => target,
  first_leg: ({ target }) => target,
  configuration: ({ part }) => String(part),
  egress: ({ check }) => check,
}

/** Whether the last record of this kind says how things are until the next one. */
export function isStanding(kind: RecordKind): boolean {
  return Object.hasOwn(standing, kind)
}

export function createBodies(deps: BodiesDeps): LedgerBodiesWriter {
  const stands = new Map<string, { kind: string; body: object; said: string }>()
  const looks = new Map<string, Look>()
  const fresh = new Map<string, Attempt>()
  const asked = new Map<string, DnsObservation>()
  const families = new Map<string, FamilyObservation>()
  const known = new Map<string, Known>()
  /** What is written in full, by its key; `saidOf` is what was last written under an id. */
  const written = new Map<string, string>()
  const saidOf = new Map<string, string>()
  let repeats: RepeatedLook[] = []
  let told = new Map<string, [string, number][]>()
  let cancel: (() => void) | null = null
  let checks: ReadonlyMap<string, string> = new Map()
  const turns = createTurns(deps.turn ?? null, (error) => deps.failed?.(error))

  const bounded = <V>(map: Map<string, V>, key: string, value: V, most: number): void => {
    map.delete(key)
    if (map.size >= most)
      for (const oldest of map.keys()) {
        map.delete(oldest)
        break
      }
    map.set(key, value)
  }

  const put = (kind: string, body: object): void => {
    // What can't be written is lost by the ledger's own word for it.
    void deps.append(kind, fitted(body) ?? body).then((appended) => {
      if (!appended.ok) forget()
    })
  }

  /** With all that the reading says, in parts: only as the last thing that is done of what was taken. */
  const putSnapshot = (body: RecordBodies['snapshot'], then: () => void): void => {
    const { basis } = deps
    const parts = function* () {
      let whole: object = body
      try {
        whole = basis === undefined ? body : yield* basis.snapshot(body)
      } finally {
        put('snapshot', whole)
        then()
      }
    }
    turns.begin(parts())
  }

  const forget = (): void => {
    known.clear()
    written.clear()
    saidOf.clear()
    deps.basis?.forget()
  }

  const collect = (): void => {
    cancel ??= deps.setTimer(collectMs, () => {
      cancel = null
      turns.inOrder(flush)
    })
  }

  function flush(): void {
    cancel?.()
    cancel = null
    const [due, told0] = [repeats, told]
    repeats = []
    told = new Map()
    for (const body of repeatBodies(due)) put('verdict_repeat', body)
    for (const [of, attempts] of told0) put('attempt_repeat', { of, attempts })
  }

  const inFull = (verdict: AttemptVerdict, late: boolean): void => {
    put('attempt_verdict', { ...verdict, rules: rulesVersion })
    const key = `${verdict.hostname} ${attemptKey(verdict, late)}`
    bounded(written, key, verdict.id, mostKnown)
    bounded(saidOf, verdict.id, key, mostKnown)
  }

  /** The id under which the same is written already; null: it is not. */
  const alike = (verdict: AttemptVerdict, late: boolean): string | null => {
    const key = `${verdict.hostname} ${attemptKey(verdict, late)}`
    const id = written.get(key)
    return id !== undefined && saidOf.get(id) === key ? id : null
  }

  const madeBy = (verdict: TargetVerdict): AttemptVerdict[] =>
    verdict.names.flatMap(({ attempts }) => attempts.filter(({ id, dialled }) => dialled && fresh.has(id)))

  const writeTarget = (verdict: TargetVerdict, look: Look | null, made: AttemptVerdict[]): string => {
    flush()
    const isMade = new Set(made.map(({ id }) => id))
    let count = 0
    const idsOf = (name: NameVerdict): { ids: string[]; leftOut: number } => {
      const ids = new Set<string>()
      let leftOut = 0
      // Those that are not private first: they stay when there is no more room.
      for (const attempt of name.attempts.toSorted(
        (a, b) => Number(isPlainlyPrivate(a)) - Number(isPlainlyPrivate(b)),
      )) {
        const same = isMade.has(attempt.id) ? null : alike(attempt, false)
        if (same !== null) ids.add(same)
        else if (count >= mostInFull) leftOut++
        else {
          count++
          const seen = fresh.get(attempt.id)
          if (seen !== undefined) {
            deps.basis?.before(seen.stamp.snapshot)
            put('observation', seen)
          }
          inFull(attempt, false)
          ids.add(attempt.id)
        }
      }
      return { ids: [...ids], leftOut }
    }
    if (look !== null) writeAnswers(verdict)
    const id = deps.nextId()
    const ids = [...isMade].slice(0, mostMade)
    put('target_verdict', recordedTarget(verdict, { id, look, made: ids }, idsOf, rulesVersion))
    if (look !== null && made.length > mostMade) {
      const rest = { target: verdict.target, of: id, ...look, made: made.slice(mostMade).map(shortOf) }
      for (const { looks: entries } of repeatBodies([rest]))
        put('verdict_repeat', { looks: entries.map((one) => ({ ...one, continued: true as const })) })
    }
    return id
  }

  /** What the resolvers answered and which families this host can't send, for judging again. */
  const writeAnswers = ({ names }: TargetVerdict): void => {
    const hostnames = new Set(names.map(({ hostname }) => hostname))
    for (const [key, observation] of asked) {
      if (!hostnames.has(observation.hostname)) continue
      put('observation', observation)
      asked.delete(key)
    }
    for (const [key, observation] of families) {
      put('observation', observation)
      families.delete(key)
    }
  }

  const takeTarget = (verdict: TargetVerdict): void => {
    const look = looks.get(verdict.target) ?? null
    looks.delete(verdict.target)
    const made = look === null ? [] : madeBy(verdict)
    const [key, coarse] = [targetKey(verdict), coarseKey(verdict)]
    const last = known.get(verdict.target)
    const same = last !== undefined && (last.key === key || (look === null && last.coarse === coarse))
    if (!same) {
      const id = writeTarget(verdict, look, made)
      known.set(verdict.target, { id, key, coarse })
    } else if (look !== null) {
      repeats.push({
        target: verdict.target,
        of: last.id,
        ...look,
        made: made.map(shortOf),
      })
      if (repeats.length >= mostLooks) flush()
      else collect()
    }
    for (const { id } of made) fresh.delete(id)
  }

  /** Records have spoken of an attempt. Only what is private and contradicts nothing may be told in short. */
  const takeTold = (verdict: AttemptVerdict): void => {
    const same = isPlainlyPrivate(verdict) ? alike(verdict, true) : null
    if (same === verdict.id) return
    if (same === null) {
      flush()
      inFull(verdict, true)
      return
    }
    const list = told.get(same) ?? []
    list.push([verdict.id, verdict.atMs])
    told.set(same, list)
    if (list.length >= mostToldPerLine) flush()
    else collect()
  }

  const observed = (observation: Observation): void => {
    if (observation.kind === 'attempt') bounded(fresh, observation.stamp.id, observation, mostFresh)
    else if (observation.kind === 'dns')
      bounded(
        asked,
        `${observation.hostname} ${observation.resolver} ${observation.counts}`,
        observation,
        mostFresh,
      )
    else if (observation.kind === 'family') {
      const before = families.get(String(observation.family))
      if (!observation.usable || before !== undefined) families.set(String(observation.family), observation)
    }
  }

  const take = (record: Recorded): void => {
    const { kind, body } = record
    if (kind === 'look') {
      const { target, ...look } = body
      looks.set(target, look)
    } else if (kind === 'observation') observed(body)
    else if (kind === 'target_verdict') takeTarget(body)
    else if (kind === 'attempt_verdict') takeTold(body)
    else {
      const of = (standing[kind] as ((body: object) => string) | undefined)?.(body)
      if (of === undefined) {
        // What was seen before the end of a run, or under another configuration, stands before it.
        if (kind === 'lifecycle') flush()
        put(kind, body)
        return
      }
      const name = `${kind} ${of}`
      const said = kind === 'egress' ? `${body.state} ${body.url} ${body.control}` : JSON.stringify(body)
      if (stands.get(name)?.said === said) {
        stands.set(name, { kind, body, said })
        return
      }
      if (kind === 'target' && body.event === 'dropped') {
        stands.delete(name)
        stands.delete(`first_leg ${of}`)
      } else stands.set(name, { kind, body, said })
      if (kind === 'configuration' && body.part === 1)
        for (const [other, { body: old }] of stands)
          if (other.startsWith('configuration ') && (old as typeof body).hash !== body.hash)
            stands.delete(other)
      if (kind === 'snapshot') putSnapshot(body, () => undefined)
      else put(kind, body)
    }
  }

  const anew = (): void => {
    flush()
    put('restated', { event: 'begin' })
    known.clear()
    written.clear()
    saidOf.clear()
    deps.basis?.anew()
    const snapshot = stands.get('snapshot ')
    for (const one of stands.values()) if (one !== snapshot) put(one.kind, one.body)
    // Whoever reads both knows that nothing that comes rests on records from before.
    const restated = (): void => put('restated', { event: 'end' })
    if (snapshot === undefined) restated()
    else putSnapshot(snapshot.body as RecordBodies['snapshot'], restated)
  }

  return {
    take: (record) => turns.inOrder(() => take(record)),
    flush() {
      turns.finish()
      flush()
    },
    checks(configured) {
      turns.inOrder(() => {
        for (const [name, { kind, body }] of stands) {
          const check = kind === 'egress' ? (body as RecordBodies['egress']).check : null
          if (check !== null && configured.get(check) !== checks.get(check)) stands.delete(name)
        }
        checks = configured
      })
    },
    anew: () => turns.inOrder(anew),
  }
}
