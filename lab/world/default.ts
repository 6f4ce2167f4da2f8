import type { WorldSpec } from './spec.ts'

/** Real ids of AWS's lists in us-east-1; elsewhere the lab uses the same. */
export const s3List = 'pl-63a5400a'
export const dynamodbList = 'pl-02cd2c6b'

/** Ids of the usual set-up, for tests and scenarios. */
export const usual = {
  vpc: 'vpc-0a000001',
  privateSubnet: 'subnet-0a000001',
  publicSubnet: 'subnet-0b000002',
  mainTable: 'rtb-0c000003',
  privateTable: 'rtb-0a000001',
  publicTable: 'rtb-0b000002',
  hostInterface: 'eni-0a000050',
  instance: 'i-0a000050',
  internetGateway: 'igw-0a000001',
  nat: 'nat-0b000009',
  s3Endpoint: 'vpce-0a000053',
  dynamodbEndpoint: 'vpce-0a000054',
  hostAddress: '10.0.1.50',
} as const

/** Ranges of S3 in us-east-1 as its list has them (some of them). */
export const s3Ranges = ['52.216.0.0/15', '3.5.0.0/19', '54.231.0.0/16', '16.182.0.0/16', '16.15.176.0/20']
const s3Answers = [
  '52.216.8.53',
  '52.217.12.102',
  '3.5.2.17',
  '54.231.128.9',
  '16.182.33.40',
  '52.216.207.11',
]
const s3RangesV6 = ['2600:1fa0:8000::/39', '2600:1f68::/32']

