import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

/**
 * Where what must outlive a restart is kept: the first directory of STATE_DIRECTORY as systemd sets it
 * (systemd.exec(5)); null without one, or with one that is no absolute path.
 */
export function stateDirectoryOf(environment: Readonly<Record<string, string | undefined>>): string | null {
  const [first = ''] = (environment['STATE_DIRECTORY'] ?? '').split(':')
  return isAbsolute(first) ? first : null
}

/**
 * Writes a file so that a reader, or a crash, meets the old content or the new one whole. Only the user of this process
 * may read it. Rejects if the directory can't be written; then nothing is left behind.
 */
export async function writeStateFile(directory: string, name: string, text: string): Promise<void> {
  const path = join(directory, name)
  const part = `${path}.${randomUUID()}.part`
  try {
    const handle = await open(part, 'wx', 0o600)
    try {
      await handle.writeFile(text, 'utf8')
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
    // The new name itself must outlive a loss of power as well.
    const folder = await open(directory, 'r')
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

/** Reads such a file; null if there is none. Rejects for anything else, also for one of more than `maxBytes`. */
export async function readStateFile(
  directory: string,
  name: string,
  maxBytes: number,
): Promise<string | null> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(join(directory, name), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const bytes = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } finally {
    await handle.close()
  }
}
