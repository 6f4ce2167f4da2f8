import type { ApiFailure } from '../../aws/snapshot-api-errors.ts'
import { partHash } from '../../aws/snapshot-content.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { type ReaderDeps, runProgram } from '../child.ts'
import { type Meeting, staleParts, whyNot } from './shared-snapshot-accept.ts'
import { markAt } from './shared-snapshot-file.ts'
import { nameOfPlace } from './shared-snapshot-place.ts'
import {
  type SharedAnswer,
  type SharedFound,
  type SharedPlace,
  type SharedRequest,
  parseSharedAnswer,
  sharedAnswerSchema,
  sharedArgument,
} from './shared-snapshot-request.ts'
import type { SourceReading } from './snapshot-keeper.ts'

const deadlineSeconds = 40

/** One job of the other process. Never rejects: one that crashes, hangs or is cut off has failed. */
export async function askShared(request: SharedRequest, deps: ReaderDeps): Promise<SharedAnswer> {
  const { graceSeconds = 15, mostBytes = 512 * 1024 * 1024 } = deps
  const limits = { deadlineSeconds: request.deadlineSeconds + graceSeconds, mostBytes }
  const ended = await runProgram(sharedArgument, JSON.stringify(request), limits, deps)
  const answer = ended.ok ? parseSharedAnswer(ended.text) : null
  if (answer !== null) return answer
  const because = ended.ok ? 'what it wrote is no answer' : ended.because
  const failure: ApiFailure = {
    reason: !ended.ok && ended.code === 'timeout' ? 'timeout' : 'failed',
    code: ended.ok ? 'garbled' : ended.code,
    detail: `the process that reads the shared snapshot gave no answer: ${because}`,
    nextStep: 'see the log for what it said; on a small host it may have run out of memory',
  }
  return { schema: sharedAnswerSchema, outcome: 'failed', failure }
}

/** What a reading gave of which nothing is used: what was known before stays, and ages. */
function refused(
  place: SharedPlace,
  failure: Pick<ApiFailure, 'reason' | 'detail' | 'nextStep'>,
): SourceReading {
  const { reason, detail, nextStep } = failure
  const snapshot = decodeSnapshot(new Map(), { source: nameOfPlace(place), account: null, region: null })
  return { snapshot, failures: snapshotParts.map((part) => ({ part, reason, detail, nextStep })) }
}

const askItsWriter = 'see that its writer (pathproof snapshot --share) runs, and for which account and region'

/**
 * Reads a shared snapshot again and again for a host that stands where `meeting` says. It is asked for only if it has
 * changed; what is refused is not used at all. Never rejects.
 */
export function sharedSource(
  place: SharedPlace,
): (meeting: Meeting, deps: ReaderDeps) => Promise<SourceReading> {
  /** As it was read and accepted last, with its mark. */
  let known: SharedFound | null = null
  return async (meeting, deps) => {
    const { last, region } = meeting
    const same = known !== null && place.kind === 'file' && (await markAt(place.path)) === known.mark
    let found: SharedFound
    if (same && known !== null) found = known
    else {
      const request: SharedRequest = {
        place,
        region: place.kind === 's3' ? region : null,
        deadlineSeconds,
        put: null,
        mark: known?.mark ?? null,
        known: hashesOf(last),
      }
      const answer = await askShared(request, deps)
      if (answer.outcome === 'failed') return refused(place, answer.failure)
      if (answer.outcome === 'same' && known !== null) found = { ...known, dateMs: answer.dateMs }
      else if (answer.outcome === 'read' && answer.found.unchanged.every((part) => part in request.known))
        found = whole(answer.found, last)
      else return refused(place, garbled)
    }
    const why = whyNot(found, meeting)
    if (why !== null) {
      const detail = `${nameOfPlace(place)} is not used: ${why}`
      return refused(place, { reason: 'invalid', detail, nextStep: askItsWriter })
    }
    known = found
    const { snapshot } = found
    const stale = staleParts(snapshot, meeting)
    const failures = stale.map((part) => ({
      part,
      reason: 'invalid',
      detail: `${nameOfPlace(place)}: its account was read too long ago`,
      nextStep: askItsWriter,
    }))
    return { snapshot, failures }
  }
}

const garbled = {
  reason: 'failed',
  detail: 'the process that reads the shared snapshot gave an answer that fits nothing',
  nextStep: 'see the log for what it said',
} as const

function hashesOf(last: Snapshot | null): SharedRequest['known'] {
  if (last === null) return {}
  return Object.fromEntries(
    snapshotParts.flatMap((part) => (last.parts[part].read ? [[part, partHash(last, part)]] : [])),
  )
}

/** With the parts that were not sent, for they are as they were. */
function whole(found: SharedFound, last: Snapshot | null): SharedFound {
  const snapshot = { ...found.snapshot }
  for (const part of found.unchanged) if (last !== null) take(snapshot, last, part)
  return { ...found, snapshot, unchanged: [] }
}

function take<P extends SnapshotPart>(to: Pick<Snapshot, P>, from: Pick<Snapshot, P>, part: P): void {
  to[part] = from[part]
}
