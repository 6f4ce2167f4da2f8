import type { TargetVerdict } from '../../model/verdict.ts'

/** Exit codes that other programs rely on. */
export const exit = {
  met: 0,
  failed: 1,
  notMet: 3,
  undetermined: 4,
  usage: 64,
  malformed: 65,
  configuration: 78,
} as const

/** 0 met or waived, or nothing is required; 3 not met, 4 not to be told. */
export function exitCodeOf(verdict: TargetVerdict): number {
  if (verdict.met || verdict.met === null || verdict.waiverActive) return exit.met
  if (verdict.state === 'undetermined') return exit.undetermined
  // Another first leg is shown than the one that is demanded: no evidence will mend that.
  if (verdict.firstLeg?.met === false && verdict.firstLeg.leg !== 'unproven') return exit.notMet
  // Private, but not by proof of the rank that is demanded, or by a first leg that is not shown: more evidence may still show it.
  if (verdict.state === 'private' && verdict.require.kind === 'private') return exit.undetermined
  return exit.notMet
}

/** Of many inputs: 3 before 4 before 0. */
export function worstExitCode(codes: readonly number[]): number {
  for (const code of [exit.failed, exit.notMet, exit.undetermined, exit.malformed])
    if (codes.includes(code)) return code
  return exit.met
}
