import type { NameStyle } from '../../model/target.ts'
import type { Snapshot, Vantage, VpcEndpoint } from '../../model/topology.ts'
import { dnsServiceOf, endpointServiceOf } from '../../aws/hostname.ts'
import { isRegion } from '../../aws/partitions.ts'
import { hostnamesFor } from '../../aws/service-hostnames.ts'
import { defaultStyles } from '../config/defaults.ts'

export interface DiscoveredName {
  hostname: string
  style: NameStyle
}

/** A service that software on this host may well use, with the names by which it commonly does. */
export interface Candidate {
  /** Name of its target: as endpoints call the service (`ecr.api`), with the region where it is another one. */
  name: string
  /** As it is called in DNS (`api.ecr`). */
  service: string
  region: string
  /** It has an endpoint in this host's VPC, so that its traffic is meant to be private. */
  required: boolean
  names: DiscoveredName[]
}

/** Services that are watched whether or not they have an endpoint; as endpoints call them. */
export const usualServices = [
  's3',
  'dynamodb',
  'sts',
  'ec2',
  'ssm',
  'ssmmessages',
  'ec2messages',
  'logs',
  'monitoring',
  'kms',
  'secretsmanager',
  'ecr.api',
  'ecr.dkr',
  'sqs',
  'sns',
] as const

/** States of an endpoint that is no more, or never came to be; all others show that a private path is wanted. */
const goneStates = new Set(['deleting', 'deleted', 'rejected', 'expired'])

/** The names of a service that software commonly uses; what can't be formed is left out. */
function commonNames(
  { service, fips, region }: { service: string; fips: boolean; region: string },
  here: string,
  account: string | null,
): DiscoveredName[] {
  const build = (style: NameStyle): DiscoveredName[] => {
    const built = hostnamesFor({ service, region, account, styles: [style] })
    return built.ok ? built.names : []
  }
  // A global name belongs to no region: only the host's own one may claim it.
  const usual = (styles: readonly NameStyle[]): DiscoveredName[] =>
    styles.filter((style) => style !== 'global' || region === here).flatMap(build)
  if (fips) return build('fips')
  if (service === 's3') return usual(defaultStyles.s3)
  if (service === 'sts') return usual([...defaultStyles.other, 'global'])
  if (service === 'dkr.ecr') return build('account')
  const regional = usual(defaultStyles.other)
  return regional.length > 0 ? regional : usual(['global'])
}

/** Region of what the endpoint leads to; endpoints can lead into another region. */
function regionOf({ serviceRegion, serviceName }: VpcEndpoint): string | null {
  if (serviceRegion !== null && isRegion(serviceRegion)) return serviceRegion
  return serviceName.split('.').find(isRegion) ?? null
}

/**
 * What to watch on this instance: the usual services of its region, and each of AWS's own that has an endpoint (of type
 * Gateway or Interface) in one of its VPCs. Empty where the host is not known to be an instance. Without a snapshot, or
 * with one of which the endpoints were not read, no service is known to have an endpoint. Pure.
 */
export function candidatesOf(vantage: Vantage, snapshot: Snapshot | null): Candidate[] {
  const { region: here, accountId } = vantage
  if (vantage.kind !== 'ec2' || here === null) return []
  const vpcs = new Set(vantage.interfaces.flatMap((i) => i.vpcId ?? []))
  const candidates = new Map<string, Candidate>()
  const add = (endpointService: string, region: string, required: boolean): void => {
    // `ecr.api-fips` serves the names of `ecr.api` in their FIPS style
    const fips = endpointService.endsWith('-fips')
    const service = dnsServiceOf(fips ? endpointService.slice(0, -'-fips'.length) : endpointService)
    if (service === null) return
    const own = `${endpointServiceOf(service)}${fips ? '-fips' : ''}`
    const name = region === here ? own : `${own}.${region}`
    const known = candidates.get(name)
    if (known !== undefined) known.required ||= required
    else if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) {
      const names = commonNames({ service, fips, region }, here, accountId)
      candidates.set(name, { name, service, region, required, names })
    }
  }
  for (const endpoint of snapshot?.endpoints ?? []) {
    if (!vpcs.has(endpoint.vpcId) || goneStates.has(endpoint.state)) continue
    if (endpoint.type !== 'Gateway' && endpoint.type !== 'Interface') continue
    const region = regionOf(endpoint)
    if (region !== null) add(endpoint.serviceName, region, true)
  }
  for (const usual of usualServices) add(`com.amazonaws.${here}.${usual}`, here, false)
  return [...candidates.values()]
}
