/** CloudTrail: what it keeps of served calls, late, and `LookupEvents`. Sources: CloudTrail user guide, "Record contents"; API reference, `LookupEvents`. */
import { randomUUID } from 'node:crypto'
import { draw } from '../flow/draw.ts'
import type { TrailOptions } from '../flow/types.ts'
import { isJson, type Json } from './json.ts'
import { type JsonQuestion, type JsonService, numberOf, textOf } from './json-service.ts'
import { type ApiProblem, problem } from './problem.ts'
import type { ServedCall } from './served.ts'

export interface Trail {
  record(call: ServedCall): void
  service: JsonService
}

interface Kept {
  id: string
  atMs: number
  call: ServedCall
  event: Json
}

const maxKept = 10_000
const pageEvents = 50

/** `options` is asked anew at each request; times are Unix milliseconds. */
export function createTrail({ options, nowMs }: { options(): TrailOptions; nowMs(): number }): Trail {
  const kept: Kept[] = []
  let asked: number[] = []
  const record = (call: ServedCall): void => {
    const { withoutEndpoint, lost } = options()
    if (draw(1, 'trail', call.requestId) < lost) return
    const id = randomUUID()
    const atMs = Math.floor(nowMs() / 1000) * 1000
    kept.push({ id, atMs, call, event: eventJson(call, id, atMs, withoutEndpoint.includes(call.source)) })
    if (kept.length > maxKept) kept.shift()
  }
  const isTooOften = (): boolean => {
    const now = nowMs()
    asked = asked.filter((atMs) => now - atMs < 1000)
    if (asked.length >= options().requestsPerSecond) return true
    asked.push(now)
    return false
  }
  const lookup = (question: JsonQuestion): Json | ApiProblem => {
    if (isTooOften()) return problem(400, 'ThrottlingException', 'Rate exceeded')
    const oldest = nowMs() - 90 * 86_400_000
    const latest = nowMs() - options().latenessSeconds * 1000
    return lookupEvents(
      question,
      kept.filter(({ atMs }) => atMs >= oldest && atMs <= latest),
    )
  }
  return {
    record,
    service: {
      api: 'cloudtrail',
      target: 'CloudTrail_20131101',
      contentType: 'application/x-amz-json-1.1',
      trail: { source: 'cloudtrail.amazonaws.com', actions: ['LookupEvents'] },
      actions: { LookupEvents: lookup },
    },
  }
}

const attributes: Readonly<Record<string, (kept: Kept) => string>> = {
  EventId: ({ id }) => id,
  EventName: ({ call }) => call.name,
  EventSource: ({ call }) => call.source,
  ReadOnly: () => 'true',
  Username: ({ call }) => userOf(call),
  AccessKeyId: ({ call }) => call.accessKeyId,
  ResourceName: ({ call }) => String(call.parameters?.['bucketName'] ?? ''),
  ResourceType: ({ call }) => (call.parameters?.['bucketName'] === undefined ? '' : 'AWS::S3::Bucket'),
}

function lookupEvents(
  { input, pager, pageSize, endless }: JsonQuestion,
  kept: readonly Kept[],
): Json | ApiProblem {
  const size = numberOf(input, 'MaxResults') ?? pageEvents
  if (!Number.isInteger(size) || size < 1 || size > pageEvents)
    return problem(400, 'InvalidMaxResultsException', 'A limit must be from 1 to 50.')
  const from = numberOf(input, 'StartTime') ?? 0
  const to = numberOf(input, 'EndTime') ?? Number.POSITIVE_INFINITY
  if (from > to) return problem(400, 'InvalidTimeRangeException', 'End time cannot be before start time.')
  const asked = input['LookupAttributes']
  const list: unknown[] = Array.isArray(asked) ? asked : []
  if (list.length > 1)
    return problem(400, 'InvalidLookupAttributesException', 'You can specify only one lookup attribute.')
  const [attribute] = list
  const key = isJson(attribute) ? (textOf(attribute, 'AttributeKey') ?? '') : null
  const value = isJson(attribute) ? textOf(attribute, 'AttributeValue') : null
  const read = key !== null && Object.hasOwn(attributes, key) ? attributes[key] : undefined
  if (key !== null && (read === undefined || value === null))
    return problem(400, 'InvalidLookupAttributesException', 'The lookup attribute is not valid.')
  const items = kept
    .filter(
      (each) =>
        each.atMs >= from * 1000 && each.atMs <= to * 1000 && (read === undefined || read(each) === value),
    )
    .toReversed()
    .map(itemJson)
  const { NextToken: token, ...rest } = input
  const page = pager.page(items, {
    about: JSON.stringify(['LookupEvents', rest]),
    key: 'EventId',
    size: Math.min(size, pageSize ?? size),
    token: typeof token === 'string' ? token : null,
    endless,
  })
  if (page === null) return problem(400, 'InvalidNextTokenException', 'The token is not valid.')
  return { Events: page.items, ...(page.nextToken !== null && { NextToken: page.nextToken }) }
}

function itemJson({ id, atMs, call, event }: Kept): Json {
  const bucket = call.parameters?.['bucketName']
  return {
    EventId: id,
    EventName: call.name,
    ReadOnly: 'true',
    AccessKeyId: call.accessKeyId,
    EventTime: atMs / 1000,
    EventSource: call.source,
    Username: userOf(call),
    Resources: bucket === undefined ? [] : [{ ResourceType: 'AWS::S3::Bucket', ResourceName: bucket }],
    CloudTrailEvent: JSON.stringify(event),
  }
}

/** The session's name. */
function userOf({ principal }: ServedCall): string {
  return principal.arn.split('/').at(-1) ?? ''
}

function eventJson(call: ServedCall, id: string, atMs: number, withoutEndpoint: boolean): Json {
  const { principal, arrival, error } = call
  const role = /assumed-role\/([^/]+)\//u.exec(principal.arn)?.[1] ?? ''
  const time = new Date(atMs).toISOString().replace('.000Z', 'Z')
  return {
    eventVersion: '1.11',
    userIdentity: {
      type: 'AssumedRole',
      principalId: principal.userId,
      arn: principal.arn,
      accountId: principal.account,
      accessKeyId: call.accessKeyId,
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          principalId: principal.userId.split(':')[0],
          arn: `arn:aws:iam::${principal.account}:role/${role}`,
          accountId: principal.account,
          userName: role,
        },
        attributes: { creationDate: time, mfaAuthenticated: 'false' },
      },
    },
    eventTime: time,
    eventSource: call.source,
    eventName: call.name,
    awsRegion: call.region,
    sourceIPAddress: arrival.source,
    userAgent: `[${call.userAgent}]`,
    ...(error !== null && { errorCode: error }),
    requestParameters: call.parameters,
    responseElements: null,
    requestID: call.requestId,
    eventID: id,
    readOnly: true,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: principal.account,
    ...(arrival.endpoint !== null &&
      !withoutEndpoint && {
        vpcEndpointId: arrival.endpoint.id,
        vpcEndpointAccountId: arrival.endpoint.owner,
      }),
    eventCategory: 'Management',
    tlsDetails: {
      tlsVersion: 'TLSv1.3',
      cipherSuite: 'TLS_AES_128_GCM_SHA256',
      clientProvidedHostHeader: call.host,
    },
  }
}
