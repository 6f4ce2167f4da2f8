/** What one account's EC2 shows of the world: the snapshot's files, and what only the API has. */
import { awsFiles } from '../world/aws-files.ts'
import type { World, WorldInterface } from '../world/types.ts'
import { isJson, type Json, valuesAt } from './json.ts'
import { partitionOf } from './principals.ts'

export interface Account {
  /** Items of a member of one of the snapshot's files. */
  file(name: string, member: string): Json[]
  /** Null: there is no such list. */
  entries(list: string): Json[] | null
  /** Version of a prefix list; null: it has none, as AWS's own. */
  listVersion(list: string): number | null
  vpcs(): string[]
  egressOnlyGateways(): Json[]
  endpointServices(): Json[]
  reservations(): Json[]
  blockPublicAccess(): Json
}

/** The view of `account` (12 digits), which need not be the host's own. */
export function accountOf(world: World, account: string): Account {
  const files = awsFiles({ ...world, account })
  const file = (name: string, member: string): Json[] => {
    const content = files[name]
    return isJson(content) ? valuesAt(content, member).filter(isJson) : []
  }
  const vpcs = (): string[] => file('describe-vpcs.json', 'Vpcs').map(({ VpcId: id }) => String(id))
  return {
    file,
    entries: (list) =>
      `get-managed-prefix-list-entries/${list}.json` in files
        ? file(`get-managed-prefix-list-entries/${list}.json`, 'Entries')
        : null,
    listVersion: (list) => {
      const lists = file('describe-managed-prefix-lists.json', 'PrefixLists')
      const version = lists.find(({ PrefixListId: id }) => id === list)?.['Version']
      return typeof version === 'number' ? version : null
    },
    vpcs,
    egressOnlyGateways: () => {
      const own = new Set(vpcs())
      return world.egressOnlyGateways
        .filter((gateway) => gateway.vpcs.some((vpc) => own.has(vpc)))
        .map((gateway) => ({
          Attachments: gateway.vpcs.map((vpc) => ({ State: 'attached', VpcId: vpc })),
          EgressOnlyInternetGatewayId: gateway.id,
          Tags: [],
        }))
    },
    endpointServices: () => endpointServices(world),
    reservations: () => reservations(world, account),
    blockPublicAccess: () => ({
      AwsAccountId: account,
      AwsRegion: world.region,
      State: 'default-state',
      InternetGatewayBlockMode: 'off',
      ManagedBy: 'account',
      ExclusionsAllowed: 'allowed',
    }),
  }
}

/** AWS's services of the region; S3 and DynamoDB are there once as an interface and once as a gateway. */
function endpointServices(world: World): Json[] {
  const { region } = world
  const here = world.services.filter((item) => item.kind === 'aws' && item.region === region)
  const names = [...new Set(here.map(({ service }) => service))].toSorted()
  return names.flatMap((service, n) => {
    const domain = `${service}.${region}.amazonaws.com`
    const one = (type: 'Interface' | 'Gateway'): Json => ({
      ServiceName: `com.amazonaws.${region}.${service}`,
      ServiceId: `vpce-svc-0${type === 'Gateway' ? 'b' : 'a'}${n.toString(16).padStart(6, '0')}`,
      ServiceType: [{ ServiceType: type }],
      ServiceRegion: region,
      AvailabilityZones: [`${region}a`],
      Owner: 'amazon',
      BaseEndpointDnsNames: type === 'Gateway' ? [domain] : [`${service}.${region}.vpce.amazonaws.com`],
      ...(type === 'Interface' && { PrivateDnsName: domain, PrivateDnsNames: [{ PrivateDnsName: domain }] }),
      VpcEndpointPolicySupported: true,
      AcceptanceRequired: false,
      ManagesVpcEndpoints: false,
      Tags: [],
      ...(type === 'Interface' && { PrivateDnsNameVerificationState: 'verified' }),
      SupportedIpAddressTypes: ['ipv4'],
    })
    return service === 's3' || service === 'dynamodb'
      ? [one('Gateway'), one('Interface')]
      : [one('Interface')]
  })
}

/** The account's instances, as far as its interfaces tell of them; each in a reservation of its own. */
function reservations(world: World, account: string): Json[] {
  const owned = world.interfaces.filter(({ owner, instance }) => owner === account && instance !== null)
  const instances = [...new Set(owned.map(({ instance }) => String(instance)))]
  return instances.map((instance) => {
    const interfaces = owned.filter((item) => item.instance === instance)
    const first = interfaces[0]
    const address = first?.ipv4[0]
    return {
      ReservationId: `r-${instance.slice(2)}`,
      OwnerId: account,
      Groups: [],
      Instances: [
        {
          InstanceId: instance,
          ImageId: 'ami-0a00000000000001',
          State: { Code: 16, Name: 'running' },
          InstanceType: 'm7i.large',
          LaunchTime: '2026-01-05T08:00:00+00:00',
          Placement: { AvailabilityZone: zoneOf(world, first), Tenancy: 'default' },
          ...(first !== undefined && {
            SubnetId: first.subnet,
            VpcId: first.vpc,
            SourceDestCheck: first.sourceCheck,
          }),
          ...(address !== undefined && { PrivateIpAddress: address.address }),
          ...(address?.public !== null && address !== undefined && { PublicIpAddress: address.public }),
          IamInstanceProfile: {
            Arn: `arn:${partitionOf(world.region)}:iam::${account}:instance-profile/pathproof-lab`,
            Id: 'AIPAPATHPROOFLAB00001',
          },
          NetworkInterfaces: interfaces.map((eni, index) => instanceInterface(eni, index)),
          SecurityGroups: [{ GroupId: 'sg-0a000001', GroupName: 'default' }],
          Tags: [],
        },
      ],
    }
  })
}

function zoneOf(world: World, eni: WorldInterface | undefined): string {
  return world.subnets.find(({ id }) => id === eni?.subnet)?.zone ?? `${world.region}a`
}

function instanceInterface(eni: WorldInterface, index: number): Json {
  return {
    Attachment: { AttachmentId: `eni-attach-${eni.id.slice(4)}`, DeviceIndex: index, Status: 'attached' },
    Groups: [{ GroupId: 'sg-0a000001', GroupName: 'default' }],
    InterfaceType: eni.type,
    Ipv6Addresses: eni.ipv6.map((address) => ({ Ipv6Address: address })),
    MacAddress: eni.mac,
    NetworkInterfaceId: eni.id,
    OwnerId: eni.owner,
    ...(eni.ipv4[0] !== undefined && { PrivateIpAddress: eni.ipv4[0].address }),
    PrivateIpAddresses: eni.ipv4.map((own) => ({
      ...(own.public !== null && { Association: { IpOwnerId: eni.owner, PublicIp: own.public } }),
      Primary: own.primary,
      PrivateIpAddress: own.address,
    })),
    SourceDestCheck: eni.sourceCheck,
    Status: eni.status,
    SubnetId: eni.subnet,
    VpcId: eni.vpc,
  }
}
