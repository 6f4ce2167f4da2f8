import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as ec2 from '@aws-sdk/client-ec2'
import { fromInstanceMetadata, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { afterEach, describe, expect, it } from 'vitest'
import { type Lab, startLab } from '../../lab/lab.ts'
import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import { clientOf, startWith } from './api-client.ts'

const shipped = await shippedScenarios()

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function start(yaml = '', nowMs: () => number = Date.now) {
  const lab = await startWith(yaml, nowMs)
  closers.push(() => lab.close())
  const client = (more?: Parameters<typeof clientOf>[1]) => {
    const made = clientOf(lab, more)
    closers.push(() => made.destroy())
    return made
  }
  return { lab, client, aws: client() }
}

type Json = { [name: string]: unknown }

/** As the CLI prints it: without what is not there, and with its spelling of times. */
function asPrinted(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString().replace('.000Z', '+00:00')
  if (Array.isArray(value)) return value.map(asPrinted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(
    ([name, member]) => member !== undefined && name !== '$metadata',
  )
  return Object.fromEntries(members.map(([name, member]) => [name, asPrinted(member)]))
}

const describes: Record<string, (aws: ec2.EC2Client) => Promise<unknown>> = {
  'describe-route-tables.json': (aws) => aws.send(new ec2.DescribeRouteTablesCommand({})),
  'describe-vpc-endpoints.json': (aws) => aws.send(new ec2.DescribeVpcEndpointsCommand({})),
  'describe-subnets.json': (aws) => aws.send(new ec2.DescribeSubnetsCommand({})),
  'describe-network-interfaces.json': (aws) => aws.send(new ec2.DescribeNetworkInterfacesCommand({})),
  'describe-managed-prefix-lists.json': (aws) => aws.send(new ec2.DescribeManagedPrefixListsCommand({})),
  'describe-prefix-lists.json': (aws) => aws.send(new ec2.DescribePrefixListsCommand({})),
  'describe-nat-gateways.json': (aws) => aws.send(new ec2.DescribeNatGatewaysCommand({})),
  'describe-vpcs.json': (aws) => aws.send(new ec2.DescribeVpcsCommand({})),
  'describe-vpc-peering-connections.json': (aws) =>
    aws.send(new ec2.DescribeVpcPeeringConnectionsCommand({})),
  'describe-flow-logs.json': (aws) => aws.send(new ec2.DescribeFlowLogsCommand({})),
  'describe-internet-gateways.json': (aws) => aws.send(new ec2.DescribeInternetGatewaysCommand({})),
}

async function compare(lab: Lab, aws: ec2.EC2Client): Promise<number> {
  const entries = await readdir(lab.snapshotDirectory, { recursive: true })
  const names = entries.filter((entry) => entry.endsWith('.json') && entry !== 'manifest.json')
  for (const name of names) {
    const printed = JSON.parse(await readFile(join(lab.snapshotDirectory, name), 'utf8')) as Json
    const list = /^get-managed-prefix-list-entries\/(.+)\.json$/u.exec(name)?.[1]
    const answer: unknown =
      list === undefined
        ? await describes[name]?.(aws)
        : await aws.send(new ec2.GetManagedPrefixListEntriesCommand({ PrefixListId: list }))
    expect({ name, content: asPrinted(answer) }).toEqual({ name, content: printed })
  }
  return names.length
}

describe('what AWS’s own client decodes is what the CLI prints', () => {
  // One scenario is about calls that are refused: there is nothing to compare.
  it.each(shipped.filter((name) => name !== '44-api-denied'))(
    '%s, at the start and after each step',
    async (name) => {
      const scenario = await loadScenario(name)
      const lab = await startLab(scenario, {
        mode: 'mapped',
        clock: { wallMs: Date.now },
        timed: false,
      })
      closers.push(() => lab.close())
      const aws = clientOf(lab)
      closers.push(() => aws.destroy())
      expect(await compare(lab, aws)).toBeGreaterThan(12)
      for (const step of scenario.steps) {
        await lab.apply(step.name)
        await compare(lab, aws)
      }
      expect(new Set(lab.apiRequests().map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
    },
  )

  it('also of peerings, prefixes, second addresses and regional NAT gateways', async () => {
    const { lab, aws } = await start(`world:
  vpcs:
    - { id: vpc-0a000001, ipv4: [10.0.0.0/16, 100.64.0.0/16], ipv6: ['2600:1f18:4a3:9c00::/56'] }
    - { id: vpc-0d000001, owner: '444455556666', ipv4: [10.9.0.0/16], ipv6: ['2600:1f18:4a3:aa00::/56'] }
  subnets: [{ id: subnet-0a000001, ipv6: ['2600:1f18:4a3:9c01::/64'] }]
  peerings:
    - { id: pcx-0a000001, requester: vpc-0a000001, accepter: vpc-0d000001 }
    - { id: pcx-0a000002, requester: vpc-0a000001, accepter: vpc-0e000001, status: pending-acceptance }
  interfaces:
    - id: eni-0a000050
      ipv4: [{ address: 10.0.1.50, primary: true, public: 203.0.113.50 }, { address: 10.0.1.51, primary: false, public: null }]
      ipv6: ['2600:1f18:4a3:9c01::50']
      ipv4Prefixes: [10.0.1.64/28]
      ipv6Prefixes: ['2600:1f18:4a3:9c01:1::/80']
  natGateways:
    - { id: nat-0b0000aa, availability: regional, table: rtb-0b000002, public: [203.0.113.10], appliances: ['arn:aws:network-firewall:us-east-1:111122223333:proxy/p'] }
  endpoints: [{ id: vpce-0a0000aa, type: Interface, inboundOnly: true, dnsNames: ['a<b>&"c".example'] }]
  tables:
    - id: rtb-0a000001
      addRoutes: ['10.9.0.0/16 -> pcx-0a000001', '10.8.0.0/16 -> tgw-0a000001 blackhole', '10.7.0.0/16 -> eni-0a000050', '::/0 -> eigw-0a000001', '10.6.0.0/16 -> arn:aws:networkmanager::111122223333:core-network/c', '192.168.0.0/16 -> vgw-0a000001 propagated']`)
    expect(await compare(lab, aws)).toBeGreaterThan(12)
  })
})

describe('what only the API has', () => {
  it('attributes of a VPC', async () => {
    const { aws } = await start()
    const ask = (Attribute: ec2.VpcAttributeName, VpcId = 'vpc-0a000001') =>
      aws.send(new ec2.DescribeVpcAttributeCommand({ Attribute, VpcId }))
    expect(await ask('enableDnsSupport')).toMatchObject({
      VpcId: 'vpc-0a000001',
      EnableDnsSupport: { Value: true },
    })
    expect(await ask('enableDnsHostnames')).toMatchObject({ EnableDnsHostnames: { Value: true } })
    await expect(ask('enableDnsSupport', 'vpc-0dead')).rejects.toMatchObject({
      name: 'InvalidVpcID.NotFound',
    })
  })

  it('egress-only gateways, endpoint services, instances, block public access', async () => {
    const { aws } = await start(`world:
  egressOnlyGateways: [{ id: eigw-0a000001, vpcs: [vpc-0a000001] }]`)
    const gateways = await aws.send(new ec2.DescribeEgressOnlyInternetGatewaysCommand({}))
    expect(gateways.EgressOnlyInternetGateways).toEqual([
      {
        Attachments: [{ State: 'attached', VpcId: 'vpc-0a000001' }],
        EgressOnlyInternetGatewayId: 'eigw-0a000001',
        Tags: [],
      },
    ])
    const s3 = 'com.amazonaws.us-east-1.s3'
    const services = await aws.send(new ec2.DescribeVpcEndpointServicesCommand({ ServiceNames: [s3] }))
    expect(services.ServiceNames).toEqual([s3])
    expect(services.ServiceDetails?.map((each) => each.ServiceType?.[0]?.ServiceType)).toEqual([
      'Gateway',
      'Interface',
    ])
    const instances = await aws.send(new ec2.DescribeInstancesCommand({ InstanceIds: ['i-0a000050'] }))
    expect(instances.Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: 'i-0a000050',
      State: { Code: 16, Name: 'running' },
      PrivateIpAddress: '10.0.1.50',
      SecurityGroups: [{ GroupId: 'sg-0a000001', GroupName: 'default' }],
      NetworkInterfaces: [{ NetworkInterfaceId: 'eni-0a000050', Attachment: { DeviceIndex: 0 } }],
    })
    const block = await aws.send(new ec2.DescribeVpcBlockPublicAccessOptionsCommand({}))
    expect(block.VpcBlockPublicAccessOptions).toMatchObject({
      AwsAccountId: '111122223333',
      InternetGatewayBlockMode: 'off',
    })
  })
})

describe('filters and ids', () => {
  const tablesBy = async (aws: ec2.EC2Client, Name: string, ...Values: string[]) => {
    const { RouteTables } = await aws.send(
      new ec2.DescribeRouteTablesCommand({ Filters: [{ Name, Values }] }),
    )
    return RouteTables?.map(({ RouteTableId }) => RouteTableId)
  }

  it('choose what AWS’s would', async () => {
    const { aws } = await start()
    expect(await tablesBy(aws, 'association.subnet-id', 'subnet-0a000001')).toEqual(['rtb-0a000001'])
    expect(await tablesBy(aws, 'association.main', 'true')).toEqual(['rtb-0c000003'])
    expect(await tablesBy(aws, 'route.nat-gateway-id', 'nat-*')).toEqual(['rtb-0a000001'])
    expect(await tablesBy(aws, 'route-table-id', 'rtb-0?00000[23]', 'rtb-0?000003')).toEqual(['rtb-0c000003'])
    expect(await tablesBy(aws, 'vpc-id', 'VPC-0a000001')).toEqual([])
    expect(await tablesBy(aws, 'vpc-id', 'vpc-0a000001', 'vpc-0x')).toHaveLength(3)
    expect(await tablesBy(aws, 'tag:Name', 'x')).toEqual([])
    const { Vpcs } = await aws.send(
      new ec2.DescribeVpcsCommand({
        Filters: [
          { Name: 'state', Values: ['available'] },
          { Name: 'cidr', Values: ['10.0.0.0/16'] },
        ],
      }),
    )
    expect(Vpcs).toHaveLength(1)
    const { NatGateways } = await aws.send(
      new ec2.DescribeNatGatewaysCommand({ Filter: [{ Name: 'vpc-id', Values: ['vpc-0x'] }] }),
    )
    expect(NatGateways).toEqual([])
    const one = await aws.send(new ec2.DescribeSubnetsCommand({ SubnetIds: ['subnet-0b000002'] }))
    expect(one.Subnets?.map(({ SubnetId }) => SubnetId)).toEqual(['subnet-0b000002'])
  })

  it('that AWS does not document are errors, ids that are not there too', async () => {
    const { aws } = await start()
    await expect(tablesBy(aws, 'route.core-network-arn', 'x')).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(tablesBy(aws, 'constructor', 'x')).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    const tags = new ec2.DescribeManagedPrefixListsCommand({ Filters: [{ Name: 'tag:a', Values: ['b'] }] })
    await expect(aws.send(tags)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    for (const [command, name] of [
      [new ec2.DescribeRouteTablesCommand({ RouteTableIds: ['rtb-0dead'] }), 'InvalidRouteTableID.NotFound'],
      [
        new ec2.DescribeVpcEndpointsCommand({ VpcEndpointIds: ['vpce-0dead'] }),
        'InvalidVpcEndpointId.NotFound',
      ],
      [
        new ec2.GetManagedPrefixListEntriesCommand({ PrefixListId: 'pl-0dead' }),
        'InvalidPrefixListID.NotFound',
      ],
    ] as const) {
      await expect(aws.send(command as ec2.DescribeVpcsCommand)).rejects.toMatchObject({ name })
    }
    const many = Array.from({ length: 201 }, (_, n) => `vpc-${n}`)
    await expect(tablesBy(aws, 'vpc-id', ...many)).rejects.toMatchObject({ name: 'FilterLimitExceeded' })
  })
})

const wide = `world:
  lists:
    - id: pl-0c000001
      name: everything
      owner: '111122223333'
      entries: [${Array.from({ length: 250 }, (_, n) => `10.200.${n}.0/24`).join(', ')}]`

describe('pages', () => {
  it('of a long list are 100 long, and give each entry once', async () => {
    const { lab, aws } = await start(wide)
    const pages: number[] = []
    const cidrs: unknown[] = []
    for await (const { Entries } of ec2.paginateGetManagedPrefixListEntries(
      { client: aws },
      { PrefixListId: 'pl-0c000001' },
    )) {
      pages.push(Entries?.length ?? 0)
      cidrs.push(...(Entries ?? []).map(({ Cidr }) => Cidr))
    }
    expect(pages).toEqual([100, 100, 50])
    expect(new Set(cidrs).size).toBe(250)
    expect(lab.apiRequests().map(({ params }) => Object.keys(params))).toEqual([
      ['PrefixListId'],
      ['PrefixListId', 'NextToken'],
      ['PrefixListId', 'NextToken'],
    ])
  })

  it('can be smaller than asked for, and lose nothing when what was given is gone', async () => {
    const { lab, aws } = await start(`api: { pageSize: 1 }
steps:
  - { after: 1s, name: gone, title: Gone, change: { remove: [rtb-0c000003] } }`)
    const first = await aws.send(new ec2.DescribeRouteTablesCommand({ MaxResults: 100 }))
    expect(first.RouteTables).toHaveLength(1)
    const second = await aws.send(
      new ec2.DescribeRouteTablesCommand({ MaxResults: 100, NextToken: first.NextToken }),
    )
    await lab.apply('gone')
    const third = await aws.send(
      new ec2.DescribeRouteTablesCommand({ MaxResults: 100, NextToken: second.NextToken }),
    )
    const ids = [first, second, third].flatMap(({ RouteTables }) => RouteTables?.map((t) => t.RouteTableId))
    expect(ids).toEqual(['rtb-0c000003', 'rtb-0a000001', 'rtb-0b000002'])
    expect(third.NextToken).toBeUndefined()
  })

  it('behind a token that is not one are refused, and so is the token of another question', async () => {
    const { aws } = await start('api: { pageSize: 1 }')
    const ask = (input: ec2.DescribeRouteTablesCommandInput) =>
      aws.send(new ec2.DescribeRouteTablesCommand(input))
    const { NextToken = '' } = await ask({})
    const changed = `${NextToken.slice(0, -2)}xx`
    for (const bad of ['x', '', changed, 'A'.repeat(5000)]) {
      await expect(ask({ NextToken: bad })).rejects.toMatchObject({ name: 'InvalidNextToken' })
    }
    const filter = { Filters: [{ Name: 'vpc-id', Values: ['vpc-0a000001'] }] }
    await expect(ask({ NextToken, ...filter })).rejects.toMatchObject({ name: 'InvalidNextToken' })
    const other = new ec2.DescribeSubnetsCommand({ NextToken })
    await expect(aws.send(other)).rejects.toMatchObject({ name: 'InvalidNextToken' })
    await expect(ask({ NextToken })).resolves.toMatchObject({ RouteTables: [{}] })
  })

  it('have the bounds that AWS documents', async () => {
    const { aws } = await start(wide)
    const refused = (sending: Promise<unknown>) =>
      expect(sending).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    const tables = (MaxResults: number) => aws.send(new ec2.DescribeRouteTablesCommand({ MaxResults }))
    await refused(tables(4))
    await refused(tables(101))
    await expect(tables(5)).resolves.toMatchObject({ $metadata: { httpStatusCode: 200 } })
    await refused(aws.send(new ec2.DescribeSubnetsCommand({ MaxResults: 1001 })))
    const endpoints = aws.send(new ec2.DescribeVpcEndpointsCommand({ MaxResults: 5000 }))
    await expect(endpoints).resolves.toMatchObject({ $metadata: { httpStatusCode: 200 } })
    const both = new ec2.DescribeNetworkInterfacesCommand({
      MaxResults: 5,
      NetworkInterfaceIds: ['eni-0a000050'],
    })
    await expect(aws.send(both)).rejects.toMatchObject({ name: 'InvalidParameterCombination' })
  })

  it('can go on for ever', async () => {
    const { aws } = await start('api: { pageSize: 2, breaks: { DescribeRouteTables: endless } }')
    const seen: unknown[] = []
    const tokens = new Set<unknown>()
    const pages = ec2.paginateDescribeRouteTables({ client: aws, stopOnSameToken: true }, {})
    for await (const { RouteTables, NextToken } of pages) {
      seen.push(...(RouteTables ?? []).map(({ RouteTableId }) => RouteTableId))
      tokens.add(NextToken)
      if (seen.length >= 9) break
    }
    expect(seen).toEqual(
      Array.from({ length: 3 }, () => ['rtb-0c000003', 'rtb-0a000001', 'rtb-0b000002']).flat(),
    )
    expect(tokens.size).toBe(6)
  })
})

describe('who asks', () => {
  it('is known by the metadata service’s credentials, signed and all', async () => {
    const { lab } = await start()
    const aws = new ec2.EC2Client({
      region: 'us-east-1',
      endpoint: String(lab.apiUrl),
      credentials: fromInstanceMetadata({ ec2MetadataV1Disabled: true }),
      maxAttempts: 1,
    })
    closers.push(() => aws.destroy())
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = String(lab.metadataUrl)
    try {
      const { Vpcs } = await aws.send(new ec2.DescribeVpcsCommand({}))
      expect(Vpcs).toHaveLength(1)
    } finally {
      delete process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT']
    }
  })

  it('is refused with another secret, another token, another region or after the time is over', async () => {
    let nowMs = Date.now()
    const { lab } = await start('', () => nowMs)
    const own = lab.apiCredentials()
    const ask = async (change: Partial<typeof own>, region = 'us-east-1', systemClockOffset = 0) => {
      const aws = new ec2.EC2Client({
        region,
        endpoint: String(lab.apiUrl),
        credentials: { ...own, ...change },
        maxAttempts: 1,
        systemClockOffset,
      })
      closers.push(() => aws.destroy())
      return aws.send(new ec2.DescribeVpcsCommand({}))
    }
    await expect(ask({})).resolves.toMatchObject({ Vpcs: [{}] })
    const refused = { name: 'AuthFailure', $metadata: { httpStatusCode: 401 } }
    await expect(ask({ secretAccessKey: `${own.secretAccessKey}x` })).rejects.toMatchObject(refused)
    await expect(ask({ sessionToken: 'another' })).rejects.toMatchObject(refused)
    await expect(ask({}, 'eu-west-1')).rejects.toMatchObject(refused)
    // whom the lab has not given a key is taken for the host
    await expect(ask({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })).resolves.toMatchObject({ Vpcs: [{}] })
    // hours later, by the clocks of both
    nowMs += 7 * 3_600_000
    await expect(ask({}, 'us-east-1', 7 * 3_600_000)).rejects.toMatchObject({ name: 'RequestExpired' })
    expect(lab.apiCredentials().accessKeyId).not.toBe(own.accessKeyId)
    expect(lab.apiRequests().map(({ account, outcome }) => [account, outcome])).toEqual([
      ['111122223333', 'ok'],
      [null, 'AuthFailure'],
      [null, 'AuthFailure'],
      [null, 'AuthFailure'],
      ['111122223333', 'ok'],
      [null, 'RequestExpired'],
    ])
  })

  it('whose clock is wrong is told the time, and gets through at the second try', async () => {
    const { lab, client } = await start('', () => Date.now() + 40 * 60_000)
    const { Vpcs } = await client({ maxAttempts: 2 }).send(new ec2.DescribeVpcsCommand({}))
    expect(Vpcs).toHaveLength(1)
    expect(lab.apiRequests().map(({ outcome }) => outcome)).toEqual(['RequestExpired', 'ok'])
  })

  it('may take a role of another account and sees what is there', async () => {
    const { lab } = await start(`world:
  vpcs: [{ id: vpc-0d000001, owner: '444455556666', ipv4: [10.9.0.0/16] }]
api: { roles: [{ arn: 'arn:aws:iam::444455556666:role/team/reader', externalId: secret-1 }] }`)
    const ask = async (RoleArn: string, ExternalId?: string) => {
      const aws = new ec2.EC2Client({
        region: 'us-east-1',
        endpoint: String(lab.apiUrl),
        credentials: fromTemporaryCredentials({
          masterCredentials: lab.apiCredentials(),
          params: { RoleArn, RoleSessionName: 'pathproof', ...(ExternalId !== undefined && { ExternalId }) },
          clientConfig: { region: 'us-east-1', endpoint: String(lab.apiUrl), maxAttempts: 1 },
        }),
        maxAttempts: 1,
      })
      closers.push(() => aws.destroy())
      return (await aws.send(new ec2.DescribeVpcsCommand({}))).Vpcs?.map(({ VpcId }) => VpcId)
    }
    const role = 'arn:aws:iam::444455556666:role/team/reader'
    expect(await ask(role, 'secret-1')).toEqual(['vpc-0d000001'])
    await expect(ask(role)).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(ask(`${role}s`, 'secret-1')).rejects.toMatchObject({ name: 'AccessDenied' })
    expect(lab.apiRequests().map(({ service, action, account }) => [service, action, account])).toEqual([
      ['sts', 'AssumeRole', '111122223333'],
      ['ec2', 'DescribeVpcs', '444455556666'],
      ['sts', 'AssumeRole', '111122223333'],
      ['sts', 'AssumeRole', '111122223333'],
    ])
  })
})

describe('faults', () => {
  const vpcs = (aws: ec2.EC2Client) => aws.send(new ec2.DescribeVpcsCommand({}))
  const subnets = (aws: ec2.EC2Client) => aws.send(new ec2.DescribeSubnetsCommand({}))

  it('deny by action and by list; a step gives the permission', async () => {
    const { lab, aws } = await start(`api: { deny: [DescribeVpcs, GetManagedPrefixListEntries/pl-63a5400a] }
steps: [{ after: 1s, name: given, title: Given, api: { deny: [] } }]`)
    const entries = (PrefixListId: string) =>
      aws.send(new ec2.GetManagedPrefixListEntriesCommand({ PrefixListId }))
    await expect(vpcs(aws)).rejects.toMatchObject({
      name: 'UnauthorizedOperation',
      message: expect.stringContaining(
        'User: arn:aws:sts::111122223333:assumed-role/pathproof-lab/i-0a000050 is not authorized to perform: ec2:DescribeVpcs',
      ),
      $metadata: { httpStatusCode: 403 },
    })
    await expect(entries('pl-63a5400a')).rejects.toMatchObject({ name: 'UnauthorizedOperation' })
    await expect(entries('pl-02cd2c6b')).resolves.toMatchObject({ Entries: expect.anything() })
    await expect(subnets(aws)).resolves.toMatchObject({ Subnets: [{}, {}] })
    const dry = new ec2.DescribeSubnetsCommand({ DryRun: true })
    await expect(aws.send(dry)).rejects.toMatchObject({ name: 'DryRunOperation' })
    const dryDenied = new ec2.DescribeVpcsCommand({ DryRun: true })
    await expect(aws.send(dryDenied)).rejects.toMatchObject({ name: 'UnauthorizedOperation' })
    await lab.apply('given')
    await expect(vpcs(aws)).resolves.toMatchObject({ Vpcs: [{}] })
  })

  it('throttle a few requests or all of them', async () => {
    const { lab, aws, client } = await start('api: { throttle: { DescribeVpcs: 1, all: always } }')
    await expect(subnets(aws)).rejects.toMatchObject({
      name: 'RequestLimitExceeded',
      $metadata: { httpStatusCode: 503 },
    })
    const patient = client({ maxAttempts: 3 })
    await expect(vpcs(patient)).resolves.toMatchObject({ $metadata: { attempts: 2 } })
    expect(lab.apiRequests().map(({ outcome }) => outcome)).toEqual([
      'RequestLimitExceeded',
      'RequestLimitExceeded',
      'ok',
    ])
  })

  it.each([
    ['error', { name: 'InternalError', $metadata: { httpStatusCode: 500 } }],
    ['unavailable', { name: 'Unavailable', $metadata: { httpStatusCode: 503 } }],
    ['auth_failure', { name: 'AuthFailure' }],
    ['expired', { name: 'RequestExpired' }],
    ['reset', { code: 'ECONNRESET' }],
    ['half', { code: 'ECONNRESET' }],
    ['truncated', { message: expect.stringContaining('XML parse error') }],
  ])('%s: the client gets an error, and the neighbour an answer', async (how, error) => {
    const { lab, aws } = await start(`api: { breaks: { DescribeVpcs: ${how} } }`)
    await expect(vpcs(aws)).rejects.toMatchObject(error)
    await expect(subnets(aws)).resolves.toMatchObject({ Subnets: [{}, {}] })
    expect(lab.apiRequests()).toHaveLength(2)
    expect(lab.apiRequests()[1]?.outcome).toBe('ok')
  })

  it.each(['html', 'empty'])(
    '%s: the client takes it for an answer, in which the list is missing',
    async (how) => {
      const { aws } = await start(`api: { breaks: { DescribeVpcs: ${how} } }`)
      const broken = await vpcs(aws)
      expect(broken.$metadata.httpStatusCode).toBe(200)
      expect(broken.Vpcs).toBeUndefined()
      // a list without items is there, which is how the two can be told apart
      expect(
        (await aws.send(new ec2.DescribeVpcPeeringConnectionsCommand({}))).VpcPeeringConnections,
      ).toEqual([])
    },
  )

  it('begin with a later page and end by themselves', async () => {
    const { aws } = await start(
      'api: { pageSize: 1, breaks: { DescribeSubnets: { how: error, skip: 1, times: 1 } } }',
    )
    const first = await subnets(aws)
    const next = () => aws.send(new ec2.DescribeSubnetsCommand({ NextToken: first.NextToken }))
    await expect(next()).rejects.toMatchObject({ name: 'InternalError' })
    await expect(next()).resolves.toMatchObject({ Subnets: [{ SubnetId: 'subnet-0b000002' }] })
  })

  it('silent and slow: nothing comes in time', async () => {
    const { aws } = await start(
      'api: { breaks: { DescribeVpcs: silent }, latency: { DescribeSubnets: 50ms, DescribeNatGateways: 1m } }',
    )
    const patience = { abortSignal: AbortSignal.timeout(300) }
    await expect(subnets(aws)).resolves.toMatchObject({ Subnets: [{}, {}] })
    const late = aws.send(new ec2.DescribeNatGatewaysCommand({}), patience)
    const never = aws.send(new ec2.DescribeVpcsCommand({}), patience)
    await expect(late).rejects.toMatchObject({ name: 'AbortError' })
    await expect(never).rejects.toMatchObject({ name: 'AbortError' })
  })
})
