import { parseHostname } from './hostname.ts'
import { partitionById } from './partitions.ts'
import type { UnsignedRequest } from './request-signing.ts'

/** A call that CloudTrail records as a management event, asks for little and changes nothing. */
export interface ManagementCall {
  /** As it stands in the credential scope. */
  signingService: string
  eventSource: string
  eventName: string
  /** What it takes to be allowed; null: nothing. A call that is refused is recorded as well. */
  permission: string | null
  method: 'GET' | 'POST'
  path: string
  query: Readonly<Record<string, string>>
  headers: Readonly<Record<string, string>>
  body: string
}

const json = (
  signingService: string,
  eventName: string,
  prefix: string,
  version: '1.0' | '1.1',
  body: object,
): ManagementCall => ({
  signingService,
  eventSource: `${signingService}.amazonaws.com`,
  eventName,
  permission: `${signingService}:${eventName}`,
  method: 'POST',
  path: '/',
  query: {},
  headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': `${prefix}.${eventName}` },
  body: JSON.stringify(body),
})

const form = (signingService: string, eventName: string, version: string, rest = ''): ManagementCall => ({
  signingService,
  eventSource: `${signingService}.amazonaws.com`,
  eventName,
  permission: `${signingService}:${eventName}`,
  method: 'POST',
  path: '/',
  query: {},
  headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  body: `Action=${eventName}&Version=${version}${rest}`,
})

const get = (
  signingService: string,
  eventName: string,
  permission: string,
  path: string,
  query: Record<string, string>,
): ManagementCall => ({
  signingService,
  eventSource: `${signingService}.amazonaws.com`,
  eventName,
  permission,
  method: 'GET',
  path,
  query,
  headers: {},
  body: '',
})

const listBuckets = get('s3', 'ListBuckets', 's3:ListAllMyBuckets', '/', { 'max-buckets': '1' })
const bucketLocation = get('s3', 'GetBucketLocation', 's3:GetBucketLocation', '/', { location: '' })

/**
 * By the service's name in DNS. Each asks for one entry at most, and is listed as a management event in the CloudTrail
 * pages of its service's guide. STS takes no permission at all.
 */
const calls = {
  sts: { ...form('sts', 'GetCallerIdentity', '2011-06-15'), permission: null },
  ec2: form('ec2', 'DescribeRegions', '2016-11-15', '&RegionName.1=us-east-1'),
  kms: json('kms', 'ListKeys', 'TrentService', '1.1', { Limit: 1 }),
  sqs: json('sqs', 'ListQueues', 'AmazonSQS', '1.0', { MaxResults: 1 }),
  sns: form('sns', 'ListTopics', '2010-03-31'),
  secretsmanager: json('secretsmanager', 'ListSecrets', 'secretsmanager', '1.1', { MaxResults: 1 }),
  ssm: json('ssm', 'DescribeParameters', 'AmazonSSM', '1.1', { MaxResults: 1 }),
  logs: json('logs', 'DescribeLogGroups', 'Logs_20140328', '1.1', { limit: 1 }),
  monitoring: {
    ...form('monitoring', 'DescribeAlarms', '2010-08-01', '&MaxRecords=1'),
    permission: 'cloudwatch:DescribeAlarms',
  },
  dynamodb: json('dynamodb', 'ListTables', 'DynamoDB_20120810', '1.0', { Limit: 1 }),
  'api.ecr': json('ecr', 'DescribeRepositories', 'AmazonEC2ContainerRegistry_V20150921', '1.1', {
    maxResults: 1,
  }),
  lambda: get('lambda', 'ListFunctions20150331', 'lambda:ListFunctions', '/2015-03-31/functions/', {
    MaxItems: '1',
  }),
  kinesis: json('kinesis', 'ListStreams', 'Kinesis_20131202', '1.1', { Limit: 1 }),
} as const satisfies Record<string, ManagementCall>

/** Services that a witness can be had of, by their names in DNS. */
export const witnessServices: readonly string[] = ['s3', ...Object.keys(calls)]

/** Every permission that the calls for `services` take (names in DNS; null: all of them), sorted. */
export function witnessPermissions(services: readonly string[] | null): string[] {
  const wanted = services ?? witnessServices
  const own = Object.entries(calls).flatMap(([service, call]) =>
    wanted.includes(service) ? (call.permission ?? []) : [],
  )
  const s3 = wanted.includes('s3') ? [listBuckets.permission, bucketLocation.permission] : []
  return [...new Set([...own, ...s3])].flatMap((permission) => permission ?? []).toSorted()
}

export type CallForName =
  | { ok: true; call: ManagementCall; region: string; request: UnsignedRequest }
  | { ok: false; because: string }

/** Where the global names of the partition `aws` answer, and record. */
const globalRegion = 'us-east-1'

/**
 * The call that witnesses a connection to one name, and the region that signs and records it. `region`: the one that the
 * target names, for global names of a bucket.
 */
export function callForName(name: { hostname: string; port: number; region: string | null }): CallForName {
  const no = (because: string): CallForName => ({ ok: false, because: `${name.hostname}: ${because}` })
  const parsed = parseHostname(name.hostname)
  if (!parsed.ok || parsed.name.service === null) return no('not a name of an AWS service')
  const { service, bucket, style, accessPoint, account, partition } = parsed.name
  const call = service === 's3' ? (bucket === null ? listBuckets : bucketLocation) : own(service)
  if (call === null) return no(`no call is known for ${service}`)
  const named = accessPoint !== null || account !== null || style === 'accelerate' || style === 'website'
  if (service === 's3' && (named || style === 'control' || style === 'mrap' || style === 'object_lambda')) {
    return no(`no call is known for S3's names of the style ${style}`)
  }
  const forBucket = service === 's3' && bucket !== null ? name.region : null
  const region =
    parsed.name.region ??
    forBucket ??
    (partition === 'aws' && (service !== 's3' || bucket === null) ? globalRegion : null)
  if (region === null || partitionById(partition ?? '') === null) return no('its region is not known')
  const { method, path, query, headers, body } = call
  return {
    ok: true,
    call,
    region,
    request: { method, hostname: name.hostname, port: name.port, path, query, headers, body },
  }
}

function own(service: string): ManagementCall | null {
  return Object.hasOwn(calls, service) ? calls[service as keyof typeof calls] : null
}
