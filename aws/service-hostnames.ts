import type { NameStyle } from '../model/target.ts'
import { parseHostname } from './hostname.ts'
import type { AwsName } from './hostname-name.ts'
import { accountPattern } from './hostname-name.ts'
import { dualStackLabel } from './hostname-service.ts'
import { partitionById, partitionOfRegion, type Partition } from './partitions.ts'
import { s3Hostname } from './service-hostnames-s3.ts'

export interface ServiceNames {
  /** DNS name of the service, as `parseHostname` gives it. */
  service: string
  region: string | null
  bucket?: string | null
  account?: string | null
  styles: readonly NameStyle[]
  /** Only needed for global names without a region; default `aws`. */
  partition?: string | null
}

/** What a name is built from, after the checks that all styles share. */
export interface NameParts {
  service: string
  region: string | null
  bucket: string | null
  account: string | null
  partition: Partition
}

/** A name, or why there is none. */
export type Built = { hostname: string } | { error: string }

export type HostnamesFor =
  | { ok: true; names: { hostname: string; style: NameStyle }[] }
  | { ok: false; errors: string[] }

/** Services without regional names (in partition `aws`). */
const globalOnly = new Set(['iam', 'route53', 'cloudfront', 'budgets', 'waf', 'importexport', 'savingsplans'])
/** Services with a global name beside the regional ones. */
const globalToo = new Set(['s3', 'sts'])
/** Services whose plain regional name answers IPv6 as well; there is no other. */
const dualStackItself = new Set(['secretsmanager', 'cognito-identity', 'cognito-idp'])
/** Services with names under the dual-stack suffix only. */
const dualStackOnly = new Set([
  'datazone',
  'dsql',
  'eks-auth',
  'internetmonitor',
  'kendra-ranking',
  'notifications',
  'qbusiness',
  's3vectors',
])
/** Where the FIPS mark is not at the end of the service's last label. */
const fipsLabels: Readonly<Record<string, string>> = {
  'api.ecr': 'ecr-fips',
  batch: 'fips.batch',
  eks: 'fips.eks',
  transcribe: 'fips.transcribe',
  'api.sagemaker': 'api-fips.sagemaker',
  'runtime.sagemaker': 'runtime-fips.sagemaker',
  'metrics.sagemaker': 'metrics-fips.sagemaker',
  'runtime.lex': 'runtime-fips.lex',
  'models.lex': 'models-fips.lex',
}
const accountLabels: Readonly<Record<string, string>> = {
  dynamodb: 'ddb',
  'search-dynamodb': 'search-ddb',
  'dkr.ecr': 'dkr.ecr',
  kinesis: 'data-kinesis',
}

/** Styles whose names hold something that a service and a region do not tell. */
const needsMore: Partial<Record<NameStyle, string>> = {
  access_point: 'an access point and an account',
  object_lambda: 'an access point and an account',
  mrap: 'the alias of the access point',
  vpce: "the endpoint's own name, which has a random part",
  other: 'the name itself',
}

/**
 * The host names of a service in the wanted styles, in their order. Every style that the service does not have, and
 * every other mistake, is one sentence in `errors`. A name that `parseHostname` would read otherwise is never given.
 */
export function hostnamesFor(wanted: ServiceNames): HostnamesFor {
  const { service, region } = wanted
  const errors: string[] = []
  if (!/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(service)) {
    return { ok: false, errors: ['service: expected the name in DNS, such as s3, sts or kinesis'] }
  }
  if (service.endsWith('-fips')) {
    return { ok: false, errors: [`service: ${service}: write ${service.slice(0, -5)} with the style fips`] }
  }
  const partition = region === null ? partitionById(wanted.partition ?? 'aws') : partitionOfRegion(region)
  if (partition === null) {
    return { ok: false, errors: ['region: expected the name of an AWS region, such as eu-west-1'] }
  }
  if (region !== null && typeof wanted.partition === 'string' && wanted.partition !== partition.id) {
    errors.push(`region: ${region} is in partition ${partition.id}, not in the one that was given`)
  }
  if (wanted.styles.length === 0) errors.push('styles: expected at least one')
  const bucket = wanted.bucket ?? null
  if (bucket !== null && !['s3', 's3express'].includes(service))
    errors.push(`bucket: ${service} has no buckets`)
  if (bucket !== null && !isBucketLabel(bucket)) {
    errors.push(
      'bucket: expected 3 to 63 lower-case letters, digits, dots and hyphens; others are reached by path only: leave the bucket out',
    )
  }
  if (errors.length > 0) return { ok: false, errors }
  const parts: NameParts = { service, region, bucket, account: wanted.account ?? null, partition }
  const names: { hostname: string; style: NameStyle }[] = []
  for (const style of new Set(wanted.styles)) {
    const built = build(style, parts)
    if ('error' in built) errors.push(`style ${style}: ${built.error}`)
    else if (!readsBack(built.hostname, style, parts))
      errors.push(`style ${style}: ${service} has no such name`)
    else names.push({ hostname: built.hostname, style })
  }
  return errors.length === 0 ? { ok: true, names } : { ok: false, errors }
}

