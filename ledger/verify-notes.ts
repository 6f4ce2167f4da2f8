import { parseCheckpoint } from './checkpoint.ts'
import { type LedgerFiles, readWhole } from './files.ts'
import { type Layout, listNotes, noteName } from './layout.ts'
import type { Hash } from './merkle.ts'
import type { KeysAt } from './handover.ts'
import { type VerifierKey, maxNoteBytes, openNote } from './note.ts'

/** A checkpoint, as far as it can be judged without the records. */
export interface CheckedNote {
  size: number
  origin: string
  root: Hash
  /** Which of the given keys signed it, `<name>+<id>`. */
  by: string[]
  /** Other signers that it names. */
  unknown: string[]
}

export type NoteResult = { ok: true; note: CheckedNote } | { ok: false; problem: string }

/** Reads a checkpoint and judges its signatures by the given keys, or by those that count for its size. */
export function checkNote(bytes: Uint8Array, keys: readonly VerifierKey[] | KeysAt): NoteResult {
  if (typeof keys === 'function') {
    const read = checkNote(bytes, [])
    return read.ok ? checkNote(bytes, keys(read.note.size)) : read
  }
  const opened = openNote(bytes, keys)
  if (!opened.ok) return { ok: false, problem: opened.problem }
  const { text, by, unknown } = opened.note
  const checkpoint = parseCheckpoint(text)
  if (checkpoint === null) return { ok: false, problem: 'its text is no checkpoint' }
  const { origin, root } = checkpoint
  if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER))
    return { ok: false, problem: 'its size is beyond all ledgers' }
  const named = ({ name, id }: { name: string; id: string }): string => `${name}+${id}`
  return {
    ok: true,
    note: { size: Number(checkpoint.size), origin, root, by: by.map(named), unknown: unknown.map(named) },
  }
}

/** All checkpoints of a directory, smallest first. */
export async function checkNotes(
  files: LedgerFiles,
  layout: Layout,
  keys: readonly VerifierKey[] | KeysAt,
): Promise<{ notes: CheckedNote[]; broken: { size: number; problem: string }[] }> {
  const notes: CheckedNote[] = []
  const broken: { size: number; problem: string }[] = []
  for (const size of await listNotes(files, layout)) {
    let result: NoteResult
    try {
      const bytes = await readWhole(files, `${layout.checkpoints}/${noteName(size)}`, maxNoteBytes)
      result = checkNote(bytes ?? Buffer.alloc(0), keys)
    } catch (error) {
      result = { ok: false, problem: error instanceof Error ? error.message : 'it can not be read' }
    }
    if (!result.ok) broken.push({ size, problem: result.problem })
    else if (result.note.size !== size) broken.push({ size, problem: `it says ${result.note.size} records` })
    else notes.push(result.note)
  }
  return { notes, broken }
}
