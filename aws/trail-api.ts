import type { AttestApi } from './attest-clients.ts'
import { type ApiFailure, failureOf, notAnAnswer } from './snapshot-api-errors.ts'
import { type TrailRecord, readTrailRecord } from './trail-record.ts'

/** One question to CloudTrail: the records of some requests, all of one event name. */
export interface TrailQuery {
  id: string
  region: string
  eventSource: string
  eventName: string
  /** Unix milliseconds, both ends included. */
  fromMs: number
  toMs: number
  requestIds: string[]
}

export interface TrailResult {
  id: string
  records: TrailRecord[]
  /** Not every page was read: what is not in `records` may be there all the same. */
  truncated: boolean
  failure: ApiFailure | null
}

export interface TrailDeps {
  api: Pick<AttestApi, 'call'>
  sleep(seconds: number): Promise<void>
  signal: AbortSignal
  deadlineSeconds: number
}

const permission = 'cloudtrail:LookupEvents'

/** Two calls a second are what CloudTrail takes of an account in a region (API reference, `LookupEvents`). */
const secondsBetween = 0.6
const pageSize = 50
const mostPages = 10

/**
 * Looks for the records of requests, one call after the other at less than AWS's rate. Records of the same event by
 * others are read over. Never rejects; a query that could not be put to its end says so.
 */
export async function lookUpEvents(queries: readonly TrailQuery[], deps: TrailDeps): Promise<TrailResult[]> {
  const results: TrailResult[] = []
  let calls = 0
  for (const query of queries) {
    const wanted = new Set(query.requestIds)
    const result: TrailResult = { id: query.id, records: [], truncated: false, failure: null }
    results.push(result)
    const seen = new Set<string>()
    let token: string | null = null
    for (let page = 0; wanted.size > 0; page++) {
      if (page >= mostPages) {
        result.truncated = true
        break
      }
      if (calls++ > 0) await deps.sleep(secondsBetween)
      const answer = await onePage(query, token, deps)
      if ('failure' in answer) {
        result.failure = answer.failure
        break
      }
      for (const text of answer.texts) {
        const record = readTrailRecord(text)
        if (record === null || !wanted.has(record.requestId)) continue
        if (record.eventSource !== query.eventSource || record.eventName !== query.eventName) continue
        result.records.push(record)
      }
      for (const { requestId } of result.records) wanted.delete(requestId)
      token = answer.next
      if (token === null) break
      if (seen.has(token)) {
        result.failure = notAnAnswer(permission, `cloudtrail.${query.region}`, 'its pages do not end')
        break
      }
      seen.add(token)
    }
  }
  return results
}

async function onePage(
  { region, eventName, fromMs, toMs }: TrailQuery,
  token: string | null,
  { api, signal, deadlineSeconds }: TrailDeps,
): Promise<{ texts: string[]; next: string | null } | { failure: ApiFailure }> {
  const input = {
    LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: eventName }],
    StartTime: new Date(fromMs),
    EndTime: new Date(toMs),
    MaxResults: pageSize,
    ...(token !== null && { NextToken: token }),
  }
  const answer = await api.call(permission, region, input, signal)
  if (!answer.ok) {
    const { error, lastAnswer, hostname } = answer
    const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
    const failure = failureOf(error, { permission, hostname, region, endedAfterSeconds, lastAnswer })
    return { failure: { ...failure, nextStep: nextStepOf(failure, region) } }
  }
  const { Events: events = [], NextToken: next = null } = answer.output
  if (!Array.isArray(events) || (next !== null && typeof next !== 'string')) {
    return { failure: notAnAnswer(permission, `cloudtrail.${region}`, 'no list of events') }
  }
  const texts = events.flatMap((event) => {
    const text = (event as { CloudTrailEvent?: unknown } | null)?.CloudTrailEvent
    return typeof text === 'string' ? [text] : []
  })
  return { texts, next: next === '' ? null : next }
}

function nextStepOf({ reason, nextStep }: ApiFailure, region: string): string {
  if (reason === 'unreachable' || reason === 'timeout') {
    return `a VPC without a way to the internet needs an interface endpoint for cloudtrail in ${region}; to use one by its own DNS name, set AWS_ENDPOINT_URL_CLOUDTRAIL`
  }
  return reason === 'throttled'
    ? 'all callers of an account share two look-ups a second: raise cloudtrail.every'
    : nextStep
}
