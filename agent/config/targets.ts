import { parseHostname } from '../../aws/hostname.ts'
import { hostnamesFor } from '../../aws/service-hostnames.ts'
import type { NameStyle, Target, WatchedName } from '../../model/target.ts'
import type { Config, TargetConfig } from './config.ts'
import { defaultStyles } from './defaults.ts'
import type { Finding } from './problems.ts'

/** The part of a target that says which names are watched. */
export type Watched = Pick<TargetConfig, 'service' | 'hostname' | 'region' | 'bucket' | 'styles' | 'port'>

export type Names =
  | { ok: true; names: WatchedName[] }
  | { ok: false; errors: { key: string; problem: string }[] }

/** Which key of the target an error of `hostnamesFor` is about; it stands in front, `region: …` or `style fips: …`. */
function errorAt(error: string, watched: Watched): { key: string; problem: string } {
  const match = /^(service|region|bucket|styles|style [a-z_]+): (.*)$/s.exec(error)
  const key = match?.[1]?.startsWith('style') ? 'styles' : (match?.[1] ?? 'service')
  const problem = match?.[1]?.startsWith('style ') ? error : (match?.[2] ?? error)
  const given = key === 'service' || watched[key as 'region' | 'bucket' | 'styles'] !== null
  return { key: given ? key : 'service', problem: given ? problem : error }
}

function serviceNames(watched: Watched & { service: string }): Names {
  const { service, region, bucket } = watched
  const build = (styles: readonly NameStyle[]) => hostnamesFor({ service, region, bucket, styles })
  let styles: readonly NameStyle[]
  if (watched.styles !== null) {
    styles = watched.styles
  } else {
    // Not every partition and service has all of the usual names; iam, for one, has nothing but a global one.
    const usual: readonly NameStyle[] = service === 's3' ? defaultStyles.s3 : defaultStyles.other
    styles = usual.filter((style) => build([style]).ok)
    if (styles.length === 0) styles = build(['global']).ok ? ['global'] : usual
  }
  const built = build(styles)
  if (!built.ok) return { ok: false, errors: built.errors.map((error) => errorAt(error, watched)) }
  const names = built.names.map(
    ({ hostname, style }): WatchedName => ({
      hostname,
      style,
      port: watched.port,
      service,
      region,
    }),
  )
  return { ok: true, names }
}

function singleName(hostname: string, port: number): Names {
  const parsed = parseHostname(hostname)
  if (!parsed.ok) return { ok: false, errors: [{ key: 'hostname', problem: parsed.error }] }
  const { style, service, region } = parsed.name
  return { ok: true, names: [{ hostname: parsed.name.hostname, port, style, service, region }] }
}

/** The names that a target watches: its one `hostname`, or those of its service by style. Each name once. */
export function namesOf(watched: Watched): Names {
  const { hostname, service } = watched
  if (hostname !== null) return singleName(hostname, watched.port)
  if (service !== null) return serviceNames({ ...watched, service })
  return { ok: false, errors: [{ key: 'name', problem: 'neither service nor hostname is given' }] }
}

function target(config: TargetConfig, names: WatchedName[]): Target {
  const { require } = config
  return {
    name: config.name,
    names,
    require: typeof require === 'string' ? { kind: require } : { kind: 'classes', classes: require },
    minProof: config.minProof,
    requireFirstLeg: config.requireFirstLeg,
    resolvers: config.resolvers,
    compareResolvers: config.compareResolvers,
    source: config.source,
    schedule:
      config.cron === null
        ? { kind: 'interval', everySeconds: config.everySeconds ?? Number.NaN }
        : { kind: 'cron', expression: config.cron },
    timeoutSeconds: config.timeoutSeconds,
    confirmWithinSeconds: config.confirmWithinSeconds,
    evidenceAgeSeconds: config.evidenceAgeSeconds,
    waiver: config.waiver,
    discovered: false,
  }
}

/**
 * The targets of a configuration with the names that they watch. A configuration that `parseConfig` took has no problems
 * here; a target with a problem is left out.
 */
export function targetsOf(config: Config): { targets: Target[]; problems: Finding[] } {
  const targets: Target[] = []
  const problems: Finding[] = []
  for (const [index, entry] of config.targets.entries()) {
    const found = namesOf(entry)
    if (found.ok) targets.push(target(entry, found.names))
    else {
      for (const { key, problem } of found.errors) {
        problems.push({ path: ['targets', index, key], problem, expected: '', suggestion: null })
      }
    }
  }
  return { targets, problems }
}
