import type { HexHash } from './types.ts'
import type { AnchorResult, Problem, Verification } from './verification.ts'
import type { CheckedNote, NoteResult } from './verify-notes.ts'

export interface CheckpointsSeen {
  /** How many keys are trusted. */
  keys: number
  /** Those of the directory, smallest first. */
  notes: readonly CheckedNote[]
  anchored: readonly { name: string; result: NoteResult }[]
  /** Root of the tree at each size that a checkpoint or anchor names, as far as records lead there. */
  roots: ReadonlyMap<number, HexHash>
  problem(kind: Problem['kind'], text: string, seq?: number): void
}

/**
 * Holds the checkpoints and anchors against the tree, and fills in who signed what. A checkpoint binds its key
 * to the records up to its size, and to no others.
 */
export function judgeCheckpoints(seen: Verification, given: CheckpointsSeen): void {
  const { keys, notes, roots, problem } = given
  let signed = 0
  for (const { size, origin, root, by, unknown } of notes) {
    const name = `the checkpoint over ${size} records`
    const own = roots.get(size)
    if (seen.origin !== null && origin !== seen.origin)
      problem('other_origin', `${name} is of another ledger`)
    if (size > seen.end) problem('rolled_back', `${name} was signed, and there are ${seen.end}`, seen.end)
    else if (own !== undefined && own !== root.toString('hex'))
      problem('root', `${name} does not fit the records`, size)
    seen.checkpoints.push({ size, by, checked: own !== undefined })
    for (const other of unknown) if (!seen.unknownSigners.includes(other)) seen.unknownSigners.push(other)
    for (const key of by) seen.signed.push({ key, from: signed, end: size })
    if (by.length > 0) signed = size
  }
  const newest = notes.at(-1)
  if (newest !== undefined && newest.by.length > 0) seen.signer = 'verified'
  if (newest !== undefined && newest.by.length === 0 && keys > 0)
    problem(
      'other_key',
      `the newest checkpoint is signed by none of the given keys (${newest.unknown.join(', ')})`,
    )
  seen.unsignedTail = Math.max(0, seen.end - (keys > 0 ? signed : (newest?.size ?? 0)))
  seen.anchors = given.anchored.map((anchor) => judgeAnchor(seen, given, anchor))

  if (keys === 0)
    seen.cannotTell.push(
      'signer not verified: without a key (--key) anybody may have written all of this anew',
    )
  if (!seen.anchors.some(({ state }) => state !== 'not_checked'))
    seen.cannotTell.push(
      'without a later checkpoint from elsewhere (--anchor) it can not be told whether the ledger was rolled back to an earlier state',
    )
}

function judgeAnchor(
  seen: Verification,
  { keys, roots, problem }: CheckpointsSeen,
  { name, result }: CheckpointsSeen['anchored'][number],
): AnchorResult {
  if (!result.ok)
    return { name, size: null, state: 'not_checked', by: [], text: `it is no checkpoint: ${result.problem}` }
  const { size, origin, root, by, unknown } = result.note
  const answer = (state: AnchorResult['state'], text: string): AnchorResult => ({
    name,
    size,
    state,
    by,
    text,
  })
  if (keys > 0 && by.length === 0)
    return answer('not_checked', `it is signed by none of the given keys (${unknown.join(', ')})`)
  const contradicts = (kind: Problem['kind'], text: string): AnchorResult => {
    problem(kind, `anchor ${name}: ${text}`, Math.min(size, seen.end))
    return answer('contradicts', text)
  }
  if (seen.origin !== null && origin !== seen.origin)
    return contradicts('other_origin', 'it is of another ledger')
  if (size > seen.end)
    return contradicts(
      'rolled_back',
      `it covers ${size} records, and there are ${seen.end}: the ledger was rolled back`,
    )
  const own = roots.get(size)
  if (own === undefined && size < seen.first)
    return answer('not_checked', `it is older than the oldest record on disk (${seen.first})`)
  if (own === undefined) return answer('not_checked', 'the records before its size can not be followed')
  return own === root.toString('hex')
    ? answer('agrees', `the first ${size} records are those that it covers`)
    : contradicts('root', `the first ${size} records are not those that it covers`)
}
