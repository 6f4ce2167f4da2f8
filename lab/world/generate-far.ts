/** What lies outside the host's VPC: peers, a twin of one with the same range, an egress VPC, central endpoints. */
import { ids, interfaceOf, only } from './generate-parts.ts'
import type { Choices } from './random.ts'
import type { World, WorldEndpoint, WorldRoute, WorldSubnet, WorldVpc } from './types.ts'

export type FarSide = Pick<
  World,
  'vpcs' | 'subnets' | 'interfaces' | 'tables' | 'endpoints' | 'natGateways' | 'internetGateways' | 'peerings'
>

const active = (to: string, via: string): WorldRoute => ({
  to,
  via,
  state: 'active',
  origin: via === 'local' ? 'local' : 'static',
})

function vpcOf(id: string, cidr: string, owner: string): WorldVpc {
  return { id, owner, region: 'us-east-1', ipv4: [cidr], ipv6: [] }
}

function subnetOf(id: string, vpc: string, cidr: string, owner: string): WorldSubnet {
  return { id, vpc, owner, zone: 'us-east-1b', ipv4: cidr, ipv6: [], denies: [] }
}

export function farSide(choices: Choices, plain: boolean): FarSide {
  const account = (): string => (choices.chance(0.4) ? ids.account : ids.otherAccount)
  const owners = { peer: account(), twin: account(), egress: account(), central: account() }
  const table = (
    id: string,
    of: string,
    owner: string,
    cidr: string,
    routes: WorldRoute[],
    subnets: string[],
  ) => ({
    id,
    vpc: of,
    owner,
    main: true,
    subnets,
    gateways: [],
    routes: [active(cidr, 'local'), ...routes],
  })
  const endpoint = (id: string, of: string, owner: string, part: Partial<WorldEndpoint>): WorldEndpoint => ({
    id,
    type: 'Interface',
    state:
      plain || choices.chance(0.85)
        ? 'available'
        : choices.pick(['deleting', 'pending', 'failed', 'deleted']),
    service: 'com.amazonaws.us-east-1.ssm',
    serviceRegion: null,
    vpc: of,
    owner,
    subnets: [],
    interfaces: [],
    privateDns: false,
    inboundOnly: null,
    ipAddressType: 'ipv4',
    dnsNames: [],
    reaches: 'ssm',
    appliances: 'returns',
    ...part,
  })
  // At the endpoint's address of the peer, its twin has a proxy: same number, other place.
  const twinHasEndpoint = choices.chance(0.3)
  const stateOf = (): string =>
    plain || choices.chance(0.85)
      ? 'active'
      : choices.pick(['deleted', 'pending-acceptance', 'rejected', 'failed'])
  const egressRoutes = [active('0.0.0.0/0', 'nat-0e000009')]
  const egressPublic = [active('0.0.0.0/0', 'igw-0e000001')]
  if (choices.chance(0.3)) egressPublic.push(active(ids.s3v4, 'vpce-0e000053'))
  if (choices.chance(0.3)) egressRoutes.push(active(ids.s3v4, 'vpce-0e000053'))
  return {
    vpcs: [
      vpcOf(ids.peerVpc, '10.1.0.0/16', owners.peer),
      vpcOf(ids.twinVpc, '10.1.0.0/16', owners.twin),
      vpcOf(ids.egressVpc, '10.9.0.0/16', owners.egress),
      vpcOf(ids.centralVpc, '10.2.0.0/16', owners.central),
      // The same range as the host's VPC: an endpoint there has the number of a proxy here.
      vpcOf('vpc-0c000001', '10.0.0.0/16', ids.account),
    ],
    subnets: [
      subnetOf('subnet-0d000001', ids.peerVpc, '10.1.1.0/24', owners.peer),
      subnetOf('subnet-0d000002', ids.twinVpc, '10.1.1.0/24', owners.twin),
      subnetOf('subnet-0e000001', ids.egressVpc, '10.9.1.0/24', owners.egress),
      subnetOf('subnet-0e000002', ids.egressVpc, '10.9.0.0/24', owners.egress),
      subnetOf('subnet-0c000001', 'vpc-0c000001', '10.0.1.0/24', ids.account),
      subnetOf('subnet-0f000001', ids.centralVpc, '10.2.1.0/24', owners.central),
    ],
    interfaces: [
      interfaceOf({
        id: 'eni-0d000077',
        vpc: ids.peerVpc,
        subnet: 'subnet-0d000001',
        type: 'vpc_endpoint',
        owner: owners.peer,
        requesterManaged: true,
        ipv4: only('10.1.1.77'),
      }),
      interfaceOf({
        id: 'eni-0d000078',
        vpc: ids.peerVpc,
        subnet: 'subnet-0d000001',
        owner: owners.peer,
        ipv4: only('10.1.1.78'),
        serves: 'proxy',
      }),
      interfaceOf({
        id: 'eni-0d000177',
        vpc: ids.twinVpc,
        subnet: 'subnet-0d000002',
        owner: owners.twin,
        ipv4: only('10.1.1.77'),
        serves: twinHasEndpoint ? null : 'proxy',
      }),
      interfaceOf({
        id: 'eni-0e000009',
        vpc: ids.egressVpc,
        subnet: 'subnet-0e000002',
        type: 'nat_gateway',
        owner: owners.egress,
        requesterManaged: true,
        ipv4: only('10.9.0.9', '203.0.113.209'),
      }),
      interfaceOf({
        id: 'eni-0c000090',
        vpc: 'vpc-0c000001',
        subnet: 'subnet-0c000001',
        type: 'vpc_endpoint',
        requesterManaged: true,
        ipv4: only('10.0.1.90'),
      }),
      interfaceOf({
        id: 'eni-0f000077',
        vpc: ids.centralVpc,
        subnet: 'subnet-0f000001',
        type: 'vpc_endpoint',
        owner: owners.central,
        requesterManaged: true,
        ipv4: only('10.2.1.77'),
      }),
    ],
    tables: [
      table('rtb-0d000001', ids.peerVpc, owners.peer, '10.1.0.0/16', [], []),
      table('rtb-0d000002', ids.twinVpc, owners.twin, '10.1.0.0/16', [], []),
      {
        ...table('rtb-0e000001', ids.egressVpc, owners.egress, '10.9.0.0/16', egressRoutes, [
          'subnet-0e000001',
        ]),
        main: false,
      },
      table('rtb-0e000002', ids.egressVpc, owners.egress, '10.9.0.0/16', egressPublic, ['subnet-0e000002']),
      table('rtb-0f000001', ids.centralVpc, owners.central, '10.2.0.0/16', [], []),
    ],
    endpoints: [
      endpoint('vpce-0d000077', ids.peerVpc, owners.peer, {
        interfaces: ['eni-0d000077'],
        subnets: ['subnet-0d000001'],
        dnsNames: ['vpce-0d000077-abcdefgh.ssm.us-east-1.vpce.amazonaws.com'],
      }),
      ...(twinHasEndpoint
        ? [
            endpoint('vpce-0d000177', ids.twinVpc, owners.twin, {
              interfaces: ['eni-0d000177'],
              subnets: ['subnet-0d000002'],
              // A customer's service, whatever it is.
              service: 'com.amazonaws.vpce.us-east-1.vpce-svc-0d000001',
              reaches: 'proxy',
            }),
          ]
        : []),
      endpoint('vpce-0c000090', 'vpc-0c000001', ids.account, {
        interfaces: ['eni-0c000090'],
        subnets: ['subnet-0c000001'],
      }),
      endpoint('vpce-0f000077', ids.centralVpc, owners.central, {
        interfaces: ['eni-0f000077'],
        subnets: ['subnet-0f000001'],
        dnsNames: ['vpce-0f000077-abcdefgh.ssm.us-east-1.vpce.amazonaws.com'],
      }),
      endpoint('vpce-0e000053', ids.egressVpc, owners.egress, {
        type: 'Gateway',
        service: 'com.amazonaws.us-east-1.s3',
        reaches: 's3',
        state: 'available',
      }),
    ],
    natGateways: [
      {
        id: 'nat-0e000009',
        vpc: ids.egressVpc,
        subnet: 'subnet-0e000002',
        state: 'available',
        connectivity: 'public',
        availability: 'zonal',
        table: null,
        private: ['10.9.0.9'],
        public: ['203.0.113.209'],
        interfaces: ['eni-0e000009'],
        appliances: [],
        appliancesDo: 'returns',
      },
    ],
    internetGateways: [{ id: 'igw-0e000001', vpcs: [ids.egressVpc] }],
    peerings: [
      { id: ids.peering, status: stateOf(), requester: ids.vpc, accepter: ids.peerVpc },
      { id: ids.twinPeering, status: stateOf(), requester: ids.twinVpc, accepter: ids.vpc },
    ],
  }
}
