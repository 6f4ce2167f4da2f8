import type { NameStyle } from '../model/target.ts'
import type { Built, NameParts } from './service-hostnames.ts'

/** Regions whose website names have a hyphen in front of the region (S3 user guide, "Website endpoints"). */
const dashedWebsites = new Set([
  'us-east-1',
  'us-west-1',
  'us-west-2',
  'us-gov-west-1',
  'ap-northeast-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'eu-west-1',
  'sa-east-1',
])

/** A host name of S3, S3 Express or S3 on Outposts in one style, or why there is none. */
export function s3Hostname(style: NameStyle, parts: NameParts): Built {
  if (parts.service === 's3express') return expressHostname(style, parts)
  const { service, region, bucket, partition } = parts
  const suffix = partition.dnsSuffix
  const none = { error: `${service} has no names of this style` }
  if (service === 's3-outposts') {
    if (style !== 'outposts') return none
    return region === null ? { error: 'needs a region' } : { hostname: `s3-outposts.${region}.${suffix}` }
  }
  const front = bucket === null ? '' : `${bucket}.`
  switch (style) {
    case 'global':
      if (partition.id !== 'aws') return { error: `s3 has no global name in partition ${partition.id}` }
      return { hostname: `${front}s3.${suffix}` }
    case 'accelerate':
      if (partition.id !== 'aws') return { error: `s3 has no acceleration in partition ${partition.id}` }
      if (bucket === null) return { error: 'needs a bucket' }
      if (bucket.includes('.')) return { error: 'a bucket with dots has no accelerated name' }
      return { hostname: `${front}s3-accelerate.${suffix}` }
    case 'express':
      return { error: 'belongs to the service s3express' }
    case 'outposts':
      return { error: 'belongs to the service s3-outposts' }
    case 'account':
      return none
    default:
      break
  }
  if (region === null) return { error: 'needs a region' }
  switch (style) {
    case 'regional':
      return { hostname: `${front}s3.${region}.${suffix}` }
    case 'dash':
      return { hostname: `${front}s3-${region}.${suffix}` }
    case 'dualstack':
      return { hostname: `${front}s3.dualstack.${region}.${suffix}` }
    case 'fips':
      if (partition.id === 'aws-cn') return { error: 's3 has no FIPS names in partition aws-cn' }
      return { hostname: `${front}s3-fips.${region}.${suffix}` }
    case 'control':
      return { hostname: `s3-control.${region}.${suffix}` }
    case 'website':
      if (bucket === null) return { error: 'needs a bucket' }
      return { hostname: `${front}s3-website${dashedWebsites.has(region) ? '-' : '.'}${region}.${suffix}` }
    default:
      return none
  }
}

function expressHostname(style: NameStyle, { region, bucket, partition }: NameParts): Built {
  if (style !== 'express') return { error: 's3express has names of the style express only' }
  if (region === null) return { error: 'needs a region' }
  const tail = `${region}.${partition.dnsSuffix}`
  if (bucket === null) return { hostname: `s3express-control.${tail}` }
  const zone = /--([a-z0-9]+-az\d+)--x-s3$/.exec(bucket)
  if (zone === null) return { error: 'needs a directory bucket, whose name ends in --<zone id>--x-s3' }
  return { hostname: `${bucket}.s3express-${zone[1]}.${tail}` }
}
