import type { WatchedName } from '../../model/target.ts'
import { readKnownHostname } from '../../verdict/hostnames.ts'

/**
 * The name that the certificate must bear. AWS's wildcard certificates cover one label only, so a bucket with
 * dots never matches: there the service's own domain must (S3 user guide, "Virtual hosting of buckets").
 */
export function expectedCertificateName(name: WatchedName): string {
  const parsed = readKnownHostname(name.hostname)
  if (!parsed.ok || parsed.name.bucket === null || !parsed.name.bucket.includes('.')) return name.hostname
  const { bucket, hostname } = parsed.name
  return hostname.startsWith(`${bucket}.`) ? hostname.slice(bucket.length + 1) : name.hostname
}
