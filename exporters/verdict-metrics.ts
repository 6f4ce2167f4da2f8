import type { Attempt } from '../model/observation.ts'
import type { PathState } from '../model/path.ts'
import { pathStates } from '../model/path.ts'
import type { Target, WatchedName } from '../model/target.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict, Waiver } from '../model/verdict.ts'
import { addressStates } from './catalogue.ts'
import type { Counter, Gauge, SeriesGroup, SeriesSet } from './prometheus.ts'

/** Says whether the life of the last verdict on a name is not over; false if there is none. */
export type IsAlive = (target: string, hostname: string, style: string) => boolean

export interface VerdictMetrics {
  /**
   * The targets as configured or discovered. New ones get all their series at once, with the values of "nothing is
   * known"; series of targets and names that are gone vanish; what is unchanged keeps its values.
   */
  sync(targets: readonly Target[]): void
  /** A new verdict on a target, judged at `atMs` (Unix). Names that are not watched get no series. */
  update(verdict: TargetVerdict, atMs: number): void
  /** The attempts of one cycle on a name: the certificates shown, also those that do not verify. */
  attempted(target: string, hostname: string, style: string, attempts: readonly Attempt[]): void
  /** To be called at each scrape: what depends on time (life, waiver) is worked out for `nowMs` (Unix). */
  refresh(isAlive: IsAlive, nowMs: number): void
}

/** `blocked` is not private by anybody's wish: where it is required, the gauge would only mislead. */
function showsPrivate(target: Target): boolean {
  return target.require.kind !== 'blocked'
}

/**
 * Whether this verdict may show as 1: state private, by configured or stronger evidence, without conflict
 * of side and without taint. Life is asked for at the scrape.
 */
export function provenPrivate(verdict: NameVerdict): boolean {
  return (
    verdict.state === 'private' &&
    (verdict.proof === 'configured' || verdict.proof === 'observed' || verdict.proof === 'attested') &&
    !verdict.conflictOfSide &&
    !verdict.tainted &&
    !verdict.attempts.some((attempt) => attempt.conflicts.some((conflict) => conflict.of === 'side'))
  )
}

export function createVerdictMetrics(series: SeriesSet): VerdictMetrics {
  const targets = new Map<string, TargetSeries>()
  return {
    sync(wanted) {
      const names = new Set(wanted.map((target) => target.name))
      for (const [name, target] of targets) {
        if (names.has(name)) continue
        target.close()
        targets.delete(name)
      }
      for (const target of wanted) {
        const known = targets.get(target.name) ?? createTargetSeries(series, target.name)
        targets.set(target.name, known)
        known.configure(target)
      }
    },
    update: (verdict, atMs) => targets.get(verdict.target)?.update(verdict, atMs),
    attempted: (target, hostname, style, attempts) =>
      targets.get(target)?.names.get(nameKey(hostname, style))?.attempted(attempts),
    refresh(isAlive, nowMs) {
      for (const target of targets.values()) target.refresh(isAlive, nowMs)
    },
  }
}

interface TargetSeries {
  names: Map<string, NameSeries>
  configure(target: Target): void
  update(verdict: TargetVerdict, atMs: number): void
  refresh(isAlive: IsAlive, nowMs: number): void
  close(): void
}

