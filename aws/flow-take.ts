import { createHash } from 'node:crypto'
import type { CapturedRecord, CapturedRecords, SkippedWindow } from '../model/capture.ts'
import type { FlowFormat, FlowGap, FlowKey } from '../model/flow.ts'
import { parseCidr } from '../net/cidr.ts'
import { canonicalIp, parseIp } from '../net/ip.ts'
import { prefixTable } from '../net/prefix-table.ts'
import { specialPurpose } from '../net/special.ts'
import { createCensusSum } from './flow-census.ts'
import { type FlowLinesOptions, createFlowLines } from './flow-lines.ts'
import type { RecordsQuery, RecordsResult } from './flow-query.ts'
import { type FlowScan, type OnFlowLine, createFlowScan } from './flow-scan.ts'

/** What one query may keep: matched records, and bytes of their lines. */
const mostRecords = 20_000
const mostRecordBytes = 16 * 1024 * 1024
/** Rows of a census that are told apart. */
export const mostCensusRows = 512
const mostSkipped = 512

/** A piece of a source whose lines count only once it has been read to its end: a file. */
export interface FlowPiece {
  take(chunk: Uint8Array): void
  /** Its lines count from now on. */
  commit(): void
}

/** Collects what one query is given of its source's lines. */
export interface FlowTake {
  /**
   * One record of a stream of one interface. `interfaceId`: that of the stream, null where its name does not tell.
   * `counted`: whether it goes into the census.
   */
  event(event: {
    message: string
    id: string
    interfaceId: string | null
    ingestedMs: number | null
    counted: boolean
  }): void
  piece(file: { format: FlowFormat; name: string; ingestedMs: number | null }): FlowPiece
  /** Records of some time may be missing: of which none, all may be doubted. */
  lost(): void
  /** More matched than is kept. */
  full(): boolean
  /** Whether a line could not be read. */
  damaged(): boolean
  scannedBytes(): number
  result(): Pick<
    RecordsResult,
    'captured' | 'events' | 'badLines' | 'newestEndSeconds' | 'newestIngestedMs' | 'scannedBytes'
  > & { sum: ReturnType<ReturnType<typeof createCensusSum>['read']> }
}

/** The keys that can match anything; a nonsense one must not stop the others. */
function usable(keys: readonly FlowKey[]): FlowKey[] {
  const inRange = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most
  return keys.filter(
    ({ localPort, remoteAddress, remotePort, protocol }) =>
      canonicalIp(remoteAddress) !== null &&
      (localPort === null || inRange(localPort, 65_535)) &&
      inRange(remotePort, 65_535) &&
      inRange(protocol, 255),
  )
}

/** Whether an address is public and in none of the prefixes; one that can't be read is not called public. */
function publicOutside(cidrs: readonly string[]): (address: string) => boolean {
  const known = cidrs.flatMap((text) => {
    const cidr = parseCidr(text)
    return cidr.ok ? [{ prefix: cidr.value, owner: true }] : []
  })
  const table = prefixTable(known)
  return (address) => {
    const ip = parseIp(address)
    return ip.ok && specialPurpose(ip.value) === null && table.longest(ip.value) === null
  }
}

interface Found {
  records: CapturedRecord[]
  bytes: number
  skipped: SkippedWindow[]
}

