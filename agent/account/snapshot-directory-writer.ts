import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { postureFiles } from '../../aws/posture-facts.ts'
import type { PartFailure } from '../../aws/snapshot-api.ts'
import { snapshotFileNames } from '../../aws/snapshot-api-calls.ts'
import { listEntriesDirectory, listEntriesFile } from '../../aws/snapshot-decode-calls.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import { manifestName } from '../../aws/snapshot-directory.ts'
import { manifestSchema, partOfFile } from '../../aws/snapshot-manifest.ts'
import { writeManifest } from '../../aws/snapshot-write.ts'
import type { SnapshotPart } from '../../model/topology.ts'

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown error'
}

/** Why a snapshot should not be written to `directory`; null: it is new, empty, or holds an older one. */
export async function whyNotWritable(directory: string): Promise<string | null> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return null
    return code === 'ENOTDIR' ? 'this is no directory' : `the directory can't be read (${code})`
  }
  if (names.length === 0) return null
  try {
    const manifest: unknown = JSON.parse(await readFile(join(directory, manifestName), 'utf8'))
    if ((manifest as { schema?: unknown } | null)?.schema === manifestSchema) return null
  } catch {
    // no manifest, or none of ours
  }
  return `the directory is not empty, and no snapshot (it has no ${manifestName} of schema ${manifestSchema})`
}

/** Beyond this an answer is written without indentation: it is read by programs only. */
const mostIndented = 4 * 1024 * 1024

function cliLayout(text: string): string {
  return text.length > mostIndented ? `${text}\n` : `${JSON.stringify(JSON.parse(text), null, 4)}\n`
}

/** What the AWS CLI prints where AWS refused: readers of the directory then know which permission is missing. */
function cliError({ code, permission }: PartFailure): string {
  const operation = permission.replace(/^ec2:/, '')
  return `\nAn error occurred (${code}) when calling the ${operation} operation: refused\n`
}

export interface WrittenSnapshot {
  /** When the reading of the first answer began, Unix milliseconds. */
  timeMs: number
  /** Files, the manifest not counted. */
  files: number
}

/**
 * Writes the answers and, last of all, the manifest. A reader that comes in between meets the old manifest, whose hashes no
 * longer agree: it takes nothing for read rather than half of each. Files of an older snapshot that were not read again
 * are removed. Rejects if the directory can't be written.
 */
export async function writeSnapshot(
  directory: string,
  files: Readonly<Record<string, SnapshotFile>>,
  failures: readonly PartFailure[],
  about: { account: string | null; region: string; startedMs: number },
): Promise<WrittenSnapshot> {
  await mkdir(join(directory, listEntriesDirectory), { recursive: true })
  const texts = new Map<string, string>()
  const partTimesMs: Partial<Record<SnapshotPart, number>> = {}
  for (const [name, file] of Object.entries(files)) {
    const part = partOfFile(name)
    if (part === null && !postureFiles.includes(name)) continue
    if (file.refused === undefined) {
      texts.set(name, cliLayout(file.text))
      if (part !== null && file.atMs !== null)
        partTimesMs[part] = Math.min(partTimesMs[part] ?? Infinity, file.atMs)
    } else if (file.refused.reason === 'denied') {
      const failure = failures.find(
        (one) => one.reason === 'denied' && one.code !== 'not_the_owner' && one.file === name,
      )
      if (failure !== undefined) texts.set(name, cliError(failure))
    }
  }
  for (const [name, text] of texts) {
    const path = join(directory, name)
    await rm(`${path}.part`, { force: true })
    await writeFile(`${path}.part`, text, { flag: 'wx' })
    await rename(`${path}.part`, path)
  }
  const entries = await readdir(join(directory, listEntriesDirectory))
  const old = [
    ...snapshotFileNames,
    ...postureFiles,
    ...entries.map((name) => `${listEntriesDirectory}/${name}`).filter((name) => listEntriesFile.test(name)),
  ]
  for (const name of old) if (!texts.has(name)) await rm(join(directory, name), { force: true })
  const timeMs = Math.min(about.startedMs, ...Object.values(partTimesMs))
  await writeManifest(directory, { timeMs, account: about.account, region: about.region, partTimesMs })
  return { timeMs, files: texts.size }
}
