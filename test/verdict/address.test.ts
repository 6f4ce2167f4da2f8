/** What an address by itself is consistent with: each condition of the address rows. */
import { describe, expect, it } from 'vitest'
import type { PrefixList, Snapshot, Topology, TrustedEndpoint } from '../../model/topology.ts'
import { parseIp } from '../../net/ip.ts'
import { readingAt } from '../../verdict/reading.ts'
import { addressEvidence, isPrivateAddress, widest } from '../../verdict/rules/address.ts'
import type { EndpointShown } from '../../verdict/rules/endpoint.ts'
import { attempt, lacking, now, s3List, snapshot, topology } from './fixture.ts'

const limits = { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 }
const readings = (...snapshots: Snapshot[]) => snapshots.map((s) => readingAt(s, now, limits))

function rulesOf(address: string, t: Topology = topology(), endpoint: EndpointShown | null = null): string[] {
  return addressEvidence(attempt({ address }), endpoint, readings(...t.readings), t).map((e) => e.rule)
}

const vpc = (id: string, ipv4Cidrs: string[], ipv6Cidrs: string[] = []) => ({
  id,
  ownerId: null,
  ipv4Cidrs,
  ipv6Cidrs,
})
const metadata = (vpcIpv4Cidrs: string[], vpcIpv6Cidrs: string[]) => ({
  id: 'eni-host',
  mac: '',
  subnetId: null,
  vpcId: null,
  ipv4: [],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs,
  vpcIpv6Cidrs,
})
const side = (vpcId: string, ipv4Cidrs: string[], ipv6Cidrs: string[] = []) => ({
  vpcId,
  ownerId: null,
  region: null,
  ipv4Cidrs,
  ipv6Cidrs,
})
const site = (prefixes: string[]) => ({
  name: 'dc',
  firstLeg: null,
  nextHops: [],
  prefixes,
  snatRelay: false,
})
const shown = (row: EndpointShown['row'], endpoint = 'vpce-1'): EndpointShown => ({
  row,
  endpoint,
  because: `${endpoint} by ${row}`,
  assumptions: ['assumed'],
})

describe('a private address', () => {
  const isPrivate = (address: string, t: Topology = topology([]), endpoint: EndpointShown | null = null) => {
    const parsed = parseIp(address)
    if (!parsed.ok) throw new Error(parsed.error)
    return isPrivateAddress(parsed.value, t, endpoint)
  }

  it.each(['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1'])('is %s anywhere', (address) => {
    expect(isPrivate(address)).toBe(true)
  })

  it.each(['11.1.2.3', '172.32.0.1', '100.128.0.1', '52.216.1.1', '2600:1fa0::1'])('is not %s', (address) => {
    expect(isPrivate(address, topology())).toBe(false)
  })

  it('is what an endpoint owns', () => {
    expect(isPrivate('52.216.1.1', topology(), shown('endpoint.not_shown'))).toBe(true)
  })

  it('is what any known VPC holds, of this account or another', () => {
    const one = snapshot({
      vpcs: [vpc('vpc-1', ['10.0.0.0/16']), vpc('vpc-2', ['203.0.113.0/24'], ['2001:db8::/56'])],
    })
    for (const t of [
      topology([one]),
      topology([snapshot(), one]),
      topology([snapshot()], { others: [one] }),
    ]) {
      expect(isPrivate('203.0.113.9', t)).toBe(true)
      expect(isPrivate('2001:db8::9', t)).toBe(true)
      expect(isPrivate('203.0.114.9', t)).toBe(false)
    }
  })

  it('is what the instance’s metadata says of its VPC', () => {
    const t = topology([])
    t.vantage.interfaces = [metadata([], []), metadata(['203.0.113.0/24', 'nonsense'], ['2001:db8::/56'])]
    expect(isPrivate('203.0.113.9', t)).toBe(true)
    expect(isPrivate('2001:db8::9', t)).toBe(true)
    expect(isPrivate('203.0.114.9', t)).toBe(false)
  })

  it('is what a declared site holds', () => {
    const t = topology([], { sites: [site([]), site(['203.0.113.0/24'])] })
    expect(isPrivate('203.0.113.9', t)).toBe(true)
    expect(isPrivate('203.0.114.9', t)).toBe(false)
  })
})

