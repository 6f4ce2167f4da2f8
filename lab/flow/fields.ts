/**
 * The fields of flow-log records, versions 2 to 11, and how AWS writes them. Sources: VPC user guide, "Flow log
 * records" ("Available fields"); the announcements of the later versions. What is not known of a flow is `-`.
 */
import { familyOf, isPrivateAddress, withinAny } from '../world/bits.ts'
import type { World, WorldInterface } from '../world/types.ts'
import type { Sighting } from './sightings.ts'
import type { FlowPlan } from './types.ts'

/** One line of a record, before it is written in a format. */
export interface RecordFacts {
  world: World
  plan: FlowPlan
  sighting: Sighting
  sourcePort: number
  destinationPort: number
  /** IANA number. */
  protocol: number
  packets: number
  bytes: number
  /** Unix seconds. */
  start: number
  end: number
  /** FIN 1, SYN 2, RST 4, ACK 16 beside SYN; the rest is not recorded. */
  flags: number
}

/** The line that stands for a window of an interface in which nothing was seen, or not all was recorded. */
export interface GapFacts {
  account: string
  interface: string
  status: 'NODATA' | 'SKIPDATA'
  start: number
  end: number
}

export const defaultFormat =
  '${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}'

const versions: Readonly<Record<number, string>> = {
  2: 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status',
  3: 'vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr',
  4: 'region az-id sublocation-type sublocation-id',
  5: 'pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path',
  7: 'ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id',
  8: 'reject-reason',
  9: 'resource-id',
  10: 'encryption-status',
  11: 'instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type',
}
const versionOf = new Map(
  Object.entries(versions).flatMap(([version, names]) =>
    names.split(' ').map((name) => [name, Number(version)] as const),
  ),
)

/** Every field, by version. */
export const allFields: readonly string[] = [...versionOf.keys()]

/** Field names of a format, in order; null is the default one. Throws on a token that is no field of AWS's. */
export function fieldsOf(format: string | null): string[] {
  const names = (format ?? defaultFormat).trim().split(/\s+/u)
  return names.map((token) => {
    const name = /^\$\{([a-z0-9-]+)\}$/u.exec(token)?.[1]
    if (name === undefined || !versionOf.has(name)) throw new Error(`flow log format: no field ${token}`)
    return name
  })
}

/** A line in a format, with some texts in place of what is so. */
export function recordLine(
  fields: readonly string[],
  facts: RecordFacts,
  instead: Readonly<Record<string, string>> = {},
): string {
  return fields
    .map((name) => {
      if (Object.hasOwn(instead, name)) return instead[name]
      return name === 'version' ? versionNumber(fields) : (texts[name]?.(facts) ?? '-')
    })
    .join(' ')
}

/** A NODATA or SKIPDATA line in a format. */
export function gapLine(fields: readonly string[], facts: GapFacts): string {
  const known: Record<string, string> = {
    version: versionNumber(fields),
    'account-id': facts.account,
    'interface-id': facts.interface,
    start: String(facts.start),
    end: String(facts.end),
    'log-status': facts.status,
  }
  return fields.map((name) => known[name] ?? '-').join(' ')
}

/** `ACCEPT` unless a network ACL refused it. */
export function actionOf({ denied }: Sighting): 'ACCEPT' | 'REJECT' {
  return denied ? 'REJECT' : 'ACCEPT'
}

/** Account in a record: AWS does not say whose the interfaces are that its services made. */
export function accountOf(eni: WorldInterface): string {
  return /^(vpc_endpoint|gateway_load_balancer_endpoint|network_load_balancer)$/u.test(eni.type)
    ? 'unknown'
    : eni.owner
}

/** The highest version among the chosen fields. */
function versionNumber(fields: readonly string[]): string {
  return String(Math.max(2, ...fields.map((name) => versionOf.get(name) ?? 2)))
}

