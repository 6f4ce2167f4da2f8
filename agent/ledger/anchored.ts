import type { LedgerFiles } from '../../ledger/files.ts'
import { layoutOf, listSegments, segmentName } from '../../ledger/layout.ts'
import type { LedgerConfig } from '../config/config.ts'
import { type Anchors, type AnchorsDeps, createAnchors } from './anchors.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

const fileName = 'anchored.json'

/** Where segments of this ledger go; another bucket or prefix begins anew. */
function placeOf({ anchors }: LedgerConfig, origin: string): string {
  return JSON.stringify([anchors?.s3?.bucket ?? null, anchors?.s3?.prefix ?? null, origin])
}

async function readThrough(directory: string, place: string): Promise<number> {
  try {
    const value: unknown = JSON.parse((await readStateFile(directory, fileName, 4096)) ?? 'null')
    const fields = (typeof value === 'object' ? value : null) as { place?: unknown; through?: unknown } | null
    const through = fields?.place === place ? fields.through : 0
    return typeof through === 'number' && Number.isSafeInteger(through) && through > 0 ? through : 0
  } catch {
    // Sent once more: what lies there is not written over.
    return 0
  }
}

/**
 * Anchors of a ledger with what an earlier process has left to be sent. What was sent is kept in `anchored.json` beside the
 * segments: a hint that saves requests, and no evidence. Never rejects.
 */
export async function openAnchors(
  config: LedgerConfig,
  origin: string,
  files: LedgerFiles,
  deps: Omit<AnchorsDeps, 'anchors' | 'retentionSeconds' | 'origin' | 'keep'>,
): Promise<Anchors> {
  const { directory, retentionSeconds } = config
  const anchors = config.anchors ?? { cloudwatchLogs: null, s3: null }
  const place = placeOf(config, origin)
  const through = await readThrough(directory, place)
  const layout = layoutOf(directory)
  const present = await listSegments(files, layout).catch(() => [])
  const sealed = present
    .filter(({ first, gzip, plain }) => gzip && !plain && first >= through)
    .map(({ first }) => ({ first, path: `${layout.segments}/${segmentName(first)}.gz` }))
  const keep = (next: number): void => {
    writeStateFile(directory, fileName, `${JSON.stringify({ place, through: next })}\n`).catch(
      () => undefined,
    )
  }
  return createAnchors({ ...deps, anchors, retentionSeconds, origin, keep }, sealed, through)
}