describe('a public address', () => {
  const peering = (status = 'active') => ({
    id: 'pcx-1',
    status,
    requester: side('vpc-1', ['10.0.0.0/16']),
    accepter: side('vpc-9', ['198.18.0.0/16', '54.99.0.0/16'], ['2600:9::/32']),
  })

  it('is no interface endpoint’s, as far as all ranges are known', () => {
    expect(rulesOf('52.216.1.1')).toEqual(['address.public'])
    expect(rulesOf('2600:1fa0::1')).toEqual(['address.public'])
    expect(rulesOf('52.216.1.1', topology([]))).toEqual([])
  })

  it.each(['vpcs', 'peerings'] as const)(
    'may be one where the %s are not known, in whatever reading',
    (part) => {
      expect(rulesOf('52.216.1.1', topology([lacking(snapshot(), part)]))).toEqual([])
      expect(rulesOf('52.216.1.1', topology([snapshot(), lacking(snapshot(), part)]))).toEqual([])
    },
  )

  it('may be one in the ranges of a peer', () => {
    const t = topology([snapshot(), snapshot({ peerings: [peering()] })])
    for (const address of ['54.99.1.1', '2600:9::1']) {
      expect(rulesOf(address)).toContain('address.public')
      expect(rulesOf(address, t)).not.toContain('address.public')
    }
    expect(rulesOf('52.216.1.1', t)).toContain('address.public')
    const far = topology([snapshot()], { others: [snapshot({ peerings: [peering()] })] })
    expect(rulesOf('54.99.1.1', far)).not.toContain('address.public')
  })

  it('may be one in the ranges of a declared endpoint’s VPC, or an address of it', () => {
    const declared = (more: Partial<TrustedEndpoint>): Topology =>
      topology([snapshot()], {
        trustedEndpoints: [{ declared: { dnsName: 'x' }, via: null, addresses: [], vpcCidrs: [], ...more }],
      })
    expect(rulesOf('54.99.1.1', declared({}))).toContain('address.public')
    expect(rulesOf('54.99.1.1', declared({ vpcCidrs: ['54.99.0.0/16'] }))).not.toContain('address.public')
    expect(rulesOf('54.99.1.1', declared({ addresses: ['54.99.1.1'] }))).not.toContain('address.public')
  })
})

describe('an address outside the lists', () => {
  const list6 = {
    ...s3List,
    id: 'pl-6',
    name: 'com.amazonaws.us-east-1.ipv6.s3',
    family: 6 as const,
    entries: ['2600:1fa0::/32'],
  }
  const outside = (address: string, ...prefixLists: PrefixList[]) =>
    rulesOf(address, topology([snapshot({ prefixLists })])).includes('address.outside_list')
  const dynamodb = {
    ...s3List,
    id: 'pl-d',
    name: 'com.amazonaws.us-east-1.dynamodb',
    entries: ['52.94.0.0/22'],
  }

  it.each<[string, boolean, boolean]>([
    ['a list read whole', outside('54.240.1.1', s3List), true],
    ['in the list', outside('52.216.1.1', s3List), false],
    ['S3 Express', outside('54.240.1.1', { ...s3List, name: 'com.amazonaws.us-east-1.s3express' }), true],
    ['DynamoDB', outside('54.240.1.1', dynamodb), true],
    ['in either of two lists', outside('52.94.1.1', s3List, dynamodb), false],
    ['in neither', outside('54.240.1.1', s3List, dynamodb), true],
    [
      'a list of no gateway service alone',
      outside('54.240.1.1', { ...s3List, name: 'com.amazonaws.global.cloudfront.origin-facing' }),
      false,
    ],
    [
      'such a list beside it, whatever is in that or was not read of it',
      outside(
        '54.240.1.1',
        s3List,
        { ...dynamodb, name: 'x.cloudfront', entries: ['54.240.0.0/16'] },
        { ...dynamodb, name: 'y.cloudfront', entries: null },
      ),
      true,
    ],
    ['a list that is not AWS’s', outside('54.240.1.1', { ...s3List, ownerId: '111122223333' }), false],
    [
      'in a list that is not AWS’s',
      outside('54.240.1.1', s3List, { ...dynamodb, ownerId: '1', entries: ['54.240.0.0/16'] }),
      true,
    ],
    ['a list that was not read whole', outside('54.240.1.1', { ...s3List, complete: false }), false],
    ['a list whose entries were not read', outside('54.240.1.1', { ...s3List, entries: null }), false],
    ['one of two not read', outside('54.240.1.1', s3List, { ...dynamodb, entries: null }), false],
    ['no list', outside('54.240.1.1'), false],
    ['IPv6 and the list of IPv6', outside('2a05:d000::1', s3List, list6), true],
    ['IPv6 in the list of IPv6', outside('2600:1fa0::1', s3List, list6), false],
    ['IPv6 and the list of IPv4', outside('2a05:d000::1', s3List), false],
    ['IPv4 and an unread list of IPv6', outside('54.240.1.1', s3List, { ...list6, entries: null }), true],
    [
      'a list of unknown family, unread',
      outside('54.240.1.1', s3List, { ...dynamodb, family: null, entries: null }),
      false,
    ],
    ['a list of unknown family', outside('2a05:d000::1', { ...list6, family: null }), true],
    ['a private address', outside('10.0.77.7', s3List), false],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected)
  })

  it('must be so in every reading', () => {
    const wider = snapshot({ prefixLists: [{ ...s3List, entries: ['54.240.0.0/16'] }] })
    expect(rulesOf('54.240.1.1', topology([snapshot(), wider]))).not.toContain('address.outside_list')
    expect(rulesOf('54.240.1.1', topology([snapshot(), lacking(snapshot(), 'prefixLists')]))).not.toContain(
      'address.outside_list',
    )
    expect(rulesOf('54.240.1.1', topology([snapshot(), snapshot()]))).toContain('address.outside_list')
    expect(rulesOf('54.240.1.1', topology([]))).toEqual([])
  })

  it('is not said of an endpoint’s address, and flags what it says', () => {
    expect(rulesOf('54.240.1.1', topology(), shown('endpoint.not_shown'))).toEqual(['endpoint.not_shown'])
    const [, evidence] = addressEvidence(
      attempt({ address: '54.240.1.1' }),
      null,
      readings(snapshot()),
      topology(),
    )
    expect(evidence?.flags).toEqual(['answer_outside_list'])
  })
})

