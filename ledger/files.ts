import { constants, createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, statfs, truncate, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file open for appending. */
export interface LedgerFile {
  /** Appends all the bytes. If it rejects, any number of them may have been written. */
  append(bytes: Uint8Array): Promise<void>
  /** Resolves when what was appended outlives a loss of power. After a rejection nothing is known of it. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * All that the ledger does with files, so that tests can break each step. Paths are those of the caller; failures reject
 * with `code` as node:fs does.
 */
export interface LedgerFiles {
  /** With those above it; nothing happens if it is there. */
  makeDirectory(path: string): Promise<void>
  /** Names in no order; empty if there is no such directory. */
  list(path: string): Promise<string[]>
  /** The bytes from the start to the end. */
  read(path: string): AsyncIterable<Uint8Array>
  /** In bytes; null if there is no such file. */
  size(path: string): Promise<number | null>
  /** A new, empty file; rejects with EEXIST if there is one. Its name outlives a loss of power after `syncDirectory`. */
  create(path: string): Promise<LedgerFile>
  append(path: string): Promise<LedgerFile>
  /** Cuts a file, and synchronises it. */
  cut(path: string, bytes: number): Promise<void>
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Resolves when names made, changed and removed in it outlive a loss of power. */
  syncDirectory(path: string): Promise<void>
  /** Bytes that this user can still write there; null: not known. Left out: likewise. */
  free?(path: string): Promise<number | null>
}

const chunkBytes = 256 * 1024
/** Evidence is its owner's business. */
const fileMode = 0o600
const directoryMode = 0o700

export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : null
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : 'EUNKNOWN'
}

/** Not by mkdir's own recursion: it never ends where a file system says ENOENT of a directory that it does not make (/proc). */
async function makeDirectories(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: directoryMode })
  try {
    await make().catch(async (error: unknown) => {
      const above = dirname(path)
      if (codeOf(error) !== 'ENOENT' || above === path) throw error
      await makeDirectories(above)
      await make()
    })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
  }
}

export function realFiles(): LedgerFiles {
  const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW
  // @types/node knows names of flags only; node:fs takes their numbers as well.
  const reading = (constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK) as unknown as string

  async function opened(path: string, flags: number): Promise<LedgerFile> {
    const handle = await open(path, flags, fileMode)
    return {
      async append(bytes) {
        let done = 0
        while (done < bytes.length) {
          const { bytesWritten } = await handle.write(bytes, done)
          done += bytesWritten
        }
      },
      sync: () => handle.datasync(),
      close: () => handle.close(),
    }
  }

  return {
    async makeDirectory(path) {
      await makeDirectories(path)
    },
    async list(path) {
      try {
        return await readdir(path)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      }
    },
    // No link leads out of the directory, and a pipe that nobody writes to holds up no verification.
    read: (path) => createReadStream(path, { highWaterMark: chunkBytes, flags: reading }),
    async size(path) {
      try {
        return (await stat(path)).size
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    },
    create: (path) => opened(path, appending | constants.O_CREAT | constants.O_EXCL),
    append: (path) => opened(path, appending),
    async cut(path, bytes) {
      await truncate(path, bytes)
      const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    rename,
    remove: unlink,
    async free(path) {
      const { bavail, bsize } = await statfs(path)
      return bavail * bsize
    },
    async syncDirectory(path) {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
  }
}

/** A small file as a whole; null if there is none. Rejects with EFBIG beyond `maxBytes`. */
export async function readWhole(files: LedgerFiles, path: string, maxBytes: number): Promise<Buffer | null> {
  if ((await files.size(path)) === null) return null
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of files.read(path)) {
    length += part.length
    if (length > maxBytes) throw Object.assign(new Error(`more than ${maxBytes} bytes`), { code: 'EFBIG' })
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/**
 * Writes a file so that after a crash at any moment it is there whole or not at all: beside it, synchronised, renamed.
 * `path` is `directory/name`.
 */
export async function writeWhole(
  files: LedgerFiles,
  directory: string,
  name: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const part = `${directory}/${name}.part`
  await writePart(files, part, parts)
  await files.rename(part, `${directory}/${name}`)
  await files.syncDirectory(directory)
}

/** Writes and synchronises a file that is to be renamed; removes what a crash has left under its name. */
export async function writePart(
  files: LedgerFiles,
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  if ((await files.size(path)) !== null) await files.remove(path)
  const file = await files.create(path)
  try {
    for await (const part of parts) await file.append(part)
    await file.sync()
  } finally {
    await file.close()
  }
}
