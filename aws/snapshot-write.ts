import { createHash } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestName, readDirectory } from './snapshot-directory.ts'
import { manifestSchema } from './snapshot-manifest.ts'
import type { SnapshotPart } from '../model/topology.ts'

export interface ManifestOptions {
  /** When the reading of the first answer began, Unix milliseconds. */
  timeMs: number
  account: string | null
  region: string | null
  /** When the reading of a part began, where it is not `timeMs`. */
  partTimesMs?: Partial<Record<SnapshotPart, number>>
}

/**
 * Writes `manifest.json` for the answers that lie in `directory`: time, account, region and the SHA-256 of each file, as
 * `readSnapshotDirectory` wants it. To be called last: it stands for what is there now. The file appears whole or not at
 * all. Rejects if the directory or one of its files can't be read, or the manifest can't be written.
 */
export async function writeManifest(directory: string, options: ManifestOptions): Promise<void> {
  const reading = await readDirectory(directory)
  if (!reading.ok) throw new Error(`${directory}: ${reading.detail}`)
  const files: Record<string, string> = {}
  for (const [name, file] of reading.files) {
    if ('unreadable' in file) throw new Error(`${join(directory, name)}: ${file.unreadable}`)
    files[name] = createHash('sha256').update(file.bytes).digest('hex')
  }
  const { timeMs, account, region, partTimesMs } = options
  const manifest = {
    schema: manifestSchema,
    time: utc(timeMs),
    account,
    region,
    files,
    ...partTimes(partTimesMs),
  }
  const path = join(directory, manifestName)
  await writeFile(`${path}.part`, `${JSON.stringify(manifest, null, 2)}\n`)
  await rename(`${path}.part`, path)
}

const utc = (timeMs: number): string => new Date(timeMs).toISOString()

function partTimes(times: ManifestOptions['partTimesMs']): { parts?: Record<string, string> } {
  const entries = Object.entries(times ?? {}).map(([part, timeMs]) => [part, utc(timeMs)] as const)
  return entries.length === 0 ? {} : { parts: Object.fromEntries(entries) }
}
