import { CloudTrailClient, type Event, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch'
import { FilterLogEventsCommand, CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fieldsOfLine } from './flow-tools.ts'
import { dialTls, handlerTo } from './lab-https.ts'
import { startRecords } from './records-tools.ts'

const s3Address = '52.216.8.53'
const viaNat = `
  tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }]`

type Record = { [name: string]: unknown }
const recordOf = (event: Event | undefined) => JSON.parse(String(event?.CloudTrailEvent)) as Record

describe('CloudTrail', () => {
  const trailOf = (records: Awaited<ReturnType<typeof startRecords>>) => {
    const client = records.keep(new CloudTrailClient(records.api()))
    return async (more: object = {}) => {
      // two a second are let through
      records.wait(1)
      return client.send(new LookupEventsCommand(more))
    }
  }

  it('has a signed call by an endpoint, late, with the id that its answer had', async () => {
    const records = await startRecords('world: {}')
    const { lab, wait, s3, keep } = records
    const { endpoint: _, ...rest } = s3()
    const client = keep(new S3Client({ ...rest, requestHandler: handlerTo(lab, s3Address) }))
    const { $metadata: metadata } = await client.send(new ListBucketsCommand({}))
    const lookup = trailOf(records)
    wait(290)
    expect((await lookup()).Events).toEqual([])
    wait(60)
    const { Events: events } = await lookup({
      LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'ListBuckets' }],
    })
    expect(events).toHaveLength(1)
    expect(events?.[0]).toMatchObject({
      EventName: 'ListBuckets',
      EventSource: 's3.amazonaws.com',
      Username: 'i-0a000050',
      ReadOnly: 'true',
    })
    expect(recordOf(events?.[0])).toMatchObject({
      eventSource: 's3.amazonaws.com',
      eventName: 'ListBuckets',
      requestID: metadata.requestId,
      sourceIPAddress: '10.0.1.50',
      vpcEndpointId: 'vpce-0a000053',
      vpcEndpointAccountId: '111122223333',
      awsRegion: 'us-east-1',
      eventCategory: 'Management',
      userIdentity: { type: 'AssumedRole', accountId: '111122223333' },
      tlsDetails: { clientProvidedHostHeader: 's3.us-east-1.amazonaws.com' },
    })
    const text = JSON.stringify(events)
    expect(text).not.toContain(lab.apiCredentials().sessionToken)
    expect(text).not.toContain(lab.apiCredentials().secretAccessKey)
  })

  it.each([
    ['a NAT gateway', viaNat, '203.0.113.9'],
    ['a service that never says the endpoint', '', '10.0.1.50'],
  ])('by %s there is no endpoint in it', async (_, world, source) => {
    const records = await startRecords(`world:${world === '' ? ' {}' : world}
records: { trail: { latenessSeconds: 0, withoutEndpoint: [s3.amazonaws.com] } }`)
    const { endpoint: __, ...rest } = records.s3()
    const client = records.keep(new S3Client({ ...rest, requestHandler: handlerTo(records.lab, s3Address) }))
    await client.send(new ListBucketsCommand({}))
    const { Events: events } = await trailOf(records)()
    const record = recordOf(events?.[0])
    expect(record['sourceIPAddress']).toBe(source)
    expect(record).not.toHaveProperty('vpcEndpointId')
  })

  it('gives pages, and refuses the third question in a second', async () => {
    const records = await startRecords('records: { trail: { latenessSeconds: 0 } }')
    const ec2 = records.keep(new EC2Client(records.api()))
    for (let n = 0; n < 5; n += 1) await ec2.send(new DescribeVpcsCommand({}))
    const lookup = trailOf(records)
    const one = await lookup({ MaxResults: 3 })
    expect(one.Events).toHaveLength(3)
    const two = await lookup({ MaxResults: 3, NextToken: one.NextToken })
    expect(two.Events?.length).toBeGreaterThanOrEqual(2)
    expect(recordOf(one.Events?.[0])).toMatchObject({
      eventSource: 'ec2.amazonaws.com',
      eventName: 'DescribeVpcs',
      sourceIPAddress: '203.0.113.9',
    })
    records.wait(1)
    const client = records.keep(new CloudTrailClient(records.api()))
    await client.send(new LookupEventsCommand({}))
    await client.send(new LookupEventsCommand({}))
    const third = client.send(new LookupEventsCommand({}))
    await expect(third).rejects.toMatchObject({ name: 'ThrottlingException' })
    const two_ = lookup({
      LookupAttributes: [{ AttributeKey: 'EventId', AttributeValue: one.Events?.[1]?.EventId }],
    })
    expect((await two_).Events).toEqual([one.Events?.[1]])
    await expect(lookup({ MaxResults: 51 })).rejects.toMatchObject({ name: 'InvalidMaxResultsException' })
  })
})

