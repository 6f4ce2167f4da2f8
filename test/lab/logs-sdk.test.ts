import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  type FilteredLogEvent,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { DescribeFlowLogsCommand, EC2Client } from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { lineTest } from '../../lab/api/logs-filter.ts'
import { startRecords } from './records-tools.ts'

const vpcLog = `world:
  flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001, noData: false }]`
const group = '/vpc/flow'
const s3 = '52.216.8.53'

async function start(yaml = vpcLog) {
  const records = await startRecords(yaml)
  const logs = (more = {}) => records.keep(new CloudWatchLogsClient({ ...records.api(), ...more }))
  return { ...records, logs }
}

async function all(client: CloudWatchLogsClient, input: FilterLogEventsCommandInput, most = 100) {
  const events: FilteredLogEvent[] = []
  const pages: number[] = []
  let nextToken: string | undefined
  do {
    const page = await client.send(new FilterLogEventsCommand({ ...input, nextToken }))
    events.push(...(page.events ?? []))
    pages.push(page.events?.length ?? 0)
    nextToken = page.nextToken
  } while (nextToken !== undefined && pages.length < most)
  return { events, pages }
}

describe('FilterLogEvents, asked by AWS’s own client', () => {
  it('gives the lines of a stream prefix and a window of time', async () => {
    const { logs, connect, wait, now } = await start()
    const begin = now()
    connect(s3)
    wait(120)
    connect('54.239.28.85', 40_001)
    wait(600)
    const { events } = await all(logs(), { logGroupName: group, logStreamNamePrefix: 'eni-0a000050' })
    expect(events).toHaveLength(4)
    expect(
      events.find(({ message }) => message?.includes(' 10.0.1.50 52.216.8.53 40000 443 6 ')),
    ).toMatchObject({
      logStreamName: 'eni-0a000050-all',
      timestamp: Math.floor(begin / 1000) * 1000,
      eventId: expect.stringMatching(/^\d{56}$/u),
    })
    expect(events[0]?.ingestionTime).toBeGreaterThan(begin + 300_000)
    const nat = await all(logs(), { logGroupName: group, logStreamNamePrefix: 'eni-0b000009' })
    expect(nat.events).toHaveLength(4)
    const late = await all(logs(), { logGroupName: group, startTime: begin + 60_000 })
    expect(late.events).toHaveLength(6)
    const early = await all(logs(), { logGroupName: group, endTime: begin })
    expect(early.events).toHaveLength(2)
    const arn = `arn:aws:logs:us-east-1:111122223333:log-group:${group}`
    const named = await all(logs(), { logGroupIdentifier: arn, logStreamNames: ['eni-0b000009-all'] })
    expect(named.events).toEqual(nat.events)
  })

  it('filters by the columns of the format', async () => {
    const { logs, connect, wait } = await start(`world:
  flowLogs: [{ id: fl-0a000001, resource: eni-0a000050, format: null }]`)
    connect(s3)
    connect('54.239.28.85', 40_001)
    wait(600)
    const of = (filterPattern: string) => all(logs(), { logGroupName: group, filterPattern })
    const columns =
      'version, account, eni, src, dst, srcport, dstport, protocol, packets, bytes, start, end, action, status'
    expect((await of(`[${columns.replace('dst,', `dst="${s3}",`)}]`)).events).toHaveLength(1)
    expect((await of(`[${columns.replace('srcport', 'srcport=40001')}]`)).events).toHaveLength(1)
    expect((await of('[..., status=NODATA]')).events.length).toBeGreaterThan(2)
    expect((await of('ACCEPT')).events).toHaveLength(4)
  })

  it('gives empty pages with a token, and all events over them', async () => {
    const { logs, connect, wait } = await start(`${vpcLog}
api: { pageSize: 2 }`)
    for (let n = 0; n < 6; n += 1) connect(s3, 40_000 + n)
    connect('54.239.28.85', 41_000)
    wait(600)
    const { events, pages } = await all(logs(), { logGroupName: group, filterPattern: '41000' })
    expect(events).toHaveLength(4)
    expect(pages).toHaveLength(9)
    expect(pages).toContain(0)
  })

  it('can go on for ever', async () => {
    const { logs, connect, wait } = await start(`${vpcLog}
api: { breaks: { FilterLogEvents: endless } }`)
    connect(s3)
    wait(600)
    expect((await all(logs(), { logGroupName: group }, 7)).pages).toEqual([2, 2, 2, 2, 2, 2, 2])
  })

  it('refuses a token of another question, a pattern that is none, and what can’t be together', async () => {
    const { logs, connect, wait } = await start()
    connect(s3)
    wait(600)
    const client = logs()
    const first = await client.send(new FilterLogEventsCommand({ logGroupName: group, limit: 1 }))
    const ask = (more: Partial<FilterLogEventsCommandInput>) =>
      client.send(new FilterLogEventsCommand({ logGroupName: group, ...more }))
    const wrong = { name: 'InvalidParameterException' }
    await expect(ask({ nextToken: first.nextToken, filterPattern: 'x' })).rejects.toMatchObject(wrong)
    await expect(ask({ filterPattern: '[a, b' })).rejects.toMatchObject(wrong)
    await expect(ask({ logStreamNamePrefix: 'e', logStreamNames: ['e'] })).rejects.toMatchObject(wrong)
    await expect(ask({ startTime: 5, endTime: 3 })).rejects.toMatchObject(wrong)
    await expect(ask({ limit: 10_001 })).rejects.toMatchObject(wrong)
  })
})

