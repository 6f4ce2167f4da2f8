import type { SkippedWindow } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'

/** Whether records of the attempt may have been lost in that gap. */
export function gapConcerns(gap: SkippedWindow, { stamp }: Attempt): boolean {
  const atSeconds = stamp.wallMs / 1000
  return gap.startSeconds <= atSeconds + 600 && gap.endSeconds >= atSeconds - 600
}

export function sameGap(a: SkippedWindow, b: SkippedWindow): boolean {
  return a.interfaceId === b.interfaceId && a.startSeconds === b.startSeconds && a.endSeconds === b.endSeconds
}

export function sameEvidence(a: readonly Evidence[], b: readonly Evidence[]): boolean {
  const text = (list: readonly Evidence[]) =>
    list
      .map(({ rule, possible, rank, because, doubts = [] }) =>
        JSON.stringify([rule, possible, rank, because, doubts]),
      )
      .sort()
  return a.length === b.length && text(a).join('\n') === text(b).join('\n')
}