function createTargetSeries(series: SeriesSet, target: string): TargetSeries {
  const group = series.group()
  const waiverActive = group.gauge('pathproof_waiver_active', { target })
  const waiverExpiry = group.gauge('pathproof_waiver_expiry_timestamp_seconds', { target })
  const names = new Map<string, NameSeries>()
  // Where nothing is required there is nothing to meet, and a 0 would page somebody.
  let met: Gauge | null = null
  let waiver: Waiver | null = null
  let demand = ''
  let last: TargetVerdict | null = null

  /** A verdict on another requirement (before a reload), or on fewer names, says nothing about this one. */
  const metNow = (verdict: TargetVerdict): boolean => {
    const judged = new Set(verdict.names.map((name) => nameKey(name.hostname, name.style)))
    return (
      verdict.met === true && demandOf(verdict) === demand && names.keys().every((key) => judged.has(key))
    )
  }

  const aliveNow = (verdict: TargetVerdict, isAlive: IsAlive): boolean =>
    verdict.names.every((name) => isAlive(target, name.hostname, name.style))

  return {
    names,
    configure(configured) {
      waiver = configured.waiver
      waiverExpiry.set(waiver === null ? NaN : waiver.untilMs / 1000)
      demand = demandOf(configured)
      if (configured.require.kind === 'none') {
        met?.remove()
        met = null
      } else met ??= group.gauge('pathproof_requirement_met', { target })
      const wanted = new Map(configured.names.map((name) => [nameKey(name.hostname, name.style), name]))
      for (const [key, name] of names) {
        if (wanted.has(key)) continue
        name.close()
        names.delete(key)
      }
      for (const [key, name] of wanted) {
        const known = names.get(key) ?? createNameSeries(series, target, name)
        names.set(key, known)
        known.showPrivate(showsPrivate(configured))
      }
    },
    update(verdict, atMs) {
      last = verdict
      // Two watched names can share their labels (another port): then the worse verdict shows.
      for (const [key, verdicts] of Map.groupBy(verdict.names, (name) =>
        nameKey(name.hostname, name.style),
      )) {
        names.get(key)?.update(verdicts, atMs)
      }
    },
    refresh(isAlive, nowMs) {
      met?.set(last !== null && metNow(last) && aliveNow(last, isAlive) ? 1 : 0)
      waiverActive.set(waiver !== null && nowMs < waiver.untilMs ? 1 : 0)
      for (const name of names.values()) name.refresh(isAlive)
    },
    close() {
      for (const name of names.values()) name.close()
      group.close()
    },
  }
}

function demandOf({ require, minProof }: Pick<Target, 'require' | 'minProof'>): string {
  return JSON.stringify([require, minProof])
}

interface NameSeries {
  showPrivate(shown: boolean): void
  update(verdicts: readonly NameVerdict[], atMs: number): void
  attempted(attempts: readonly Attempt[]): void
  refresh(isAlive: IsAlive): void
  close(): void
}

/** What is shown of a name; the counts are by state of the address. */
interface Shown {
  private: boolean
  state: PathState
  class: string
  proof: string
  confirmation: NameVerdict['confirmation']
  addresses: Record<(typeof addressStates)[number], number>
}

const nothingKnown: Shown = {
  private: false,
  state: 'undetermined',
  class: 'several',
  proof: 'none',
  confirmation: 'unavailable',
  addresses: { private: 0, public: 0, blocked: 0, undetermined: 0, unprobed: 0 },
}

function createNameSeries(series: SeriesSet, target: string, { hostname, style }: WatchedName): NameSeries {
  const labels = { target, hostname, style }
  const group = series.group()
  const states = pathStates.map((state): [PathState, Gauge] => [
    state,
    group.gauge('pathproof_path_state', { ...labels, state }),
  ])
  const addresses = addressStates.map((state) => ({
    state,
    gauge: group.gauge('pathproof_addresses', { ...labels, state }),
  }))
  const lastVerdict = group.gauge('pathproof_last_verdict_timestamp_seconds', labels)
  const lastConfirmed = group.gauge('pathproof_last_confirmed_timestamp_seconds', labels)
  const tainted = group.gauge('pathproof_tainted', labels)
  const handshake = group.gauge('pathproof_last_tls_handshake_seconds', labels)
  const notAfter = group.gauge('pathproof_tls_certificate_not_after_timestamp_seconds', labels)
  const countConflicts = conflictCounter(group.counter('pathproof_evidence_conflicts_total', labels))
  let isPrivate: Gauge | null = null
  let info: { key: string; gauge: Gauge } | null = null
  // What stands while the verdict lives, and what when its life is over.
  let last: { living: Shown; old: Shown } | null = null
  let shown: Shown | null = null
  let confirmedMs = 0

  const show = (next: Shown): void => {
    if (shown === next) return
    shown = next
    isPrivate?.set(next.private ? 1 : 0)
    for (const [state, gauge] of states) gauge.set(state === next.state ? 1 : 0)
    for (const { state, gauge } of addresses) gauge.set(next.addresses[state])
    info = replaceInfo(group, info, {
      ...labels,
      class: next.class,
      proof: next.proof,
      confirmation: next.confirmation,
    })
  }

  handshake.set(NaN)
  notAfter.set(NaN)
  show(nothingKnown)

  return {
    showPrivate(wanted) {
      if (wanted === (isPrivate !== null)) return
      isPrivate?.remove()
      isPrivate = wanted ? group.gauge('pathproof_path_private', labels) : null
      isPrivate?.set(shown?.private === true ? 1 : 0)
    },
    update(verdicts, atMs) {
      const attempts = verdicts.flatMap((verdict) => verdict.attempts)
      const living = worst(verdicts.map(shownOf))
      last = { living, old: tooOld(living) }
      show(living)
      lastVerdict.set(atMs / 1000)
      tainted.set(verdicts.some((verdict) => verdict.tainted) ? 1 : 0)
      countConflicts(attempts)
      for (const { lastConfirmedMs } of verdicts) confirmedMs = Math.max(confirmedMs, lastConfirmedMs ?? 0)
      lastConfirmed.set(confirmedMs / 1000)
      const seconds = lastHandshakeSeconds(attempts)
      if (seconds !== null) handshake.set(seconds)
    },
    attempted(attempts) {
      const ends = attempts.flatMap(({ outcome }) =>
        outcome.reached === 'tls' && outcome.tls.certificate !== null
          ? [outcome.tls.certificate.notAfterMs]
          : [],
      )
      if (ends.length > 0) notAfter.set(Math.min(...ends) / 1000)
    },
    refresh(isAlive) {
      if (last === null) return
      show(isAlive(target, hostname, style) ? last.living : last.old)
    },
    close: () => group.close(),
  }
}

