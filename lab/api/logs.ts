/** CloudWatch Logs with the groups that flow logs go to. Source: CloudWatch Logs API reference, each action's page. */
import type { Written } from '../written.ts'
import type { Json } from './json.ts'
import { type JsonQuestion, type JsonService, numberOf, textOf, textsOf } from './json-service.ts'
import { groupOf, groupsOf, invalid, type LogEvent, logEvents, type LogsSource } from './logs-events.ts'
import { lineTest } from './logs-filter.ts'
import { getLogEvents } from './logs-get.ts'
import { createLogStream, putLogEvents } from './logs-put.ts'
import { partitionOf } from './principals.ts'
import type { ApiProblem } from './problem.ts'

/** The widest page (API reference, `FilterLogEvents`). */
const maxEvents = 10_000

export function createLogsService(source: LogsSource, written: Written): JsonService {
  const place = { groups: () => source.logs().groups, written }
  return {
    api: 'logs',
    target: 'Logs_20140328',
    contentType: 'application/x-amz-json-1.1',
    trail: { source: 'logs.amazonaws.com', actions: ['DescribeLogGroups', 'DescribeLogStreams'] },
    actions: {
      FilterLogEvents: (question) => filterLogEvents(source, question),
      GetLogEvents: (question) => getLogEvents(source, question),
      PutLogEvents: (question) => putLogEvents(place, question),
      CreateLogStream: (question) => createLogStream(place, question),
      DescribeLogGroups: (question) => describeLogGroups(source, question),
      DescribeLogStreams: (question) => describeLogStreams(source, question),
    },
  }
}

function filterLogEvents(source: LogsSource, question: JsonQuestion): Json | ApiProblem {
  const { input, pager, pageSize, endless, nowMs } = question
  const group = groupOf(source, input)
  if (typeof group !== 'string') return group
  const names = textsOf(input, 'logStreamNames')
  const prefix = textOf(input, 'logStreamNamePrefix')
  if (names.length > 0 && prefix !== null)
    return invalid('logStreamNamePrefix and logStreamNames are mutually exclusive parameters.')
  const limit = numberOf(input, 'limit') ?? maxEvents
  if (!Number.isInteger(limit) || limit < 1 || limit > maxEvents)
    return invalid(`1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint`)
  const test = lineTest(textOf(input, 'filterPattern') ?? '')
  if (test === null) return invalid('Invalid filter pattern')
  const streams = prefix !== null ? { prefix } : names.length > 0 ? { names } : null
  const fromMs = numberOf(input, 'startTime') ?? 0
  // the end is part of it here
  const toMs = (numberOf(input, 'endTime') ?? nowMs) + 1
  if (toMs <= fromMs) return invalid('End time cannot be before start time.')
  const items = logEvents(source, { group, streams, fromMs, toMs }, nowMs).map(
    ({ stream, startMs, arrivedMs, line, id }): Json => ({
      logStreamName: stream,
      timestamp: startMs,
      message: line,
      ingestionTime: arrivedMs,
      eventId: id,
    }),
  )
  const { nextToken: token, limit: _, endTime: __, ...rest } = input
  // what is looked through makes a page, not what fits: so there are empty pages with a token
  const page = pager.page(items, {
    about: JSON.stringify(['FilterLogEvents', rest]),
    key: 'eventId',
    size: Math.min(limit, pageSize ?? maxEvents),
    token: typeof token === 'string' ? token : null,
    endless,
  })
  if (page === null) return invalid('The specified nextToken is invalid.')
  return {
    events: page.items.filter(({ message }) => test(String(message))),
    searchedLogStreams: [],
    ...(page.nextToken !== null && { nextToken: page.nextToken }),
  }
}

function paged(
  { input, pager, pageSize, endless }: JsonQuestion,
  items: Json[],
  names: { member: string; key: string },
): Json | ApiProblem {
  const { nextToken: token, limit, ...rest } = input
  const size = Math.min(typeof limit === 'number' && limit >= 1 ? limit : 50, 50, pageSize ?? 50)
  const page = pager.page(items, {
    about: JSON.stringify([names.member, rest]),
    key: names.key,
    size,
    token: typeof token === 'string' ? token : null,
    endless,
  })
  if (page === null) return invalid('The specified nextToken is invalid.')
  return { [names.member]: page.items, ...(page.nextToken !== null && { nextToken: page.nextToken }) }
}

function describeLogGroups(source: LogsSource, question: JsonQuestion): Json | ApiProblem {
  const { input, world } = question
  const prefix = textOf(input, 'logGroupNamePrefix') ?? ''
  const part = textOf(input, 'logGroupNamePattern')?.toLowerCase() ?? ''
  const { region, account } = world
  const items = groupsOf(source)
    .filter((group) => group.startsWith(prefix) && group.toLowerCase().includes(part))
    .map((group): Json => {
      const arn = `arn:${partitionOf(region)}:logs:${region}:${account}:log-group:${group}`
      return {
        logGroupName: group,
        creationTime: source.recorder.startedMs,
        metricFilterCount: 0,
        arn: `${arn}:*`,
        storedBytes: 0,
        logGroupClass: 'STANDARD',
        logGroupArn: arn,
      }
    })
  return paged(question, items, { member: 'logGroups', key: 'logGroupName' })
}

function describeLogStreams(source: LogsSource, question: JsonQuestion): Json | ApiProblem {
  const { input, nowMs, world } = question
  const group = groupOf(source, input)
  if (typeof group !== 'string') return group
  const prefix = textOf(input, 'logStreamNamePrefix') ?? ''
  const byName = new Map<string, LogEvent[]>()
  for (const event of logEvents(source, { group, streams: { prefix }, fromMs: 0, toMs: nowMs + 1 }, nowMs)) {
    const known = byName.get(event.stream)
    if (known === undefined) byName.set(event.stream, [event])
    else known.push(event)
  }
  const { region, account } = world
  const items = [...byName]
    .map(
      ([stream, events]): Json => ({
        logStreamName: stream,
        creationTime: Math.min(...events.map(({ arrivedMs }) => arrivedMs)),
        firstEventTimestamp: events[0]?.startMs,
        lastEventTimestamp: events.at(-1)?.startMs,
        lastIngestionTime: Math.max(...events.map(({ arrivedMs }) => arrivedMs)),
        arn: `arn:${partitionOf(region)}:logs:${region}:${account}:log-group:${group}:log-stream:${stream}`,
        storedBytes: 0,
      }),
    )
    .sort((a, b) => (String(a['logStreamName']) < String(b['logStreamName']) ? -1 : 1))
  return paged(question, items, { member: 'logStreams', key: 'logStreamName' })
}
