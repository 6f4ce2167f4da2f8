/** The one interface that an attempt left by: each thing that must hold, and what is said where it does not. */
import { describe, expect, it } from 'vitest'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import type { MetadataInterface, NetworkInterface, Snapshot, Subnet, Vantage } from '../../model/topology.ts'
import { ownInterface } from '../../verdict/own-interface.ts'
import { readingAt } from '../../verdict/reading.ts'
import { attempt, eni, hostMac, kernelRoute, now, snapshot, topology } from './fixture.ts'

const limits = { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 }
const own = { known: true, id: 'eni-host', subnetId: 'subnet-1', vpcId: 'vpc-1', localAddress: '10.0.1.50' }

const host = (more: Partial<NetworkInterface> = {}, addresses = ['10.0.1.50', '2600:1f18::50']) =>
  eni('eni-host', addresses, { macAddress: hostMac, ...more })
const withEnis = (...networkInterfaces: NetworkInterface[]) => snapshot({ networkInterfaces })
const metadata = (more: Partial<MetadataInterface> = {}): MetadataInterface => ({
  id: 'eni-host',
  mac: hostMac,
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50'],
  ipv6: ['2600:1f18::50'],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: [],
  vpcIpv6Cidrs: [],
  ...more,
})

function found(
  route: Partial<HostRoute> = {},
  more: Partial<Attempt> = {},
  reading: Snapshot = snapshot(),
  vantage: Partial<Vantage> = {},
) {
  const usual = attempt(more)
  const a = { ...usual, host: { ...usual.host, ...route } }
  return ownInterface(a, { ...topology().vantage, ...vantage }, readingAt(reading, now, limits))
}
const why = (...of: Parameters<typeof found>) => {
  const result = found(...of)
  return result.known ? `found ${result.id}` : result.because
}
const subnet = (more: Partial<Subnet>): Subnet => ({
  id: 'subnet-1',
  vpcId: 'vpc-1',
  ownerId: null,
  ipv4Cidr: '10.0.1.0/24',
  ipv6Cidrs: ['2600:1f18::/64'],
  availabilityZone: null,
  ...more,
})

describe('it is found', () => {
  it.each<[string, ReturnType<typeof found>]>([
    ['by the API', found()],
    ['by the metadata', found({}, {}, withEnis(), { interfaces: [metadata()] })],
    ['by both', found({}, {}, snapshot(), { interfaces: [metadata()] })],
    ['by a MAC in capitals', found({ mac: hostMac.toUpperCase() })],
    [
      'where the API gives the MAC in capitals',
      found({}, {}, withEnis(host({ macAddress: hostMac.toUpperCase() }))),
    ],
    [
      'where the metadata gives the MAC in capitals',
      found({}, {}, withEnis(), { interfaces: [metadata({ mac: hostMac.toUpperCase() })] }),
    ],
    ['on a VLAN device', found({ deviceKind: 'vlan' })],
    ['by the only device, whatever the rules', found({ method: 'only_device', selectorRules: null })],
    ['by the source of the kernel, where the socket has none yet', found({}, { localAddress: null })],
    ['where the kernel names no source', found({ source: null })],
    ['where the kernel’s source is nonsense', found({ source: 'nonsense' })],
    [
      'beside other interfaces',
      found({}, {}, withEnis(eni('eni-2', ['10.0.1.50'], { macAddress: '0e:02' }), host())),
    ],
    [
      'by a delegated prefix of the API',
      found({}, {}, withEnis(host({ ipv4Prefixes: ['10.0.1.48/28'] }, ['10.0.1.9']))),
    ],
    [
      'by a delegated prefix of the metadata',
      found({}, {}, withEnis(), {
        interfaces: [metadata({ ipv4: [], ipv4Prefixes: ['nonsense', '10.0.1.48/28'] })],
      }),
    ],
    [
      'where the metadata does not tell the subnet, but the API does',
      found({}, {}, snapshot(), {
        interfaces: [metadata({ subnetId: null, vpcId: null, subnetIpv4Cidr: null })],
      }),
    ],
    ['to a neighbour in the subnet, without a next hop', found({ gateway: null }, { address: '10.0.1.60' })],
    [
      'beside subnets of other ranges',
      found(
        {},
        {},
        { ...snapshot(), subnets: [subnet({ id: 'subnet-2', ipv4Cidr: '10.0.2.0/24' }), subnet({})] },
      ),
    ],
  ])('%s', (_, result) => {
    expect(result).toEqual(own)
  })

  it('for IPv6 by a link-local next hop', () => {
    expect(found({}, { address: '2600:1fa0::1' })).toEqual({ ...own, localAddress: '2600:1f18::50' })
    expect(found({ gateway: null }, { address: '2600:1f18::77' })).toMatchObject({ known: true })
    expect(found({ source: '2600:1F18:0::50' }, { address: '2600:1fa0::1' })).toMatchObject({ known: true })
  })
})

