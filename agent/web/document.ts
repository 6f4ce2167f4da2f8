import { redact } from '../../model/redact.ts'

/** Characters between two turns of the event loop: about a millisecond of redacting and serializing. */
const sliceCharacters = 16_384
/** And what takes longer to make than that gives way all the same, after the piece that is being made. */
const sliceMs = 2

/** Members, elements, their members, … that are still taken apart; what lies deeper is one piece. */
const depth = 6

/**
 * A plain value as JSON, in pieces. Every string passes the redactor, whatever it came from. Iterables
 * become arrays, so that they can be made one element at a time.
 */
export function* jsonPieces(value: unknown, levels = depth): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    yield jsonText(value)
    return
  }
  const isList = Symbol.iterator in value
  const open = isList ? '[' : '{'
  let separator = open
  for (const [key, member] of isList ? elements(value as Iterable<unknown>) : Object.entries(value)) {
    if (!isList && member === undefined) continue
    yield isList ? separator : `${separator}${JSON.stringify(key)}:`
    yield* jsonPieces(member, levels - 1)
    separator = ','
  }
  yield `${separator === open ? open : ''}${isList ? ']' : '}'}`
}

function* elements(list: Iterable<unknown>): Generator<[string, unknown]> {
  for (const element of list) yield ['', element]
}

/** What is no JSON value (undefined, a function) becomes null, as in an array. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, redacted) ?? 'null'
}

function redacted(_: string, member: unknown): unknown {
  return typeof member === 'string' ? redact(member) : member
}

/** Joins pieces, letting the event loop turn in between: a long document must not falsify timings that are running. */
export async function inTurns(pieces: Iterable<string>): Promise<Buffer> {
  const buffers: Buffer[] = []
  let slice = ''
  let sinceMs = performance.now()
  for (const piece of pieces) {
    slice += piece
    if (slice.length < sliceCharacters && performance.now() - sinceMs < sliceMs) continue
    buffers.push(Buffer.from(slice, 'utf8'))
    slice = ''
    await new Promise<void>((resolve) => void setImmediate(resolve))
    sinceMs = performance.now()
  }
  return Buffer.concat([...buffers, Buffer.from(slice, 'utf8')])
}
