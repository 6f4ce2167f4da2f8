import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { postureFiles } from './posture-facts.ts'
import { awsListsCall, listEntriesDirectory, listEntriesFile, partCalls } from './snapshot-decode-calls.ts'

export const manifestName = 'manifest.json'

/** Largest file that is read, in bytes; and all files of a directory together. */
export const mostFileBytes = 64 * 1024 * 1024
const mostDirectoryBytes = 512 * 1024 * 1024
/** Most lists whose entries are read; AWS allows an account 100 lists in a region by default. */
const mostEntryFiles = 2000

/** One file as it stood on disk: its bytes, or why there are none. */
export type RawFile = { bytes: Uint8Array; mtimeMs: number } | { unreadable: string }

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'an unknown error'
}

/**
 * The bytes of a regular file (symbolic links are followed) of at most `mostBytes`; null if it does not exist. Devices,
 * pipes and directories are refused and never waited for. Never throws, except by `signal`.
 */
export async function readRawFile(
  path: string,
  mostBytes: number,
  signal?: AbortSignal,
): Promise<RawFile | null> {
  signal?.throwIfAborted()
  try {
    // without O_NONBLOCK, to open a pipe would wait for a writer
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile()) return { unreadable: 'this is not a regular file' }
    const { size, mtimeMs } = stats
    if (size > mostBytes) return { unreadable: `the file has ${size} bytes, more than ${mostBytes}` }
    // one byte more than it had: a file that grows under our hands is not what it was when it was measured
    const buffer = new Uint8Array(size + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length !== size) return { unreadable: 'the file changed while it was read' }
    return { bytes: buffer.subarray(0, size), mtimeMs }
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { unreadable: `the file can't be read (${code})` }
  }
}

/** Every file of a snapshot directory that is known by name (the manifest apart), by its name. */
export type DirectoryReading =
  | { ok: true; files: Map<string, RawFile> }
  | { ok: false; reason: 'missing' | 'failed'; detail: string }

/** Reads the files that make up a snapshot; others in the directory are left alone. */
export async function readDirectory(directory: string, signal?: AbortSignal): Promise<DirectoryReading> {
  signal?.throwIfAborted()
  let names: string[]
  try {
    const entry = await stat(directory)
    if (!entry.isDirectory()) return { ok: false, reason: 'failed', detail: 'this is no directory' }
    names = [...[...Object.values(partCalls), awsListsCall].map((call) => call.file), ...postureFiles]
    const lists = await readdir(join(directory, listEntriesDirectory)).catch(() => [])
    const entries = lists
      .map((name) => `${listEntriesDirectory}/${name}`)
      .filter((name) => listEntriesFile.test(name))
    names.push(...entries.sort().slice(0, mostEntryFiles))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return { ok: false, reason: 'missing', detail: 'there is no such directory' }
    return { ok: false, reason: 'failed', detail: `the directory can't be read (${code})` }
  }
  const files = new Map<string, RawFile>()
  let left = mostDirectoryBytes
  for (const name of names) {
    const file = await readRawFile(join(directory, name), Math.min(mostFileBytes, left), signal)
    if (file === null) continue
    if ('bytes' in file) left -= file.bytes.length
    files.set(name, file)
  }
  return { ok: true, files }
}
