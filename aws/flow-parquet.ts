import { gunzipSync } from 'node:zlib'
import { parquetMetadataAsync, parquetRead, parquetSchema, snappyUncompress } from 'hyparquet'
import type { Compressors, DecodedArray } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { FlowFormat } from '../model/flow.ts'
import { canonicalField, readFlowFormat } from './flow-format.ts'
import type { FlowPiece } from './flow-take.ts'
import type { Unpacked } from './flow-unpack.ts'

export interface ParquetOptions {
  /** Row groups in which none of these interfaces stands, and no row without one, are passed over. */
  wantedIds: readonly string[]
  /** Over all pages of one file that are unpacked. */
  mostBytes: number
  signal: AbortSignal
  /** Begins the file; null: records of this format can't be read from a file. */
  pieceOf(format: FlowFormat): FlowPiece | null
}

const mostRows = 20_000_000
/** A row group is unpacked as a whole, column by column. */
const mostGroupRows = 2_000_000
const mostPageBytes = 64 * 1024 * 1024
/** Rows that become lines at once. */
const batchRows = 2048

/**
 * Reads a Parquet file of flow records that lies in memory. Its rows become lines of the log's own format and go the way of
 * all others; row groups without a wanted interface are passed over. Bounded: rows, pages and unpacked bytes. Never rejects.
 */
export async function unpackParquet(file: ArrayBuffer, options: ParquetOptions): Promise<Unpacked> {
  const { signal, pieceOf } = options
  const budget = { left: options.mostBytes }
  try {
    const metadata = await parquetMetadataAsync(file)
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
    const fields = columns.map(canonicalField)
    const format = readFlowFormat(fields.join(' '))
    if (!format.ok) return { ok: false, because: 'corrupt', error: null }
    const piece = pieceOf(format.format)
    if (piece === null) return { ok: false, because: 'format', error: null }
    if (metadata.num_rows > mostRows) return { ok: false, because: 'bytes', error: null }
    const whose = (name: string): string | undefined => columns[fields.indexOf(name)]
    let groupStart = 0
    for (const group of metadata.row_groups) {
      if (signal.aborted) return { ok: false, because: 'ended', error: signal.reason }
      const rows = Number(group.num_rows)
      if (!(rows >= 0 && rows <= mostGroupRows)) return { ok: false, because: 'bytes', error: null }
      const read = (names: readonly string[], rowStart: number, rowEnd: number) =>
        columnsOf(file, { metadata, names, rowStart, rowEnd, compressors: bounded(budget) })
      const owners = [whose('interface-id')].flatMap((name) => name ?? [])
      const owned = await read(owners, groupStart, groupStart + rows)
      const range = wantedRows(owned, rows, options.wantedIds)
      if (range !== null) {
        const [from, to] = range
        const values = await read(columns, groupStart + from, groupStart + to)
        giveLines(piece, columns, values, to - from)
      }
      groupStart += rows
    }
    piece.commit()
    return { ok: true }
  } catch (error) {
    const because = budget.left < 0 ? 'bytes' : signal.aborted ? 'ended' : 'corrupt'
    return { ok: false, because, error }
  }
}

/** Decompressors that refuse what is larger than it may be, before memory is taken for it. */
function bounded(budget: { left: number }): Compressors {
  const check = (length: number): void => {
    budget.left -= length
    if (!(length >= 0 && length <= mostPageBytes)) budget.left = -1
    if (budget.left < 0) throw new Error('too large')
  }
  const others = Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number): Uint8Array => {
      check(length)
      return decompress(input, length)
    },
  ])
  return {
    ...(Object.fromEntries(others) as Compressors),
    GZIP(input, length) {
      check(length)
      return gunzipSync(input, { maxOutputLength: length + 1 })
    },
    SNAPPY(input, length) {
      check(length)
      const output = new Uint8Array(length)
      snappyUncompress(input, output)
      return output
    },
  }
}

interface ColumnsWanted {
  metadata: Awaited<ReturnType<typeof parquetMetadataAsync>>
  names: readonly string[]
  rowStart: number
  rowEnd: number
  compressors: Compressors
}

/** Columns of some rows, by their names in the file; each as long as the rows are many. */
async function columnsOf(file: ArrayBuffer, wanted: ColumnsWanted): Promise<Map<string, DecodedArray>> {
  const { metadata, names, rowStart, rowEnd } = wanted
  const values = new Map<string, unknown[]>(names.map((name) => [name, []]))
  if (rowEnd === rowStart) return new Map()
  await parquetRead({
    file,
    metadata,
    columns: [...names],
    rowStart,
    rowEnd,
    compressors: wanted.compressors,
    onChunk({ columnName, columnData, rowStart: at }) {
      const column = values.get(columnName)
      for (let i = Math.max(0, rowStart - at); i < Math.min(columnData.length, rowEnd - at); i++)
        column?.push(columnData[i])
    },
  })
  for (const column of values.values())
    if (column.length !== rowEnd - rowStart) throw new Error('rows are missing')
  return values
}

/** From the first to behind the last row whose interface is wanted, or not told. */
function wantedRows(
  owned: ReadonlyMap<string, DecodedArray>,
  rows: number,
  wantedIds: readonly string[],
): [number, number] | null {
  const ids = new Set(wantedIds)
  const [interfaces] = owned.values()
  let first = -1
  let last = -1
  for (let row = 0; row < rows; row++) {
    const told: unknown = interfaces?.[row]
    if (typeof told === 'string' && told !== '-' && !ids.has(told)) continue
    if (first < 0) first = row
    last = row
  }
  return first < 0 ? null : [first, last + 1]
}

function giveLines(
  piece: FlowPiece,
  columns: readonly string[],
  values: ReadonlyMap<string, DecodedArray>,
  rows: number,
): void {
  const lists = columns.map((name) => values.get(name) ?? [])
  for (let from = 0; from < rows; from += batchRows) {
    let text = ''
    for (let row = from; row < Math.min(rows, from + batchRows); row++) {
      for (let c = 0; c < lists.length; c++) text += `${c === 0 ? '' : ' '}${columnText(lists[c]![row])}`
      text += '\n'
    }
    piece.take(Buffer.from(text))
  }
}

/** A value as text logs have it. One that could not stand in a line becomes two columns, so that the line counts as bad. */
function columnText(value: unknown): string {
  if (value === null || value === undefined) return '-'
  const text = typeof value === 'bigint' || typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^[^\u0000-\u0020\u007f]{1,4096}$/.test(text) ? text : '? ?'
}