function isBucketLabel(bucket: string): boolean {
  return (
    /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]$/.test(bucket) &&
    !/-\.|\.-|^\d+(?:\.\d+){3}$/.test(bucket)
  )
}

function build(style: NameStyle, parts: NameParts): Built {
  const more = needsMore[style]
  if (more !== undefined) return { error: `needs ${more}: give the target a hostname instead` }
  if (parts.service === 's3' || parts.service === 's3express' || parts.service === 's3-outposts') {
    return s3Hostname(style, parts)
  }
  return serviceHostname(style, parts)
}

function serviceHostname(style: NameStyle, { service, region, account, partition }: NameParts): Built {
  const none = { error: `${service} has no names of this style` }
  const only = globalOnly.has(service)
  if (style === 'global') {
    const known = (only || globalToo.has(service)) && partition.id === 'aws'
    if (known) return { hostname: `${service}.${partition.dnsSuffix}` }
    const gov = only && partition.id === 'aws-us-gov'
    return gov ? { hostname: `${service}.us-gov.${partition.dnsSuffix}` } : none
  }
  if (only) {
    if (style === 'fips' && partition.id === 'aws')
      return { hostname: `${service}-fips.${partition.dnsSuffix}` }
    return { error: `${service} is a global service: the styles are global and fips` }
  }
  if (region === null) return { error: 'needs a region' }
  const tail = `${region}.${partition.dnsSuffix}`
  switch (style) {
    case 'regional':
      if (dualStackOnly.has(service)) return { error: `${service} has dualstack names only` }
      if (service === 'dkr.ecr')
        return { error: 'the registry has account names only: use the style account' }
      return { hostname: `${service}.${tail}` }
    case 'fips':
      return { hostname: `${fipsLabels[service] ?? `${service}-fips`}.${tail}` }
    case 'dualstack':
      if (dualStackItself.has(service))
        return { error: `the regional name of ${service} answers IPv6 as well` }
      return { hostname: `${dualStackLabel(service)}.${region}.${partition.dualStackSuffix}` }
    case 'account': {
      const label = accountLabels[service]
      if (label === undefined) return none
      if (account === null || !accountPattern.test(account)) {
        return { error: 'needs an account (twelve digits): give the target a hostname instead' }
      }
      return { hostname: `${account}.${label}.${tail}` }
    }
    default:
      return none
  }
}

/** The parser is the judge of what was built: a name that says something else of itself is not given. */
function readsBack(hostname: string, style: NameStyle, parts: NameParts): boolean {
  const parsed = parseHostname(hostname)
  if (!parsed.ok) return false
  const { name } = parsed
  const bucket = style === 'control' ? null : parts.bucket
  const regionOk = name.region === parts.region || name.region === null
  return name.service === parts.service && name.style === style && regionOk && sameBucket(name, bucket)
}

function sameBucket(name: AwsName, bucket: string | null): boolean {
  return (name.style === 'express' && name.bucket === null) || name.bucket === bucket
}

/**
 * Other host names by which software commonly reaches the same service (and bucket): each may take another path.
 * `region` helps where the name holds none. Empty for names that have no such siblings.
 */
export function alternativeStyles(hostname: string, region: string | null = null): string[] {
  const parsed = parseHostname(hostname)
  if (!parsed.ok || parsed.name.service === null) return []
  const { name } = parsed
  const service = name.service ?? ''
  const common: NameStyle[] = ['global', 'regional', 'dualstack', 'fips', 'dash']
  if (!common.includes(name.style)) return []
  const where = name.region ?? region
  const fipsRegion = where !== null && /^(?:us|ca)-/.test(where)
  const styles = common.filter(
    (style) => (style !== 'fips' || fipsRegion) && (style !== 'dash' || service === 's3'),
  )
  const out: string[] = []
  for (const style of styles) {
    const built = hostnamesFor({
      service,
      region: where,
      bucket: name.bucket,
      styles: [style],
      partition: name.partition,
    })
    for (const found of built.ok ? built.names : [])
      if (found.hostname !== name.hostname) out.push(found.hostname)
  }
  return [...new Set(out)]
}