/** Memory is bounded whatever the lines hold; see the two bounds above and those of the scan. */
export function createFlowTake(query: RecordsQuery, format: FlowFormat): FlowTake {
  const { flowLogId, aggregationSeconds, fromMs, toMs } = query
  const keys = usable(query.keys)
  const isPublic = publicOutside(query.knownCidrs ?? [])
  const latestEndSeconds = toMs / 1000 + aggregationSeconds + 120
  const window = { startSeconds: Math.floor(fromMs / 1000), endSeconds: Math.ceil(toMs / 1000) }
  const all: Found = { records: [], bytes: 0, skipped: [] }
  const sum = createCensusSum(mostCensusRows)
  let events = 0
  let badLines = 0
  let newestEnd: number | null = null
  let newestIngested: number | null = null
  let scanned = 0
  let isFull = false
  let sawDamage = false

  const scanOf = (of: FlowFormat, census: boolean, wanted: readonly FlowKey[] = keys): FlowScan =>
    createFlowScan({ format: of, keys: wanted, census, censusRows: mostCensusRows, isPublic })

  const keep = (into: Found, line: Uint8Array, reading: Parameters<OnFlowLine>[2], about: About): void => {
    if (!reading.ok) {
      // it was about one of the connections, and what it said is not known
      skip(into, { interfaceId: about.interfaceId, ...window })
      return
    }
    if (all.records.length + (into === all ? 0 : into.records.length) >= mostRecords) isFull = true
    if (all.bytes + (into === all ? 0 : into.bytes) + line.length > mostRecordBytes) isFull = true
    if (isFull) {
      skip(into, { interfaceId: null, ...window })
      return
    }
    const { record } = reading
    const said = record.fields['interface-id']
    into.bytes += line.length
    into.records.push({
      record,
      flowLogId,
      interfaceId: about.interfaceId ?? (typeof said === 'string' ? said : null),
      aggregationSeconds,
      ingestedMs: about.ingestedMs,
      id: about.id ?? `${about.name}#${createHash('sha256').update(line).digest('hex').slice(0, 16)}`,
    })
  }

  const addGaps = (into: Found, gaps: readonly FlowGap[], interfaceId: string | null): void => {
    for (const gap of gaps) skip(into, { ...gap, interfaceId: gap.interfaceId ?? interfaceId })
  }

  const noteScan = (scan: FlowScan): void => {
    const { badLines: bad, longLines } = scan.counters()
    badLines += bad + longLines
    if (bad + longLines > 0) sawDamage = true
    const census = scan.census()
    if (census !== null) sum.add(census.rows, census.overflow)
  }

  // a stream's records come one by one: those that a census has counted before, and those that it has not
  let counting: FlowScan | null = null
  let passing: FlowScan | null = null
  const stream = createFlowLines({ format, wanted: null, latestEndSeconds })
  const gapInterfaces = new Set<string | null>()

  return {
    event({ message, id, interfaceId, ingestedMs, counted }) {
      events++
      scanned += message.length
      if (/[\r\n]/.test(message.trimEnd())) {
        badLines++
        sawDamage = true
        return
      }
      const bytes = Buffer.from(`${message}\n`)
      const isNew = counted && query.census
      if (isNew) counting ??= scanOf(format, true)
      else passing ??= scanOf(format, false)
      stream.take(bytes, () => undefined)
      const scan = isNew ? counting : passing
      scan?.scan(bytes, (line, _keys, reading) =>
        keep(all, line, reading, { interfaceId, ingestedMs, id, name: '' }),
      )
      gapInterfaces.add(interfaceId)
      if (ingestedMs !== null) newestIngested = Math.max(newestIngested ?? 0, ingestedMs)
    },
    piece({ format: of, name, ingestedMs }) {
      const found: Found = { records: [], bytes: 0, skipped: [] }
      const about = { interfaceId: null, ingestedMs, id: null, name }
      const onLine: OnFlowLine = (line, _keys, reading) => keep(found, line, reading, about)
      const { interfaceIds, resourceIds, uncountedIds = [] } = query
      const part = (wanted: FlowLinesOptions['wanted'], census: boolean, looked: readonly FlowKey[]) => {
        const scan = scanOf(of, census, looked)
        const lines = createFlowLines({ format: of, wanted, latestEndSeconds })
        return { scan, lines, onLines: (whole: Uint8Array): void => scan.scan(whole, onLine) }
      }
      // a NAT gateway is among the others, and a key without a local port is for its outer side
      const exact = uncountedIds.length === 0 ? keys : keys.filter(({ localPort }) => localPort !== null)
      const own = part({ interfaceIds, resourceIds }, query.census, exact)
      const others = { interfaceIds: uncountedIds, resourceIds: uncountedIds }
      const parts = uncountedIds.length === 0 ? [own] : [own, part(others, false, keys)]
      return {
        take(chunk) {
          scanned += chunk.length
          for (const { lines, onLines } of parts) lines.take(chunk, onLines)
        },
        commit() {
          for (const { scan, lines, onLines } of parts) {
            lines.end(onLines)
            scan.end(onLine)
            addGaps(found, scan.gaps(), null)
            noteScan(scan)
            newestEnd = later(newestEnd, lines.seen().newestEndSeconds)
          }
          all.records.push(...found.records)
          all.bytes += found.bytes
          for (const gap of found.skipped) skip(all, gap)
          const seen = own.lines.seen()
          events += seen.lines
          badLines += seen.badLines
          if (seen.badLines > 0) sawDamage = true
          newestIngested = later(newestIngested, ingestedMs)
        },
      }
    },
    lost: () => skip(all, { interfaceId: null, ...window }),
    full: () => isFull,
    damaged: () => sawDamage,
    scannedBytes: () => scanned,
    result() {
      const [only = null] = gapInterfaces.size === 1 ? gapInterfaces : []
      for (const scan of [counting, passing]) {
        if (scan === null) continue
        addGaps(all, scan.gaps(), only)
        noteScan(scan)
      }
      counting = null
      passing = null
      newestEnd = later(newestEnd, stream.seen().newestEndSeconds)
      const captured: CapturedRecords = { records: all.records, skipped: all.skipped }
      return {
        captured,
        events,
        badLines,
        newestEndSeconds: newestEnd,
        newestIngestedMs: newestIngested,
        scannedBytes: scanned,
        sum: sum.read(),
      }
    },
  }
}

interface About {
  interfaceId: string | null
  ingestedMs: number | null
  /** Null: told by the line itself. */
  id: string | null
  name: string
}

function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

/** Adds a window of lost records; equal ones are one, and when there are too many, one around them all. */
function skip(into: { skipped: SkippedWindow[] }, window: SkippedWindow): void {
  const { skipped } = into
  const same = (other: SkippedWindow): boolean =>
    other.interfaceId === window.interfaceId &&
    other.startSeconds <= window.startSeconds &&
    other.endSeconds >= window.endSeconds
  if (skipped.some(same)) return
  skipped.push(window)
  if (skipped.length <= mostSkipped) return
  const start = Math.min(...skipped.map(({ startSeconds }) => startSeconds))
  const end = Math.max(...skipped.map(({ endSeconds }) => endSeconds))
  into.skipped = [{ interfaceId: null, startSeconds: start, endSeconds: end }]
}