describe('a NAT64 address', () => {
  const told = (address: string, t = topology()) =>
    addressEvidence(attempt({ address }), null, readings(...t.readings), t).find(
      (e) => e.rule === 'address.nat64',
    )?.because

  it('is told with what it stands for', () => {
    expect(told('64:ff9b::34d8:101')).toBe('64:ff9b::34d8:101 is a NAT64 address for 52.216.1.1')
    expect(told('2600:1fa0::1')).toBeUndefined()
    expect(told('52.216.1.1')).toBeUndefined()
  })

  it('may have a prefix of one’s own', () => {
    const t = topology([snapshot()], { nat64Prefixes: ['nonsense', '2001:db8:64::/96'] })
    expect(told('2001:db8:64::34d8:101', t)).toContain('for 52.216.1.1')
    expect(told('2001:db8:64::34d8:101')).toBeUndefined()
    expect(told('2001:db8:64::34d8:101', topology([snapshot()]))).toBeUndefined()
  })

  it('is a member of a list by what it stands for', () => {
    const list6 = { ...s3List, id: 'pl-6', family: 6 as const, entries: ['2600:1fa0::/32'] }
    const t = topology([snapshot({ prefixLists: [s3List, list6] })])
    expect(rulesOf('64:ff9b::34d8:101', t)).not.toContain('address.outside_list')
    expect(rulesOf('64:ff9b::36f0:101', t)).toContain('address.outside_list')
    expect(rulesOf('64:ff9b::a00:101', t)).not.toContain('address.outside_list')
  })

  it('that can’t be unwrapped shows nothing of lists', () => {
    const list6 = { ...s3List, id: 'pl-6', family: 6 as const, entries: ['2600:1fa0::/32'] }
    const t = topology([snapshot({ prefixLists: [s3List, list6] })])
    // Bits 64 to 71 of this layout must be zero (RFC 6052, 2.2).
    expect(told('64:ff9b:1:34d8:ff01:100::', t)).toBe('64:ff9b:1:34d8:ff01:100:: is a NAT64 address')
    expect(rulesOf('64:ff9b:1:34d8:ff01:100::', t)).not.toContain('address.outside_list')
  })
})

describe('an endpoint’s address', () => {
  const told = (row: EndpointShown['row']) =>
    addressEvidence(attempt({ address: '10.0.1.60' }), shown(row), readings(snapshot()), topology())

  it.each(['endpoint.own_vpc', 'endpoint.trusted', 'endpoint.declared_address'] as const)(
    'by %s is of the account’s configuration, with what it assumes',
    (row) => {
      expect(told(row)).toMatchObject([
        { rule: row, rank: 'configured', source: 'snapshot', assumptions: ['assumed'] },
      ])
    },
  )

  it('that is not shown to be the one is only consistent', () => {
    expect(told('endpoint.not_shown')).toMatchObject([
      { rule: 'endpoint.not_shown', rank: 'consistent', source: 'dns', assumptions: [] },
    ])
  })

  it('gives nothing if it is no address', () => {
    expect(rulesOf('nonsense')).toEqual([])
  })
})

describe('several readings of one endpoint', () => {
  const [ownVpc, trusted, declared, notShown] = [
    shown('endpoint.own_vpc'),
    shown('endpoint.trusted'),
    shown('endpoint.declared_address'),
    shown('endpoint.not_shown'),
  ]

  it('the one that leaves most stands, whatever the order', () => {
    for (const [set, expected] of [
      [[ownVpc], ownVpc],
      [[ownVpc, trusted], trusted],
      [[trusted, declared, ownVpc], declared],
      [[ownVpc, notShown, declared], notShown],
    ] as const) {
      expect(widest(set)?.row).toBe(expected.row)
      expect(widest(set.toReversed())?.row).toBe(expected.row)
    }
  })

  it('one that shows none leaves nothing shown', () => {
    expect(widest([ownVpc, null])).toMatchObject({ row: 'endpoint.not_shown', endpoint: 'vpce-1' })
    expect(widest([null, ownVpc])?.row).toBe('endpoint.not_shown')
    expect(widest([ownVpc, null])?.because).toContain('another reading does not show it')
    expect(widest([null, null])).toBeNull()
    expect(widest([])).toBeNull()
  })
})
