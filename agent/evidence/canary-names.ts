import { canaryHost, canaryOwnNames } from '../../aws/canary-hosts.ts'
import type { NameStyle, WatchedName } from '../../model/target.ts'
import type { CanaryConfig } from '../config/config.ts'

/**
 * The canary's own names, in those styles of S3's names that are watched and that no watched name can carry it for: names of
 * other buckets. Where nothing of S3 is watched: the regional one.
 */
export function canaryNames(
  config: CanaryConfig,
  region: string,
  watched: readonly WatchedName[],
): WatchedName[] {
  const carries = (name: WatchedName) => canaryHost(name.hostname, config.bucket, region).ok
  const here = watched.filter(
    (name) => name.service === 's3' && (name.region === null || name.region === region),
  )
  const carried = new Set(here.filter(carries).map(({ style }) => style))
  const styles: NameStyle[] = [...new Set(here.map(({ style }) => style))].filter(
    (style) => !carried.has(style),
  )
  const wanted = here.length === 0 ? (['regional'] as const) : styles
  return canaryOwnNames(config.bucket, region, wanted).map(({ hostname, style }) => ({
    hostname,
    port: 443,
    style,
    service: 's3',
    region,
  }))
}
