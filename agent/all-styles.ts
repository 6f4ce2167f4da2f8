import { allStyles } from '../aws/all-styles.ts'
import { parseHostname } from '../aws/hostname.ts'
import type { Target, WatchedName } from '../model/target.ts'

/** A target with the other names by which its services and buckets may be called. */
export interface Widened {
  target: Target
  /** Host names that were asked for. */
  given: string[]
  /** Names of which more could be said with a region. */
  withoutRegion: string[]
}

/** More names than that are no question any more. */
const mostNames = 64

/**
 * `pathBuckets`: the bucket of a URL's path by host name. `region`: for names that hold none. The target's requirement is
 * asked of all names alike: software that uses one of them goes its way.
 */
export function widen(
  target: Target,
  { pathBuckets, region }: { pathBuckets: ReadonlyMap<string, string>; region: string | null },
): Widened {
  const given = target.names.map(({ hostname }) => hostname)
  const names = new Map(target.names.map((name) => [`${name.hostname} ${name.port}`, name]))
  const withoutRegion: string[] = []
  for (const name of target.names) {
    const found = allStyles({
      hostname: name.hostname,
      pathBucket: pathBuckets.get(name.hostname) ?? null,
      region: name.region ?? region,
    })
    if (found.needsRegion) withoutRegion.push(name.hostname)
    for (const { hostname, style } of found.names) {
      const key = `${hostname} ${name.port}`
      if (names.has(key) || names.size >= mostNames) continue
      const parsed = parseHostname(hostname)
      const { service = null, region: of = null } = parsed.ok ? parsed.name : {}
      const other: WatchedName = { hostname, port: name.port, style, service, region: of }
      names.set(key, other)
    }
  }
  return { target: { ...target, names: [...names.values()] }, given, withoutRegion }
}
