import type { FlowFormat } from '../model/flow.ts'
import { createFlowTake, type FlowTake } from './flow-take.ts'
import type { RecordsFailure, RecordsQuery, RecordsResult } from './flow-query.ts'
import type { RecordsApi } from './records-clients.ts'
import { endlessPages, notRecords, recordsFailureOf } from './records-errors.ts'

export interface ReadingLimits {
  /** For one request, repetitions included, in seconds. */
  callSeconds: number
  /** Ends everything; `deadlineSeconds` is what it stands for in texts. */
  deadline: AbortSignal
  deadlineSeconds: number
  /** Pages or files. */
  mostPages: number
  mostEvents: number
  /** After unpacking: of one query, and of one of its files. */
  mostBytes: number
  mostFileBytes: number
}

export interface ReadingDeps {
  api: RecordsApi
  region: string
  wallMs(): number
}

type LogsQuery = RecordsQuery & { source: { kind: 'logs' } }

const permission = 'logs:FilterLogEvents'
/** Events that one page may have (CloudWatch Logs API, FilterLogEvents). */
const pageEvents = 10_000
/** What was ingested can be found a few seconds later. */
const settleMs = 30_000
/** How late a record can be; AWS says 5 min on average. */
const lateMs = 20 * 60_000

/** `eni-…` or `nat-…` at the beginning of a stream's name, whatever AWS puts behind it. */
function resourceOf(stream: string): string | null {
  return /^((?:eni|nat)-[0-9a-f]{8,17})(?![0-9a-z])/.exec(stream)?.[1] ?? null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

/**
 * Reads one flow log's streams of one interface out of CloudWatch Logs (FilterLogEvents: by the beginning of the stream's
 * name and the records' start). Never rejects; what was read before a failure stands. A census counts what was ingested
 * since the last cursor, up to half a minute ago, and goes back 20 minutes for it: then windows may overlap as they like.
 */
export async function readLogs(
  query: LogsQuery,
  format: FlowFormat,
  limits: ReadingLimits,
  deps: ReadingDeps,
): Promise<RecordsResult> {
  const { source, censusSince, census, toMs } = query
  const cursor = censusSince?.kind === 'logs' ? censusSince : null
  const sinceMs = cursor?.ingestedMs ?? query.fromMs
  const untilMs = Math.max(sinceMs, deps.wallMs() - settleMs)
  const fromMs = Math.max(0, census ? Math.min(query.fromMs, sinceMs - lateMs) : query.fromMs)
  const take = createFlowTake({ ...query, fromMs }, format)
  let counted = 0
  const isCounted = (ingestedMs: number | null): boolean => {
    const isNew = ingestedMs !== null && ingestedMs <= untilMs && ingestedMs > sinceMs
    if (isNew) counted++
    return isNew
  }

  const seen = new Set<string>()
  let token: string | null = null
  let failure: RecordsFailure | null = null
  let truncated: RecordsResult['truncated'] = null
  let events = 0
  for (let pages = 1; ; pages++) {
    const limit = AbortSignal.timeout(limits.callSeconds * 1000)
    const signal = AbortSignal.any([limits.deadline, limit])
    const group = source.logGroup
    const answer = await deps.api.call(
      permission,
      {
        ...(group.startsWith('arn:') ? { logGroupIdentifier: group } : { logGroupName: group }),
        logStreamNamePrefix: source.streamPrefix,
        startTime: Math.floor(fromMs),
        endTime: Math.ceil(toMs),
        limit: pageEvents,
        ...(token !== null && { nextToken: token }),
      },
      signal,
    )
    if (!answer.ok) {
      const { hostname, lastAnswer, error } = answer
      const ended = limits.deadline.aborted
        ? limits.deadlineSeconds
        : limit.aborted
          ? limits.callSeconds
          : null
      const call = { permission, hostname, region: deps.region, endedAfterSeconds: ended, lastAnswer }
      failure = recordsFailureOf(error, call, `log group ${group}`)
      break
    }
    const list = answer.output['events'] ?? []
    if (!Array.isArray(list)) {
      failure = notRecords(permission, `logs.${deps.region}`, 'it has no "events"')
      break
    }
    for (const item of list as unknown[]) {
      if (events >= limits.mostEvents || take.full()) break
      if (takeEvent(take, item, source.streamPrefix, isCounted)) events++
    }
    const next = answer.output['nextToken']
    if (next === undefined || next === null || next === '') {
      if (events >= limits.mostEvents) truncated = 'events'
      break
    }
    if (typeof next !== 'string' || seen.has(next)) {
      failure = endlessPages(permission)
      break
    }
    seen.add(next)
    token = next
    truncated = boundOf(take, { pages, events }, limits)
    if (truncated !== null) break
  }
  if (take.full()) truncated ??= 'records'
  if (truncated !== null || failure !== null) take.lost()
  const { sum, ...read } = take.result()
  const complete = failure === null && truncated === null && !take.damaged()
  // what was counted is not counted again, even where the rest of that time is lost to the census
  const moved = failure === null || counted > 0
  return {
    id: query.id,
    ...read,
    badFiles: 0,
    census: census ? { ...sum, sinceMs, untilMs: moved ? untilMs : sinceMs, complete } : null,
    truncated,
    failure,
    cursor: census && moved ? { kind: 'logs', ingestedMs: untilMs } : null,
  }
}

function boundOf(
  take: FlowTake,
  { pages, events }: { pages: number; events: number },
  limits: ReadingLimits,
): RecordsResult['truncated'] {
  if (limits.deadline.aborted) return 'time'
  if (take.full()) return 'records'
  if (events >= limits.mostEvents) return 'events'
  if (take.scannedBytes() >= limits.mostBytes) return 'bytes'
  return pages >= limits.mostPages ? 'pages' : null
}

/** False for what is no event of the wanted stream: another interface's id may begin with this one's. */
function takeEvent(
  take: FlowTake,
  item: unknown,
  prefix: string,
  isCounted: (ingestedMs: number | null) => boolean,
): boolean {
  if (typeof item !== 'object' || item === null) return false
  const event = item as Readonly<Record<string, unknown>>
  const message = textOf(event['message'])
  const stream = textOf(event['logStreamName'])
  const id = textOf(event['eventId'])
  if (message === null || stream === null || id === null) return false
  const resource = resourceOf(stream)
  if (resource !== null && resource !== resourceOf(prefix) && resourceOf(prefix) !== null) return false
  const ingestedMs = numberOf(event['ingestionTime'])
  take.event({
    message,
    id: id.slice(0, 128),
    interfaceId: resource?.startsWith('eni-') ? resource : null,
    ingestedMs,
    counted: isCounted(ingestedMs),
  })
  return true
}
