import type { LedgerFiles } from './files.ts'
import { layoutOf, listSegments } from './layout.ts'
import { parseLine } from './line.ts'
import { linesOf, segmentBytes } from './lines.ts'
import type { LedgerRecord } from './types.ts'

/** One line of a ledger, as a reader meets it. `line` has no line end. */
export type ReadLine =
  | { ok: true; record: LedgerRecord; line: Buffer }
  /** Not a record (torn, changed), or a segment that can't be read further; `newer` names a later format version. */
  | { ok: false; problem: string; segment: number; newer?: number }

/**
 * All records on disk, oldest first, from `fromMs` on if that is given: segments that are wholly older are left out
 * by the time of the next one's first line. One line at a time, compressed segments too. Nothing is verified beyond the form of each
 * line: `verifyLedger` does that, and can hand over records on its way. A compressed segment is read to its first line
 * that is no record or has not the next number, for it may unpack to more than anybody can read.
 */
export async function* readLedger(
  files: LedgerFiles,
  directory: string,
  { fromMs = Number.NEGATIVE_INFINITY }: { fromMs?: number } = {},
): AsyncGenerator<ReadLine> {
  const layout = layoutOf(directory)
  const segments = await listSegments(files, layout)
  let start = 0
  if (fromMs > 0) {
    for (let index = segments.length - 1; index > 0 && start === 0; index--) {
      const segment = segments[index]
      if (segment === undefined) break
      for await (const line of linesOf(segmentBytes(files, layout, segment))) {
        const parsed = parseLine(line.bytes)
        if (parsed.ok && parsed.record.wallMs < fromMs) start = index
        break
      }
    }
  }
  for (const segment of segments.slice(start)) {
    try {
      let seq = segment.first
      for await (const { bytes, ended } of linesOf(segmentBytes(files, layout, segment))) {
        const parsed: ReturnType<typeof parseLine> = ended
          ? parseLine(bytes)
          : { ok: false, problem: 'the line is torn' }
        if (parsed.ok && (segment.plain || parsed.record.seq === seq)) {
          seq++
          yield { ok: true, record: parsed.record, line: bytes }
          continue
        }
        if (parsed.ok) yield { ok: false, problem: 'the line has another number', segment: segment.first }
        else yield { ...parsed, segment: segment.first }
        if (!segment.plain || (!parsed.ok && parsed.newer !== undefined)) break
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'it can not be read'
      yield { ok: false, problem, segment: segment.first }
    }
  }
}
