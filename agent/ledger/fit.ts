import type { RecordedName, RecordedTargetVerdict, RepeatedLook } from '../../ledger/records.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { sideOf } from '../../model/path.ts'

/** What a body may take of a line: the rest is for what stands around it, and for what redaction makes longer. */
export const mostBodyBytes = 48 * 1024

const longestText = 500
const longestList = 40

export function bytesOf(body: object): number {
  return Buffer.byteLength(JSON.stringify(body))
}

/** Plain data with texts and lists cut to a length that fits; how much was left out is not told here. */
function cut(value: unknown, text: number, list: number): unknown {
  if (typeof value === 'string') return value.length > text ? `${value.slice(0, text)}…` : value
  if (Array.isArray(value)) return value.slice(0, list).map((item) => cut(item, text, list))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item, text, list)]))
}

/**
 * A body that fits its line. One that is too long loses the ends of its texts and lists, and has `cut: true` then; null if
 * that does not help.
 */
export function fitted(body: object): object | null {
  if (bytesOf(body) <= mostBodyBytes) return body
  for (const [text, list] of [
    [longestText, longestList],
    [200, 12],
    [80, 4],
  ] as const) {
    const short = { ...(cut(body, text, list) as object), cut: true }
    if (bytesOf(short) <= mostBodyBytes) return short
  }
  return null
}

/** Attempts of one look that one entry names; of a look that made more the rest follows in entries that continue it. */
export const mostMade = 400

function* entriesOf(look: RepeatedLook): Generator<RepeatedLook> {
  const { made } = look
  yield made.length > mostMade ? { ...look, made: made.slice(0, mostMade) } : look
  for (let at = mostMade; at < made.length; at += mostMade)
    yield { ...look, made: made.slice(at, at + mostMade), continued: true }
}

/** The bodies of `verdict_repeat` records that tell all these looks, in their order; each fits its line. */
export function repeatBodies(looks: Iterable<RepeatedLook>): { looks: RepeatedLook[] }[] {
  const bodies: { looks: RepeatedLook[] }[] = []
  let bytes = mostBodyBytes
  for (const look of looks) {
    for (const entry of entriesOf(look)) {
      const more = bytesOf(entry) + 1
      if (bytes + more > mostBodyBytes) {
        bodies.push({ looks: [] })
        bytes = bytesOf({ looks: [] })
      }
      bytes += more
      bodies.at(-1)?.looks.push(entry)
    }
  }
  return bodies
}

/** Public first, private last: what must not be left out stands in front. */
const worst = ['public', 'mixed', 'undetermined', 'blocked', 'private']

function recordedName(name: NameVerdict, attempts: string[]): RecordedName {
  const { attempts: _attempts, resolvers: _resolvers, ...rest } = name
  return { ...rest, attempts }
}

/** A target's verdict as it stands in the ledger; names that find no room, private ones first, are left out and counted. */
export function recordedTarget(
  verdict: TargetVerdict,
  look: Pick<RecordedTargetVerdict, 'id' | 'look' | 'made'>,
  idsOf: (name: NameVerdict) => { ids: string[]; leftOut: number },
  rules: number,
): RecordedTargetVerdict & { rules: number } {
  const { names, ...head } = verdict
  const body = { ...head, ...look, rules, names: [] as RecordedName[], leftOut: { names: 0, attempts: 0 } }
  let bytes = bytesOf(body)
  const sorted = names.toSorted((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state))
  for (const name of sorted) {
    const { ids, leftOut } = idsOf(name)
    const kept = cut(recordedName(name, ids), longestText, 400) as RecordedName
    const more = bytesOf(kept) + 1
    if (bytes + more > mostBodyBytes) {
      body.leftOut.names++
      body.leftOut.attempts += name.attempts.length
      continue
    }
    bytes += more
    body.names.push(kept)
    body.leftOut.attempts += leftOut + Math.max(0, ids.length - 400)
  }
  return body
}

/** True if nothing of the verdict speaks of a public or unknown way: what is told of it again may be told in short. */
export function isPlainlyPrivate({ state, conflicts, possible }: AttemptVerdict): boolean {
  return state === 'private' && conflicts.length === 0 && possible.every((one) => sideOf[one] === 'private')
}
