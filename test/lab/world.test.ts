import { BlockList } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { awsFiles } from '../../lab/world/aws-files.ts'
import { bitsOf, nat64Of, nthAddress, textOf, within } from '../../lab/world/bits.ts'
import { usual } from '../../lab/world/default.ts'
import { metadataOf } from '../../lab/world/metadata.ts'
import { resolveName } from '../../lab/world/names.ts'
import { travel } from '../../lab/world/simulate.ts'
import type { World } from '../../lab/world/types.ts'
import { changeWorld, routeFrom, worldFrom } from '../../lab/world/world.ts'

const go = (world: World, destination: string, source = '10.0.1.50', port = 443) =>
  travel(world, { source, destination, port })

const s3 = '52.216.8.53'
const sts = '209.54.177.164'
const privateTable = usual.privateTable

describe('bits', () => {
  test('within agrees with net.BlockList', () => {
    const cases = fc.record({
      address: fc.oneof(fc.ipV4(), fc.ipV6()),
      network: fc.oneof(fc.ipV4(), fc.ipV6()),
      length: fc.nat(128),
    })
    fc.assert(
      fc.property(cases, ({ address, network, length }) => {
        const six = network.includes(':')
        const prefix = six ? length : length % 33
        const list = new BlockList()
        list.addSubnet(network, prefix, six ? 'ipv6' : 'ipv4')
        const expected = address.includes(':') === six && list.check(address, six ? 'ipv6' : 'ipv4')
        expect(within(address, `${network}/${prefix}`)).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('text and bits are each other’s inverse, canonically', () => {
    for (const text of ['0.0.0.0', '255.1.2.3', '::', '::1', '2600:1fa0::', '1:0:0:2::3', 'fe80::1:0:0:1']) {
      expect(textOf(bitsOf(text))).toBe(text)
    }
    expect(nat64Of('52.216.8.53')).toBe('64:ff9b::34d8:835')
    expect(nthAddress('10.0.1.0/24', 300)).toBe('10.0.1.44')
  })
})

describe('travel', () => {
  test.each<[string, World, string, string, string | null]>([
    ['the gateway endpoint', worldFrom(), s3, 'gateway_endpoint', 's3'],
    ['NAT for what is in no list', worldFrom(), sts, 'nat_gateway', 'sts'],
    [
      'a missing endpoint route falls to NAT',
      worldFrom({ tables: [{ id: privateTable, removeRoutes: ['pl-63a5400a'] }] }),
      s3,
      'nat_gateway',
      's3',
    ],
    [
      'a blackhole never falls through',
      worldFrom({
        tables: [
          {
            id: privateTable,
            removeRoutes: ['pl-63a5400a'],
            addRoutes: [`pl-63a5400a -> ${usual.s3Endpoint} blackhole`],
          },
        ],
      }),
      s3,
      'blocked',
      null,
    ],
    [
      'the endpoint behind the NAT',
      worldFrom({
        tables: [
          { id: privateTable, removeRoutes: ['pl-63a5400a'] },
          { id: usual.publicTable, addRoutes: [`pl-63a5400a -> ${usual.s3Endpoint}`] },
        ],
      }),
      s3,
      'nat_gateway_endpoint',
      's3',
    ],
    [
      'an internet gateway without a public address',
      worldFrom({ tables: [{ id: privateTable, routes: [`0.0.0.0/0 -> ${usual.internetGateway}`] }] }),
      s3,
      'blocked',
      null,
    ],
    [
      'an internet gateway with one',
      worldFrom({
        tables: [{ id: privateTable, routes: [`0.0.0.0/0 -> ${usual.internetGateway}`] }],
        interfaces: [
          {
            id: usual.hostInterface,
            ipv4: [{ address: '10.0.1.50', primary: true, public: '203.0.113.50' }],
          },
        ],
      }),
      s3,
      'internet_gateway',
      's3',
    ],
    [
      'a failed NAT gateway',
      worldFrom({ natGateways: [{ id: usual.nat, state: 'failed' }] }),
      sts,
      'blocked',
      null,
    ],
    [
      'two NAT gateways in a circle',
      worldFrom({
        natGateways: [{ id: 'nat-0c00000a', subnet: usual.privateSubnet, private: ['10.0.1.9'] }],
        tables: [{ id: usual.publicTable, routes: ['0.0.0.0/0 -> nat-0c00000a'] }],
      }),
      sts,
      'blocked',
      null,
    ],
    [
      'the exact CIDR beats the list',
      worldFrom({ tables: [{ id: privateTable, addRoutes: [`52.216.0.0/15 -> ${usual.nat}`] }] }),
      s3,
      'nat_gateway',
      's3',
    ],
    [
      'a shorter CIDR against a list, as fate says',
      worldFrom({
        fate: { shortCidrBeatsList: false },
        tables: [{ id: privateTable, addRoutes: [`52.192.0.0/11 -> ${usual.nat}`] }],
      }),
      s3,
      'gateway_endpoint',
      's3',
    ],
    [
      'a propagated default does not touch the list',
      worldFrom({
        transits: [{ id: 'vgw-0a000001', leads: [{ to: '0.0.0.0/0', ends: { class: 'internet' } }] }],
        tables: [
          {
            id: privateTable,
            routes: [`pl-63a5400a -> ${usual.s3Endpoint}`, '0.0.0.0/0 -> vgw-0a000001 propagated'],
          },
        ],
      }),
      s3,
      'gateway_endpoint',
      's3',
    ],
    [
      'gateway endpoints serve only their own VPC',
      worldFrom({
        vpcs: [{ id: 'vpc-0e000001', ipv4: ['10.9.0.0/16'] }],
        transits: [
          {
            id: 'tgw-0a000001',
            leads: [{ to: '0.0.0.0/0', ends: { vpc: 'vpc-0e000001', table: 'rtb-0e000001' } }],
          },
        ],
        endpoints: [{ id: 'vpce-0e000001', type: 'Gateway', vpc: 'vpc-0e000001', reaches: 's3' }],
        tables: [
          { id: 'rtb-0e000001', vpc: 'vpc-0e000001', routes: ['pl-63a5400a -> vpce-0e000001'] },
          { id: privateTable, routes: ['0.0.0.0/0 -> tgw-0a000001'] },
        ],
      }),
      s3,
      'blocked',
      null,
    ],
    [
      'the wrong port',
      worldFrom({
        tables: [{ id: privateTable, routes: [`0.0.0.0/0 -> ${usual.nat}`] }],
        services: [{ id: 's3', ports: [80] }],
      }),
      '54.231.128.9',
      'nat_gateway',
      's3-dualstack',
    ],
  ])('%s', (_, world, destination, expected, to) => {
    expect(go(world, destination)).toMatchObject({ class: expected, to, delivered: expected !== 'blocked' })
  })

  const withEndpoint = worldFrom({
    interfaces: [
      {
        id: 'eni-0a000077',
        type: 'vpc_endpoint',
        ipv4: [{ address: '10.0.1.77', primary: true, public: null }],
      },
    ],
    endpoints: [
      {
        id: 'vpce-0a000077',
        service: 'com.amazonaws.us-east-1.ssm',
        interfaces: ['eni-0a000077'],
        privateDns: true,
        reaches: 'ssm',
        dnsNames: ['vpce-0a000077-abcdefgh.ssm.us-east-1.vpce.amazonaws.com'],
      },
    ],
  })

  test('an interface endpoint by private DNS; a customer’s service is a relay; a deleted one is nothing', () => {
    expect(resolveName(withEndpoint, 'ssm.us-east-1.amazonaws.com').ipv4).toEqual(['10.0.1.77'])
    expect(resolveName(withEndpoint, 'ssm.us-east-1.amazonaws.com', 'corp').ipv4).toEqual(['52.119.198.61'])
    expect(go(withEndpoint, '10.0.1.77')).toMatchObject({ class: 'interface_endpoint', to: 'ssm' })
    const offered = changeWorld(withEndpoint, {
      endpoints: [{ id: 'vpce-0a000077', service: 'com.amazonaws.vpce.us-east-1.vpce-svc-1' }],
    })
    expect(go(offered, '10.0.1.77').class).toBe('relay')
    const deleted = changeWorld(withEndpoint, { endpoints: [{ id: 'vpce-0a000077', state: 'deleted' }] })
    expect(go(deleted, '10.0.1.77').class).toBe('blocked')
    const reused = changeWorld(withEndpoint, {
      remove: ['vpce-0a000077'],
      interfaces: [{ id: 'eni-0a000077', serves: 'ssm' }],
    })
    expect(go(reused, '10.0.1.77').class).toBe('relay')
  })

  test('IPv6 leaves by an egress-only gateway only with an address of its own; NAT64 through NAT', () => {
    const six = worldFrom({
      host: { ipv6Usable: true },
      vpcs: [{ id: usual.vpc, ipv6: ['2600:1f16:1:2::/56'] }],
      interfaces: [{ id: usual.hostInterface, ipv6: ['2600:1f16:1:2::50'] }],
      egressOnlyGateways: [{ id: 'eigw-0a000001' }],
      tables: [{ id: privateTable, addRoutes: ['::/0 -> eigw-0a000001', `64:ff9b::/96 -> ${usual.nat}`] }],
    })
    const to = '2600:1fa0:80a0:a4c1:34d8:1234::'
    expect(go(six, to, '2600:1f16:1:2::50').class).toBe('internet_gateway')
    expect(go(six, to, 'fd00::1').class).toBe('blocked')
    expect(go(six, nat64Of(s3), '2600:1f16:1:2::50').class).toBe('nat_gateway')
    expect(go(worldFrom(), to).class).toBe('blocked')
  })

  test('a tunnel, a bridge and a redirect on the host', () => {
    const ens5 = worldFrom().host.devices.slice(0, 1)
    const tunnel = worldFrom({
      host: {
        devices: [
          ...ens5,
          {
            name: 'tun0',
            kind: 'tun',
            mac: '',
            addresses: ['10.8.0.2'],
            leads: { legs: [{ to: '0.0.0.0/0', ends: { class: 'internet' } }] },
          },
        ],
        routes: [
          {
            from: null,
            to: '0.0.0.0/0',
            device: 'ens5',
            gateway: '10.0.1.1',
            selector: false,
            applies: true,
          },
          { from: null, to: '52.216.0.0/15', device: 'tun0', gateway: null, selector: false, applies: true },
        ],
      },
    })
    expect(go(tunnel, s3, '10.8.0.2').class).toBe('internet')
    const docker = worldFrom({
      host: {
        devices: [
          {
            name: 'eth0',
            kind: 'veth',
            mac: '',
            addresses: ['172.17.0.2'],
            leads: { interface: usual.hostInterface, translatedTo: '10.0.1.50' },
          },
        ],
        routes: [
          {
            from: null,
            to: '0.0.0.0/0',
            device: 'eth0',
            gateway: '172.17.0.1',
            selector: false,
            applies: true,
          },
        ],
      },
    })
    expect(go(docker, s3, '172.17.0.2').class).toBe('gateway_endpoint')
    const redirected = worldFrom({ host: { redirects: [{ to: '52.216.0.0/15', ends: { class: 'relay' } }] } })
    expect(go(redirected, s3).class).toBe('relay')
    expect(go(worldFrom(), s3, '10.0.1.99').class).toBe('blocked')
  })
})

const dns = (hostname: string, resolver?: string) => resolveName(worldFrom(), hostname, resolver)

describe('names', () => {
  test('the most specific pattern wins; unknown names do not exist', () => {
    expect(dns('b.s3.us-east-1.amazonaws.com.').ipv4).toContain(s3)
    expect(dns('b.s3.dualstack.us-east-1.amazonaws.com').ipv6).toHaveLength(2)
    expect(dns('B.S3-fips.us-east-1.amazonaws.com').ipv4).toEqual(['52.217.248.20', '3.5.31.7'])
    expect(dns('s3.us-east-1.amazonaws.com.evil.example').rcode).toBe('NXDOMAIN')
    expect(dns('b.s3.eu-west-1.amazonaws.com').ipv4).toEqual(['52.218.36.99', '3.5.64.160'])
  })

  test('S3’s private DNS leaves global, dash, FIPS and dualstack names public, and in-VPC ones if inbound only', () => {
    const spec = {
      interfaces: [
        {
          id: 'eni-0a000077',
          type: 'vpc_endpoint',
          ipv4: [{ address: '10.0.1.77', primary: true, public: null }],
        },
      ],
      endpoints: [
        {
          id: 'vpce-0a000077',
          service: 'com.amazonaws.us-east-1.s3',
          interfaces: ['eni-0a000077'],
          privateDns: true,
          inboundOnly: false,
          reaches: 's3',
        },
      ],
    }
    const world = worldFrom(spec)
    expect(resolveName(world, 'b.s3.us-east-1.amazonaws.com').ipv4).toEqual(['10.0.1.77'])
    for (const name of [
      'b.s3.amazonaws.com',
      's3-us-east-1.amazonaws.com',
      's3-fips.us-east-1.amazonaws.com',
    ]) {
      expect(resolveName(world, name).ipv4).not.toContain('10.0.1.77')
    }
    expect(resolveName(world, 's3.dualstack.us-east-1.amazonaws.com').ipv4).not.toContain('10.0.1.77')
    const inbound = changeWorld(world, { endpoints: [{ id: 'vpce-0a000077', inboundOnly: true }] })
    expect(resolveName(inbound, 's3.us-east-1.amazonaws.com').ipv4).toContain(s3)
    expect(resolveName(inbound, 's3.us-east-1.amazonaws.com', 'inbound').ipv4).toEqual(['10.0.1.77'])
  })

  test('answers of its own and resolvers that fail', () => {
    const world = worldFrom({
      names: [
        { hostname: 'a.example', ipv4: ['198.51.100.1'] },
        { hostname: 'a.example', ipv4: ['10.0.1.5'], resolver: 'corp' },
        { hostname: 'b.example', rcode: 'SERVFAIL' },
      ],
      resolvers: [{ name: 'dead', view: 'silent', address: null }],
    })
    expect(resolveName(world, 'a.example').ipv4).toEqual(['198.51.100.1'])
    expect(resolveName(world, 'a.example', 'corp').ipv4).toEqual(['10.0.1.5'])
    expect(resolveName(world, 'b.example').rcode).toBe('SERVFAIL')
    expect(resolveName(world, 'a.example', 'dead').silent).toBe(true)
  })
})

describe('what the account shows', () => {
  test('every file of a snapshot directory, and survives JSON', () => {
    const files = awsFiles(worldFrom())
    expect(JSON.parse(JSON.stringify(files))).toEqual(files)
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining([
        'describe-route-tables.json',
        'describe-vpc-endpoints.json',
        'describe-subnets.json',
        'describe-network-interfaces.json',
        'describe-managed-prefix-lists.json',
        'describe-prefix-lists.json',
        'describe-nat-gateways.json',
        'describe-vpcs.json',
        'describe-vpc-peering-connections.json',
        'describe-flow-logs.json',
        'describe-internet-gateways.json',
        'get-managed-prefix-list-entries/pl-63a5400a.json',
      ]),
    )
  })

  test('targets stand in the field of their kind', () => {
    const world = worldFrom({
      tables: [
        {
          id: privateTable,
          routes: [
            'pl-63a5400a -> vpce-0a000053',
            '10.1.0.0/16 -> tgw-0a000001 propagated',
            '10.2.0.0/16 -> i-0a000050 blackhole',
            '10.3.0.0/16 -> NewGatewayId=new-1',
            '10.4.0.0/16 -> arn:aws:networkmanager::111122223333:core-network/core-network-1',
            '::/0 -> eigw-0a000001',
          ],
        },
      ],
    })
    const { RouteTables } = awsFiles(world)['describe-route-tables.json'] as {
      RouteTables: { Routes: object[] }[]
    }
    expect(RouteTables[1]?.Routes).toEqual([
      {
        DestinationCidrBlock: '10.0.0.0/16',
        GatewayId: 'local',
        Origin: 'CreateRouteTable',
        State: 'active',
      },
      {
        DestinationPrefixListId: 'pl-63a5400a',
        GatewayId: 'vpce-0a000053',
        Origin: 'CreateRoute',
        State: 'active',
      },
      {
        DestinationCidrBlock: '10.1.0.0/16',
        TransitGatewayId: 'tgw-0a000001',
        Origin: 'EnableVgwRoutePropagation',
        State: 'active',
      },
      {
        DestinationCidrBlock: '10.2.0.0/16',
        InstanceId: 'i-0a000050',
        InstanceOwnerId: '111122223333',
        NetworkInterfaceId: 'eni-0a000050',
        Origin: 'CreateRoute',
        State: 'blackhole',
      },
      { DestinationCidrBlock: '10.3.0.0/16', NewGatewayId: 'new-1', Origin: 'CreateRoute', State: 'active' },
      {
        DestinationCidrBlock: '10.4.0.0/16',
        CoreNetworkArn: 'arn:aws:networkmanager::111122223333:core-network/core-network-1',
        Origin: 'CreateRoute',
        State: 'active',
      },
      {
        DestinationIpv6CidrBlock: '::/0',
        EgressOnlyInternetGatewayId: 'eigw-0a000001',
        Origin: 'CreateRoute',
        State: 'active',
      },
    ])
  })

  test('other accounts’ endpoints do not show', () => {
    const world = worldFrom({ endpoints: [{ id: usual.s3Endpoint, owner: '999988887777' }] })
    expect(awsFiles(world)['describe-vpc-endpoints.json']).toEqual({ VpcEndpoints: [] })
  })

  test('metadata: items that are not set are absent', () => {
    const metadata = metadataOf(worldFrom())
    expect(metadata?.macs['02:1a:00:00:00:50']).toMatchObject({
      'interface-id': 'eni-0a000050',
      'local-ipv4s': '10.0.1.50',
      'vpc-ipv4-cidr-blocks': '10.0.0.0/16',
    })
    expect(metadata?.macs['02:1a:00:00:00:50']).not.toHaveProperty('public-ipv4s')
    expect(metadataOf(worldFrom({ host: { kind: 'on-prem' } }))).toBeNull()
  })

  test('a route that can’t be read says what was expected', () => {
    expect(() => routeFrom('0.0.0.0/0 nat-1')).toThrow('expected "destination -> target')
    expect(() => routeFrom('0.0.0.0/0 -> nat-1 sideways')).toThrow('expected')
  })
})
