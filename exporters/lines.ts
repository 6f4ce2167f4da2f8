import { constants, fstatSync, write } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Where lines go: a file by its path, or the standard output of this process. */
export type LinesTarget = { file: string } | { stdout: true }

export interface Lines {
  /**
   * Appends bytes that end with a line feed. Rejects with Node's error where not all could be written; the same `bytes` given
   * again go on where they stopped. A pipe that is full is waited for until the signal fires.
   */
  append(bytes: Buffer, signal: AbortSignal): Promise<void>
  /** The file is opened anew by its name before the next line: it was moved away. */
  reopen(): void
  /** For good: an `append` that still waits rejects, and opens nothing again. */
  close(): Promise<void>
}

/** All that is used of a `FileHandle`. */
interface Handle {
  write(bytes: Buffer, at: number, length: number): Promise<{ bytesWritten: number }>
  close(): Promise<void>
}

const lineFeed = 0x0a
const fullPipeSeconds = 0.05

/**
 * The standard output. A file or pipe is opened once more, without blocking. A socket, as under systemd, can't be opened by
 * any name and is written to as it is.
 */
async function standardOutput(flags: number): Promise<Handle> {
  if (!fstatSync(1).isSocket()) return await open('/proc/self/fd/1', flags)
  const writeTo = promisify(write)
  return {
    write: (bytes, at, length) => writeTo(1, bytes, at, length),
    close: async () => undefined,
  }
}

/**
 * Lines at the end of a file, FIFO or pipe. It is opened without blocking, so that neither a FIFO without a reader nor a full
 * pipe holds a thread of this process; a disk that hangs holds one, and never more.
 */
export function createLines(
  target: LinesTarget,
  wait: (seconds: number, signal: AbortSignal) => Promise<void>,
): Lines {
  let handle: Handle | null = null
  let anew = false
  let closed = false
  let current: { bytes: Buffer; at: number } | null = null

  const opened = async (): Promise<Handle> => {
    if (anew && handle !== null) {
      const old = handle
      handle = null
      // what was begun in the old file begins again in the new one
      if (current !== null && current.at > 0) {
        current.at = current.bytes.lastIndexOf(lineFeed, current.at - 1) + 1
      }
      await old.close().catch(() => undefined)
    }
    anew = false
    if (closed) throw new Error('the output is closed')
    if (handle !== null) return handle
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK
    const next =
      'file' in target
        ? await open(target.file, flags | constants.O_CREAT, 0o640)
        : await standardOutput(flags)
    // a descriptor that nobody closes ends the process when its object is collected
    if (closed) {
      await next.close().catch(() => undefined)
      throw new Error('the output is closed')
    }
    handle = next
    return handle
  }

  return {
    async append(bytes, signal) {
      if (current?.bytes !== bytes) current = { bytes, at: 0 }
      const place = current
      while (place.at < bytes.length) {
        const to = await opened()
        try {
          const { bytesWritten } = await to.write(bytes, place.at, bytes.length - place.at)
          place.at += bytesWritten
        } catch (error) {
          const { code = '' } = error as NodeJS.ErrnoException
          // What a reader that has gone left in a pipe, the next one gets: there nothing begins again.
          if (code === 'ESTALE' || code === 'EIO') anew = true
          if (code !== 'EAGAIN' || signal.aborted) throw error
          await wait(fullPipeSeconds, signal)
        }
      }
      current = null
    },
    reopen() {
      if ('file' in target) anew = true
    },
    async close() {
      closed = true
      const last = handle
      handle = null
      await last?.close()
    },
  }
}
