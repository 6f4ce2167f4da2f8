/**
 * Flow-log files in S3: gzip text with a header line, one file for what has arrived in five minutes. Source: VPC user
 * guide, "Publish flow logs to Amazon S3", "Flow log files".
 */
import { gzipSync } from 'node:zlib'
import type { World } from '../world/types.ts'
import { draw } from './draw.ts'
import { fieldsOf } from './fields.ts'
import type { FlowRecorder } from './recorder.ts'
import type { FlowLog } from './types.ts'
import { deliveredEvents, everyLog } from './writer.ts'

export interface FlowFile {
  key: string
  /** Unix milliseconds: when it was put there. */
  modifiedMs: number
  /** The gzip file. */
  body(): Buffer
}

const fileMs = 300_000

/** Every flow-log file that is in a bucket by now, in order of their keys. */
export function flowFiles(recorder: FlowRecorder, bucket: string, nowMs: number): FlowFile[] {
  const logs = everyLog(recorder).filter(
    ({ destination }) => destination.type === 's3' && destination.bucket === bucket,
  )
  const files = logs.flatMap((log) => filesOfLog(recorder, log, nowMs))
  return files.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Buckets that flow logs are, or were, delivered to. */
export function flowBuckets(recorder: FlowRecorder): string[] {
  return [
    ...new Set(
      everyLog(recorder).flatMap(({ destination }) =>
        destination.type === 's3' ? [destination.bucket] : [],
      ),
    ),
  ]
}

function filesOfLog(recorder: FlowRecorder, log: FlowLog, nowMs: number): FlowFile[] {
  const slots = new Map<number, string[]>()
  const query = { fromMs: 0, toMs: nowMs, nowMs, interfacePrefix: '' }
  for (const { arrivedMs, line } of deliveredEvents(recorder, log, query)) {
    const slotMs = Math.ceil(arrivedMs / fileMs) * fileMs
    if (slotMs > nowMs) continue
    const lines = slots.get(slotMs)
    if (lines === undefined) slots.set(slotMs, [line])
    else lines.push(line)
  }
  const header = fieldsOf(log.format).join(' ')
  return [...slots].map(([slotMs, lines]) => ({
    key: keyOf(recorder.worldAt(slotMs), log, slotMs, recorder.plan().seed),
    modifiedMs: slotMs,
    body: () => gzipSync(`${[header, ...lines].join('\n')}\n`),
  }))
}

function keyOf({ account, region }: World, log: FlowLog, slotMs: number, seed: number): string {
  const { destination } = log
  if (destination.type !== 's3') return ''
  const [, year = '', month = '', day = '', hour = '', minute = ''] =
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+)/u.exec(new Date(slotMs).toISOString()) ?? []
  const { hive, hourly, prefix } = destination
  const folders = hive
    ? [
        'AWSLogs',
        `aws-account-id=${account}`,
        'aws-service=vpcflowlogs',
        `aws-region=${region}`,
        `year=${year}`,
        `month=${month}`,
        `day=${day}`,
        ...(hourly ? [`hour=${hour}`] : []),
      ]
    : ['AWSLogs', account, 'vpcflowlogs', region, year, month, day, ...(hourly ? [hour] : [])]
  const hash = Math.floor(draw(seed, 'file', log.id, slotMs) * 2 ** 32)
  const name = `${account}_vpcflowlogs_${region}_${log.id}_${year}${month}${day}T${hour}${minute}Z_${hash.toString(16).padStart(8, '0')}.log.gz`
  return [...(prefix === '' ? [] : [prefix]), ...folders, name].join('/')
}
