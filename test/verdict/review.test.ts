/** Worlds in which a careless reading says "private" although the way may be public: each test is one of them. */
import { describe, expect, it } from 'vitest'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { lookupSubnetRoute } from '../../aws/route.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Topology, TrustedEndpoint } from '../../model/topology.ts'
import { parseIp } from '../../net/ip.ts'
import { judgeAttempt, noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import { judgeTarget } from '../../verdict/target.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  eni,
  gatewayEndpoint,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  listRoute,
  localRoute,
  localRoute6,
  natTable,
  now,
  s3List,
  snapshot,
  stamp,
  table,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const centralName = 'vpce-0abc-xyz12345.s3.us-east-1.vpce.amazonaws.com'

function declared(addresses: string[], via: string): TrustedEndpoint[] {
  return [{ declared: { dnsName: centralName }, via, addresses, vpcCidrs: [] }]
}

describe('a declared endpoint whose name answers an address that no endpoint has', () => {
  // A resolver that answers every AWS name with the public addresses (spoofed, a wildcard, a broken split horizon).
  it('is not believed on a transit gateway that also carries the way out', () => {
    const t = topology([withRoutes([cidrRoute('0.0.0.0/0', target('transit_gateway', 'tgw-0abc'))])], {
      trustedEndpoints: declared(['52.216.1.1'], 'tgw-0abc'),
    })
    const verdict = judgeAttempt(attempt({ address: '52.216.1.1' }), t)
    expect(verdict.possible).toContain('internet')
    expect(verdict.state).toBe('undetermined')
  })

  it('is not believed for IPv6 either', () => {
    const t = topology([withRoutes([cidrRoute('::/0', target('transit_gateway', 'tgw-0abc'))])], {
      trustedEndpoints: declared(['2600:1fa0::1'], 'tgw-0abc'),
    })
    const host = { ...kernelRoute, source: '2600:1f18::50', gateway: 'fe80::1' }
    expect(judgeAttempt(attempt({ address: '2600:1fa0::1', host }), t).state).toBe('undetermined')
  })

  it('is not believed on-prem, where the address leaves by the internet line', () => {
    const t: Topology = {
      ...topology([]),
      vantage: {
        kind: 'on-prem',
        because: [],
        instanceId: null,
        accountId: null,
        region: null,
        interfaces: [],
      },
      trustedEndpoints: declared(['52.216.1.1'], 'dc1'),
      sites: [{ name: 'dc1', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }],
    }
    const host = { ...kernelRoute, source: '192.168.1.5', gateway: '192.168.1.1' }
    const verdict = judgeAttempt(attempt({ address: '52.216.1.1', localAddress: '192.168.1.5', host }), t)
    expect(verdict.state).toBe('undetermined')
  })
})

describe('dates', () => {
  // The wall clock was set back by an hour; what was carried over from before bears dates that are still to come.
  it('a part of the first reading that is dated after the attempt is no evidence', () => {
    const reading = snapshot()
    const ahead = { read: true, atMs: now + 3_500_000, dated: 'manifest' } as const
    reading.parts.endpoints = ahead
    reading.parts.networkInterfaces = ahead
    const verdict = judgeAttempt(attempt({ address: '10.0.1.60' }), topology([reading]))
    expect(verdict.state).toBe('undetermined')
  })

  it('so is a prefix list', () => {
    const reading = snapshot({ prefixLists: [{ ...s3List, atMs: now + 3_500_000 }] })
    expect(judgeAttempt(attempt(), topology([reading])).state).toBe('undetermined')
  })
})

describe('the next hop', () => {
  it('IPv6 straight onto the link is not by the router of the VPC', () => {
    const list = {
      ...s3List,
      id: 'pl-s3-6',
      name: 'com.amazonaws.us-east-1.ipv6.s3',
      family: 6 as const,
      entries: ['2600:1fa0::/32'],
    }
    const reading = snapshot({
      routeTables: [
        table('rtb-1', [localRoute, localRoute6, listRoute('pl-s3-6', target('vpc_endpoint', 'vpce-s3'))]),
      ],
      prefixLists: [s3List, list],
    })
    const one = attempt({ address: '2600:1fa0::1' })
    const byRouter = { ...one, host: { ...one.host, gateway: 'fe80::1' } }
    expect(judgeAttempt(byRouter, topology([reading])).state).toBe('private')
    const onLink = { ...one, host: { ...one.host, gateway: null } }
    expect(judgeAttempt(onLink, topology([reading])).state).toBe('undetermined')
  })
})

describe('readings that differ', () => {
  const second = { ...s3List, id: 'pl-s3-b', entries: ['52.216.0.0/16'] }
  const before = snapshot()
  const after = withRoutes([viaEndpoint, listRoute('pl-s3-b', target('vpc_endpoint', 'vpce-s3'))], {
    prefixLists: [s3List, second],
  })

  it('a taint on what the first of them showed holds an attempt that was judged on both', () => {
    const { basis } = judgeAttempt(attempt(), topology([before]))
    if (basis === null) throw new Error('no basis')
    const verdict = judgeName(
      {
        hostname: 'b.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [dns(answer(['52.216.1.1']), answer([]))],
        families: [],
        attempts: [{ attempt: attempt(), context: noContext }],
        tainted: [basis],
      },
      topology([before, after]),
    )
    expect(verdict.tainted).toBe(true)
    expect(verdict.state).toBe('undetermined')
  })

  it('an endpoint that a later reading describes as no such endpoint is not trusted', () => {
    const central = {
      ...interfaceEndpoint,
      id: 'vpce-0abc',
      vpcId: 'vpc-2',
      serviceName: 'com.amazonaws.us-east-1.s3',
    }
    const routes = [cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-0abc'))]
    const t = topology(
      [
        withRoutes(routes, { endpoints: [central] }),
        withRoutes(routes, { endpoints: [{ ...central, state: 'deleted' }] }),
      ],
      { trustedEndpoints: declared(['10.9.0.5'], 'tgw-0abc') },
    )
    expect(judgeAttempt(attempt({ address: '10.9.0.5' }), t).state).toBe('undetermined')
  })
})

describe('on-prem', () => {
  it('a verdict by a declared endpoint has a basis, so that late records can hold what follows', () => {
    const t: Topology = {
      ...topology([]),
      vantage: {
        kind: 'on-prem',
        because: [],
        instanceId: null,
        accountId: null,
        region: null,
        interfaces: [],
      },
      trustedEndpoints: declared(['10.9.0.5'], 'dc1'),
      sites: [{ name: 'dc1', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }],
    }
    const host = { ...kernelRoute, source: '192.168.1.5', gateway: '192.168.1.1' }
    const verdict = judgeAttempt(attempt({ address: '10.9.0.5', localAddress: '192.168.1.5', host }), t)
    expect(verdict.state).toBe('private')
    expect(verdict.basis).not.toBeNull()
  })
})

describe('a requirement of classes', () => {
  const outside: Attempt = attempt({ address: '54.240.1.1', stamp: stamp('o') })
  const nats = topology([withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])])
  const met = (more: Partial<Parameters<typeof judgeName>[0]>) => {
    const name = judgeName(
      {
        hostname: 'b.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [dns(answer(['54.240.1.1']), answer([]))],
        families: [],
        attempts: [{ attempt: outside, context: noContext }],
        tainted: [],
        ...more,
      },
      nats,
    )
    const wanted = { name: 't', minProof: 'configured', requireFirstLeg: 'any', waiver: null } as const
    return judgeTarget({ ...wanted, require: { kind: 'classes', classes: ['nat_gateway'] } }, [name], now).met
  }

  it('is met where all is known', () => expect(met({})).toBe(true))

  it('is not met while one family was not answered: those addresses may go any way', () => {
    const failed = { answered: false, failure: { type: 'dns', code: 'SERVFAIL' }, transport: 'udp' } as const
    expect(met({ dns: [dns(answer(['54.240.1.1']), failed)] })).toBe(false)
  })

  it('is not met while addresses are missing from the window', () =>
    expect(met({ complete: false })).toBe(false))

  it('is not met while an address is blocked by time-outs only, and its route leaves other ways', () => {
    const silent: Attempt = {
      ...attempt({ address: '10.77.0.9', stamp: stamp('s') }),
      outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } },
    }
    const onTransit = withRoutes(
      [viaNat, cidrRoute('10.77.0.0/16', target('transit_gateway', 'tgw-1'))],
      {},
      [natTable([viaIgw])],
    )
    const attempts = [
      { attempt: outside, context: noContext, topology: topology([onTransit]) },
      {
        attempt: silent,
        context: { ...noContext, timeoutsInARow: 3, othersConnected: true },
        topology: topology([onTransit]),
      },
    ]
    expect(met({ attempts })).toBe(false)
  })
})

