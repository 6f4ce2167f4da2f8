/** Writing into CloudWatch Logs. Source: CloudWatch Logs API reference, `CreateLogStream` and `PutLogEvents`. */
import type { Written, WrittenEvent } from '../written.ts'
import { isJson, type Json } from './json.ts'
import { type JsonQuestion, numberOf, textOf } from './json-service.ts'
import { invalid } from './logs-events.ts'
import { type ApiProblem, problem } from './problem.ts'

export interface LogsPlace {
  /** Groups that may be written to. */
  groups(): readonly string[]
  written: Written
}

const mostEvents = 10_000
const mostBytes = 1_048_576
const oldestMs = 14 * 86_400_000
const newestMs = 2 * 3_600_000
const widestMs = 24 * 3_600_000

const noStream = (): ApiProblem =>
  problem(400, 'ResourceNotFoundException', 'The specified log stream does not exist.')

function placeOf({ groups }: LogsPlace, input: Json): { group: string; stream: string } | ApiProblem {
  const group = textOf(input, 'logGroupName') ?? ''
  const stream = textOf(input, 'logStreamName') ?? ''
  if (!groups().includes(group))
    return problem(400, 'ResourceNotFoundException', 'The specified log group does not exist.')
  return /^[^:*]{1,512}$/u.test(stream) ? { group, stream } : invalid('Invalid log stream name')
}

export function createLogStream(at: LogsPlace, { input }: JsonQuestion): Json | ApiProblem {
  const place = placeOf(at, input)
  if ('code' in place) return place
  return at.written.makeStream(place.group, place.stream)
    ? {}
    : problem(400, 'ResourceAlreadyExistsException', 'The specified log stream already exists')
}

export function putLogEvents(at: LogsPlace, { input, nowMs }: JsonQuestion): Json | ApiProblem {
  const place = placeOf(at, input)
  if ('code' in place) return place
  const given = Array.isArray(input['logEvents']) ? input['logEvents'].filter(isJson) : []
  const events = given.map(
    (event): WrittenEvent => ({
      stream: place.stream,
      timestamp: numberOf(event, 'timestamp') ?? Number.NaN,
      message: textOf(event, 'message') ?? '',
    }),
  )
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0)
  if (events.length < 1 || events.length > mostEvents || bytes > mostBytes)
    return invalid('Log events exceed the limits')
  if (events.some(({ timestamp, message }) => !Number.isFinite(timestamp) || message === ''))
    return invalid('Log events need a timestamp and a message')
  const times = events.map(({ timestamp }) => timestamp)
  if (times.some((time, index) => index > 0 && time < (times[index - 1] ?? 0)))
    return invalid('Log events in a single PutLogEvents request must be in chronological order.')
  if ((times.at(-1) ?? 0) - (times[0] ?? 0) > widestMs)
    return invalid('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.')
  if (!at.written.streams(place.group).has(place.stream)) return noStream()
  const tooOld = times.filter((time) => time < nowMs - oldestMs).length
  const tooNew = times.filter((time) => time > nowMs + newestMs).length
  at.written.log(place.group, place.stream, events.slice(tooOld, events.length - tooNew))
  return {
    nextSequenceToken: '0',
    ...(tooOld + tooNew > 0 && {
      rejectedLogEventsInfo: {
        ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
        ...(tooNew > 0 && { tooNewLogEventStartIndex: events.length - tooNew }),
      },
    }),
  }
}
