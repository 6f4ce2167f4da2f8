import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type Before, type Verification, lossesOf, outcomeOf } from '../verification.ts'
import type { Assurance } from './model.ts'

const mostLines = 200

/**
 * What verification found, for a report.
 * @param checkpoint the text of the newest checkpoint that was checked (`checkpointOf`), null: there is none
 * @param keys the verifier keys that were given
 * @param before losses and recoveries that are over before the period begins (`ReportBuilder.before`): they are named, and
 *   take nothing from the period
 */
export function assuranceOf(
  seen: Verification,
  checkpoint: string | null,
  keys: readonly string[],
  before: Before | null = null,
): Assurance {
  const verdict = outcomeOf(seen, before)
  const earlier = lossesOf(seen) - lossesOf(seen, before)
  const outcome =
    verdict === 'tampered'
      ? 'broken'
      : seen.signer !== 'verified'
        ? 'signer_unknown'
        : verdict === 'doubt'
          ? 'gaps'
          : 'verified'
  return {
    outcome,
    size: seen.end,
    root: seen.root,
    signers: seen.signer === 'verified' ? keys.filter((key) => hasSigned(seen, key)) : [],
    checkpoint,
    unsignedTail: seen.unsignedTail,
    anchors: seen.anchors.map(({ name, state, size }) =>
      line(`${name}: ${state.replace('_', ' ')} (${size ?? 'unknown'} records)`),
    ),
    ...(earlier > 0 && { earlier }),
    transcript: transcriptOf(seen),
  }
}

/** Whether this key signed a checkpoint; others that were given say nothing. */
function hasSigned({ signed }: Verification, vkey: string): boolean {
  return signed.some(({ key }) => vkey.startsWith(`${key}+`))
}

/** Size of the newest checkpoint that fits the records, signed by a given key if one was given; null: there is none. */
export function checkpointOf({ checkpoints, signer }: Verification): number | null {
  const fit = checkpoints.filter(({ checked, by }) => checked && (signer !== 'verified' || by.length > 0))
  return fit.reduce<number | null>((most, { size }) => Math.max(most ?? 0, size), null)
}

const line = (text: string): string => safeText(redact(text), 500)

function transcriptOf(seen: Verification): string[] {
  const { origin, first, end, root, problems, signed, unknownSigners, checkpoints, unsignedTail, torn } = seen
  const lines = [
    `origin ${origin ?? 'not told'}`,
    `records ${first} to ${end - 1}, chained${root === null ? ', not to the end' : `; root of the tree ${root}`}`,
    ...problems.map(
      ({ kind, text, seq }) => `PROBLEM ${kind}${seq === null ? '' : ` at record ${seq}`}: ${text}`,
    ),
    ...signed.map(({ key, from, end: until }) => `records ${from} to ${until - 1}: signed by ${key}`),
    seen.signer === 'verified' ? 'signer verified' : 'signer not verified',
    ...unknownSigners.map((name) => `also signed by ${name}, whose key was not given`),
    `${checkpoints.length} checkpoints, ${checkpoints.filter(({ checked }) => checked).length} compared with the records`,
    `unsigned tail: ${unsignedTail}`,
    ...(torn === null ? [] : [`${torn.bytes} bytes after record ${torn.after - 1} are no whole record`]),
    ...seen.gaps.map(
      ({ seq, reason, fromTs, toTs, lost }) =>
        `record ${seq} declares a gap from ${fromTs} to ${toTs} (${reason}); lost: ${
          Object.entries(lost)
            .map(([kind, n]) => `${n} ${kind}`)
            .join(', ') || 'nothing'
        }`,
    ),
    ...seen.recoveries.map(
      ({ seq, lastTs }) => `record ${seq} declares a recovery after ${lastTs ?? 'an empty ledger'}`,
    ),
    ...seen.damages.map(
      ({ seq, what, first: from, end: until }) =>
        `record ${seq} declares damage: ${what}, records ${from} to ${until - 1}`,
    ),
    ...seen.clockSteps.map(
      ({ seq, previousTs, backSeconds }) =>
        `record ${seq}: the clock was set back by ${backSeconds} s from ${previousTs}`,
    ),
    ...(seen.pruned === null
      ? []
      : [`records before ${seen.pruned.through} were pruned at ${seen.pruned.ts}`]),
    ...seen.anchors.map(({ name, text }) => `checkpoint ${name}: ${text}`),
    ...seen.cannotTell.map((text) => `can not be told: ${text}`),
    seen.closed
      ? 'the ledger was closed in order'
      : 'the ledger was not closed: it is being written, or its process ended otherwise',
  ].map(line)
  return lines.length <= mostLines
    ? lines
    : [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more lines`]
}