describe('groups and streams', () => {
  it('are those of the flow logs; several logs come together in the stream of an interface', async () => {
    const { logs, connect, wait } = await start(`world:
  flowLogs:
    - { id: fl-0a000001, resource: vpc-0a000001, noData: false }
    - { id: fl-0a000002, resource: eni-0a000050, noData: false, format: null }
    - { id: fl-0a000003, resource: eni-0a000050, destination: { type: cloud-watch-logs, group: /other } }`)
    connect(s3)
    wait(600)
    const client = logs()
    const groups = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/' }))
    expect(groups.logGroups?.map(({ logGroupName }) => logGroupName)).toEqual(['/other', group])
    const streams = await client.send(new DescribeLogStreamsCommand({ logGroupName: group }))
    expect(streams.logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(['eni-0a000050-all'])
    const { events } = await all(client, { logGroupName: group })
    expect(events.map(({ message }) => message?.split(' ').length).toSorted()).toEqual([14, 14, 25, 25])
  })

  it('GetLogEvents goes forwards to an end that stays, and backwards', async () => {
    const { logs, connect, wait } = await start()
    for (let n = 0; n < 5; n += 1) {
      connect(s3, 40_000 + n)
      wait(2)
    }
    wait(600)
    const client = logs()
    const get = (more: object) =>
      client.send(
        new GetLogEventsCommand({
          logGroupName: group,
          logStreamName: 'eni-0a000050-all',
          limit: 4,
          ...more,
        }),
      )
    const one = await get({ startFromHead: true })
    const two = await get({ nextToken: one.nextForwardToken })
    const three = await get({ nextToken: two.nextForwardToken })
    expect([one, two, three].map(({ events }) => events?.length)).toEqual([4, 4, 2])
    const end = await get({ nextToken: three.nextForwardToken })
    expect(end).toMatchObject({ events: [], nextForwardToken: three.nextForwardToken })
    const back = await get({ nextToken: two.nextBackwardToken })
    expect(back.events).toEqual(one.events)
    const last = await get({})
    expect(last.events?.at(-1)).toEqual(three.events?.at(-1))
  })
})

describe('refusals', () => {
  const ask = (client: CloudWatchLogsClient) =>
    client.send(new FilterLogEventsCommand({ logGroupName: group }))

  it.each([
    ['a group that is gone', 'records: { logs: { missing: [/vpc/flow] } }', 'ResourceNotFoundException'],
    ['no permission', 'api: { deny: [FilterLogEvents] }', 'AccessDeniedException'],
    ['too many', 'api: { throttle: { FilterLogEvents: always } }', 'ThrottlingException'],
    [
      'credentials that have run out',
      'api: { breaks: { FilterLogEvents: expired } }',
      'ExpiredTokenException',
    ],
    ['credentials that are none', 'api: { breaks: { all: auth_failure } }', 'InvalidSignatureException'],
    ['trouble of its own', 'api: { breaks: { all: unavailable } }', 'ServiceUnavailableException'],
  ])('%s', async (_, yaml, name) => {
    const { logs } = await start(`${vpcLog}\n${yaml}`)
    await expect(ask(logs())).rejects.toMatchObject({ name })
  })

  it('a wrong secret, and a clock that is 20 minutes off', async () => {
    const { logs, lab, wait } = await start()
    const wrong = { ...lab.apiCredentials(), secretAccessKey: 'other' }
    await expect(ask(logs({ credentials: wrong }))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    })
    wait(1200)
    await expect(ask(logs({ systemClockOffset: 0 }))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    })
    // the answer's Date puts the client right at its second attempt
    await expect(ask(logs({ systemClockOffset: 0, maxAttempts: 2 }))).resolves.toMatchObject({ events: [] })
    await expect(ask(logs())).resolves.toMatchObject({ events: [] })
  })

  it('throttling gives way, and what was asked is kept', async () => {
    const { logs, lab } = await start(`${vpcLog}
api: { throttle: { FilterLogEvents: 1 } }`)
    const client = logs()
    await expect(ask(client)).rejects.toMatchObject({ name: 'ThrottlingException' })
    await expect(ask(client)).resolves.toMatchObject({ events: [] })
    expect(
      lab.apiRequests().map(({ service, action, outcome }) => `${service} ${action} ${outcome}`),
    ).toEqual(['logs FilterLogEvents ThrottlingException', 'logs FilterLogEvents ok'])
  })
})

