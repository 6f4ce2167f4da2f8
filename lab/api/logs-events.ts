/** What has arrived in groups of CloudWatch Logs from flow logs. */
import type { FlowRecorder } from '../flow/recorder.ts'
import type { FlowLog } from '../flow/types.ts'
import { deliveredEvents, everyLog, type FlowEvent } from '../flow/writer.ts'
import type { Json } from './json.ts'
import { textOf } from './json-service.ts'
import { type ApiProblem, problem } from './problem.ts'

export interface LogsOptions {
  /** Groups that are gone, whatever flow logs say. */
  missing: string[]
  /** Groups that are there for others to write to. */
  groups: string[]
}

/** An event with the name of its stream. */
export interface LogEvent extends FlowEvent {
  stream: string
}

export interface LogRange {
  group: string
  /** Streams whose name is in the list, or begins so; null: all. */
  streams: { names: string[] } | { prefix: string } | null
  /** Unix milliseconds; the end is not part of it. */
  fromMs: number
  toMs: number
}

export interface LogsSource {
  recorder: FlowRecorder
  logs(): LogsOptions
}

export const usualLogs: LogsOptions = { missing: [], groups: [] }

/** Events of a group in order of their time and arrival, as far as they have arrived. */
export function logEvents({ recorder }: LogsSource, range: LogRange, nowMs: number): LogEvent[] {
  const { group, streams, fromMs, toMs } = range
  const events = logsOf(recorder, group).flatMap((log) => {
    const prefix = streams !== null && 'prefix' in streams ? streams.prefix : ''
    // a stream's name is the interface's and a word: a longer prefix than the id narrows nothing here
    const interfacePrefix = /^[a-z]+-[0-9a-f]*$/u.test(prefix) ? prefix : ''
    return deliveredEvents(recorder, log, { fromMs, toMs, nowMs, interfacePrefix }).map((event) => ({
      ...event,
      stream: streamOf(log, event),
    }))
  })
  const wanted = ({ stream }: LogEvent): boolean => {
    if (streams === null) return true
    return 'prefix' in streams ? stream.startsWith(streams.prefix) : streams.names.includes(stream)
  }
  return events
    .filter(wanted)
    .sort((a, b) => a.startMs - b.startMs || a.arrivedMs - b.arrivedMs || (a.id < b.id ? -1 : 1))
}

function logsOf(recorder: FlowRecorder, group: string): FlowLog[] {
  return everyLog(recorder).filter(
    ({ destination }) => destination.type === 'cloud-watch-logs' && destination.group === group,
  )
}

/** One stream for each interface; several logs of a group come together in it. */
function streamOf({ trafficType }: FlowLog, event: FlowEvent): string {
  return `${event.interface}-${trafficType.toLowerCase()}`
}

/** Names of the groups that are there. */
export function groupsOf({ recorder, logs }: LogsSource): string[] {
  const { missing } = logs()
  const groups = everyLog(recorder).flatMap(({ destination }) =>
    destination.type === 'cloud-watch-logs' ? [destination.group] : [],
  )
  return [...new Set(groups)].filter((group) => !missing.includes(group)).sort()
}

export function invalid(message: string): ApiProblem {
  return problem(400, 'InvalidParameterException', message)
}

/** The group that is meant by its name or its ARN. */
export function groupOf(source: LogsSource, input: Json): string | ApiProblem {
  const name = textOf(input, 'logGroupName')
  const identifier = textOf(input, 'logGroupIdentifier')
  if (name !== null && identifier !== null)
    return invalid('LogGroup name and LogGroup identifier are mutually exclusive parameters.')
  const group =
    name ?? identifier?.replace(/^arn:[a-z-]+:logs:[a-z0-9-]*:\d*:log-group:/u, '').replace(/:\*$/u, '')
  if (group === undefined)
    return invalid('Both LogGroup name and LogGroup identifier cannot be null or empty.')
  return groupsOf(source).includes(group)
    ? group
    : problem(400, 'ResourceNotFoundException', 'The specified log group does not exist.')
}
