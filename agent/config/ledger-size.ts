import type { Config } from './config.ts'
import { defaultStyles } from './defaults.ts'

const perDay = 86_400

/** Bytes of a line, as measured on the lab: what stands around each body, a repeated look with its attempts, a whole verdict. */
const lineBytes = 300
const lookBytes = 120
const attemptBytes = 55
const verdictBytes = 9000
const heartbeatBytes = lineBytes + 90
/** Repeats are collected for so long. */
const collectSeconds = 5
/** A round of the canary on one socket; what records say of one attempt in short. */
const canaryBytes = 1500
const toldBytes = 60
/** What a reading of a middling account says (some hundred interfaces, tens of tables); of one that changed, what is new. */
const accountBytes = 200_000
const accountChangeBytes = 20_000
const accountChangesPerDay = 48

/** What a ledger of this configuration will take. */
export interface LedgerSize {
  /** Before compression, where nothing changes; each change takes a whole verdict more. */
  bytesPerDay: number
  bytesPerChange: number
  /** On disk over the whole retention, compressed to about a third. */
  bytesKept: number
  text: string
}

const compressed = 1 / 3

function lookEverySeconds({ everySeconds, cron }: Config['targets'][number]): number {
  // A cron expression is mostly of minutes; what it means exactly is not worked out here.
  return cron === null ? (everySeconds ?? 30) : 60
}

function namesOf({ service, styles }: Config['targets'][number]): number {
  if (service === null) return 1
  return (styles ?? (service === 's3' ? defaultStyles.s3 : defaultStyles.other)).length
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)

/** What the ledger will take, by the configuration alone; null: there is none. Discovered targets count as three of three names. */
export function ledgerSize(config: Config): LedgerSize | null {
  const { ledger, flowLogs, canary } = config
  if (ledger === null) return null
  const targets =
    config.targets.length > 0
      ? config.targets.map((target) => ({ every: lookEverySeconds(target), names: namesOf(target) }))
      : Array.from({ length: 3 }, () => ({ every: 30, names: 3 }))
  let bytes = (perDay / 60) * heartbeatBytes
  let looks = 0
  for (const { every, names } of targets) {
    const times = perDay / every
    looks += times
    // One address of each family and name is dialled at each look, hardly more.
    bytes += times * (lookBytes + names * 1.5 * attemptBytes)
    if (flowLogs.enabled) bytes += times * names * 1.5 * toldBytes
  }
  bytes += Math.min(looks, perDay / collectSeconds) * lineBytes
  if (canary !== null) bytes += (perDay / canary.everySeconds) * 3 * canaryBytes
  bytes += accountChangesPerDay * accountChangeBytes
  const names = targets.reduce((sum, target) => sum + target.names, 0)
  // Each segment begins with everything anew.
  const segments = Math.max(1, bytes / ledger.segmentSizeBytes)
  // One that would fill much of a segment stands in it once a day.
  const perSegment = accountBytes > ledger.segmentSizeBytes / 8 ? accountBytes / segments : accountBytes
  bytes += segments * (names * verdictBytes + perSegment)
  const bytesPerDay = Math.round(bytes)
  const days = ledger.retentionSeconds / perDay
  const bytesKept = Math.round(bytesPerDay * days * compressed)
  return {
    bytesPerDay,
    bytesPerChange: verdictBytes,
    bytesKept,
    text: `ledger: about ${megabytes(bytesPerDay)} MB a day where no verdict changes, and ${Math.round(verdictBytes / 1000)} kB more for each name each time that something does; about ${megabytes(bytesKept)} MB on disk over ${Math.round(days)} days, compressed`,
  }
}