describe('CloudWatch', () => {
  const query = (
    id: string,
    name: string,
    dimensions: Record,
    namespace: string,
    period = 60,
  ): MetricDataQuery => ({
    Id: id,
    MetricStat: {
      Metric: {
        Namespace: namespace,
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value: String(Value) })),
      },
      Period: period,
      Stat: 'Sum',
    },
  })
  const nat = { NatGatewayId: 'nat-0b000009' }
  const endpoint = {
    'Endpoint Type': 'Interface',
    'Service Name': 'com.amazonaws.us-east-1.ssm',
    'VPC Endpoint Id': 'vpce-0c000001',
    'VPC Id': 'vpc-0a000001',
  }
  const yaml = `world:${viaNat}
  endpoints: [{ id: vpce-0c000001, reaches: ssm, interfaces: [eni-0c000020], subnets: [subnet-0b000002] }]
  interfaces:
    - { id: eni-0c000020, subnet: subnet-0b000002, type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.0.20, primary: true, public: null }] }`

  it('counts what went by NAT gateway and endpoint, with all the dimensions, in minutes with traffic', async () => {
    const { connect, wait, now, keep, api } = await startRecords(yaml)
    const begin = now()
    connect(s3Address)
    connect('10.0.0.20', 40_001)
    const client = keep(new CloudWatchClient(api()))
    const ask = (...queries: MetricDataQuery[]) =>
      client.send(
        new GetMetricDataCommand({
          StartTime: new Date(begin - 600_000),
          EndTime: new Date(now()),
          MetricDataQueries: queries,
        }),
      )
    const links = 'AWS/PrivateLinkEndpoints'
    const all = [
      query('nat', 'BytesOutToDestination', nat, 'AWS/NATGateway'),
      query('link', 'NewConnections', endpoint, links),
      query('bytes', 'BytesProcessed', { ...endpoint, 'Subnet Id': 'subnet-0b000002' }, links, 300),
      query('part', 'NewConnections', { 'VPC Endpoint Id': 'vpce-0c000001' }, links),
      query('none', 'BytesTransferred', { VpcEndpointId: 'vpce-0c000001' }, 'AWS/VPC'),
    ]
    wait(100)
    const early = await ask(...all)
    expect(early.MetricDataResults?.map(({ Values }) => Values?.length)).toEqual([0, 0, 0, 0, 0])
    wait(200)
    const { MetricDataResults: results } = await ask(...all)
    expect(results?.map(({ Id, Values }) => [Id, Values?.length])).toEqual([
      ['nat', 1],
      ['link', 1],
      ['bytes', 1],
      ['part', 0],
      ['none', 0],
    ])
    expect(results?.[0]?.Timestamps).toEqual([new Date(Math.floor(begin / 60_000) * 60_000)])
    expect(results?.[1]?.Values).toEqual([1])
    // 500 bytes there and 4,000 back, and headers
    expect(results?.[0]?.Values?.[0]).toBe(820)
    expect(results?.[2]?.Values?.[0]).toBeGreaterThan(4500)
  })

  it('refuses what AWS refuses', async () => {
    const { keep, api, now } = await startRecords(`${yaml}
api: { deny: [], throttle: { GetMetricData: 1 } }`)
    const client = keep(new CloudWatchClient(api()))
    const ask = (more: object) =>
      client.send(
        new GetMetricDataCommand({
          StartTime: new Date(now() - 600_000),
          EndTime: new Date(now()),
          MetricDataQueries: [query('a', 'BytesOutToDestination', nat, 'AWS/NATGateway')],
          ...more,
        }),
      )
    await expect(ask({})).rejects.toMatchObject({ name: expect.stringMatching(/^Throttling/u) })
    await expect(ask({})).resolves.toMatchObject({ MetricDataResults: [{ Id: 'a', StatusCode: 'Complete' }] })
    await expect(ask({ EndTime: new Date(0) })).rejects.toMatchObject({
      name: expect.stringMatching(/^Validation/u),
    })
    const many = Array.from({ length: 501 }, (_, n) => query(`q${n}`, 'x', nat, 'AWS/NATGateway'))
    await expect(ask({ MetricDataQueries: many })).rejects.toMatchObject({
      name: expect.stringMatching(/^Validation/u),
    })
  })
})

