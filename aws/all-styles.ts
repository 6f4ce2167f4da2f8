import type { NameStyle } from '../model/target.ts'
import { parseHostname } from './hostname.ts'
import { hostnamesFor } from './service-hostnames.ts'

/** What a name stands for. */
export interface StyledName {
  hostname: string
  /** Bucket, where it stands in a path and not in the name; null or left out: as the name says. */
  pathBucket?: string | null
  /** Helps where the name holds no region. */
  region: string | null
}

/**
 * Styles that SDKs, the CLI and old programs choose among by configuration alone. Websites speak no TLS; names of access
 * points, endpoints and accounts follow from nothing that a name tells.
 */
const styles: readonly NameStyle[] = ['global', 'regional', 'dash', 'dualstack', 'fips', 'accelerate']

/** Regions in which services have FIPS names at all (AWS "Federal Information Processing Standard (FIPS) 140-3", endpoints). */
const fipsRegion = /^(?:us|ca)-/

/**
 * Every host name by which software may call the same service (and bucket): the name itself first, then the others in a fixed
 * order. Buckets in a path are reached under the service's own names and under the bucket's. A name that is not one
 * of these styles (endpoints' own names, access points, what is not AWS's) stands alone. `needsRegion`: more could be
 * said with a region.
 */
export function allStyles({ hostname, pathBucket = null, region }: StyledName): {
  names: { hostname: string; style: NameStyle }[]
  needsRegion: boolean
} {
  const parsed = parseHostname(hostname)
  if (!parsed.ok) return { names: [], needsRegion: false }
  const { name } = parsed
  const own = { hostname: name.hostname, style: name.style }
  const { service } = name
  if (service === null || !styles.includes(name.style)) return { names: [own], needsRegion: false }
  const where = name.region ?? region
  const buckets = pathBucket === null ? [name.bucket] : [null, pathBucket]
  const found = new Map([[own.hostname, own]])
  for (const bucket of buckets) {
    for (const style of styles) {
      if (style === 'fips' && (where === null || !fipsRegion.test(where))) continue
      const wanted = { service, region: where, bucket, styles: [style], partition: name.partition }
      const built = hostnamesFor(wanted)
      for (const one of built.ok ? built.names : [])
        if (!found.has(one.hostname)) found.set(one.hostname, one)
    }
  }
  return { names: [...found.values()], needsRegion: where === null }
}
