import { formatCheckpoint } from './checkpoint.ts'
import { type LedgerFiles, writeWhole } from './files.ts'
import { type Layout, noteName } from './layout.ts'
import { type Tree, rootOf } from './merkle.ts'
import { signNote } from './note.ts'
import type { Position } from './open.ts'
import type { Signer } from './types.ts'

/** The signed note over a tree. Rejects if a signer does. */
export function makeNote(origin: string, tree: Tree, signers: readonly Signer[]): Promise<string> {
  return signNote(formatCheckpoint(origin, tree.size, rootOf(tree)), signers)
}

/**
 * Puts a note among the checkpoints; then removes those that it makes superfluous. Those that the first line of a segment
 * on disk names stay, so that a missing one shows. Rejects if it could not be written.
 */
export async function keepNote(
  files: LedgerFiles,
  layout: Layout,
  position: Position,
  size: number,
  note: string,
): Promise<void> {
  await writeWhole(files, layout.checkpoints, noteName(size), [Buffer.from(note)])
  const named = new Set(position.segments.map(({ checkpoint }) => checkpoint))
  const before = position.notes.filter((other) => other !== size)
  position.notes = [...before, size].sort((a, b) => a - b)
  for (const other of before) {
    if (named.has(other) || other > size) continue
    try {
      await files.remove(`${layout.checkpoints}/${noteName(other)}`)
      position.notes = position.notes.filter((kept) => kept !== other)
    } catch {
      // It does no harm; the next checkpoint tries again.
    }
  }
}
