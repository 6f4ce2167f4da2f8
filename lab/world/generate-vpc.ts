/** What stands in the host's VPC: NAT gateways, endpoints, interfaces. */
import { ids, interfaceOf, only } from './generate-parts.ts'
import { neighbours } from './generate-host.ts'
import type { Choices } from './random.ts'
import type { WorldEndpoint, WorldInterface, WorldNat } from './types.ts'

function natOf(id: string, n: number, more: Partial<WorldNat>): WorldNat {
  return {
    id,
    vpc: ids.vpc,
    subnet: ids.publicSubnet,
    state: 'available',
    connectivity: 'public',
    availability: 'zonal',
    table: null,
    private: [`10.0.0.${n}`],
    public: [`203.0.113.${n}`],
    interfaces: [`eni-0b00000${n}`],
    appliances: [],
    appliancesDo: 'returns',
    ...more,
  }
}

export function someNats(choices: Choices, plain: boolean): WorldNat[] {
  const wild = <T>(likely: T, others: readonly T[], share: number): T =>
    !plain && choices.chance(share) ? choices.pick(others) : likely
  const appliances =
    !plain && choices.chance(0.8) ? ['arn:aws:network-firewall:us-east-1:111122223333:proxy/p'] : []
  return [
    natOf('nat-0b000009', 9, {
      state: wild('available', ['failed', 'pending', 'deleting', 'deleted'] as const, 0.5),
      appliances,
      appliancesDo: choices.pick(['returns', 'relays', 'drops'] as const),
    }),
    natOf('nat-0b000008', 8, {
      connectivity: 'private',
      public: [],
      subnet: plain ? ids.publicSubnet : choices.pick([ids.publicSubnet, ids.thirdSubnet]),
    }),
    natOf('nat-0b000007', 7, {
      availability: 'regional',
      subnet: null,
      table: ids.regionalTable,
      interfaces: [],
      state: wild('available', ['failed'] as const, 0.3),
    }),
  ]
}

function endpointOf(part: Partial<WorldEndpoint> & { id: string; service: string }): WorldEndpoint {
  return {
    type: 'Interface',
    state: 'available',
    serviceRegion: null,
    vpc: ids.vpc,
    owner: ids.account,
    subnets: [ids.hostSubnet],
    interfaces: [],
    privateDns: false,
    inboundOnly: null,
    ipAddressType: 'ipv4',
    dnsNames: [],
    reaches: null,
    appliances: 'returns',
    ...part,
  }
}

const endpointStates = [
  'pending',
  'pendingAcceptance',
  'deleting',
  'deleted',
  'rejected',
  'failed',
  'expired',
  'partial',
]

export function someEndpoints(choices: Choices, plain: boolean, owner: string): WorldEndpoint[] {
  const state = (): string => (!plain && choices.chance(0.12) ? choices.pick(endpointStates) : 'available')
  const all = [
    endpointOf({
      id: ids.s3Gateway,
      type: 'Gateway',
      service: 'com.amazonaws.us-east-1.s3',
      reaches: 's3',
      state: state(),
      owner,
    }),
    endpointOf({
      id: ids.dynamodbGateway,
      type: 'Gateway',
      service: 'com.amazonaws.us-east-1.dynamodb',
      reaches: 'dynamodb',
      state: state(),
      owner,
    }),
    endpointOf({
      id: ids.ssm,
      service: 'com.amazonaws.us-east-1.ssm',
      interfaces: ['eni-0a000077'],
      ipAddressType: 'dualstack',
      privateDns: choices.chance(0.5),
      dnsNames: ['vpce-0a000077-abcdefgh.ssm.us-east-1.vpce.amazonaws.com', 'ssm.us-east-1.amazonaws.com'],
      reaches: 'ssm',
      state: state(),
      owner,
    }),
    endpointOf({
      id: ids.offered,
      service: 'com.amazonaws.vpce.us-east-1.vpce-svc-0a000001',
      interfaces: ['eni-0a000078'],
      reaches: 'proxy',
    }),
    endpointOf({
      id: ids.resource,
      type: 'Resource',
      service: choices.pick(['', 'com.amazonaws.us-east-1.resource']),
      interfaces: ['eni-0a000079'],
      reaches: 'proxy',
    }),
    endpointOf({
      id: ids.s3Interface,
      service: 'com.amazonaws.us-east-1.s3',
      interfaces: ['eni-0a00007a'],
      subnets: [ids.thirdSubnet],
      inboundOnly: choices.pick([true, false, null]),
      reaches: 's3',
      state: state(),
      owner,
    }),
    endpointOf({
      id: ids.balancer,
      owner,
      type: 'GatewayLoadBalancer',
      service: 'com.amazonaws.vpce.us-east-1.vpce-svc-0a000002',
      interfaces: ['eni-0a00007b'],
      subnets: [choices.pick([ids.publicSubnet, ids.thirdSubnet])],
      appliances: choices.pick(['returns', 'relays', 'drops'] as const),
    }),
  ]
  return plain ? all.filter(({ id }) => id !== ids.balancer || choices.chance(0.5)) : all
}

