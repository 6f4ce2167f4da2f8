import type { NameStyle } from '../model/target.ts'
import {
  accountPattern,
  type AwsName,
  bareName,
  type NameUnderSuffix,
  partitionUnder,
  withoutFips,
} from './hostname-name.ts'
import { isRegion } from './partitions.ts'

/** Services whose DNS name has several labels: what stands in front of them is a resource. */
const longServices = new Set([
  'api.ecr',
  'dkr.ecr',
  'api.ecr-public',
  'api.sagemaker',
  'runtime.sagemaker',
  'metrics.sagemaker',
  'featurestore-runtime.sagemaker',
  'api.detective',
  'api.iotwireless',
  'api.iotdeviceadvisor',
  'api.tunneling.iot',
  'data.iot',
  'data-ats.iot',
  'data.ats.iot',
  'data.jobs.iot',
  'credentials.iot',
  'greengrass-ats.iot',
  'data.iotevents',
  'api.iottwinmaker',
  'data.iottwinmaker',
  'api.iotsitewise',
  'data.iotsitewise',
  'runtime.lex',
  'models.lex',
  'streams.dynamodb',
  'query.timestream',
  'ingest.timestream',
  'entitlement.marketplace',
  'metering.marketplace',
  'participant.connect',
  'portal.sso',
  'data.mediastore',
  'verification.signer',
  'd.codeartifact',
  'server.transfer',
])

/** Services in front of whose label a resource stands, whatever it is called. */
const servicesWithResources = new Set([
  'execute-api',
  'ddb',
  'search-ddb',
  'data-kinesis',
  'control-kinesis',
  'iot',
  'appsync-api',
  'appsync-realtime-api',
  'kinesisvideo',
  'grafana-workspace',
  'aps-workspaces',
])

/** Labels that mean a service which has another name elsewhere: account-based names and names under the dual-stack suffix. */
const aliases: Readonly<Record<string, string>> = {
  ddb: 'dynamodb',
  'search-ddb': 'search-dynamodb',
  'data-kinesis': 'kinesis',
  'control-kinesis': 'kinesis',
  ecr: 'api.ecr',
  'dkr-ecr': 'dkr.ecr',
  'ecr-public': 'api.ecr-public',
  'streams-dynamodb': 'streams.dynamodb',
  'timestream-query': 'query.timestream',
  'entitlement-marketplace': 'entitlement.marketplace',
  'metering-marketplace': 'metering.marketplace',
  'api.iot-tunneling': 'api.tunneling.iot',
  'cn.transcribe': 'transcribe',
}

/** Only under the dual-stack suffix: under the other one the same labels mean something else. */
const dualStackAliases: Readonly<Record<string, string>> = {
  efs: 'elasticfilesystem',
  aos: 'es',
  detective: 'api.detective',
}

/** The one name under which a service goes here, whatever its names in DNS are. */
export function canonicalService(service: string): string {
  return Object.hasOwn(aliases, service) ? (aliases[service] ?? service) : service
}

/** The label of a service under the dual-stack suffix (`api.ecr` → `ecr`). */
export function dualStackLabel(service: string): string {
  const accountBased = new Set(['ddb', 'search-ddb', 'data-kinesis', 'control-kinesis', 'dkr-ecr'])
  const found = Object.entries({ ...aliases, ...dualStackAliases }).find(
    ([label, canonical]) => canonical === service && !accountBased.has(label),
  )
  return found?.[0] ?? service
}

/** All names under AWS's suffixes that are neither S3's nor an endpoint's own. */
export function readServiceName({ hostname, labels, suffix }: NameUnderSuffix): AwsName {
  const name = bareName(hostname)
  const last = labels.at(-1) ?? ''
  const front = labels.slice(0, -1)
  name.partition = partitionUnder(suffix, null)
  name.dualstack = suffix.kind === 'dual_stack'
  if (suffix.kind === 'resource' || suffix.kind === 'notebook')
    return readResourceName(name, { hostname, labels, suffix })
  if (isRegion(last)) {
    const regional: AwsName = { ...name, region: last, partition: partitionUnder(suffix, last) }
    return front.length === 0
      ? regional
      : readRegional(regional, front, name.dualstack ? 'dualstack' : 'regional')
  }
  const gov = last === 'us-gov' && suffix.partitions.some((partition) => partition.id === 'aws-us-gov')
  if (gov) name.partition = 'aws-us-gov'
  if ((gov || last === 'global') && front.length > 0) return readRegional(name, front, 'global')
  if (labels[0] === 'global' && labels.length > 1) return readRegional(name, labels.slice(1), 'global')
  const region = labels.findLastIndex((label) => isRegion(label))
  // `<resource>.<region>.elb`, `<db>.<id>.<region>.rds`: the host belongs to somebody's resource.
  if (region >= 0)
    return resourceName(name, labels.slice(region + 1).join('.'), labels[region] ?? null, suffix)
  const { service, resource, fips } = splitService(labels, name.dualstack)
  if (resource.length > 0 || (service.includes('.') && !longServices.has(service))) {
    return resourceName(name, last, null, suffix)
  }
  return { ...name, service, fips, style: fips ? 'fips' : 'global' }
}