/** Lists, public services and the usual VPC of one region. */
export function defaultSpec(region: string, account: string): WorldSpec {
  const name = (service: string): string => `${service}.${region}.amazonaws.com`
  const simple = (service: string, cidr: string, answers: string[], extra: string[] = []) => ({
    id: service,
    service,
    kind: 'aws' as const,
    addresses: [cidr],
    hostnames: [name(service), ...extra],
    answers,
  })
  return {
    region,
    account,
    vpcs: [{ id: usual.vpc, ipv4: ['10.0.0.0/16'] }],
    subnets: [
      { id: usual.privateSubnet, vpc: usual.vpc, ipv4: '10.0.1.0/24' },
      { id: usual.publicSubnet, vpc: usual.vpc, ipv4: '10.0.0.0/24' },
    ],
    interfaces: [
      {
        id: usual.hostInterface,
        vpc: usual.vpc,
        subnet: usual.privateSubnet,
        mac: '02:1a:00:00:00:50',
        instance: usual.instance,
        ipv4: [{ address: usual.hostAddress, primary: true, public: null }],
      },
      {
        id: 'eni-0b000009',
        vpc: usual.vpc,
        subnet: usual.publicSubnet,
        mac: '02:1b:00:00:00:09',
        type: 'nat_gateway',
        requesterManaged: true,
        ipv4: [{ address: '10.0.0.9', primary: true, public: '203.0.113.9' }],
      },
    ],
    tables: [
      { id: usual.mainTable, vpc: usual.vpc, main: true },
      {
        id: usual.privateTable,
        vpc: usual.vpc,
        subnets: [usual.privateSubnet],
        addRoutes: [`0.0.0.0/0 -> ${usual.nat}`, `${s3List} -> ${usual.s3Endpoint}`],
      },
      {
        id: usual.publicTable,
        vpc: usual.vpc,
        subnets: [usual.publicSubnet],
        addRoutes: [`0.0.0.0/0 -> ${usual.internetGateway}`],
      },
    ],
    lists: [
      { id: s3List, name: `com.amazonaws.${region}.s3`, owner: 'AWS', entries: s3Ranges },
      {
        id: dynamodbList,
        name: `com.amazonaws.${region}.dynamodb`,
        owner: 'AWS',
        entries: ['52.94.0.0/22', '3.218.180.0/22', '35.71.64.0/22'],
      },
    ],
    endpoints: [
      {
        id: usual.s3Endpoint,
        type: 'Gateway',
        service: `com.amazonaws.${region}.s3`,
        vpc: usual.vpc,
        reaches: 's3',
      },
    ],
    natGateways: [
      {
        id: usual.nat,
        vpc: usual.vpc,
        subnet: usual.publicSubnet,
        private: ['10.0.0.9'],
        public: ['203.0.113.9'],
        interfaces: ['eni-0b000009'],
      },
    ],
    internetGateways: [{ id: usual.internetGateway, vpcs: [usual.vpc] }],
    services: [
      {
        id: 's3',
        service: 's3',
        kind: 'aws',
        addresses: s3Ranges,
        ports: [443, 80],
        hostnames: [
          `s3.${region}.amazonaws.com`,
          `*.s3.${region}.amazonaws.com`,
          's3.amazonaws.com',
          '*.s3.amazonaws.com',
          `s3-${region}.amazonaws.com`,
          `*.s3-${region}.amazonaws.com`,
          `*.s3-control.${region}.amazonaws.com`,
          `*.s3-accesspoint.${region}.amazonaws.com`,
        ],
        answers: s3Answers,
      },
      {
        id: 's3-dualstack',
        service: 's3',
        kind: 'aws',
        addresses: [...s3Ranges, ...s3RangesV6],
        ports: [443, 80],
        hostnames: [`s3.dualstack.${region}.amazonaws.com`, `*.s3.dualstack.${region}.amazonaws.com`],
        answers: [
          ...s3Answers.slice(0, 4),
          '2600:1fa0:80a0:a4c1:34d8:1234::',
          '2600:1fa0:81c8:bb11:34d9:7e9::',
        ],
      },
      {
        id: 's3-fips',
        service: 's3',
        kind: 'aws',
        addresses: ['52.217.248.0/24', '3.5.31.0/24'],
        hostnames: [`s3-fips.${region}.amazonaws.com`, `*.s3-fips.${region}.amazonaws.com`],
        answers: ['52.217.248.20', '3.5.31.7'],
      },
      {
        id: 's3-elsewhere',
        service: 's3',
        kind: 'aws',
        region: region === 'eu-west-1' ? 'us-east-1' : 'eu-west-1',
        addresses: ['52.218.0.0/17', '3.5.64.0/21'],
        ports: [443, 80],
        hostnames: ['s3.eu-west-1.amazonaws.com', '*.s3.eu-west-1.amazonaws.com'].map((pattern) =>
          region === 'eu-west-1' ? pattern.replace('eu-west-1', 'us-east-1') : pattern,
        ),
        answers: ['52.218.36.99', '3.5.64.160'],
      },
      simple('dynamodb', '52.94.0.0/22', ['52.94.2.72', '52.94.0.13']),
      simple('ssm', '52.119.196.0/22', ['52.119.198.61']),
      simple('ssmmessages', '52.119.200.0/22', ['52.119.201.5']),
      simple('kms', '67.220.248.0/22', ['67.220.250.14', '67.220.249.200']),
      simple('ec2', '54.239.28.0/22', ['54.239.28.85']),
      simple('monitoring', '176.32.96.0/22', ['176.32.98.189']),
      simple('cloudtrail', '54.239.20.0/22', ['54.239.21.101']),
      simple('logs', '52.94.228.0/22', ['52.94.229.44']),
      simple('sqs', '52.46.92.0/22', ['52.46.92.184']),
      simple('secretsmanager', '44.192.128.0/22', ['44.192.128.31']),
      simple('sts', '209.54.176.0/22', ['209.54.177.164']),
      {
        id: 'sts-global',
        service: 'sts',
        kind: 'aws',
        addresses: ['72.21.206.0/24'],
        hostnames: ['sts.amazonaws.com'],
        answers: ['72.21.206.96'],
      },
    ],
    resolvers: [
      { name: 'system', view: 'vpc', address: '10.0.0.2' },
      { name: 'vpc', view: 'vpc', address: '10.0.0.2' },
      { name: 'inbound', view: 'inbound', address: '10.0.0.20' },
      { name: 'corp', view: 'public', address: '192.168.53.53' },
    ],
  }
}
