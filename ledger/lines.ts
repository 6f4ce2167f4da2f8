import { Readable, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { LedgerFiles } from './files.ts'
import { type Layout, type SegmentFiles, segmentName } from './layout.ts'
import { maxLineBytes } from './types.ts'

/** A line of a segment, without its line end. */
export interface SegmentLine {
  bytes: Buffer
  /** Where it begins and where its line end ends, in bytes of the uncompressed file. */
  start: number
  end: number
  /** Only the last line of a file can lack its line end. */
  ended: boolean
}

/** A line beyond the limit ends the reading: what follows is nobody's line. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SegmentLine> {
  let rest: Buffer = Buffer.alloc(0)
  let start = 0
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let from = 0
    for (let at = rest.indexOf(10, from); at >= 0; at = rest.indexOf(10, from)) {
      const end = start + (at + 1 - from)
      yield { bytes: rest.subarray(from, at), start, end, ended: true }
      start = end
      from = at + 1
    }
    rest = rest.subarray(from)
    if (rest.length > maxLineBytes) break
  }
  if (rest.length > 0) yield { bytes: rest, start, end: start + rest.length, ended: false }
}

/** The uncompressed bytes of a segment: of the plain file where both lie there. Rejects where a gzip is broken. */
export function segmentBytes(
  files: LedgerFiles,
  { segments }: Layout,
  { first, plain }: SegmentFiles,
): AsyncIterable<Uint8Array> {
  const path = `${segments}/${segmentName(first)}`
  return plain ? files.read(path) : gunzipped(files.read(`${path}.gz`))
}

async function* gunzipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  // A failure destroys the stream with its error, which the loop then throws.
  pipeline(Readable.from(chunks), gunzip, () => undefined)
  for await (const chunk of gunzip) yield chunk as Buffer
}
