import { describe, expect, it } from 'vitest'
import type { CapturePoints } from '../../model/capture.ts'
import type { Attempt } from '../../model/observation.ts'
import type { MetadataInterface, Topology } from '../../model/topology.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeWithParts } from '../../verdict/judge.ts'
import {
  attempt,
  cidrRoute,
  eni,
  gatewayEndpoint,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  lacking,
  nat,
  natTable,
  snapshot,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

function pointsOf(t: Topology, a: Attempt = attempt()): CapturePoints {
  return capturePoints(judgeWithParts(a, t), t)
}

const ssm = attempt({ address: '10.0.1.60' })
const host = eni('eni-host', ['10.0.1.50', '10.0.1.51', '2600:1f18::50'], { macAddress: hostMac })
const ssmEni = eni('eni-ssm', ['10.0.1.60'])
const metadata: MetadataInterface = {
  id: 'eni-host',
  mac: hostMac,
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50'],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: ['10.0.0.0/16'],
  vpcIpv6Cidrs: [],
}
const described = (t: Topology, ...interfaces: MetadataInterface[]): Topology => ({
  ...t,
  vantage: { ...t.vantage, interfaces },
})

describe('the own interface', () => {
  it('is the one that the packets left by, with its addresses and its primary one', () => {
    const found = pointsOf(topology([snapshot({ networkInterfaces: [host, ssmEni] })]))
    expect(found.client).toEqual({
      interfaceId: 'eni-host',
      role: 'client',
      natGatewayId: null,
      endpointId: null,
      addresses: ['10.0.1.50', '10.0.1.51', '2600:1f18::50'],
    })
    expect(found.primaryAddress).toBe('10.0.1.50')
    const byFlag = eni('eni-host', ['10.0.1.51', '10.0.1.50'], { macAddress: hostMac })
    expect(pointsOf(topology([snapshot({ networkInterfaces: [byFlag] })])).primaryAddress).toBe('10.0.1.51')
  })

  it('is none where it is not shown', () => {
    const pod = attempt({ host: { ...kernelRoute, deviceKind: 'veth' } })
    expect(pointsOf(topology(), pod)).toEqual({
      client: null,
      primaryAddress: null,
      nats: [],
      endpoints: [],
      endpointInterfaces: [],
      destination: 'public',
    })
    expect(pointsOf(topology([]))).toMatchObject({ client: null, endpointInterfaces: [] })
  })

  it('by the metadata service alone has a primary address only if it has one address', () => {
    const unread = lacking(snapshot(), 'networkInterfaces')
    expect(pointsOf(described(topology([unread]), metadata))).toMatchObject({
      client: { interfaceId: 'eni-host' },
      primaryAddress: '10.0.1.50',
    })
    const two = { ...metadata, ipv4: ['10.0.1.50', '10.0.1.51'] }
    expect(pointsOf(described(topology([unread]), two))).toMatchObject({
      client: { addresses: ['10.0.1.50', '10.0.1.51'] },
      primaryAddress: null,
    })
    const other = { ...metadata, id: 'eni-other', mac: '0e:00:00:00:00:02', ipv4: ['10.0.1.99'] }
    expect(pointsOf(described(topology(), metadata, other)).primaryAddress).toBe('10.0.1.50')
  })

  it('has no primary address where readings disagree on it', () => {
    const moved = eni('eni-host', ['10.0.1.51', '10.0.1.50'], { macAddress: hostMac })
    const readings = [snapshot(), snapshot({ networkInterfaces: [moved, ssmEni] }, -5)]
    expect(pointsOf(topology(readings)).primaryAddress).toBeNull()
    expect(pointsOf(described(topology([readings[1]!]), metadata)).primaryAddress).toBeNull()
  })
})

describe('NAT gateways', () => {
  const to = (more = {}, routes = [viaNat]) =>
    pointsOf(topology([withRoutes(routes, more, [natTable([viaIgw])])])).nats

  it('are those that the routes lead to', () => {
    expect(to()).toEqual([
      {
        interfaceId: 'eni-nat',
        role: 'nat',
        natGatewayId: 'nat-1',
        endpointId: null,
        addresses: ['10.0.9.9'],
      },
    ])
    expect(to({}, [viaEndpoint])).toEqual([])
  })

  it('a regional one has no interface', () => {
    const regional = { ...nat, availability: 'regional', subnetId: null, routeTableId: 'rtb-nat' }
    expect(to({ natGateways: [regional] })).toMatchObject([{ interfaceId: null, natGatewayId: 'nat-1' }])
  })

  it('are left out where they are not described, have several interfaces or appliances', () => {
    expect(to({ natGateways: [] })).toEqual([])
    expect(to({ natGateways: [{ ...nat, networkInterfaceIds: [] }] })).toEqual([])
    expect(to({ natGateways: [{ ...nat, networkInterfaceIds: ['eni-nat', 'eni-nat2'] }] })).toEqual([])
    const fitted = { ...nat, attachedAppliances: ['arn:x'] }
    expect(to({ natGateways: [fitted] })).toEqual([])
    const first = withRoutes([viaNat], {}, [natTable([viaIgw])])
    const second = { ...withRoutes([viaNat], { natGateways: [fitted] }, [natTable([viaIgw])]), id: 'later' }
    expect(pointsOf(topology([first, second])).nats).toEqual([])
  })

  it('of every reading count, each once', () => {
    const first = withRoutes([viaNat], {}, [natTable([viaIgw])])
    const second = cidrRoute('0.0.0.0/0', target('nat_gateway', 'nat-2'))
    const later = withRoutes([second], {
      natGateways: [nat, { ...nat, id: 'nat-2', networkInterfaceIds: ['eni-nat2'] }],
    })
    expect(pointsOf(topology([first, first, later])).nats.map((n) => n.natGatewayId)).toEqual([
      'nat-1',
      'nat-2',
    ])
  })
})

describe('endpoints', () => {
  const shown = { interfaceId: 'eni-ssm', role: 'endpoint', natGatewayId: null, endpointId: 'vpce-ssm' }

  it('the one that owns the address by row 1', () => {
    const found = pointsOf(topology(), ssm)
    expect(found.endpoints).toEqual([{ ...shown, addresses: ['10.0.1.60'] }])
    expect(found.endpointInterfaces).toEqual(found.endpoints)
    expect(found.destination).toBe('private')
    expect(pointsOf(topology())).toMatchObject({ endpoints: [], endpointInterfaces: [] })
  })

  it('is none where the route is another one, though its interface may be a next hop', () => {
    const around = withRoutes([cidrRoute('10.0.1.0/28', target('network_interface', 'eni-x'))])
    const near = withRoutes([cidrRoute('10.0.1.32/27', target('network_interface', 'eni-x'))])
    expect(pointsOf(topology([around]), ssm).endpoints).toHaveLength(1)
    const found = pointsOf(topology([near]), ssm)
    expect(found.endpoints).toEqual([])
    expect(found.endpointInterfaces).toMatchObject([shown])
  })

  it.each([
    ['of another type', { type: 'Resource' }],
    ['of a Gateway Load Balancer', { type: 'GatewayLoadBalancer' }],
    ["of somebody's own service", { serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-1' }],
    ['in another state', { state: 'deleting' }],
  ])('is none %s', (_, more) => {
    const endpoints = [gatewayEndpoint, { ...interfaceEndpoint, ...more }]
    const found = pointsOf(topology([snapshot({ endpoints })]), ssm)
    expect(found).toMatchObject({ endpoints: [], endpointInterfaces: [] })
    // one reading that shows it so is enough
    const later = pointsOf(topology([snapshot(), snapshot({ endpoints }, -5)]), ssm)
    expect(later).toMatchObject({ endpoints: [], endpointInterfaces: [] })
    const twice = [interfaceEndpoint, { ...interfaceEndpoint, id: 'vpce-twin', ...more }]
    expect(pointsOf(topology([snapshot({ endpoints: twice })]), ssm).endpointInterfaces).toEqual([])
  })

  it('is none where a reading does not show it, or could not', () => {
    const gone = snapshot({ networkInterfaces: [host] }, -5)
    expect(pointsOf(topology([snapshot(), gone]), ssm)).toMatchObject({
      endpoints: [],
      endpointInterfaces: [],
    })
    const twin = { ...interfaceEndpoint, networkInterfaceIds: ['eni-new'] }
    const handedOn = snapshot(
      { endpoints: [twin], networkInterfaces: [host, eni('eni-new', ['10.0.1.60'])] },
      -5,
    )
    expect(pointsOf(topology([snapshot(), handedOn]), ssm)).toMatchObject({
      endpoints: [],
      endpointInterfaces: [],
    })
    const both = { ...interfaceEndpoint, networkInterfaceIds: ['eni-ssm', 'eni-new'] }
    const twice = [host, ssmEni, eni('eni-new', ['10.0.1.60'])]
    const doubled = topology([snapshot({ endpoints: [both], networkInterfaces: twice })])
    expect(pointsOf(doubled, ssm).endpoints).toEqual([])
    for (const part of ['endpoints', 'networkInterfaces'] as const) {
      const found = pointsOf(described(topology([lacking(snapshot(), part)]), metadata), ssm)
      expect(found).toMatchObject({ endpoints: [], endpointInterfaces: [] })
    }
  })

  it('from on-prem is the declared one that the account describes', () => {
    const dnsName = 'vpce-ssm-abc.ssm.us-east-1.vpce.amazonaws.com'
    const fromSite = attempt({
      address: '10.0.1.60',
      localAddress: '192.168.1.5',
      host: { ...kernelRoute, source: '192.168.1.5', gateway: '192.168.1.1' },
    })
    const t = topology([snapshot()], {
      sites: [{ name: 'dc1', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }],
      trustedEndpoints: [{ declared: { dnsName }, via: 'dc1', addresses: ['10.0.1.60'], vpcCidrs: [] }],
    })
    const onPrem = { ...t, vantage: { ...t.vantage, kind: 'on-prem' as const } }
    expect(pointsOf(onPrem, fromSite)).toMatchObject({ client: null, endpoints: [shown] })
    const elsewhere = { ...onPrem, readings: [], others: [snapshot()] }
    expect(pointsOf(elsewhere, fromSite)).toMatchObject({ client: null, endpoints: [shown] })
    const resource = snapshot({ endpoints: [{ ...interfaceEndpoint, type: 'Resource' }] })
    const disputed = {
      ...elsewhere,
      trustedEndpoints: onPrem.trustedEndpoints,
      others: [snapshot(), resource],
    }
    expect(pointsOf(disputed, fromSite)).toMatchObject({ endpoints: [] })
    const undescribed = { ...onPrem, readings: [] }
    expect(pointsOf(undescribed, fromSite)).toMatchObject({ endpoints: [] })
    const undeclared = { ...onPrem, trustedEndpoints: [] }
    expect(pointsOf(undeclared, fromSite)).toMatchObject({ client: null, endpoints: [] })
  })
})

describe('the destination', () => {
  const of = (t: Topology, address: string) => pointsOf(t, attempt({ address })).destination

  it('is what the address rows say', () => {
    expect(of(topology(), '52.216.1.1')).toBe('public')
    expect(of(topology(), '10.77.0.1')).toBe('private')
    expect(of(topology([lacking(snapshot(), 'peerings')]), '52.216.1.1')).toBe('unknown')
    const vpcs = [{ id: 'vpc-1', ownerId: null, ipv4Cidrs: ['10.0.0.0/16', '52.216.1.0/24'], ipv6Cidrs: [] }]
    expect(of(topology([snapshot({ vpcs })]), '52.216.1.1')).toBe('private')
    expect(of(topology(), 'nonsense')).toBe('unknown')
  })
})