describe('routes', () => {
  it('a field that is not known beside one that is may be the true target', () => {
    const file = (value: object) => ({ text: JSON.stringify(value), atMs: now, dated: 'api' as const })
    const reading = decodeSnapshot(
      new Map([
        [
          'describe-route-tables.json',
          file({
            RouteTables: [
              {
                RouteTableId: 'rtb-1',
                VpcId: 'vpc-1',
                Associations: [{ SubnetId: 'subnet-1' }],
                Routes: [
                  {
                    DestinationCidrBlock: '10.0.0.0/8',
                    GatewayId: 'local',
                    InspectionTargetArn: 'arn:aws:new:thing',
                    Origin: 'CreateRoute',
                    State: 'active',
                  },
                ],
              },
            ],
          }),
        ],
      ]),
      { source: 'test', account: null, region: null },
    )
    const ip = parseIp('10.0.1.60')
    if (!ip.ok) throw new Error(ip.error)
    const [winner] = lookupSubnetRoute(reading, 'subnet-1', 'vpc-1', ip.value).winners
    expect(winner?.route.target.kind).toBe('unknown')
  })
})

describe('what would be', () => {
  it('is not private by what addresses are consistent with alone', () => {
    // VPCs may use public ranges: 198.51.100.0/24 is one here. The first reading shows its endpoint, the second
    // one shows neither endpoint nor local route, but the way out.
    const shown = snapshot({
      routeTables: [
        table('rtb-1', [
          localRoute,
          cidrRoute('198.51.100.0/24', target('local', 'local'), { origin: 'local' }),
        ]),
      ],
      vpcs: [{ id: 'vpc-1', ownerId: null, ipv4Cidrs: ['10.0.0.0/16', '198.51.100.0/24'], ipv6Cidrs: [] }],
      networkInterfaces: [
        eni('eni-host', ['10.0.1.50'], { macAddress: hostMac }),
        eni('eni-ssm', ['198.51.100.60']),
      ],
    })
    const gone = snapshot({
      routeTables: [table('rtb-1', [localRoute, viaIgw])],
      endpoints: [gatewayEndpoint],
      networkInterfaces: [
        eni('eni-host', ['10.0.1.50'], {
          macAddress: hostMac,
          ipv4: [{ address: '10.0.1.50', primary: true, publicAddress: '203.0.113.5' }],
        }),
      ],
    })
    const waiting: Attempt = {
      ...attempt({ address: '198.51.100.60' }),
      localAddress: null,
      localPort: null,
      outcome: { reached: 'not_dialled' },
    }
    expect(judgeAttempt({ ...waiting, outcome: attempt().outcome }, topology([shown, gone])).state).toBe(
      'undetermined',
    )
    expect(judgeAttempt(waiting, topology([shown, gone])).wouldBe).toBe('undetermined')
  })
})
