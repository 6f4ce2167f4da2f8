import type { World } from './types.ts'

/** What IMDSv2 answers on this instance; null on a host that has none. Multi-valued items are lines of text. */
export interface Metadata {
  instanceId: string
  region: string
  availabilityZone: string
  availabilityZoneId: string
  /** MAC of the first interface. */
  mac: string
  localHostname: string
  /** `/latest/dynamic/instance-identity/document` */
  document: Record<string, unknown>
  /** Per MAC (with colons) what stands below `network/interfaces/macs/<mac>/`; an item that is not set is absent (404). */
  macs: Record<string, Record<string, string>>
}

/** Source: EC2 user guide, "Instance metadata categories". */
export function metadataOf(world: World): Metadata | null {
  const { host } = world
  const first = world.interfaces.find(({ id }) => id === host.interfaces[0])
  if (host.kind !== 'ec2' || host.instance === null || first === undefined) return null
  const zone = world.subnets.find(({ id }) => id === first.subnet)?.zone ?? `${world.region}a`
  const macs: Record<string, Record<string, string>> = {}
  host.interfaces.forEach((id, number) => {
    const eni = world.interfaces.find((item) => item.id === id)
    if (eni === undefined) return
    const subnet = world.subnets.find((item) => item.id === eni.subnet)
    const vpc = world.vpcs.find((item) => item.id === eni.vpc)
    const lines: Record<string, readonly (string | null | undefined)[]> = {
      'device-number': [String(number)],
      'interface-id': [eni.id],
      'owner-id': [eni.owner],
      mac: [eni.mac],
      'subnet-id': [eni.subnet],
      'subnet-ipv4-cidr-block': [subnet?.ipv4],
      'subnet-ipv6-cidr-blocks': subnet?.ipv6 ?? [],
      'vpc-id': [eni.vpc],
      'vpc-ipv4-cidr-block': [vpc?.ipv4[0]],
      'vpc-ipv4-cidr-blocks': vpc?.ipv4 ?? [],
      'vpc-ipv6-cidr-blocks': vpc?.ipv6 ?? [],
      'local-hostname': [host.hostname],
      'local-ipv4s': eni.ipv4.map(({ address }) => address),
      ipv6s: eni.ipv6,
      'public-ipv4s': eni.ipv4.map((own) => own.public),
      'ipv4-prefix': eni.ipv4Prefixes,
      'ipv6-prefix': eni.ipv6Prefixes,
      'security-group-ids': ['sg-0a000001'],
    }
    const items: Record<string, string> = {}
    for (const [item, values] of Object.entries(lines)) {
      const set = values.filter((value) => value !== null && value !== undefined)
      if (set.length > 0) items[item] = set.join('\n')
    }
    macs[eni.mac] = items
  })
  return {
    instanceId: host.instance,
    region: world.region,
    availabilityZone: zone,
    availabilityZoneId: 'use1-az1',
    mac: first.mac,
    localHostname: host.hostname,
    document: {
      accountId: world.account,
      architecture: 'x86_64',
      availabilityZone: zone,
      billingProducts: null,
      devpayProductCodes: null,
      marketplaceProductCodes: null,
      imageId: 'ami-0a00000000000001',
      instanceId: host.instance,
      instanceType: 'm7i.large',
      kernelId: null,
      pendingTime: '2026-01-05T08:00:00Z',
      privateIp: first.ipv4[0]?.address ?? null,
      ramdiskId: null,
      region: world.region,
      version: '2017-09-30',
    },
    macs,
  }
}
