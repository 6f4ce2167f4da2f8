import {
  accountPattern,
  type AwsName,
  bareName,
  type NameUnderSuffix,
  partitionUnder,
  withoutFips,
} from './hostname-name.ts'
import { splitAccessPoint } from './hostname-s3.ts'
import { canonicalService } from './hostname-service.ts'
import { isRegion, partitionOfRegion } from './partitions.ts'

/** `vpce-<id>[-<random suffix>][-<zone>]`; `vpce-svc-…` is a service of somebody else, not an endpoint. */
const endpointLabel = /^(vpce-(?!svc-)[0-9a-z]+)(?:-(.+))?$/

/** A zone's name starts with its region (`us-east-1a`, local zone `us-west-2-lax-1a`); a zone's id ends so: `use1-az1`. */
function isZone(text: string): boolean {
  const match = /^([a-z]+(?:-[a-z]+)+-\d+)(?:-[a-z]+-\d+)?[a-z]$/.exec(text)
  return match === null ? /^[a-z]+\d+-az\d+$/.test(text) : partitionOfRegion(match[1] ?? '') !== null
}

/**
 * Names of endpoints themselves, under `vpce` of a suffix: `vpce-<id>-<random>[-<zone>].<service>.<region>.vpce.…`, for
 * S3 with `bucket`, `accesspoint` or `control` in front, and a bucket, access point or account in front of that. Also
 * the base names without an endpoint (`<service>.<region>.vpce.…`). Null: not such a name.
 */
export function readVpceName({ hostname, labels, suffix }: NameUnderSuffix): AwsName | null {
  if (suffix.kind === 'resource' || suffix.kind === 'notebook' || labels.at(-1) !== 'vpce') return null
  const rest = labels.slice(0, -1)
  const region = isRegion(rest.at(-1) ?? '') ? (rest.pop() ?? null) : null
  const name: AwsName = { ...bareName(hostname), style: 'vpce', region }
  name.partition = partitionUnder(suffix, region)
  name.dualstack = suffix.kind === 'dual_stack'
  const place = rest.findLastIndex((label) => endpointLabel.test(label))
  const front = place < 0 ? [] : rest.slice(0, place)
  const serviceLabels = rest.slice(place + 1)
  if (place >= 0) Object.assign(name, readEndpoint(rest[place] ?? ''))
  name.fips = serviceLabels.some((label) => withoutFips(label) !== label)
  name.service = serviceOf(serviceLabels)
  if (name.service === 's3') return { ...name, ...readS3Front(front, serviceLabels.at(-1) === 's3-global') }
  return { ...name, account: accountPattern.test(front.at(-1) ?? '') ? (front.at(-1) ?? null) : null }
}

/** The random suffix has no hyphens; what follows it is the zone. */
function readEndpoint(label: string): { endpointId: string | null; zone: string | null } {
  const match = endpointLabel.exec(label)
  const tail = match?.[2] ?? ''
  const hyphen = tail.indexOf('-')
  const zone = isZone(tail) ? tail : hyphen < 0 ? '' : tail.slice(hyphen + 1)
  return { endpointId: match?.[1] ?? null, zone: zone === '' ? null : zone }
}

/** True if an endpoint's name lacks the random part without which it does not exist. */
export function lacksEndpointSuffix(hostname: string): boolean {
  return hostname.split('.').some((label) => {
    const match = endpointLabel.exec(label)
    return match !== null && (match[2] === undefined || isZone(match[2]))
  })
}

function serviceOf(labels: string[]): string | null {
  if (labels.length === 0) return null
  if (labels.join('.') === 'accesspoint.s3-global') return 's3'
  return canonicalService(labels.map((label) => withoutFips(label)).join('.'))
}

function readS3Front(front: string[], multiRegion: boolean): Partial<AwsName> {
  const left = front.slice(0, -1).join('.')
  const value = left === '' ? null : left
  if (multiRegion) return { accessPoint: front.length === 0 ? null : front.join('.') }
  switch (front.at(-1)) {
    case 'bucket':
      return { bucket: value }
    case 'accesspoint':
      return splitAccessPoint(value)
    case 'control':
      return { account: value !== null && accountPattern.test(value) ? value : null }
    default:
      return {}
  }
}
