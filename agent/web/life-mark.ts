import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Log } from '../log.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

const name = 'life.json'
const timeMs = z.number().min(0).max(253_402_300_799_000)
const schema = z.strictObject({ schema: z.literal('pathproof.life/1'), startedMs: timeMs, seenMs: timeMs })
const everyMs = 5 * 60_000

/** Unix milliseconds: when that life began and when it was known to last; null: not known. */
export interface EarlierLife {
  startedMs: number | null
  seenMs: number | null
}

/** A mark on disk for as long as the agent tells events: what finds one at its start knows that nobody said an end. */
export interface LifeMark {
  /** The life before this one, if it ended without a last word: killed, crashed, or the power went. */
  earlier: EarlierLife | null
  /** It lives; kept every five minutes. Never throws, never waits. */
  seen(): void
  /** It has said its last word. Never rejects. */
  ended(): Promise<void>
}

/** Without a directory nothing is known and nothing kept. Never rejects. */
export async function openLifeMark(
  directory: string | null,
  wallMs: () => number,
  log: Log,
): Promise<LifeMark> {
  if (directory === null) return { earlier: null, seen: () => undefined, ended: async () => undefined }
  const startedMs = wallMs()
  let markedMs: number | null = null
  let over = false
  let working: Promise<void> = Promise.resolve()
  const work = (what: () => Promise<void>): Promise<void> => {
    working = working.then(what).catch((error: Error) => log.warn('life_not_kept', { error }))
    return working
  }
  return {
    earlier: await earlierLife(directory),
    seen() {
      const nowMs = wallMs()
      if (over || (markedMs !== null && Math.abs(nowMs - markedMs) < everyMs)) return
      markedMs = nowMs
      const text = JSON.stringify({ schema: 'pathproof.life/1', startedMs, seenMs: nowMs })
      void work(() => writeStateFile(directory, name, `${text}\n`))
    },
    ended() {
      over = true
      return work(() => rm(join(directory, name), { force: true }))
    },
  }
}

async function earlierLife(directory: string): Promise<EarlierLife | null> {
  try {
    const text = await readStateFile(directory, name, 4096)
    return text === null ? null : schema.parse(JSON.parse(text))
  } catch {
    // It is there: that is what it says.
    return { startedMs: null, seenMs: null }
  }
}