describe('DescribeFlowLogs', () => {
  it('lists the world’s logs as they are, with their trouble', async () => {
    const { api, keep } = await start(`world:
  flowLogs:
    - { id: fl-0a000001, resource: vpc-0a000001 }
    - id: fl-0a000002
      resource: eni-0a000050
      format: null
      aggregationSeconds: 600
      trafficType: ACCEPT
      status: FAILED
      error: Access error
      destination: { type: s3, bucket: logs, prefix: net, hive: true }`)
    const { FlowLogs: logs } = await keep(new EC2Client(api())).send(new DescribeFlowLogsCommand({}))
    expect(logs).toMatchObject([
      {
        FlowLogId: 'fl-0a000001',
        ResourceId: 'vpc-0a000001',
        LogGroupName: group,
        LogDestinationType: 'cloud-watch-logs',
        DeliverLogsStatus: 'SUCCESS',
        MaxAggregationInterval: 60,
        LogFormat: expect.stringContaining('${traffic-path}'),
      },
      {
        FlowLogId: 'fl-0a000002',
        TrafficType: 'ACCEPT',
        LogDestinationType: 's3',
        LogDestination: 'arn:aws:s3:::logs/net',
        DeliverLogsStatus: 'FAILED',
        DeliverLogsErrorMessage: 'Access error',
        MaxAggregationInterval: 600,
        LogFormat: expect.stringMatching(/^\$\{version\} \$\{account-id\} .* \$\{log-status\}$/u),
        DestinationOptions: {
          FileFormat: 'plain-text',
          HiveCompatiblePartitions: true,
          PerHourPartition: false,
        },
      },
    ])
  })
})

describe('filter patterns', () => {
  const line = '2 111122223333 eni-0a 10.0.1.50 52.216.8.53 40000 443 6 ACCEPT OK'
  it.each([
    ['', true],
    ['ACCEPT', true],
    ['REJECT', false],
    ['ACCEPT OK', true],
    ['ACCEPT REJECT', false],
    ['?ACCEPT ?REJECT', true],
    ['-REJECT', true],
    ['-ACCEPT', false],
    ['"ACCEPT OK"', true],
    ['"OK ACCEPT"', false],
    ['[a, b, c, d, e, f, g, h, i, j]', true],
    ['[a, b, c]', false],
    ['[a, b, ...]', true],
    ['[a, b=111122223333, ..., j=OK]', true],
    ['[..., port=443, protocol, action, status]', true],
    ['[..., port=80, protocol, action, status]', false],
    ['[..., dst=52.216.*, src, port, protocol, action, status]', true],
    ['[..., src>1024, port<1024, protocol, action, status]', true],
    ['[..., action!=REJECT, status]', true],
    ['[..., action=REJECT || action=ACCEPT, status]', true],
    ['[..., action=REJECT && action=ACCEPT, status]', false],
  ])('%s: %s', (pattern, expected) => {
    expect(lineTest(pattern)?.(line)).toBe(expected)
  })

  it.each(['[a', '{ $.x = 1 }', '%a+%', '[a, ..., b, ...]', '[a=]', 'a.b', '[a ~ b]'])(
    '%s is none',
    (pattern) => {
      expect(lineTest(pattern)).toBeNull()
    },
  )
})
