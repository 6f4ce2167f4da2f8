/** The fixed furniture of random worlds: services, what lies in other VPCs, and the ids that routes can name. */
import { s3List } from './default.ts'
import type { Choices } from './random.ts'
import type { LegEnd, WorldInterface, WorldLeg, WorldService } from './types.ts'

export const ids = {
  account: '111122223333',
  otherAccount: '999988887777',
  vpc: 'vpc-0a000001',
  hostSubnet: 'subnet-0a000001',
  publicSubnet: 'subnet-0b000002',
  thirdSubnet: 'subnet-0c000003',
  hostTable: 'rtb-0a000001',
  publicTable: 'rtb-0b000002',
  thirdTable: 'rtb-0c000003',
  edgeTable: 'rtb-0d000004',
  regionalTable: 'rtb-0b00000a',
  hostEni: 'eni-0a000050',
  secondEni: 'eni-0a000051',
  instance: 'i-0a000050',
  appliance: 'eni-0a000091',
  applianceInstance: 'i-0a000091',
  proxyEni: 'eni-0a000090',
  s3v4: s3List,
  s3v6: 'pl-6a000053',
  dynamodb: 'pl-02cd2c6b',
  customer: ['pl-0c000001', 'pl-0c000002'],
  s3Gateway: 'vpce-0a000053',
  dynamodbGateway: 'vpce-0a000054',
  balancer: 'vpce-0a00007b',
  ssm: 'vpce-0a000077',
  offered: 'vpce-0a000078',
  resource: 'vpce-0a000079',
  s3Interface: 'vpce-0a00007a',
  tgw: 'tgw-0a000001',
  vgw: 'vgw-0a000001',
  core: 'arn:aws:networkmanager::111122223333:core-network/core-network-0a000001',
  lgw: 'lgw-0a000001',
  odb: 'arn:aws:odb:us-east-1:111122223333:odb-network/odbnet-0a000001',
  routeServer: '10.0.2.200',
  unheardOf: 'QuantumGatewayId=qgw-0a000001',
  peerVpc: 'vpc-0d000001',
  twinVpc: 'vpc-0d000002',
  egressVpc: 'vpc-0e000001',
  centralVpc: 'vpc-0f000001',
  peering: 'pcx-0a000001',
  twinPeering: 'pcx-0a000002',
} as const

/** What a wild world is mostly about, so that rare things meet each other often enough. */
export type Theme = 'anything' | 'lists' | 'nat' | 'site' | 'far' | 'reading'

export const vpcV6 = '2600:1f16:a00::/56'

/** Ranges that AWS's lists hold, and ranges of the same services that they do not. */
export const ranges = {
  s3Listed: ['52.216.0.0/15', '3.5.0.0/19', '54.231.0.0/16'],
  s3Unlisted: ['16.182.0.0/16'],
  s3ListedV6: ['2600:1fa0:8000::/39'],
  s3UnlistedV6: ['2600:1f68::/32'],
  dynamodb: ['52.94.0.0/22', '3.218.180.0/22'],
  others: '52.119.196.0/22',
  othersV6: '2600:1f70:8000::/48',
}

/** Public answers of each kind, and private ones by who really has the address. */
export const addresses = {
  s3Listed: ['52.216.8.53', '52.217.64.10', '3.5.2.17', '54.231.128.9', '52.216.207.11'],
  s3Unlisted: ['16.182.33.40', '16.182.1.2'],
  s3ListedV6: ['2600:1fa0:80a0:a4c1:34d8:1234::', '2600:1fa0:81c8:bb11::9'],
  s3UnlistedV6: ['2600:1f68:2000::7'],
  dynamodb: ['52.94.2.72', '3.218.180.5'],
  others: ['52.119.198.61', '52.119.199.7'],
  othersV6: ['2600:1f70:8000::61'],
  nowhere: ['198.51.100.7', '10.77.0.1', '10.0.1.222'],
  site: ['192.168.7.7'],
}

function aws(id: string, service: string, cidrs: string[]): WorldService {
  return {
    id,
    service,
    kind: 'aws',
    region: 'us-east-1',
    addresses: cidrs,
    ports: [443],
    certificate: 'aws',
    hostnames: [],
    answers: [],
  }
}

export function serviceList(choices: Choices): WorldService[] {
  const certificate = choices.pick([
    'aws',
    'aws',
    'aws',
    'aws',
    'intercepted',
    'intercepted',
    'none',
  ] as const)
  return [
    aws('s3', 's3', [...ranges.s3Listed, ...ranges.s3Unlisted, ...ranges.s3ListedV6, ...ranges.s3UnlistedV6]),
    aws('dynamodb', 'dynamodb', ranges.dynamodb),
    aws('ssm', 'ssm', [ranges.others, ranges.othersV6]),
    // A proxy that passes TLS through shows AWS's own certificate.
    { ...aws('proxy', 'proxy', ['192.168.0.0/16']), kind: 'private', certificate },
  ]
}

/** The MAC that an interface of this id has here. */
export function macOf(id: string): string {
  return ['02', '1f', ...(id.slice(-8).match(/../g) ?? [])].join(':')
}

export function interfaceOf(part: Partial<WorldInterface> & { id: string }): WorldInterface {
  return {
    vpc: ids.vpc,
    subnet: ids.hostSubnet,
    mac: macOf(part.id),
    type: 'interface',
    owner: ids.account,
    requesterManaged: false,
    instance: null,
    ipv4: [],
    ipv6: [],
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    status: 'in-use',
    sourceCheck: true,
    forwards: 'drops',
    serves: null,
    ...part,
  }
}

export const only = (address: string, mapped: string | null = null) => [
  { address, primary: true, public: mapped },
]

function someEnd(choices: Choices): LegEnd {
  return choices.weighted<LegEnd>([
    [3, { class: 'internet' }],
    [3, { class: 'public_vif' }],
    [2, { class: 'nat_gateway' }],
    [1, { class: 'nat_gateway_endpoint' }],
    [2, { class: 'relay' }],
    [3, { vpc: ids.egressVpc, table: 'rtb-0e000001' }],
    [1, { interface: ids.appliance }],
    [1, 'dropped'],
  ])
}

/** What lies behind a gateway out of the VPC. */
export function someLegs(choices: Choices): WorldLeg[] {
  const legs: WorldLeg[] = [
    { to: '0.0.0.0/0', ends: someEnd(choices) },
    { to: '::/0', ends: someEnd(choices) },
    { to: '192.168.0.0/16', ends: { class: 'relay', service: 'proxy' } },
  ]
  // Ranges beyond may overlap what the account knows: the way then ends elsewhere than its plan says.
  const proxy: LegEnd = { class: 'relay', service: 'proxy' }
  if (choices.chance(0.7)) {
    const ends: LegEnd = choices.chance(0.75) ? { vpc: ids.centralVpc, table: 'rtb-0f000001' } : proxy
    legs.push({ to: '10.2.0.0/16', ends })
  }
  if (choices.chance(0.4)) {
    const ends = choices.pick<LegEnd>([
      { vpc: ids.peerVpc, table: 'rtb-0d000001' },
      { vpc: ids.twinVpc, table: 'rtb-0d000002' },
      proxy,
    ])
    legs.push({ to: '10.1.0.0/16', ends })
  }
  if (choices.chance(0.3)) legs.push({ to: '10.0.0.0/16', ends: choices.pick<LegEnd>([proxy, 'dropped']) })
  if (choices.chance(0.2)) legs.push({ to: '52.216.0.0/15', ends: someEnd(choices) })
  return legs
}