function endpointInterface(id: string, address: string, more: Partial<WorldInterface> = {}): WorldInterface {
  return interfaceOf({ id, type: 'vpc_endpoint', requesterManaged: true, ipv4: only(address), ...more })
}

function natInterface(n: number, open: boolean): WorldInterface {
  return interfaceOf({
    id: `eni-0b00000${n}`,
    type: 'nat_gateway',
    requesterManaged: true,
    subnet: ids.publicSubnet,
    ipv4: only(`10.0.0.${n}`, open ? `203.0.113.${n}` : null),
  })
}

export function someInterfaces(choices: Choices, plain: boolean, six: boolean): WorldInterface[] {
  const mapped = choices.chance(0.35) ? '203.0.113.50' : null
  const host = interfaceOf({
    id: ids.hostEni,
    instance: ids.instance,
    ipv4: only('10.0.1.50', mapped),
    ipv6: six ? ['2600:1f16:a00:1::50'] : [],
    sourceCheck: plain || choices.chance(0.9),
  })
  if (choices.chance(0.2)) {
    host.ipv4.push({
      address: '10.0.1.60',
      primary: false,
      public: choices.chance(0.5) ? '203.0.113.60' : null,
    })
  }
  if (!plain && choices.chance(0.1)) host.ipv4Prefixes = ['10.0.1.96/28']
  return [
    host,
    interfaceOf({
      id: ids.secondEni,
      instance: ids.instance,
      subnet: ids.thirdSubnet,
      ipv4: only('10.0.2.51', choices.chance(0.3) ? '203.0.113.51' : null),
      sourceCheck: plain || choices.chance(0.6),
    }),
    natInterface(9, true),
    natInterface(8, false),
    endpointInterface('eni-0a000077', '10.0.1.77', six ? { ipv6: ['2600:1f16:a00:1::77'] } : {}),
    endpointInterface('eni-0a000078', '10.0.1.78'),
    endpointInterface('eni-0a000079', '10.0.1.79'),
    endpointInterface('eni-0a00007a', '10.0.2.77', { subnet: ids.thirdSubnet }),
    endpointInterface('eni-0a00007b', '10.0.2.78', {
      subnet: ids.thirdSubnet,
      type: 'gateway_load_balancer_endpoint',
    }),
    interfaceOf({
      id: 'eni-0a000092',
      instance: 'i-0a000092',
      ipv4: only(neighbours[4], choices.chance(0.7) ? '203.0.113.92' : null),
      ipv6: six ? [neighbours[6]] : [],
      sourceCheck: choices.chance(0.1),
      forwards: choices.pick(['drops', 'routes', 'translates', 'relays'] as const),
      serves: 'proxy',
    }),
    interfaceOf({ id: ids.proxyEni, ipv4: only('10.0.1.90'), instance: 'i-0a000090', serves: 'proxy' }),
    interfaceOf({
      id: ids.appliance,
      instance: ids.applianceInstance,
      subnet: choices.pick([ids.publicSubnet, ids.thirdSubnet]),
      ipv4: only('10.0.0.91', choices.chance(0.7) ? '203.0.113.91' : null),
      sourceCheck: choices.chance(0.1),
      forwards: choices.pick(['drops', 'routes', 'translates', 'translates', 'relays'] as const),
      serves: 'proxy',
    }),
  ]
}