describe('real packets', () => {
  it('leave records with the socket’s own port, by the way that is true beneath', async () => {
    const records = await startRecords(`world:
  flowLogs: [{ id: fl-0a000001, resource: eni-0a000050, noData: false }]
beneath:${viaNat}
steps: [{ after: 1s, name: mended, title: Mended, beneath: {} }]`)
    const { lab, wait, keep, api } = records
    const visit = async () => {
      const { tls, local, hangUp } = dialTls(lab, s3Address, 's3.us-east-1.amazonaws.com')
      await once(tls, 'secureConnect')
      const port = local()?.port
      tls.write('HEAD / HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\nConnection: close\r\n\r\n')
      tls.resume()
      await once(tls, 'close')
      hangUp()
      // the far end hears of it a little later, and the clock must stand until then
      while (lab.records.recorder.open() > 0) await setImmediate()
      return port
    }
    const first = await visit()
    await lab.apply('mended')
    const second = await visit()
    wait(900)
    const client = keep(new CloudWatchLogsClient(api()))
    const { events } = await client.send(
      new FilterLogEventsCommand({ logGroupName: '/vpc/flow', logStreamNamePrefix: 'eni-0a000050' }),
    )
    const lines = (events ?? []).map(({ message }) => fieldsOfLine(String(message)))
    const out = lines.filter((fields) => fields['flow-direction'] === 'egress')
    expect(
      out
        .map(({ srcaddr, srcport, dstaddr, ...more }) => [
          srcaddr,
          srcport,
          dstaddr,
          more['traffic-path'],
          more['next-hop-interface-type'],
        ])
        .toSorted(),
    ).toEqual(
      [
        ['10.0.1.50', String(first), s3Address, '1', 'nat_gateway'],
        ['10.0.1.50', String(second), s3Address, '7', '-'],
      ].toSorted(),
    )
    expect(out.every(({ bytes }) => Number(bytes) > 500)).toBe(true)
  })

  it('that nobody answers leave a record as well', async () => {
    const records = await startRecords(`world:
  flowLogs: [{ id: fl-0a000001, resource: eni-0a000050, noData: false }]
  tables: [{ id: rtb-0a000001, routes: ['0.0.0.0/0 -> nat-0b000009 blackhole'] }]`)
    const { tls, local, hangUp } = dialTls(records.lab, s3Address, 's3.us-east-1.amazonaws.com')
    tls.on('error', () => undefined)
    const port = local()?.port
    hangUp()
    records.wait(900)
    const client = records.keep(new CloudWatchLogsClient(records.api()))
    const { events } = await client.send(new FilterLogEventsCommand({ logGroupName: '/vpc/flow' }))
    expect(events?.map(({ message }) => fieldsOfLine(String(message)))).toMatchObject([
      { srcport: String(port), 'traffic-path': '-', 'tcp-flags': '2', action: 'ACCEPT' },
    ])
  })
})
