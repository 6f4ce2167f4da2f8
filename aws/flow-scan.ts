import type { FlowFormat, FlowGap, FlowKey } from '../model/flow.ts'
import { type FlowLineReading, longestFlowLine, parseFlowLine } from './flow-record.ts'
import {
  type FlowCensus,
  censusTable,
  absentNumber,
  malformedNumber,
  readNumber,
} from './flow-scan-census.ts'
import { flowKeyTable, localPortBit, readAddress, remotePortBit } from './flow-scan-keys.ts'
import { columnSplitter } from './flow-scan-columns.ts'

/**
 * Called for each line that carries the ports, protocol and remote address of one or more keys. `line` lies in the scan's
 * own memory and holds until the call returns. A line that can't be read whole comes as well (`reading.ok` false): something
 * was recorded about these connections, and it is not known what.
 */
export type OnFlowLine = (line: Uint8Array, keyIndexes: readonly number[], reading: FlowLineReading) => void

export interface FlowScanCounters {
  /** Lines with something in them, without header lines. */
  lines: number
  headers: number
  /**
   * Lines that don't fit the format: number of columns, ports, and with a census packets and bytes; lines handed to the
   * callback are read whole. Others are not looked at any further.
   */
  badLines: number
  /** Longer than `longestFlowLine` bytes, and left out; not in `badLines`. */
  longLines: number
  noData: number
  /** Lines that say, or may say, that records were lost. */
  skipData: number
  matchedLines: number
}

export interface FlowScan {
  /** Takes the next piece of the stream, cut anywhere. */
  scan(chunk: Uint8Array, onLine: OnFlowLine): void
  /** The stream is over: its last line may lack a line end. */
  end(onLine: OnFlowLine): void
  counters(): FlowScanCounters
  /** Times in which records may be missing. Few: what overlaps is one, and too many become one around them all. */
  gaps(): FlowGap[]
  /** Null without `census`. */
  census(): FlowCensus | null
}

export interface FlowScanOptions {
  format: FlowFormat
  /** What is looked for. With a format that lacks ports, protocol or addresses nothing is ever found. */
  keys: readonly FlowKey[]
  census?: boolean
  /** Most rows of the census, default 256. */
  censusRows?: number
  /** Whether an address is public; null or left out: the census does not tell. */
  isPublic?: ((address: string) => boolean) | null
}

const newline = 0x0a
const dash = 0x2d
const mostGaps = 256
/** Room for the longest line and for more of the stream: lines are searched where they don't move. */
const workSize = 262_144

/**
 * Looks for the records of many connections in a stream of lines, on its bytes and without a string per line. Finds the
 * same as `parseFlowLine` on each line. Memory does not depend on the stream. Throws a RangeError for a key that is none.
 */