const texts: Readonly<Record<string, (facts: RecordFacts) => string>> = {
  'account-id': ({ sighting: { eni }, world }) => (eni === null ? world.account : accountOf(eni)),
  'interface-id': ({ sighting: { eni } }) => eni?.id ?? '-',
  // the interface's side is its primary address, whatever the packet carries
  srcaddr: ({ sighting }) => ownSide(sighting, 'egress', sighting.source),
  dstaddr: ({ sighting }) => ownSide(sighting, 'ingress', sighting.destination),
  srcport: ({ sourcePort }) => String(sourcePort),
  dstport: ({ destinationPort }) => String(destinationPort),
  protocol: ({ protocol }) => String(protocol),
  packets: ({ packets }) => String(packets),
  bytes: ({ bytes }) => String(bytes),
  start: ({ start }) => String(start),
  end: ({ end }) => String(end),
  action: ({ sighting }) => actionOf(sighting),
  'log-status': () => 'OK',
  'vpc-id': ({ sighting: { eni, nat }, world }) =>
    eni?.vpc ?? world.natGateways.find(({ id }) => id === nat)?.vpc ?? '-',
  'subnet-id': ({ sighting: { eni } }) => eni?.subnet ?? '-',
  'instance-id': ({ sighting: { eni } }) => (eni?.requesterManaged === false ? (eni.instance ?? '-') : '-'),
  'tcp-flags': ({ protocol, flags }) => (protocol === 6 ? String(flags) : '0'),
  type: ({ sighting }) => (familyOf(sighting.source) === 4 ? 'IPv4' : 'IPv6'),
  'pkt-srcaddr': ({ sighting }) => sighting.source,
  'pkt-dstaddr': ({ sighting }) => sighting.destination,
  region: ({ world }) => world.region,
  'az-id': ({ sighting: { eni }, world }) => zoneId(world, eni),
  'pkt-src-aws-service': ({ sighting, world }) => serviceName(world, sighting.source),
  'pkt-dst-aws-service': ({ sighting, world }) => serviceName(world, sighting.destination),
  'flow-direction': ({ sighting }) => sighting.direction,
  'traffic-path': ({ sighting }) => sighting.path,
  'resource-id': ({ sighting: { nat } }) => nat ?? '-',
  'interface-type': ({ sighting: { eni }, plan }) =>
    spelled(eni === null ? 'regional_nat_gateway' : typeOf(eni), plan),
  'next-hop-interface-id': ({ sighting: { next } }) => (next !== null && 'eni' in next ? next.eni.id : '-'),
  'next-hop-subnet-id': ({ sighting: { next } }) => (next !== null && 'eni' in next ? next.eni.subnet : '-'),
  'next-hop-az-id': ({ sighting: { next }, world }) =>
    next !== null && 'eni' in next ? zoneId(world, next.eni) : '-',
  'next-hop-vpc-id': ({ sighting: { next } }) => (next !== null && 'eni' in next ? next.eni.vpc : '-'),
  'next-hop-interface-type': ({ sighting: { next }, plan }) =>
    next === null ? '-' : spelled('eni' in next ? typeOf(next.eni) : 'regional_nat_gateway', plan),
}

function ownSide({ eni, direction }: Sighting, own: Sighting['direction'], packet: string): string {
  if (eni === null || direction !== own || familyOf(packet) === 6) return packet
  return eni.ipv4.find(({ primary }) => primary)?.address ?? packet
}

function typeOf({ type }: WorldInterface): string {
  return type === 'gateway_load_balancer_endpoint' ? 'vpc_endpoint' : type
}

function spelled(type: string, { typeSpelling }: FlowPlan): string {
  return typeSpelling === 'hyphen' ? type.replaceAll('_', '-') : type
}

/** `us-east-1a` → `use1-az1`: the first letters of the region's words. */
function zoneId(world: World, eni: WorldInterface | null): string {
  const zone = world.subnets.find(({ id }) => id === eni?.subnet)?.zone
  const [, area = '', word = '', number = '', letter = ''] =
    /^([a-z]+)-(?:gov-)?([a-z]+)-(\d)([a-z])$/u.exec(zone ?? '') ?? []
  if (letter === '') return '-'
  const short = /^(north|south|central)(east|west)$/u.exec(word)
  const direction = short === null ? word.charAt(0) : `${short[1]?.charAt(0)}${short[2]?.charAt(0)}`
  return `${area}${direction}${number}-az${letter.charCodeAt(0) - 96}`
}

const subsets: Readonly<Record<string, string>> = { s3: 'S3', dynamodb: 'DYNAMODB' }

/** The range of ip-ranges.json that a public address is in: one name, S3 for every way to S3. */
function serviceName(world: World, address: string): string {
  if (isPrivateAddress(address)) return '-'
  const found = world.services.find(
    ({ kind, addresses }) => kind === 'aws' && withinAny(address, addresses),
  )?.service
  return found === undefined ? '-' : (subsets[found] ?? 'AMAZON')
}
