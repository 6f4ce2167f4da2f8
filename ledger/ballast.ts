import { randomFillSync } from 'node:crypto'
import type { LedgerFiles } from './files.ts'

/** Room that is kept so that a full disk can still be declared: a file that is given up then. */
export interface Ballast {
  /** Whether it is there now, whole; makes it where there is room for it twice. Never rejects. */
  ensure(): Promise<boolean>
  /** Gives it up. False: there was none, or it can't be removed. Never rejects. */
  free(): Promise<boolean>
}

const blockBytes = 256 * 1024

/** `bytes` 0: there is none, and `ensure` says so. The content can't be compressed: a file system must not save the room. */
export function createBallast(files: LedgerFiles, directory: string, bytes: number): Ballast {
  const path = `${directory}/ballast`

  async function write(): Promise<void> {
    const block = randomFillSync(Buffer.alloc(Math.min(blockBytes, bytes)))
    const file = await files.create(path)
    try {
      for (let left = bytes; left > 0; left -= block.length)
        await file.append(block.subarray(0, Math.min(left, block.length)))
      await file.sync()
    } finally {
      await file.close()
    }
  }

  return {
    async ensure() {
      if (bytes === 0) return false
      try {
        const size = await files.size(path)
        if (size === bytes) return true
        if (size !== null) await files.remove(path)
        const free = (await files.free?.(directory)) ?? null
        if (free !== null && free < 2 * bytes) return false
        await write()
        return true
      } catch {
        // A part of one would only take room.
        await files.remove(path).catch(() => undefined)
        return false
      }
    },
    async free() {
      try {
        if (((await files.size(path)) ?? 0) === 0) return false
        await files.remove(path)
        return true
      } catch {
        return false
      }
    },
  }
}

/** No room, no inodes, or the quota is used up. */
export function isFull(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT'
}
