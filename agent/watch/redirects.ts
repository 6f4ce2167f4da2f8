import type { Attempt } from '../../model/observation.ts'
import type { WatchedName } from '../../model/target.ts'
import { parseHostname } from '../../aws/hostname.ts'
import { readNameInput } from '../../aws/name-input.ts'
import { hostnamesFor } from '../../aws/service-hostnames.ts'
import { readKnownHostname } from '../../verdict/hostnames.ts'

/** A target gains at most this many names by redirects: a server must not be able to fill it. */
export const mostRedirects = 4

function asWatched(hostname: string, port: number): WatchedName | null {
  const parsed = parseHostname(hostname)
  if (!parsed.ok || parsed.name.service === null) return null
  const { style, service, region } = parsed.name
  return { hostname: parsed.name.hostname, port, style, service, region }
}

function named(attempt: Attempt): WatchedName | null {
  const { http } = attempt
  if (http === null) return null
  if ((http.status === 301 || http.status === 307) && http.location !== null) {
    const read = readNameInput(http.location)
    if (read.ok) return asWatched(read.input.name.hostname, attempt.port)
  }
  if (http.bucketRegion === null) return null
  const own = readKnownHostname(attempt.hostname)
  if (!own.ok || own.name.bucket === null) return null
  const elsewhere =
    own.name.region === null
      ? http.status === 301 || http.status === 307
      : own.name.region !== http.bucketRegion
  if (!elsewhere) return null
  const built = hostnamesFor({
    service: 's3',
    region: http.bucketRegion,
    bucket: own.name.bucket,
    styles: ['regional'],
  })
  const [regional] = built.ok ? built.names : []
  return regional === undefined ? null : asWatched(regional.hostname, attempt.port)
}

/**
 * Host names that S3's answers lead to: a 301 or 307 with a Location, or a bucket that is in another region
 * than the name says (S3 user guide, "Making requests"). They join the target's names and are judged on their
 * own; nothing is followed. Only names of AWS's own grammar count, for the answer is untrusted.
 */
export function redirectedNames(
  watched: readonly WatchedName[],
  attempts: readonly Attempt[],
): WatchedName[] {
  const known = new Set(watched.map((n) => n.hostname))
  const joined: WatchedName[] = []
  for (const attempt of attempts) {
    const name = named(attempt)
    if (name === null || known.has(name.hostname)) continue
    known.add(name.hostname)
    joined.push(name)
  }
  return joined
}