function shownOf(verdict: NameVerdict): Shown {
  const addresses = { ...nothingKnown.addresses }
  for (const attempt of verdict.attempts) addresses[stateOfAddress(attempt)]++
  return {
    private: provenPrivate(verdict),
    state: verdict.state,
    class: verdict.possible.length === 1 ? (verdict.possible[0] ?? 'several') : 'several',
    proof: verdict.proof ?? 'none',
    confirmation: verdict.confirmation,
    addresses,
  }
}

function stateOfAddress(attempt: AttemptVerdict): (typeof addressStates)[number] {
  if (!attempt.dialled) return 'unprobed'
  return attempt.state === 'mixed' ? 'undetermined' : attempt.state
}

const stateOrder: readonly PathState[] = ['public', 'mixed', 'undetermined', 'blocked', 'private']

function worst(all: readonly Shown[]): Shown {
  const [first = nothingKnown, ...others] = [...all].sort(
    (a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state),
  )
  if (others.length === 0) return first
  const addresses = { ...first.addresses }
  for (const other of others) for (const state of addressStates) addresses[state] += other.addresses[state]
  return { ...first, private: all.every((shown) => shown.private), addresses }
}

/** Nothing is claimed any more, not even of single addresses. */
function tooOld(last: Shown): Shown {
  const { private: a, public: b, blocked: c, undetermined: d, unprobed } = last.addresses
  const addresses = { ...nothingKnown.addresses, undetermined: a + b + c + d, unprobed }
  return { ...nothingKnown, addresses }
}

function replaceInfo(
  group: SeriesGroup,
  current: { key: string; gauge: Gauge } | null,
  labels: Record<'target' | 'hostname' | 'style' | 'class' | 'proof' | 'confirmation', string>,
): { key: string; gauge: Gauge } {
  const key = `${labels.class} ${labels.proof} ${labels.confirmation}`
  if (current?.key === key) return current
  current?.gauge.remove()
  const gauge = group.gauge('pathproof_path_info', labels)
  gauge.set(1)
  return { key, gauge }
}

/** Counts each conflict of each attempt once, also when late evidence makes the same attempt be judged again. */
function conflictCounter(counter: Counter): (attempts: readonly AttemptVerdict[]) => void {
  let counted = new Map<string, number>()
  return (attempts) => {
    const next = new Map<string, number>()
    for (const { id, conflicts } of attempts) {
      const before = counted.get(id) ?? 0
      counter.add(Math.max(0, conflicts.length - before))
      next.set(id, Math.max(before, conflicts.length))
    }
    counted = next
  }
}

function lastHandshakeSeconds(attempts: readonly AttemptVerdict[]): number | null {
  let last: AttemptVerdict | null = null
  for (const attempt of attempts) {
    if (attempt.timings.tlsHandshakeSeconds === null) continue
    if (last === null || attempt.atMs >= last.atMs) last = attempt
  }
  return last?.timings.tlsHandshakeSeconds ?? null
}

function nameKey(hostname: string, style: string): string {
  return `${style} ${hostname}`
}
