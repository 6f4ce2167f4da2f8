import { describe, expect, it } from 'vitest'
import { allFields } from '../../lab/flow/fields.ts'
import type { WorldSpec } from '../../lab/world/spec.ts'
import { fieldsOfLine, recorded, s3Address } from './flow-tools.ts'

const format =
  '${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${flow-direction} ${traffic-path} ${next-hop-interface-id} ${next-hop-interface-type} ${pkt-dst-aws-service} ${resource-id} ${interface-type} ${instance-id} ${account-id} ${action} ${tcp-flags}'

/** Lines of one connection, without the columns that are not asked for. */
function linesOf(
  spec: WorldSpec,
  columns: string,
  options: { destination?: string; plan?: Parameters<typeof recorded>[1]; source?: string } = {},
): string[] {
  const { plan = { natPorts: 'kept' }, destination = s3Address, source = '10.0.1.50' } = options
  const lab = recorded(
    { flowLogs: [{ id: 'fl-0a000001', resource: 'vpc-0a000001', format, noData: false }], ...spec },
    plan,
  )
  lab.connect(destination, 40_000, source)
  lab.wait(600)
  return lab.events().map(({ line }) => {
    const fields = fieldsOfLine(line, format)
    return columns
      .split(' ')
      .map((name) => fields[name])
      .join(' ')
  })
}

const usual = 'interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr flow-direction traffic-path'
const viaNat = { tables: [{ id: 'rtb-0a000001', removeRoutes: ['pl-63a5400a'] }] }

