import * as z from 'zod'
import { readStateFile, writeStateFile } from '../state-file.ts'
import type { Log } from '../log.ts'
import { type Taint, type TaintBook, createTaintBook } from './taint.ts'

const name = 'taint.json'
const maxBytes = 4 * 1024 * 1024
const text = z.string().max(4096)

const schema = z.strictObject({
  schema: z.literal('pathproof.taint/1'),
  taints: z.array(
    z.strictObject({
      basis: z.strictObject({ networkInterface: text, routeTable: text, route: text, target: text }),
      addresses: z.record(
        text,
        z.strictObject({ shownAtMs: z.number(), seenAtMs: z.number(), because: text.optional() }),
      ),
    }),
  ),
})

/**
 * What was tainted when the agent last ran. An address counts as seen now, for nobody looked while the agent was
 * away: a restart must not shorten how long it holds.
 * @throws if the file is there and can't be read: to go on without it would forget what was contradicted
 */
export async function loadTaints(directory: string, nowMs: number): Promise<Taint[]> {
  try {
    const content = await readStateFile(directory, name, maxBytes)
    if (content === null) return []
    const { taints } = schema.parse(JSON.parse(content))
    return taints.map(({ basis, addresses }) => ({
      basis,
      addresses: Object.fromEntries(
        Object.entries(addresses).map(([address, { shownAtMs, because }]) => [
          address,
          { shownAtMs, seenAtMs: nowMs, ...(because !== undefined && { because }) },
        ]),
      ),
    }))
  } catch (error) {
    const why =
      error instanceof z.ZodError
        ? 'its content is not of its form'
        : error instanceof Error
          ? error.message
          : ''
    throw new Error(
      `${directory}/${name} can't be read (${why}), and it says which paths were contradicted by records. Next step: put it right, or remove it if that may be forgotten`,
      { cause: error },
    )
  }
}

/** Keeps the taints for the next start. Rejects if the directory can't be written. */
export async function saveTaints(directory: string, taints: readonly Taint[]): Promise<void> {
  await writeStateFile(directory, name, `${JSON.stringify({ schema: 'pathproof.taint/1', taints })}\n`)
}

/** Saves one state after the other, so that the newest is the last on disk. A disk that refuses is logged. */
export function taintSaver(directory: string, log: Log): (taints: readonly Taint[]) => void {
  let saving: Promise<void> = Promise.resolve()
  return (taints) => {
    saving = saving
      .then(() => saveTaints(directory, taints))
      .catch((error: unknown) => log.error('taint_not_kept', { error: error as Error }))
  }
}

export interface TaintKeeping {
  book: TaintBook
  /** Says that there is a new taint, and keeps all for the next start. */
  keep(): void
}

/**
 * The taints of this agent, those of its earlier lives among them.
 * @throws if what was kept can't be read
 */
export async function openTaints(directory: string | null, nowMs: number, log: Log): Promise<TaintKeeping> {
  const book = createTaintBook(directory === null ? [] : await loadTaints(directory, nowMs))
  const save = directory === null ? null : taintSaver(directory, log)
  return {
    book,
    keep() {
      log.warn('taint', { bases: book.bases().map((b) => `${b.routeTable} ${b.route} ${b.target}`) })
      save?.(book.contents())
    },
  }
}
