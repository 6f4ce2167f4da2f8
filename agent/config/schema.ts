import * as z from 'zod'
import { partitions } from '../../aws/partitions.ts'
import { defaults } from './defaults.ts'
import {
  choice,
  cidr,
  count,
  duration,
  flag,
  name,
  path,
  readIp,
  readServer,
  readable,
  word,
} from './fields.ts'
import { readHostname, readListen } from './readers.ts'
import { egressSchema, postureSchema } from './schema-egress.ts'
import { cloudwatchSchema, flowLogsSchema } from './schema-flow-logs.ts'
import { directConnectSchema, traceSchema } from './schema-first-leg.ts'
import { ledgerSchema } from './schema-ledger.ts'
import { targetSchema } from './schema-target.ts'
import { alsoSchema, apiEndpointsSchema } from './schema-topology.ts'

const map = { error: 'a map' }

const partitionIds = partitions.map(({ id }) => id) as [string, ...string[]]

const section = <T extends z.ZodRawShape>(description: string, shape: T) =>
  z.strictObject(shape, map).meta({ description })

const listOf = <T extends z.ZodType>(description: string, of: string, item: T) =>
  z
    .array(item, { error: `a list of ${of}` })
    .max(10_000, { error: 'at most 10000 entries' })
    .meta({ description })
    .prefault([])

