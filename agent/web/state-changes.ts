import type { StateChange } from '../../exporters/events.ts'
import { redactValue } from '../../model/redact.ts'
import type { NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import type { EgressResult } from '../../model/egress.ts'
import type { Recorded } from '../record.ts'

/** What was last told of a name. */
interface Told {
  state: string
  conflict: boolean
  tainted: boolean
}

interface TargetTold {
  met: boolean | null
  waived: boolean
  names: Map<string, Told>
}

/** Finds out what has changed since it was last told. Nothing of the same kind comes twice in a row with the same value. */
export interface StateChanges {
  /** One thing that was recorded. */
  recorded(record: Recorded): StateChange[]
  /** All that was told and stands, for whoever begins to read here. */
  baseline(): StateChange[]
  /** Verdicts as they stand now, lives run out included: what ended by itself shows here. Also what is watched no more. */
  looked(verdicts: readonly TargetVerdict[], ledgerTrouble: string | null): StateChange[]
}

const mostReasons = 3
const mostAttempts = 8

const keyOf = ({ hostname, style }: NameVerdict): string => `${style}\n${hostname}`

const contradicts = (name: NameVerdict): boolean =>
  name.conflictOfSide || name.attempts.some(({ conflicts }) => conflicts.length > 0)

export function createStateChanges(): StateChanges {
  const told = new Map<string, TargetTold>()
  const egress = new Map<string, EgressResult['state']>()
  const legs = new Map<string, string>()
  let trouble: string | null = null

  const ofName = (target: string, before: Told | null, name: NameVerdict): StateChange[] => {
    const { hostname, style, state, proof, because, tainted } = name
    const of = { target, hostname, style }
    const changes: StateChange[] = []
    if (before?.state !== state) {
      changes.push({
        event: 'verdict',
        ...of,
        before: before?.state ?? null,
        state,
        proof,
        because: because.slice(0, mostReasons),
        attempts: name.attempts
          .filter(({ dialled }) => dialled)
          .slice(0, mostAttempts)
          .map(({ id }) => id),
      })
    }
    const conflict = contradicts(name)
    if ((before?.conflict ?? false) !== conflict) {
      const why = name.attempts.flatMap(({ conflicts }) => conflicts.map((one) => one.because))
      changes.push({ event: 'conflict', ...of, present: conflict, because: why.slice(0, mostReasons) })
    }
    if ((before?.tainted ?? false) !== tainted) changes.push({ event: 'taint', ...of, tainted })
    return changes
  }

  const ofTarget = (verdict: TargetVerdict): StateChange[] => {
    const { target, met, state, waiver, waiverActive } = verdict
    const before = told.get(target) ?? null
    const names = new Map<string, Told>()
    const changes: StateChange[] = []
    for (const name of verdict.names) {
      const key = keyOf(name)
      changes.push(...ofName(target, before?.names.get(key) ?? null, name))
      names.set(key, { state: name.state, conflict: contradicts(name), tainted: name.tainted })
    }
    for (const [key, { state }] of before?.names ?? []) {
      if (!names.has(key)) changes.push(gone(target, key, state))
    }
    if (before === null || before.met !== met) {
      changes.push({
        event: 'requirement',
        target,
        before: before?.met ?? null,
        met,
        state,
        waived: waiverActive,
      })
    }
    if ((before?.waived ?? false) !== waiverActive && waiver !== null) {
      const { untilMs, ticket, reason } = waiver
      const until = new Date(untilMs).toISOString()
      changes.push({ event: 'waiver', target, active: waiverActive, until, ticket, reason })
    }
    told.set(target, { met, waived: waiverActive, names })
    return changes
  }

  const clean = (changes: readonly StateChange[]): StateChange[] => changes.map(redactValue) as StateChange[]

  return {
    recorded(record) {
      switch (record.kind) {
        case 'target_verdict':
          return clean(ofTarget(record.body))
        case 'egress': {
          const { check, state, because } = record.body
          const before = egress.get(check) ?? null
          egress.set(check, state)
          return before === state ? [] : clean([{ event: 'egress', check, before, state, because }])
        }
        case 'first_leg': {
          const { target, leg, before, because } = record.body
          legs.set(target, leg)
          return clean([{ event: 'first_leg', target, before, leg, because: because.slice(0, mostReasons) }])
        }
        case 'lifecycle': {
          const { event, configuration } = record.body
          const what = lifecycles.find((one) => one === event)
          return what === undefined ? [] : [{ event: 'lifecycle', what, configuration }]
        }
        default:
          return []
      }
    },
    baseline() {
      const targets = [...told].map(
        ([target, { met, waived, names }]): StateChange => ({
          event: 'baseline',
          target,
          met,
          waived,
          firstLeg: legs.get(target) ?? null,
          names: [...names].map(([key, name]) => ({ ...nameOf(key), ...name })),
        }),
      )
      const checks = [...egress].map(([check, state]) => ({ check, state }))
      const beside: StateChange = { event: 'baseline', target: null, egress: checks, ledger: trouble }
      return clean(checks.length > 0 || trouble !== null ? [...targets, beside] : targets)
    },
    looked(verdicts, ledgerTrouble) {
      const changes = verdicts.flatMap(ofTarget)
      const watched = new Set(verdicts.map(({ target }) => target))
      for (const [target, { names }] of told) {
        if (watched.has(target)) continue
        for (const [key, { state }] of names) changes.push(gone(target, key, state))
        told.delete(target)
        legs.delete(target)
      }
      if (ledgerTrouble !== trouble) changes.push({ event: 'ledger', trouble: ledgerTrouble })
      trouble = ledgerTrouble
      return clean(changes)
    },
  }
}

const lifecycles = ['started', 'configured', 'configuration_refused', 'stopped'] as const

function nameOf(key: string): { hostname: string; style: string } {
  const [style = '', hostname = ''] = key.split('\n')
  return { hostname, style }
}

function gone(target: string, key: string, before: string): StateChange {
  return { event: 'unwatched', target, ...nameOf(key), before }
}
