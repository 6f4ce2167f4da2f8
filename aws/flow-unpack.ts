import { createGunzip } from 'node:zlib'
import type { Readable } from 'node:stream'
import type { FlowFormat } from '../model/flow.ts'
import { flowHeader } from './flow-format.ts'
import { longestFlowLine } from './flow-record.ts'
import type { FlowPiece } from './flow-take.ts'

export type Unpacked =
  | { ok: true }
  | {
      ok: false
      /**
       * `corrupt`: not the packed text that its name promises; `bytes`: more than `mostBytes` unpacked; `format`: does not
       * say of which interface its records are; `ended`: the signal fired, or the connection broke.
       */
      because: 'corrupt' | 'bytes' | 'format' | 'ended'
      error: unknown
    }

export interface UnpackOptions {
  /** Beyond the unpacked bytes of one file: a small file can be packed so that it becomes endless. */
  mostBytes: number
  signal: AbortSignal
  /** Format of a file without a header line. */
  format: FlowFormat
  /** Begins the file; null: records of this format can't be read from a file. */
  pieceOf(format: FlowFormat): FlowPiece | null
}

/**
 * Reads one file of lines packed by gzip, piece by piece; its first line is its format. The piece is committed only once
 * the file has been read to its end and its checksum was right. Never rejects.
 */
export async function unpackText(body: Readable, options: UnpackOptions): Promise<Unpacked> {
  const { mostBytes, signal, format, pieceOf } = options
  const gunzip = createGunzip()
  let broken = false
  const stop = (): void => void gunzip.destroy(new Error('ended'))
  const failed = (error: Error): void => {
    broken = true
    gunzip.destroy(error)
  }
  body.on('error', failed)
  signal.addEventListener('abort', stop, { once: true })
  let piece: FlowPiece | null = null
  let first: Buffer = Buffer.alloc(0)
  let bytes = 0
  const begin = (): FlowPiece | null => {
    const end = first.indexOf(0x0a)
    const line = first.subarray(0, end < 0 ? first.length : end).toString('utf8')
    const header = flowHeader(line.trimEnd())
    const begun = pieceOf(header ?? format)
    begun?.take(header === null ? first : first.subarray(end < 0 ? first.length : end + 1))
    return begun
  }
  try {
    if (signal.aborted) return { ok: false, because: 'ended', error: signal.reason }
    for await (const chunk of body.pipe(gunzip)) {
      const data = chunk as Buffer
      bytes += data.length
      if (bytes > mostBytes) return { ok: false, because: 'bytes', error: null }
      if (piece !== null) piece.take(data)
      else {
        first = Buffer.concat([first, data])
        if (first.indexOf(0x0a) < 0 && first.length <= longestFlowLine) continue
        piece = begin()
        if (piece === null) return { ok: false, because: 'format', error: null }
      }
    }
    piece ??= begin()
    if (piece === null) return { ok: false, because: 'format', error: null }
    piece.commit()
    return { ok: true }
  } catch (error) {
    const ended = broken || signal.aborted
    return { ok: false, because: ended ? 'ended' : 'corrupt', error }
  } finally {
    signal.removeEventListener('abort', stop)
    body.unpipe(gunzip)
    gunzip.destroy()
    body.on('error', () => undefined)
    body.destroy()
  }
}