export function createFlowScan(options: FlowScanOptions): FlowScan {
  const { format } = options
  const fieldCount = format.fields.length
  const column = (name: string): number => format.fields.indexOf(name)
  const srcport = column('srcport')
  const dstport = column('dstport')
  const protocol = column('protocol')
  const sources = [column('srcaddr'), column('pkt-srcaddr')].filter((c) => c >= 0)
  const destinations = [column('dstaddr'), column('pkt-dstaddr')].filter((c) => c >= 0)
  const logStatus = column('log-status')
  const joins = srcport >= 0 && dstport >= 0 && protocol >= 0
  /** The first letter of a header line. */
  const header = format.fields[0]?.charCodeAt(0)

  const work = Buffer.from(new ArrayBuffer(workSize))
  const table = flowKeyTable(options.keys)
  const { ports, anyLocalPort } = table
  const census =
    options.census === true
      ? censusTable(format, { rows: options.censusRows ?? 256, isPublic: options.isPublic ?? null })
      : null

  const { starts, ends, split } = columnSplitter(work, fieldCount)
  const words = new Uint32Array(4)
  const counted = { lines: 0, headers: 0, badLines: 0, longLines: 0, noData: 0, skipData: 0, matchedLines: 0 }
  const gaps = gapList()

  /** How much of `work` is filled: a line whose end has not come yet, once `lines` is done. */
  let filled = 0
  /** Inside a line that is too long already. */
  let skipping = false

  function search(local: number, remote: number, columns: number[], found: number[]): void {
    const number = readNumber(work, starts[protocol]!, ends[protocol]!)
    if (number < 0) return
    for (const c of columns)
      if (readAddress(work, starts[c]!, ends[c]!, words)) table.find(local, remote, number, words, found)
  }

  /** One line whose columns are known and as many as the format has. */
  function record(from: number, to: number, onLine: OnFlowLine): void {
    if (work[starts[0]!] === header && isHeader()) {
      counted.headers++
      counted.lines--
      return
    }
    const told = isOk()
    if (!told) {
      if (logStatus >= 0 && is(logStatus, 'NODATA')) counted.noData++
      else {
        counted.skipData++
        gaps.add(gapOf())
      }
    }
    let bad = false
    if (joins) {
      const source = readNumber(work, starts[srcport]!, ends[srcport]!)
      const destination = readNumber(work, starts[dstport]!, ends[dstport]!)
      if (source > 65_535 || destination > 65_535 || source < absentNumber || destination < absentNumber)
        bad = true
      else if (source >= 0 && destination >= 0) {
        const s = ports[source]!
        const d = ports[destination]!
        const out = (anyLocalPort || (s & localPortBit) !== 0) && (d & remotePortBit) !== 0
        const back = (anyLocalPort || (d & localPortBit) !== 0) && (s & remotePortBit) !== 0
        if (out || back) {
          const found: number[] = []
          if (out) search(source, destination, destinations, found)
          if (back) search(destination, source, sources, found)
          if (found.length > 0) {
            const line = work.subarray(from, to)
            const reading = parseFlowLine(new TextDecoder('utf-8', { ignoreBOM: true }).decode(line), format)
            if (!reading.ok) bad = true
            counted.matchedLines++
            onLine(line, found, reading)
          }
        }
      }
    }
    if (census !== null && !bad && told && !census.add(work, starts, ends)) bad = true
    if (bad) counted.badLines++
  }

  /** Whether the line is a record of packets. Whatever is not known to be one may tell of lost records. */
  function isOk(): boolean {
    return logStatus < 0 ? !lost() : is(logStatus, 'OK')
  }

  function is(c: number, word: string): boolean {
    const from = starts[c]!
    if (ends[c]! - from !== word.length) return false
    for (let i = 0; i < word.length; i++) if (work[from + i] !== word.charCodeAt(i)) return false
    return true
  }

  function isHeader(): boolean {
    return format.fields.every((field, c) => is(c, field))
  }

  /** Without a status: a line that names neither addresses nor ports may tell of lost records. */
  function lost(): boolean {
    for (const columns of [sources, destinations])
      for (const c of columns) if (work[starts[c]!] !== dash || ends[c]! - starts[c]! > 1) return false
    return sources.length + destinations.length > 0
  }

  function gapOf(): FlowGap {
    const number = (name: string): number => {
      const c = column(name)
      return c < 0 ? malformedNumber : readNumber(work, starts[c]!, ends[c]!)
    }
    const c = column('interface-id')
    const id = c < 0 ? '-' : new TextDecoder().decode(work.subarray(starts[c]!, ends[c]!))
    const [start, end] = [number('start'), number('end')]
    const told = start >= 0 && end >= start
    return {
      interfaceId: id === '-' || !/^[\x21-\x7E]{1,64}$/.test(id) ? null : id,
      startSeconds: told ? start : 0,
      endSeconds: told ? end : Number.MAX_SAFE_INTEGER,
    }
  }

  function lines(onLine: OnFlowLine): void {
    let from = 0
    for (;;) {
      const at = work.indexOf(newline, from)
      if (at < 0 || at >= filled) break
      const end = at > from && work[at - 1] === 0x0d ? at - 1 : at
      if (end - from > longestFlowLine) counted.longLines++
      else {
        const columns = split(from, end)
        if (columns > 0) {
          counted.lines++
          if (columns === fieldCount) record(from, end, onLine)
          else counted.badLines++
        }
      }
      from = at + 1
    }
    if (from > 0) work.copyWithin(0, from, filled)
    filled -= from
    // With room for a carriage return, which is not part of the line.
    skipping = filled > longestFlowLine + 1
    if (skipping) filled = 0
  }

  function scan(chunk: Uint8Array, onLine: OnFlowLine): void {
    let from = 0
    while (from < chunk.length) {
      if (skipping) {
        const end = chunk.indexOf(newline, from)
        if (end < 0) return
        counted.longLines++
        skipping = false
        from = end + 1
      }
      const piece = chunk.subarray(from, from + work.length - filled)
      work.set(piece, filled)
      filled += piece.length
      from += piece.length
      lines(onLine)
    }
  }

  return {
    scan,
    end(onLine) {
      if (filled > 0 || skipping) scan(Uint8Array.of(newline), onLine)
    },
    counters: () => ({ ...counted }),
    gaps: gaps.read,
    census: () => census?.read() ?? null,
  }
}

/** Windows of lost records: overlapping ones are one, and from `mostGaps` on there is a single one around all. */
function gapList() {
  let list: FlowGap[] = []
  const hull = (of: FlowGap[], interfaceId: string | null): FlowGap => ({
    interfaceId,
    startSeconds: Math.min(...of.map((gap) => gap.startSeconds)),
    endSeconds: Math.max(...of.map((gap) => gap.endSeconds)),
  })
  let full = false
  return {
    add(gap: FlowGap): void {
      const overlaps = (known: FlowGap): boolean =>
        known.interfaceId === gap.interfaceId &&
        known.startSeconds <= gap.endSeconds &&
        gap.startSeconds <= known.endSeconds
      if (!full) {
        list = [hull([gap, ...list.filter(overlaps)], gap.interfaceId), ...list.filter((g) => !overlaps(g))]
        full = list.length > mostGaps
        if (full) list = [hull(list, null)]
      } else list = [hull([gap, ...list], null)]
    },
    read: (): FlowGap[] => list.map((gap) => ({ ...gap })),
  }
}