function readRegional(name: AwsName, labels: string[], style: NameStyle): AwsName {
  const { service, resource, fips } = splitService(labels, name.dualstack)
  const account = accountPattern.test(resource.at(-1) ?? '') ? (resource.at(-1) ?? null) : null
  const named: AwsName = { ...name, service, fips, account }
  if (account !== null) return { ...named, style: 'account' }
  // `fs-0123.efs`: a mount target lies in the customer's own VPC.
  const mount = /\.(efs|fsx)$/.exec(service)
  if (mount !== null) return { ...named, service: mount[1] ?? service, style: 'other' }
  return { ...named, style: fips ? 'fips' : style }
}

/** Which of the labels are the service (they are the last ones), and which a resource in front of it. */
function splitService(
  labels: string[],
  dualStack: boolean,
): { service: string; resource: string[]; fips: boolean } {
  // `fips.eks`, `fips.transcribe`
  const own = labels.length > 1 && labels[0] === 'fips' ? labels.slice(1) : labels
  const prefixed = own.length < labels.length
  for (const size of [3, 2]) {
    const taken = own.slice(-size)
    const plain = taken.map((label) => withoutFips(label)).join('.')
    if (taken.length === size && (longServices.has(plain) || Object.hasOwn(aliases, plain))) {
      return {
        service: canonicalService(plain),
        resource: own.slice(0, -size),
        fips: prefixed || plain !== taken.join('.'),
      }
    }
  }
  const last = own.at(-1) ?? ''
  const base = withoutFips(last)
  const front = own.slice(0, -1)
  if (servicesWithResources.has(base)) {
    return { service: canonicalService(base), resource: front, fips: prefixed || base !== last }
  }
  const account = accountPattern.test(own[0] ?? '') && own.length > 1 ? own.slice(0, 1) : []
  const kept = own.slice(account.length)
  const plain = kept.map((label) => withoutFips(label)).join('.')
  const fips = prefixed || plain !== kept.join('.')
  if (dualStack && Object.hasOwn(dualStackAliases, plain)) {
    return { service: dualStackAliases[plain] ?? plain, resource: account, fips }
  }
  return { service: canonicalService(plain), resource: account, fips }
}

/** Names that belong to a customer's resource: load balancers, databases, function URLs, notebooks. */
function readResourceName(name: AwsName, { labels, suffix }: NameUnderSuffix): AwsName {
  const region = labels.findLastIndex((label) => isRegion(label))
  if (region < 0) return resourceName(name, labels.at(-1) ?? '', null, suffix)
  const service = withoutFips(labels[region - 1] ?? '')
  const resource = resourceName(name, service, labels[region] ?? null, suffix)
  if (suffix.kind === 'notebook')
    return { ...resource, service: service === '' ? 'sagemaker' : `${service}.sagemaker` }
  const account = labels[region - 2] ?? ''
  // The one service under this suffix: the registry's dual-stack name, `<account>.dkr-ecr.<region>.on.aws`.
  if (service !== 'dkr-ecr' || region !== 2 || !accountPattern.test(account)) return resource
  const fips = service !== labels[region - 1]
  return { ...resource, service: 'dkr.ecr', style: 'account', account, dualstack: true, fips }
}

function resourceName(
  name: AwsName,
  service: string,
  region: string | null,
  suffix: NameUnderSuffix['suffix'],
): AwsName {
  const known = service === '' ? null : service
  return { ...name, service: known, region, style: 'other', partition: partitionUnder(suffix, region) }
}
