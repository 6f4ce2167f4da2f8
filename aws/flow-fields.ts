/**
 * The fields of flow logs by the version that brought them. Sources: VPC User Guide, "Flow log records" (versions 2 to 11)
 * and "Transit Gateway Flow Log records" (version 6, which VPC logs never used). AWS adds fields every few months: a name
 * that is not here is read as text.
 */

/**
 * How a column is read: `address` an IP or (Elastic Fabric Adapter) MAC address, numbers as decimal integers of a range,
 * `code` a number where it is one and text otherwise, because AWS does not document the type.
 */
export type FlowFieldType = 'text' | 'address' | 'port' | 'octet' | 'flags' | 'count' | 'time' | 'code'

export interface FlowField {
  version: number
  type: FlowFieldType
}

const names = (
  version: number,
  type: FlowFieldType,
  list: string,
): (readonly [string, Readonly<FlowField>])[] =>
  list.split(' ').map((name) => [name, { version, type }] as const)

const byName: ReadonlyMap<string, Readonly<FlowField>> = new Map([
  ...names(2, 'octet', 'version'),
  ...names(2, 'text', 'account-id interface-id action log-status'),
  ...names(2, 'address', 'srcaddr dstaddr'),
  ...names(2, 'port', 'srcport dstport'),
  ...names(2, 'octet', 'protocol'),
  ...names(2, 'count', 'packets bytes'),
  ...names(2, 'time', 'start end'),
  ...names(3, 'text', 'vpc-id subnet-id instance-id type'),
  ...names(3, 'flags', 'tcp-flags'),
  ...names(3, 'address', 'pkt-srcaddr pkt-dstaddr'),
  ...names(4, 'text', 'region az-id sublocation-type sublocation-id'),
  ...names(5, 'text', 'pkt-src-aws-service pkt-dst-aws-service flow-direction'),
  ...names(5, 'octet', 'traffic-path'),
  ...names(6, 'text', 'resource-type tgw-id tgw-attachment-id tgw-pair-attachment-id'),
  ...names(6, 'text', 'tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id'),
  ...names(6, 'text', 'tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni'),
  ...names(6, 'text', 'tgw-src-az-id tgw-dst-az-id'),
  ...names(6, 'count', 'packets-lost-no-route packets-lost-blackhole'),
  ...names(6, 'count', 'packets-lost-mtu-exceeded packets-lost-ttl-expired'),
  ...names(
    7,
    'text',
    'ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id',
  ),
  ...names(7, 'text', 'ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn'),
  ...names(7, 'text', 'ecs-task-arn ecs-task-id'),
  ...names(8, 'text', 'reject-reason'),
  ...names(9, 'text', 'resource-id'),
  ...names(10, 'code', 'encryption-status'),
  ...names(11, 'text', 'instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2'),
  ...names(11, 'text', 'interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id'),
  ...names(11, 'text', 'next-hop-vpc-id next-hop-interface-type'),
])

/** Version and type of a field by AWS's name; null for one that is not known. */
export function flowField(name: string): Readonly<FlowField> | null {
  return byName.get(name) ?? null
}

/** All known names, in the order of their versions. */
export const knownFlowFields: readonly string[] = [...byName.keys()]

/** The default format of a VPC flow log, in its order: version 2, and nothing can be added to it. */
export const defaultFields: readonly string[] =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'.split(
    ' ',
  )

/** The default format of a transit gateway's flow log, in its order. */
export const defaultTransitGatewayFields: readonly string[] = (
  'version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id ' +
  'tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id ' +
  'tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end ' +
  'log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded ' +
  'packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service'
).split(' ')

/** What to ask for in a custom format: all that decides a path or joins a record to a connection. */
export const fieldsWanted: readonly string[] = (
  'version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status ' +
  'pkt-srcaddr pkt-dstaddr tcp-flags pkt-dst-aws-service flow-direction traffic-path reject-reason ' +
  'interface-type next-hop-interface-id next-hop-interface-type next-hop-vpc-id resource-id'
).split(' ')