const bucket = (description: string) =>
  word(description, 'the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)

const objectKey = (description: string) => word(description, 'the key of an object', /^[^/\n][^\n]{0,1023}$/)

const endpointId = (description: string) =>
  word(description, 'the id of an endpoint like vpce-0123456789abcdef0', /^vpce-[0-9a-f]{3,17}$/)

export const resolverSchema = section('A name server besides the host’s own.', {
  name: name('The name by which targets refer to it; system is the host’s own.'),
  address: readable(
    {
      description: 'Its address, with a port if that is not 53.',
      expected: 'an address with an optional port, like 10.1.1.53:53 or [fd00::53]:53',
      examples: ['10.1.1.53:53', '[fd00::53]:53'],
    },
    (text) => readServer(text, 53),
  ),
})

export const trustedEndpointSchema = section('An endpoint that this account’s snapshot does not show.', {
  dns_name: readable(
    {
      description: 'The endpoint’s own DNS name (vpce-…); resolved anew in each cycle.',
      expected:
        'the endpoint’s own DNS name, like vpce-0123456789abcdef0-abcdefgh.s3.eu-west-1.vpce.amazonaws.com',
      pattern: '[Vv][Pp][Cc][Ee]-',
    },
    readHostname,
  ).optional(),
  address: readable(
    {
      description: 'A bare address of the endpoint; weaker than dns_name.',
      expected: 'an address like 10.9.0.17',
    },
    readIp,
  ).optional(),
  gateway: endpointId('The id of a gateway endpoint that the account of a shared VPC owns.').optional(),
  via: word(
    'What leads to it: a transit gateway, virtual private gateway or core network, or the name of a site.',
    'tgw-…, vgw-…, core-network-… or the name of a site',
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
  ).optional(),
})

export const topologySchema = section('What the account is configured to do, and how it is read.', {
  source: choice('Where it comes from: the API, a directory of AWS CLI output, or a shared snapshot.', [
    'aws',
    'directory',
    'file',
    's3',
  ]).prefault(defaults.topology.source),
  directory: path('The directory of AWS CLI output, for source directory.').optional(),
  file: path('The shared snapshot, for source file.').optional(),
  s3: section('The shared snapshot, for source s3.', {
    bucket: bucket('Its bucket.'),
    key: objectKey('Its key.'),
  }).optional(),
  refresh: duration('How often route tables are read.', 10, 3600, '60s').prefault(defaults.topology.refresh),
  max_age: duration('Beyond this age route tables are no evidence.', 30, 86_400, '3m').prefault(
    defaults.topology.max_age,
  ),
  other_refresh: duration('How often the rest is read.', 10, 3600, '5m').prefault(
    defaults.topology.other_refresh,
  ),
  other_max_age: duration('Beyond this age the rest is no evidence.', 30, 86_400, '15m').prefault(
    defaults.topology.other_max_age,
  ),
  endpoint: apiEndpointsSchema.optional(),
  also: listOf('Further accounts, for endpoints that other accounts own.', 'accounts', alsoSchema),
})

export const canarySchema = section(
  'Signed requests that AWS itself answers for; they cost money and are off by default.',
  {
    every: duration('Time between two rounds.', 60, 86_400, '5m').prefault(defaults.canary.every),
    bucket: bucket('The bucket with the three objects.'),
    control: objectKey('The object that may be read by any way.'),
    positive: objectKey('The object that may be read only through the endpoint.'),
    negative: objectKey('The object that may be read only outside the endpoint.'),
    endpoint: endpointId('The endpoint that the bucket’s policy names.'),
    source_ip: flag(
      'Whether the policy also requires aws:VpcSourceIp: this host’s own addresses, and its VPC, in which the endpoint must lie.',
    ).prefault(false),
    source_addresses: listOf(
      'The addresses that source_ip means. None: those that the instance metadata shows.',
      'addresses',
      readable({ description: 'An address of this host.', expected: 'an address like 10.0.1.50' }, readIp),
    ),
    vpc: word(
      'The VPC that the endpoint lies in, if the policy is to require it. Left out: with source_ip that of this host.',
      'the id of a VPC like vpc-0123456789abcdef0',
      /^vpc-[0-9a-f]{3,17}$/,
    ).optional(),
    region: word(
      'The region of the bucket. Left out: that of this host.',
      'the name of a region like us-east-1',
      /^[a-z]{2,10}(-[a-z]{2,20}){1,3}-[0-9]{1,2}$/,
    ).optional(),
  },
)

export const cloudtrailSchema = section(
  'Signed management calls on probed connections, looked up in CloudTrail; off by default.',
  { every: duration('Time between two rounds.', 300, 86_400, '15m').prefault(defaults.cloudtrail.every) },
)

export const siteSchema = section('A site of one’s own outside AWS.', {
  name: name('The name of the site.'),
  first_leg: choice('How its traffic to AWS is said to run.', ['direct_connect', 'vpn']).optional(),
  next_hops: listOf('The next hops of that way.', 'prefixes', cidr('A prefix.')),
  prefixes: z
    .array(cidr('A prefix of the site.'), { error: 'a list of prefixes' })
    .min(1, { error: 'at least one prefix' })
    .meta({ description: 'The address ranges of the site.' }),
  snat_relay: flag('Whether a host inside the VPC relays the site’s traffic under its own address.').prefault(
    false,
  ),
})

const exporters = section('Where verdicts go besides /metrics.', {
  cloudwatch: section('Custom metrics of CloudWatch; they cost money.', {
    namespace: word(
      'The namespace.',
      'a namespace of CloudWatch',
      /^(?!AWS\/)[A-Za-z0-9._/#:-]{1,255}$/,
    ).prefault(defaults.cloudwatch.namespace),
    every: duration('Time between two uploads.', 10, 3600, '60s').prefault(defaults.cloudwatch.every),
  }).optional(),
  events: section('Changes of state as lines of JSON.', {
    file: path('The file that they are appended to; left out: standard output.').optional(),
  }).optional(),
}).prefault({})

const web = section('The HTTP surface.', {
  listen: readable(
    {
      description: 'Where it listens: address and port, or fd:N for a descriptor that was passed in.',
      expected: 'an address and a port like 127.0.0.1:10097, [::1]:10097 or :10097, or fd:3',
      examples: ['127.0.0.1:10097'],
    },
    readListen,
  ).prefault(defaults.web.listen),
  telemetry_path: word(
    'Where the metrics are.',
    'a path like /metrics',
    /^\/[A-Za-z0-9._-]{1,100}$/,
  ).prefault(defaults.web.telemetry_path),
  reload: flag('Whether POST /-/reload reads the configuration anew.').prefault(defaults.web.reload),
})

export const limitsSchema = section('Bounds on what the agent does at once and keeps.', {
  names: count('Host names over all targets.', 1, 20_000).prefault(defaults.limits.names),
  connects: count('Connections that wait for the network at once.', 1, 4096).prefault(
    defaults.limits.connects,
  ),
  connects_per_target: count('The same for one target.', 1, 256).prefault(
    defaults.limits.connects_per_target,
  ),
  handshakes: count('TLS handshakes at once; above 16 the agent measures its own queue.', 1, 16).prefault(
    defaults.limits.handshakes,
  ),
  hold_window: duration('How long an address that DNS gave is kept and judged.', 60, 86_400, '15m').prefault(
    defaults.limits.hold_window,
  ),
  hold_addresses: count('Addresses kept per name.', 64, 65_536).prefault(defaults.limits.hold_addresses),
})

export const partitionRootsSchema = section('Roots for one partition.', {
  partition: choice('The partition.', partitionIds),
  file: path('Certificates in PEM form.'),
})

/** The whole configuration as it is written. What concerns several keys at once is in the `check-*.ts` files. */
export const configSchema = section('Configuration of pathproof.', {
  version: z
    .literal(1, { error: '1, the only version of this format' })
    .meta({ description: 'The version of this format: 1.' }),
  agent: section('The agent itself.', {
    vantage: choice('Where the host stands; auto finds out.', ['auto', 'ec2', 'on-prem']).prefault(
      defaults.vantage,
    ),
  }).prefault({}),
  targets: listOf('What is to be proven. None: discovered on EC2.', 'targets', targetSchema),
  resolvers: listOf('Name servers besides the host’s own.', 'resolvers', resolverSchema),
  trusted_endpoints: listOf('Endpoints that other accounts own.', 'endpoints', trustedEndpointSchema),
  topology: topologySchema.prefault({}),
  flow_logs: flowLogsSchema.prefault({}),
  cloudwatch: cloudwatchSchema.optional(),
  canary: canarySchema.optional(),
  cloudtrail: cloudtrailSchema.optional(),
  sites: listOf('Sites of one’s own outside AWS.', 'sites', siteSchema),
  trace: traceSchema.optional(),
  direct_connect: directConnectSchema.optional(),
  egress: egressSchema.prefault({}),
  posture: postureSchema.prefault({}),
  ledger: ledgerSchema.optional(),
  exporters,
  web: web.prefault({}),
  limits: limitsSchema.prefault({}),
  partition_roots: listOf(
    'Roots for TLS in partitions that the shipped public roots do not serve.',
    'partitions',
    partitionRootsSchema,
  ),
  nat64_prefixes: listOf('Prefixes of NAT64 besides 64:ff9b::/96 (RFC 6052).', 'prefixes', cidr('A prefix.')),
})

export type Written = z.output<typeof configSchema>
