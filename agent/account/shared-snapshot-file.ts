import { randomUUID } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { lstat, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** By what a file is known again without reading it: another file, or other content, has another mark. */
export function markOf(stats: BigIntStats): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

/** The mark of what lies at `path` now; null: nothing that could be read. Never rejects. */
export async function markAt(path: string): Promise<string | null> {
  try {
    return markOf(await lstat(path, { bigint: true }))
  } catch {
    return null
  }
}

export type FileReading =
  /** `ageMs`: for how long it has lain there as it is (`st_ctim`, which copying can't set as it can `st_mtim`). */
  { ok: true; bytes: Uint8Array; mark: string; ageMs: number } | { ok: false; code: string; detail: string }

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown'
}

/**
 * The bytes of a regular file of at most `mostBytes`. A symbolic link, a device, a pipe, a file that all the world may
 * write or put there, and one that changed while it was read are refused. Never rejects.
 */
export async function readSharedFile(path: string, mostBytes: number): Promise<FileReading> {
  try {
    // without O_NONBLOCK, to open a pipe would wait for a writer
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const before = await handle.stat({ bigint: true })
    // where anybody may make files (/tmp), anybody may be its writer
    if (((await stat(dirname(path))).mode & 0o002) !== 0)
      return { ok: false, code: 'writable', detail: 'anybody on this host may write its directory' }
    if (!before.isFile()) return { ok: false, code: 'not_a_file', detail: 'it is no regular file' }
    if ((before.mode & 0o002n) !== 0n)
      return { ok: false, code: 'writable', detail: 'anybody on this host may write it' }
    if (before.size > BigInt(mostBytes))
      return { ok: false, code: 'too_large', detail: `it has ${before.size} bytes, more than ${mostBytes}` }
    // one byte more than it had: a file that grows under our hands is not what it was when it was measured
    const buffer = new Uint8Array(Number(before.size) + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    const after = await handle.stat({ bigint: true })
    const same = after.size === before.size && after.mtimeNs === before.mtimeNs
    if (BigInt(length) !== before.size || !same)
      return { ok: false, code: 'changed', detail: 'it changed while it was read' }
    const ageMs = Date.now() - Number(before.ctimeNs / 1_000_000n)
    return { ok: true, bytes: buffer.subarray(0, length), mark: markOf(before), ageMs }
  } catch (error) {
    const code = codeOf(error)
    const detail =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'ELOOP'
          ? 'it is a symbolic link, which is not followed'
          : `it can't be read (${code})`
    return { ok: false, code, detail }
  }
}

/** Puts `bytes` in the place of the file, whole or not at all; other users may read it. Rejects where that fails. */
export async function writeSharedFile(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${randomUUID()}.part`
  try {
    const handle = await open(part, 'wx', 0o644)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
    const folder = await open(dirname(path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw error
  }
}
