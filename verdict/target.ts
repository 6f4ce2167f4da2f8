import type { PathState, Rank } from '../model/path.ts'
import { ranks } from '../model/path.ts'
import type { Target } from '../model/target.ts'
import type { NameVerdict, Requirement, TargetVerdict } from '../model/verdict.ts'
import { firstLegOfTarget } from './first-leg.ts'

/** Worst first; where `blocked` is what is required it is the best. */
function order(require: Requirement): readonly PathState[] {
  return require.kind === 'blocked'
    ? ['public', 'mixed', 'undetermined', 'private', 'blocked']
    : ['public', 'mixed', 'undetermined', 'blocked', 'private']
}

function strongEnough(proof: Rank | null, minimum: Rank): boolean {
  return proof !== null && ranks.indexOf(proof) <= ranks.indexOf(minimum)
}

/** A name as proven as is asked: by its own attempts now, or on the same ways by records of an attempt a while ago. */
function provenEnough({ proof, confirmedProof }: NameVerdict, minimum: Rank): boolean {
  return (
    strongEnough(proof, minimum) ||
    (strongEnough(proof, 'configured') && strongEnough(confirmedProof, minimum))
  )
}

function nameMeets(name: NameVerdict, require: Requirement, minProof: Rank): boolean {
  if (name.tainted || name.conflictOfSide) return require.kind === 'blocked' && name.state === 'blocked'
  switch (require.kind) {
    case 'none':
      return false
    case 'private':
      return name.state === 'private' && provenEnough(name, minProof)
    case 'blocked':
      return name.state === 'blocked'
    case 'classes': {
      // What is not known may go by any class.
      if (name.state === 'undetermined' || name.doubt) return false
      if (name.state === 'blocked') return require.classes.includes('blocked')
      // Of a public or mixed name the strongest proof is shown, and each of its attempts must be as strong.
      const asStrong =
        name.state === 'private' ||
        name.attempts.every((a) => !a.connected || strongEnough(a.proof, minProof))
      return (
        asStrong &&
        provenEnough(name, minProof) &&
        name.attempts.every((a) =>
          a.connected
            ? a.possible.length > 0 && a.possible.every((c) => require.classes.includes(c))
            : a.state === 'blocked' ||
              a.possible.every((c) => c === 'blocked' || require.classes.includes(c)),
        )
      )
    }
  }
}

/**
 * The worst of a target's names, and whether its requirement is met. Names that don't exist count only
 * where there is no other. A waiver is shown beside and changes neither.
 * `nowMs`: Unix milliseconds, for the waiver's end.
 */
export function judgeTarget(
  target: Pick<Target, 'name' | 'require' | 'minProof' | 'requireFirstLeg' | 'waiver'>,
  names: readonly NameVerdict[],
  nowMs: number,
): TargetVerdict {
  const existing = names.filter((n) => !n.absent)
  const counted = existing.length > 0 ? existing : names
  const state: PathState =
    order(target.require).find((s) => counted.some((n) => n.state === s)) ?? 'undetermined'
  const firstLeg = firstLegOfTarget(target.requireFirstLeg, counted)
  const waiverActive = target.waiver !== null && nowMs < target.waiver.untilMs
  return {
    target: target.name,
    require: target.require,
    minProof: target.minProof,
    met:
      target.require.kind === 'none'
        ? null
        : (target.requireFirstLeg === 'any' || firstLeg?.met === true) &&
          counted.length > 0 &&
          counted.every((n) => nameMeets(n, target.require, target.minProof)),
    waiver: target.waiver,
    waiverActive,
    state,
    names: [...names],
    firstLeg,
  }
}