describe('records along the way', () => {
  it('gateway endpoint: the client’s interface only, path 7', () => {
    expect(linesOf({}, usual).toSorted()).toEqual([
      'eni-0a000050 10.0.1.50 52.216.8.53 10.0.1.50 52.216.8.53 egress 7',
      'eni-0a000050 52.216.8.53 10.0.1.50 52.216.8.53 10.0.1.50 ingress -',
    ])
    expect(linesOf({}, 'next-hop-interface-id pkt-dst-aws-service instance-id account-id')).toContain(
      '- S3 i-0a000050 111122223333',
    )
  })

  it('NAT gateway: the client’s with path 1, and four lines of the NAT gateway’s, as AWS prints them', () => {
    expect(linesOf(viaNat, usual).toSorted()).toEqual([
      'eni-0a000050 10.0.1.50 52.216.8.53 10.0.1.50 52.216.8.53 egress 1',
      'eni-0a000050 52.216.8.53 10.0.1.50 52.216.8.53 10.0.1.50 ingress -',
      'eni-0b000009 10.0.0.9 10.0.1.50 52.216.8.53 10.0.1.50 egress 1',
      'eni-0b000009 10.0.0.9 52.216.8.53 10.0.0.9 52.216.8.53 egress 8',
      'eni-0b000009 10.0.1.50 10.0.0.9 10.0.1.50 52.216.8.53 ingress -',
      'eni-0b000009 52.216.8.53 10.0.0.9 52.216.8.53 10.0.0.9 ingress -',
    ])
    expect(
      linesOf(viaNat, 'interface-id flow-direction next-hop-interface-id next-hop-interface-type'),
    ).toContain('eni-0a000050 egress eni-0b000009 nat_gateway')
  })

  it('NAT gateway before a gateway endpoint: the outer leg says 7', () => {
    const spec = {
      tables: [
        { id: 'rtb-0a000001', removeRoutes: ['pl-63a5400a'] },
        { id: 'rtb-0b000002', addRoutes: ['pl-63a5400a -> vpce-0a000053'] },
      ],
    }
    expect(linesOf(spec, 'interface-id srcaddr dstaddr traffic-path')).toContain(
      'eni-0b000009 10.0.0.9 52.216.8.53 7',
    )
  })

  it('NAT gateway with ports of its own on the outer leg', () => {
    const lines = linesOf(viaNat, 'interface-id srcaddr dstaddr srcport', { plan: {} })
    const outer = lines.find((line) => line.startsWith('eni-0b000009 10.0.0.9 52.216.8.53 '))
    expect(lines).toContain('eni-0b000009 10.0.1.50 10.0.0.9 40000')
    expect(Number(outer?.split(' ')[3])).toBeGreaterThanOrEqual(1024)
    expect(Number(outer?.split(' ')[3])).not.toBe(40_000)
  })

  it('regional NAT gateway: no interface, its id as the resource, the final target', () => {
    const spec = {
      ...viaNat,
      natGateways: [
        {
          id: 'nat-0b000009',
          availability: 'regional' as const,
          subnet: null,
          interfaces: [],
          table: 'rtb-0b000002',
        },
      ],
    }
    const columns = 'interface-id resource-id srcaddr dstaddr flow-direction traffic-path interface-type'
    const lines = linesOf(spec, columns)
    expect(lines).toContain('- nat-0b000009 10.0.1.50 52.216.8.53 ingress - regional_nat_gateway')
    expect(lines).toContain('- nat-0b000009 10.0.0.9 52.216.8.53 egress 8 regional_nat_gateway')
    expect(linesOf(spec, 'interface-id next-hop-interface-id next-hop-interface-type')).toContain(
      'eni-0a000050 - regional_nat_gateway',
    )
  })

  it('internet gateway: path 8, and 2 where the instance is no Nitro one', () => {
    const spec: WorldSpec = {
      tables: [{ id: 'rtb-0a000001', routes: ['0.0.0.0/0 -> igw-0a000001'] }],
      interfaces: [
        { id: 'eni-0a000050', ipv4: [{ address: '10.0.1.50', primary: true, public: '203.0.113.50' }] },
      ],
    }
    expect(linesOf(spec, 'srcaddr dstaddr traffic-path')).toContain('10.0.1.50 52.216.8.53 8')
    expect(linesOf(spec, 'srcaddr dstaddr traffic-path', { plan: { nitro: false } })).toContain(
      '10.0.1.50 52.216.8.53 2',
    )
    expect(linesOf({}, 'srcaddr dstaddr traffic-path', { plan: { nitro: false } })).toContain(
      '10.0.1.50 52.216.8.53 2',
    )
  })

  const endpoint: WorldSpec = {
    endpoints: [
      { id: 'vpce-0c000001', reaches: 'ssm', interfaces: ['eni-0c000020'], subnets: ['subnet-0b000002'] },
    ],
    interfaces: [
      {
        id: 'eni-0c000020',
        subnet: 'subnet-0b000002',
        type: 'vpc_endpoint',
        requesterManaged: true,
        ipv4: [{ address: '10.0.0.20', primary: true, public: null }],
      },
    ],
  }

  it('interface endpoint: both interfaces, no service name, an owner that AWS does not name', () => {
    const lines = linesOf(endpoint, usual, { destination: '10.0.0.20' })
    expect(lines.toSorted()).toEqual([
      'eni-0a000050 10.0.0.20 10.0.1.50 10.0.0.20 10.0.1.50 ingress -',
      'eni-0a000050 10.0.1.50 10.0.0.20 10.0.1.50 10.0.0.20 egress 1',
      'eni-0c000020 10.0.0.20 10.0.1.50 10.0.0.20 10.0.1.50 egress 1',
      'eni-0c000020 10.0.1.50 10.0.0.20 10.0.1.50 10.0.0.20 ingress -',
    ])
    const more = 'interface-id next-hop-interface-type pkt-dst-aws-service instance-id account-id'
    const facts = linesOf(endpoint, more, { destination: '10.0.0.20' })
    expect(facts).toContain('eni-0a000050 vpc_endpoint - i-0a000050 111122223333')
    expect(facts).toContain('eni-0c000020 interface - - unknown')
    const hyphens = linesOf(endpoint, 'next-hop-interface-type', {
      destination: '10.0.0.20',
      plan: { typeSpelling: 'hyphen' },
    })
    expect(hyphens).toContain('vpc-endpoint')
  })

  it('a secondary address: the record has the primary one, and the packet’s own beside it', () => {
    const spec: WorldSpec = {
      interfaces: [
        {
          id: 'eni-0a000050',
          ipv4: [
            { address: '10.0.1.50', primary: true, public: null },
            { address: '10.0.1.51', primary: false, public: null },
          ],
        },
      ],
    }
    expect(linesOf(spec, usual, { source: '10.0.1.51' }).toSorted()).toEqual([
      'eni-0a000050 10.0.1.50 52.216.8.53 10.0.1.51 52.216.8.53 egress 7',
      'eni-0a000050 52.216.8.53 10.0.1.50 52.216.8.53 10.0.1.51 ingress -',
    ])
  })

  it('peering in the region and out of it, virtual private gateway, local gateway, transit gateway', () => {
    const far = (region: string): WorldSpec => ({
      ...endpoint,
      vpcs: [{ id: 'vpc-0d000001', region, ipv4: ['10.9.0.0/16'] }],
      peerings: [{ id: 'pcx-0d000001', requester: 'vpc-0a000001', accepter: 'vpc-0d000001' }],
      tables: [{ id: 'rtb-0a000001', addRoutes: ['10.9.0.0/16 -> pcx-0d000001'] }],
    })
    const path = 'interface-id flow-direction traffic-path'
    const of = (spec: WorldSpec, plan = {}): string | undefined =>
      linesOf(spec, path, { destination: '10.9.0.1', plan })
        .find((line) => line.startsWith('eni-0a000050 egress'))
        ?.split(' ')[2]
    const by = (via: string): WorldSpec => ({
      transits: [{ id: via, leads: [] }],
      tables: [{ id: 'rtb-0a000001', addRoutes: [`10.9.0.0/16 -> ${via}`] }],
    })
    expect(of(far('us-east-1'))).toBe('4')
    expect(of(far('eu-west-1'))).toBe('5')
    expect(of(by('vgw-0d000001'))).toBe('3')
    expect(of(by('lgw-0d000001'))).toBe('6')
    expect(of(by('tgw-0d000001'))).toBe('1')
    expect(of(by('tgw-0d000001'), { transitPath: '-' })).toBe('-')
  })

  it('on-prem by VGW: the endpoint’s interface only; its answers go by path 3', () => {
    const spec: WorldSpec = {
      ...endpoint,
      host: {
        kind: 'on-prem',
        devices: [
          {
            name: 'eth0',
            kind: 'physical',
            mac: '00:50:56:00:00:01',
            addresses: ['192.168.7.7'],
            leads: { legs: [{ to: '10.0.0.0/16', ends: { vpc: 'vpc-0a000001', table: 'rtb-0b000002' } }] },
          },
        ],
        routes: [
          { from: null, to: '0.0.0.0/0', device: 'eth0', gateway: null, selector: false, applies: true },
        ],
      },
      tables: [{ id: 'rtb-0b000002', addRoutes: ['192.168.0.0/16 -> vgw-0d000001 propagated'] }],
    }
    expect(linesOf(spec, usual, { destination: '10.0.0.20', source: '192.168.7.7' }).toSorted()).toEqual([
      'eni-0c000020 10.0.0.20 192.168.7.7 10.0.0.20 192.168.7.7 egress 3',
      'eni-0c000020 192.168.7.7 10.0.0.20 192.168.7.7 10.0.0.20 ingress -',
    ])
  })

  it('a network ACL: REJECT, one direction, a SYN and nothing more', () => {
    const spec = { subnets: [{ id: 'subnet-0a000001', denies: ['52.216.0.0/15'] }] }
    const lab = recorded({
      flowLogs: [{ id: 'fl-0a000001', resource: 'subnet-0a000001', format, noData: false }],
      ...spec,
    })
    lab.recorder.lost({ source: '10.0.1.50', destination: s3Address, port: 443 }, 40_001)
    lab.wait(600)
    const lines = lab.events().map(({ line }) => fieldsOfLine(line, format))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      action: 'REJECT',
      'tcp-flags': '2',
      srcport: '40001',
      'traffic-path': '-',
    })
  })

  it('a pod behind SNAT: what the interface sees', () => {
    const spec: WorldSpec = {
      host: {
        devices: [
          {
            name: 'eth0',
            kind: 'veth',
            mac: '0a:58:0a:00:00:01',
            addresses: ['172.17.0.2'],
            leads: { interface: 'eni-0a000050', translatedTo: '10.0.1.50' },
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
    }
    expect(linesOf(spec, usual, { source: '172.17.0.2' })).toContain(
      'eni-0a000050 10.0.1.50 52.216.8.53 10.0.1.50 52.216.8.53 egress 7',
    )
  })
})

describe('formats', () => {
  const lineIn = (chosen: string | null): string => {
    const lab = recorded({
      flowLogs: [{ id: 'fl-0a000001', resource: 'eni-0a000050', format: chosen, noData: false }],
    })
    lab.connect()
    lab.wait(600)
    return lab.events().find(({ line }) => line.includes('10.0.1.50 52.216'))?.line ?? ''
  }

  it('the default has the 14 fields of version 2 in AWS’s order', () => {
    expect(lineIn(null)).toBe(
      '2 111122223333 eni-0a000050 10.0.1.50 52.216.8.53 40000 443 6 6 820 1795176000 1795176000 ACCEPT OK',
    )
  })

  it('all fields of all versions are there; what is not known is a dash', () => {
    expect(allFields).toHaveLength(54)
    const all = allFields.map((name) => `\${${name}}`).join(' ')
    const fields = fieldsOfLine(lineIn(all), all)
    expect(fields).toMatchObject({
      version: '11',
      'vpc-id': 'vpc-0a000001',
      'subnet-id': 'subnet-0a000001',
      'instance-id': 'i-0a000050',
      'tcp-flags': '3',
      type: 'IPv4',
      region: 'us-east-1',
      'az-id': 'use1-az1',
      'sublocation-type': '-',
      'ecs-task-id': '-',
      'encryption-status': '-',
      'reject-reason': '-',
      'resource-id': '-',
      'asg-tag-2': '-',
      'interface-type': 'interface',
    })
  })

  it.each([
    ['${srcaddr} ${version}', '2'],
    ['${tcp-flags} ${version}', '3'],
    ['${version} ${az-id}', '4'],
    ['${version} ${traffic-path} ${bytes}', '5'],
    ['${version} ${ecs-task-id}', '7'],
    ['${version} ${reject-reason}', '8'],
    ['${version} ${resource-id}', '9'],
    ['${version} ${encryption-status}', '10'],
    ['${next-hop-vpc-id} ${version} ${az-id}', '11'],
  ])('the version of %s is %s: the highest of its fields', (chosen, version) => {
    const lab = recorded({ flowLogs: [{ id: 'fl-0a000001', resource: 'eni-0a000050', format: chosen }] })
    lab.connect()
    lab.wait(600)
    const versions = lab.events().map(({ line }) => fieldsOfLine(line, chosen)['version'])
    expect(new Set(versions)).toEqual(new Set([version]))
  })
})
