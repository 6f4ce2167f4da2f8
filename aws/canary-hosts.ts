import type { NameStyle } from '../model/target.ts'
import { parseHostname } from './hostname.ts'
import { hostnamesFor } from './service-hostnames.ts'

/** The styles of S3's names by which objects are read under AWS's own certificate and Signature Version 4. */
const readable: ReadonlySet<NameStyle> = new Set(['global', 'regional', 'dash', 'dualstack', 'fips', 'vpce'])

/** Where in a host name's tree the canary's bucket is: what stands in front of a key in the path. */
export type CanaryHost = { ok: true; front: string } | { ok: false; because: string }

/**
 * How the objects of `bucket`, which lies in `region`, are addressed under a host name: with the bucket in the path where the
 * name has none, without where it is the bucket's own. A name of another bucket can't carry them.
 */
export function canaryHost(hostname: string, bucket: string, region: string): CanaryHost {
  const no = (because: string): CanaryHost => ({ ok: false, because: `${hostname}: ${because}` })
  const parsed = parseHostname(hostname)
  if (!parsed.ok || parsed.name.service !== 's3') return no('not a name of S3')
  const { name } = parsed
  if (!readable.has(name.style))
    return no(`objects of a canary are not read by names of the style ${name.style}`)
  if (name.accessPoint !== null || name.account !== null) return no('the name of an access point')
  if (name.region !== null && name.region !== region)
    return no(`a name of ${name.region}; the bucket lies in ${region}`)
  if (name.bucket === bucket) return { ok: true, front: '' }
  if (name.bucket !== null) return no(`the name of another bucket than ${bucket}`)
  // of an endpoint's own names only those below `bucket.` lead to buckets
  if (name.style === 'vpce' && !hostname.startsWith('bucket.'))
    return no("an endpoint's name that leads to no bucket")
  return { ok: true, front: `/${bucket}` }
}

/** The bucket's own names in some styles; those that S3 does not have in this partition are left out. */
export function canaryOwnNames(
  bucket: string,
  region: string,
  styles: readonly NameStyle[],
): { hostname: string; style: NameStyle }[] {
  return styles
    .filter((style) => readable.has(style) && style !== 'vpce')
    .flatMap((style) => {
      const built = hostnamesFor({ service: 's3', region, bucket, styles: [style] })
      return built.ok ? built.names : []
    })
}
