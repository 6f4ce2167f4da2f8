import type { RecordsCursor, RecordsSource } from './flow-query.ts'

/** A file of flow records as a bucket lists it. */
export interface FlowFile {
  key: string
  /** When it was last changed, Unix milliseconds; it holds nothing younger. */
  modifiedMs: number
  bytes: number
  form: 'text' | 'parquet'
}

export type FilesSource = Extract<RecordsSource, { kind: 's3' }>
export type FilesCursor = Extract<RecordsCursor, { kind: 's3' }>

/** A file's name has the time at which its records ended; it is written later, and listed later still. */
const nameLeadMs = 60 * 60_000
/** A file that is written in parts bears the time at which that began. */
const settleMs = 15 * 60_000
/** Files remembered by their keys; older ones by their time alone. */
const mostKeys = 4000
const mostFolders = 50

const two = (value: number): string => String(value).padStart(2, '0')

/**
 * The beginnings of the keys under which files for this time lie, oldest first (VPC guide, "Publish flow logs to Amazon
 * S3"), each with the key after which the files begin that matter. Bounded: of a longer time, the youngest folders.
 */
export function foldersOf(
  source: FilesSource,
  fromMs: number,
  toMs: number,
): { prefix: string; startAfter: string | null }[] {
  const { account, region, hive, hourly, flowLogId } = source
  const root = source.prefix === '' ? 'AWSLogs/' : `${source.prefix}/AWSLogs/`
  const base = hive
    ? `${root}aws-account-id=${account}/aws-service=vpcflowlogs/aws-region=${region}/`
    : `${root}${account}/vpcflowlogs/${region}/`
  const stepMs = hourly ? 3_600_000 : 86_400_000
  const firstMs = fromMs - nameLeadMs
  const folders: { prefix: string; startAfter: string | null }[] = []
  for (let at = Math.floor(toMs / stepMs) * stepMs; at > firstMs - stepMs; at -= stepMs) {
    if (folders.length === mostFolders) break
    const date = new Date(at)
    const [year, month, day] = [date.getUTCFullYear(), two(date.getUTCMonth() + 1), two(date.getUTCDate())]
    const hour = two(date.getUTCHours())
    const folder = hive
      ? `year=${year}/month=${month}/day=${day}/${hourly ? `hour=${hour}/` : ''}`
      : `${year}/${month}/${day}/${hourly ? `${hour}/` : ''}`
    const file = flowLogId === null ? null : `${account}_vpcflowlogs_${region}_${flowLogId}_`
    folders.unshift({
      prefix: `${base}${folder}${file ?? ''}`,
      startAfter: file !== null && at <= firstMs ? `${base}${folder}${file}${stampOf(firstMs)}` : null,
    })
  }
  return folders
}

function stampOf(ms: number): string {
  const [day = '', time = ''] = new Date(ms).toISOString().split('T')
  return `${day.replaceAll('-', '')}T${time.slice(0, 5).replace(':', '')}Z`
}

const filePattern =
  /^[0-9]{12}_vpcflowlogs_[a-z0-9-]{1,32}_(fl-[0-9a-f]{8,17})_[0-9]{8}T[0-9]{4}Z_[0-9A-Za-z]{1,64}\.log(\.gz|\.parquet|\.gz\.parquet)?$/

/** One element of `Contents`; null for what is no file of this flow log: a bucket may hold anything. */
export function fileOf(entry: unknown, source: FilesSource): FlowFile | null {
  if (typeof entry !== 'object' || entry === null) return null
  const { Key: key, LastModified: modified, Size: bytes } = entry as Readonly<Record<string, unknown>>
  if (typeof key !== 'string' || key.length > 1024 || !(modified instanceof Date)) return null
  if (typeof bytes !== 'number' || !(bytes >= 0)) return null
  const match = filePattern.exec(key.slice(key.lastIndexOf('/') + 1))
  if (match === null || (source.flowLogId !== null && match[1] !== source.flowLogId)) return null
  const modifiedMs = modified.getTime()
  if (Number.isNaN(modifiedMs)) return null
  return { key, modifiedMs, bytes, form: match[2]?.endsWith('.parquet') ? 'parquet' : 'text' }
}

/**
 * Where to begin: files changed after that moment are looked at. Without a cursor at `fromMs`; with one where it stands, but
 * not more than a day before `fromMs`.
 */
export function filesSince(cursor: FilesCursor | null, fromMs: number): number {
  return cursor === null ? fromMs : Math.max(cursor.doneMs, fromMs - 86_400_000)
}

/** The files that have not been read, oldest first. */
export function newFiles(
  files: readonly FlowFile[],
  cursor: FilesCursor | null,
  sinceMs: number,
): FlowFile[] {
  const known = new Set(cursor?.keys ?? [])
  const once = new Map(files.map((file) => [file.key, file]))
  return [...once.values()]
    .filter(({ key, modifiedMs }) => modifiedMs > sinceMs && !known.has(key))
    .sort((a, b) => a.modifiedMs - b.modifiedMs || (a.key < b.key ? -1 : 1))
}

/**
 * The cursor after `read` were read and `left` were not: what changed a quarter of an hour before `nowMs` is done, unless a
 * file of that time is left. `listed` are all that the bucket showed, `whole` whether that was all there is: a key that it
 * did not show then need not be remembered.
 */
export function cursorAfter(
  cursor: FilesCursor | null,
  sinceMs: number,
  { read, left, listed }: Readonly<Record<'read' | 'left' | 'listed', readonly FlowFile[]>>,
  whole: boolean,
  nowMs: number,
): FilesCursor {
  let doneMs = sinceMs
  if (whole) {
    const firstLeft = Math.min(...left.map(({ modifiedMs }) => modifiedMs - 1))
    doneMs = Math.max(sinceMs, Math.min(firstLeft, nowMs - settleMs))
  }
  const times = new Map([...listed, ...read].map(({ key, modifiedMs }) => [key, modifiedMs]))
  const timeOf = (key: string): number => times.get(key) ?? (whole ? 0 : Number.MAX_SAFE_INTEGER)
  const keys = [...new Set([...(cursor?.keys ?? []), ...read.map(({ key }) => key)])]
    .filter((key) => timeOf(key) > doneMs)
    .sort((a, b) => timeOf(a) - timeOf(b))
  const dropped = keys.splice(0, Math.max(0, keys.length - mostKeys))
  // without their keys, files up to then can only be known by their time
  for (const key of dropped) doneMs = Math.max(doneMs, times.get(key) ?? 0)
  return { kind: 's3', doneMs, keys }
}
