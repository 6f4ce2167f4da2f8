import * as z from 'zod'
import type { RecordsResult } from '../../aws/flow-query.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

const name = 'flow-logs.json'
const maxBytes = 1024 * 1024
const mostReadings = 256
const text = z.string().max(1000)

const schema = z.strictObject({
  schema: z.literal('pathproof.flow-logs/1'),
  atMs: z.number(),
  /** By how much AWS's clock was ahead of this host's; null: not known. */
  clockOffsetSeconds: z.number().nullable().default(null),
  readings: z
    .array(
      z.strictObject({
        id: text,
        events: z.number(),
        newestEndSeconds: z.number().nullable(),
        truncated: text.nullable(),
        badFiles: z.number(),
        badLines: z.number(),
        failure: z
          .strictObject({ reason: text, code: text, permission: text, detail: text, nextStep: text })
          .nullable(),
      }),
    )
    .max(mostReadings),
})

/** What came of the last round of readings, for `doctor`, which asks nobody. No record is in it. */
export type FlowlogState = z.output<typeof schema>

export function flowlogState(
  results: readonly RecordsResult[],
  atMs: number,
  clockOffsetSeconds: number | null = null,
): FlowlogState {
  const clean = (value: string): string => safeText(redact(value), 1000)
  return {
    schema: 'pathproof.flow-logs/1',
    atMs,
    clockOffsetSeconds,
    readings: results.slice(0, mostReadings).map((result) => {
      const { events, newestEndSeconds, truncated, badFiles, badLines, failure } = result
      return {
        id: clean(result.id),
        events,
        newestEndSeconds,
        truncated,
        badFiles,
        badLines,
        failure: failure && {
          reason: failure.reason,
          code: clean(failure.code),
          permission: clean(failure.permission),
          detail: clean(failure.detail),
          nextStep: clean(failure.nextStep),
        },
      }
    }),
  }
}

/** Rejects if the directory can't be written. */
export async function saveFlowlogState(directory: string, state: FlowlogState): Promise<void> {
  await writeStateFile(directory, name, `${JSON.stringify(state)}\n`)
}

/** Null: the agent has kept none, or nothing that can be read. */
export async function loadFlowlogState(directory: string): Promise<FlowlogState | null> {
  try {
    const content = await readStateFile(directory, name, maxBytes)
    const read = content === null ? null : schema.safeParse(JSON.parse(content))
    return read?.success === true ? read.data : null
  } catch {
    return null
  }
}
