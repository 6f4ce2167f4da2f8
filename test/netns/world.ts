/** The account that the network of `network.ts` belongs to, as its API and its name servers show it. */
import { s3Ranges, usual } from '../../lab/world/default.ts'
import { familyOf, within } from '../../lab/world/bits.ts'
import type { Journey, Packet, World } from '../../lab/world/types.ts'
import { changeWorld, worldFrom } from '../../lab/world/world.ts'

export const region = 'us-east-1'
export const hostMac = '02:1a:00:00:00:50'
export const endpointName = 'bucket.vpce-0a0000a3-t5n2v6yb.s3.us-east-1.vpce.amazonaws.com'

/** Eight addresses of S3 in one answer; the last is the one that will leak. */
export const eight = [
  '52.216.8.53',
  '52.217.12.102',
  '3.5.2.17',
  '54.231.128.9',
  '16.182.33.40',
  '52.216.207.11',
  '52.217.99.1',
  '54.231.7.77',
]
export const leaking = '54.231.7.77'

const endpointInterface = (id: string, subnet: string, address: string, mac: string) => ({
  id,
  subnet,
  mac,
  type: 'vpc_endpoint',
  requesterManaged: true,
  ipv4: [{ address, primary: true, public: null }],
})

const zoneB = 'subnet-0d000004'

/** The usual private subnet with a second zone, and interface endpoints of Systems Manager, EC2 and S3. */
export function firstWorld(): World {
  return changeWorld(worldFrom({ region }), {
    subnets: [{ id: zoneB, ipv4: '10.0.2.0/24', zone: `${region}b` }],
    tables: [{ id: usual.privateTable, subnets: [usual.privateSubnet, zoneB] }],
    interfaces: [
      endpointInterface('eni-0a0000a1', usual.privateSubnet, '10.0.1.101', '02:1a:00:00:01:01'),
      endpointInterface('eni-0b0000a1', zoneB, '10.0.2.101', '02:1b:00:00:01:01'),
      endpointInterface('eni-0a0000a2', usual.privateSubnet, '10.0.1.102', '02:1a:00:00:01:02'),
      endpointInterface('eni-0a0000a3', usual.privateSubnet, '10.0.1.103', '02:1a:00:00:01:03'),
      endpointInterface('eni-0b0000a3', zoneB, '10.0.2.103', '02:1b:00:00:01:03'),
    ],
    endpoints: [
      {
        id: 'vpce-0a0000a1',
        service: `com.amazonaws.${region}.ssm`,
        subnets: [usual.privateSubnet, zoneB],
        interfaces: ['eni-0a0000a1', 'eni-0b0000a1'],
        privateDns: true,
        dnsNames: [`vpce-0a0000a1-h3k9q2xd.ssm.${region}.vpce.amazonaws.com`],
        reaches: 'ssm',
      },
      {
        id: 'vpce-0a0000a2',
        service: `com.amazonaws.${region}.ec2`,
        subnets: [usual.privateSubnet],
        interfaces: ['eni-0a0000a2'],
        privateDns: true,
        dnsNames: [`vpce-0a0000a2-p7m4w8zc.ec2.${region}.vpce.amazonaws.com`],
        reaches: 'ec2',
      },
      {
        id: 'vpce-0a0000a3',
        service: `com.amazonaws.${region}.s3`,
        subnets: [usual.privateSubnet, zoneB],
        interfaces: ['eni-0a0000a3', 'eni-0b0000a3'],
        privateDns: true,
        inboundOnly: true,
        dnsNames: [`*.${endpointName.replace(/^bucket\./u, '')}`],
        reaches: 's3',
      },
    ],
    names: [{ hostname: `eight-lab.s3.${region}.amazonaws.com`, ipv4: eight }],
    remove: ['corp'],
    resolvers: [
      { name: 'corp-1', view: 'inbound', address: '192.168.53.53' },
      { name: 'corp-2', view: 'inbound', address: '192.168.53.54' },
    ],
  })
}

/** What the gateway endpoint's list holds. */
export const endpointRanges = s3Ranges

/** Every IPv4 range at which AWS's services answer, the wider ones only. */
export function publicRanges(world: World): string[] {
  const all = world.services.flatMap(({ addresses }) => addresses).filter((range) => familyOf(range) === 4)
  const wider = (range: string) =>
    all.some((other) => other !== range && within(range.split('/')[0] ?? '', other))
  return [...new Set(all)].filter((range) => !wider(range))
}

/**
 * Which service a connection is for that has come: by its address alone, since real packets have found the way. In place of
 * the simulated journey.
 */
export function arrived(world: World, { destination }: Packet): Journey {
  const own = world.interfaces.find(({ ipv4 }) => ipv4.some(({ address }) => address === destination))
  const endpoint = world.endpoints.find(({ interfaces }) => own !== undefined && interfaces.includes(own.id))
  const service = world.services.find(({ addresses }) =>
    addresses.some((range) => familyOf(range) === 4 && within(destination, range)),
  )
  const to = endpoint?.reaches ?? service?.id ?? null
  return { delivered: to !== null, class: 'relay', hops: [], to, shown: true }
}
