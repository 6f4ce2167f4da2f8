import type { Evidence } from '../../model/evidence.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'

/** What a piece of evidence says, without its words, its time and where it was seen. */
function evidenceKey({ rule, possible, rank, flags, assumptions }: Evidence): unknown {
  return [rule, possible, rank, flags, assumptions]
}

/**
 * Alike for attempts of one name of which the same is to be said but for ids, times, ports and addresses. One that was dialled
 * and is not private keeps its address: each public address has a record of its own. `late`: what records said of it counts
 * as well; without, only what the attempt, the account's readings and its state show.
 */
export function attemptKey(verdict: AttemptVerdict, late: boolean): string {
  const { grounds, conflicts } = verdict
  const lately = new Set(late ? [] : grounds.late)
  const evidence = verdict.evidence.flatMap((one, index) => (lately.has(index) ? [] : [evidenceKey(one)]))
  const own = verdict.dialled && verdict.state !== 'private' ? verdict.address : null
  return JSON.stringify([
    verdict.port,
    verdict.family,
    verdict.state,
    verdict.wouldBe,
    verdict.connected,
    verdict.dialled,
    verdict.blockedByTimeouts,
    verdict.possible,
    evidence,
    conflicts.map(({ rank, of, evidence: aside }) => [rank, of, aside.map(evidenceKey)]),
    verdict.bases,
    verdict.networkInterface,
    verdict.flags,
    grounds.start,
    verdict.firstLeg?.leg ?? null,
    late ? [verdict.proof, verdict.confirmation] : null,
    own,
  ])
}

/** Numbers and addresses in a sentence come and go with each answer of DNS. */
function shapeOf(sentence: string): string {
  return sentence.slice(0, 500).replace(/[0-9a-fA-F.:]*\d[0-9a-fA-F.:]*/g, '#')
}

function nameKey(name: NameVerdict): unknown {
  return [
    name.hostname,
    name.style,
    name.state,
    name.proof,
    name.confirmedProof,
    name.confirmation,
    name.possible,
    name.conflictOfSide,
    name.tainted,
    name.doubt,
    name.absent,
    name.doubt ? [...new Set(name.because.map(shapeOf))].sort() : null,
    [...new Set(name.attempts.map((attempt) => attemptKey(attempt, false)))].sort(),
  ]
}

function headOf(verdict: TargetVerdict): unknown[] {
  const { met, state, require, minProof, waiver, waiverActive, firstLeg } = verdict
  return [met, state, require, minProof, waiver, waiverActive, firstLeg?.leg ?? null, firstLeg?.met ?? null]
}

/** Alike for verdicts of which the same is to be said, but for ids, times, ports, and addresses that go the same way. */
export function targetKey(verdict: TargetVerdict): string {
  return JSON.stringify([headOf(verdict), verdict.names.map(nameKey)])
}

/** The same, of what decides only: by it is seen whether a judgement between two looks says anything new. */
export function coarseKey(verdict: TargetVerdict): string {
  const names = verdict.names.map((name) => [
    name.hostname,
    name.style,
    name.state,
    name.possible,
    name.conflictOfSide,
    name.tainted,
    name.doubt,
    name.absent,
  ])
  return JSON.stringify([headOf(verdict), names])
}