describe('it is not', () => {
  it.each<[string, string, RegExp]>([
    ['on-prem', why({}, {}, snapshot(), { kind: 'on-prem' }), /on-prem/],
    [
      'where the kernel was not asked',
      why({ method: 'none', detail: 'no ip here' }),
      /not known \(no ip here\)/,
    ],
    ['where it does not say why', why({ method: 'none', detail: null }), /not known \(not asked\)/],
    ['where the kernel names no device', why({ device: null }), /route for this connection is not known/],
    ['where rules by mark may apply', why({ selectorRules: true }), /^a policy-routing rule by mark/],
    [
      'where the rules could not be read',
      why({ selectorRules: null }),
      /rules of this host could not be read/,
    ],
    ['where a redirect may match', why({ redirect: 'possible' }), /a redirect on this host/],
    ['on a veth', why({ deviceKind: 'veth' }), /the device ens5 is veth/],
    ['on a device of unknown kind', why({ deviceKind: null }), /of unknown kind/],
    ['without a MAC', why({ mac: null }), /no MAC address/],
    ['with an empty MAC', why({ mac: '' }), /no MAC address/],
    [
      'without any local address',
      why({ source: null }, { localAddress: null }),
      /local address .* not known/,
    ],
    [
      'with a local address that is none',
      why({ source: null }, { localAddress: 'nonsense' }),
      /local address .* not known/,
    ],
    [
      'with a local address of the other family',
      why({ source: null }, { localAddress: '2600:1f18::50' }),
      /not of the family/,
    ],
    [
      'where the kernel was asked for another source',
      why({ source: '10.0.1.51' }),
      /was asked for source 10\.0\.1\.51/,
    ],
    ['where no ENI has the MAC', why({ mac: '0e:00:00:00:00:99' }), /no ENI with the MAC/],
    ['where no ENI was read', why({}, {}, withEnis()), /no ENI with the MAC/],
    [
      'where the ENI has other addresses',
      why({}, {}, withEnis(host({}, ['10.0.1.51']))),
      /does not own the local address/,
    ],
    [
      'where the ENI has other prefixes',
      why({}, {}, withEnis(host({ ipv4Prefixes: ['10.0.1.64/28'] }, ['10.0.1.9']))),
      /does not own the local address/,
    ],
    [
      'where the number is the same in the other family',
      why(
        {},
        {
          localAddress: '::a00:132',
          address: '2600:1fa0::1',
          host: { ...kernelRoute, source: null, gateway: 'fe80::1' },
        },
        withEnis(host({}, ['10.0.1.50'])),
      ),
      /does not own the local address/,
    ],
    [
      'where only the metadata has the MAC, with other addresses',
      why({}, {}, withEnis(), { interfaces: [metadata({ ipv4: ['10.0.1.9'] })] }),
      /does not own the local address/,
    ],
    [
      'where two ENIs have MAC and address',
      why({}, {}, withEnis(host(), eni('eni-twin', ['10.0.1.50'], { macAddress: hostMac }))),
      /several ENIs .*: eni-host, eni-twin$/,
    ],
    [
      'where API and metadata differ on the subnet',
      why({}, {}, snapshot(), { interfaces: [metadata({ subnetId: 'subnet-2' })] }),
      /do not agree on the subnet and VPC of eni-host/,
    ],
    [
      'where API and metadata differ on the VPC',
      why({}, {}, snapshot(), { interfaces: [metadata({ vpcId: 'vpc-2' })] }),
      /do not agree on the subnet and VPC of eni-host/,
    ],
    [
      'where nobody tells the subnet',
      why({}, {}, withEnis(), { interfaces: [metadata({ subnetId: null })] }),
      /do not agree/,
    ],
    [
      'where nobody tells the VPC',
      why({}, {}, withEnis(), { interfaces: [metadata({ vpcId: null })] }),
      /do not agree/,
    ],
    [
      'where the next hop is a neighbour',
      why({ gateway: '10.0.1.77' }),
      /10\.0\.1\.77 is not the VPC's router of 10\.0\.1\.0\/24/,
    ],
    ['where the next hop is nonsense', why({ gateway: 'nonsense' }), /nonsense is not the VPC's router/],
    [
      'where the next hop has the router’s number in the other family',
      why({ gateway: '::a00:101' }),
      /is not the VPC's router/,
    ],
    ['where it goes onto the link, beyond the subnet', why({ gateway: null }), /straight onto the link/],
    [
      'to what is no address, without a next hop',
      why({ gateway: null }, { address: 'nonsense' }),
      /straight onto the link/,
    ],
    [
      'where the range of the subnet is not known',
      why({}, {}, { ...snapshot(), subnets: [subnet({ ipv4Cidr: null })] }),
      /range of subnet-1 is not known/,
    ],
    [
      'where only another subnet’s range is known',
      why(
        {},
        {},
        { ...snapshot(), subnets: [subnet({ id: 'subnet-2' })] },
        { interfaces: [metadata({ id: 'eni-2', mac: '0e:02', subnetId: 'subnet-2' })] },
      ),
      /range of subnet-1 is not known/,
    ],
    [
      'where that range is nonsense',
      why({}, {}, { ...snapshot(), subnets: [subnet({ ipv4Cidr: '10.0.1.0/99' })] }),
      /range of subnet-1 is not known/,
    ],
    [
      'where API and metadata differ on the range',
      why({}, {}, snapshot(), { interfaces: [metadata({ subnetIpv4Cidr: '10.0.0.0/23' })] }),
      /range of subnet-1 is not known/,
    ],
    [
      'for IPv6 straight onto the link, beyond the subnet',
      why(
        { gateway: null },
        { address: '2600:1f18:0:1::77' },
        {
          ...snapshot(),
          subnets: [subnet({ id: 'subnet-2', ipv6Cidrs: ['2600:1f18:0:1::/64'] }), subnet({})],
        },
      ),
      /straight onto the link/,
    ],
    [
      'for IPv6 by a global next hop',
      why({ gateway: '2600:1f18::77' }, { address: '2600:1fa0::1' }),
      /is not a router's link-local address/,
    ],
    [
      'for IPv6 by a next hop that is nonsense',
      why({ gateway: 'nonsense' }, { address: '2600:1fa0::1' }),
      /link-local/,
    ],
  ])('%s', (_, because, expected) => {
    expect(because).toMatch(expected)
  })
})
