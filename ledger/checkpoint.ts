import type { Hash } from './merkle.ts'
import { isKeyName, strictBase64 } from './note.ts'

/** What a checkpoint says (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** Whose log: one line, also the name of the key that signs. */
  origin: string
  /** Leaves. Beyond 2^53 for other people's logs only. */
  size: bigint
  root: Hash
  /** Further lines; this program writes none. */
  extension: string[]
}

/** The text that is signed. */
export function formatCheckpoint(origin: string, size: number, root: Hash): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** Reads the text of a note as a checkpoint; null if it is none. */
export function parseCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith('\n')) return null
  const [origin = '', size = '', hash = '', ...extension] = text.slice(0, -1).split('\n')
  const root = strictBase64(hash)
  if (origin === '' || !/^(?:0|[1-9][0-9]{0,19})$/.test(size) || root?.length !== 32) return null
  return extension.includes('') ? null : { origin, size: BigInt(size), root, extension }
}

/** Whether a ledger may have this origin: it must serve as the name of a key. */
export function isOrigin(origin: string): boolean {
  return origin.length <= 200 && isKeyName(origin) && /^[\u0021-\u007E]+$/.test(origin)
}
