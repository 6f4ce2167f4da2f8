/** `GetLogEvents`: one stream, forwards and backwards. Source: CloudWatch Logs API reference, `GetLogEvents`. */
import type { Json } from './json.ts'
import { type JsonQuestion, numberOf, textOf } from './json-service.ts'
import { groupOf, invalid, type LogEvent, logEvents, type LogsSource } from './logs-events.ts'
import { type ApiProblem, problem } from './problem.ts'

const maxEvents = 10_000

/** At an end the token that comes back is the one that was given. */
export function getLogEvents(
  source: LogsSource,
  { input, nowMs, pageSize }: JsonQuestion,
): Json | ApiProblem {
  const group = groupOf(source, input)
  if (typeof group !== 'string') return group
  const stream = textOf(input, 'logStreamName')
  if (stream === null) return invalid('logStreamName is required')
  const streams = { names: [stream] }
  const all = logEvents(source, { group, streams, fromMs: 0, toMs: nowMs + 1 }, nowMs)
  if (all.length === 0)
    return problem(400, 'ResourceNotFoundException', 'The specified log stream does not exist.')
  const fromMs = numberOf(input, 'startTime') ?? 0
  const toMs = numberOf(input, 'endTime') ?? Number.POSITIVE_INFINITY
  const events = all.filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
  const size = Math.min(numberOf(input, 'limit') ?? maxEvents, maxEvents, pageSize ?? maxEvents)
  const token = textOf(input, 'nextToken')
  const [, way, mark = ''] = /^([fb])\/(.*)$/u.exec(token ?? '') ?? []
  if (token !== null && way === undefined) return invalid('The specified nextToken is invalid.')
  const forward = way === undefined ? input['startFromHead'] === true : way === 'f'
  const given = forward
    ? events.filter((event) => mark === '' || markOf(event) > mark).slice(0, size)
    : events.filter((event) => mark === '' || markOf(event) < mark).slice(-size)
  const [first, last] = [given[0], given.at(-1)]
  return {
    events: given.map(({ startMs, arrivedMs, line }) => ({
      timestamp: startMs,
      message: line,
      ingestionTime: arrivedMs,
    })),
    nextForwardToken: `f/${last === undefined ? mark : markOf(last)}`,
    nextBackwardToken: `b/${first === undefined ? mark : markOf(first)}`,
  }
}

function markOf({ startMs, arrivedMs, id }: LogEvent): string {
  return `${String(startMs).padStart(15, '0')}${String(arrivedMs).padStart(15, '0')}${id}`
}
