import { defaultEverySeconds } from './config.ts'
import type { Draft } from './draft.ts'
import { checkKnown, checkUnique, finding } from './findings.ts'
import type { Findings } from './findings.ts'
import { fitOf } from './fit.ts'
import type { Fit, FitTarget } from './fit.ts'
import { shown } from './problems.ts'
import type { Path } from './problems.ts'
import { cronGapSeconds } from './readers.ts'
import { namesOf } from './targets.ts'
import type { Watched } from './targets.ts'
import { formatDuration } from './units.ts'

type TargetItem = Draft['targets'][number]

/** Seconds between two cycles at the shortest; undefined where the schedule could not be read. */
function periodSeconds({ given, value }: TargetItem): number | undefined {
  if (value.cron !== undefined) return cronGapSeconds(value.cron)
  if (value.every !== undefined) return value.every
  return given?.has('every') || given?.has('cron') ? undefined : defaultEverySeconds()
}

/** Refuses keys that exclude or need each other. */
function checkKeys(findings: Findings, path: Path, { given }: TargetItem): void {
  if (given === null) return
  const wrong = (key: string | null, problem: string, expected: string) =>
    findings.errors.push(finding(key === null ? path : [...path, key], problem, expected))
  if (given.has('service') && given.has('hostname')) wrong('hostname', 'stands beside service', 'one of them')
  if (!given.has('service') && !given.has('hostname'))
    wrong(null, 'has neither service nor hostname', 'one of them')
  if (given.has('hostname') && !given.has('service')) {
    for (const key of ['region', 'bucket', 'styles']) {
      if (given.has(key))
        wrong(key, 'stands beside hostname', `service, if ${key} is meant to choose the names`)
    }
  }
  if (given.has('every') && given.has('cron')) wrong('cron', 'stands beside every', 'one of them')
}

function checkTimes(findings: Findings, path: Path, target: TargetItem, nowMs: number): void {
  const { timeout, waiver } = target.value
  const period = periodSeconds(target)
  if (timeout !== undefined && period !== undefined && timeout >= period) {
    const key = target.given?.has('timeout') ? 'timeout' : target.given?.has('cron') ? 'cron' : 'every'
    const problem = `a timeout of ${formatDuration(timeout)} does not fit between two cycles`
    findings.errors.push(finding([...path, key], problem, `a timeout below ${formatDuration(period)}`))
  }
  if (waiver !== undefined && waiver.until <= nowMs) {
    const problem = `the waiver ended on ${new Date(waiver.until).toISOString()}; it excuses nothing any more`
    findings.warnings.push(finding([...path, 'waiver', 'until'], problem))
  }
}

function checkResolvers(
  findings: Findings,
  path: Path,
  { value }: TargetItem,
  known: readonly string[],
): void {
  const counted = value.resolvers ?? []
  const lists = [
    ['resolvers', counted],
    ['compare_resolvers', value.compare_resolvers ?? []],
  ] as const
  for (const [key, names] of lists) {
    for (const [index, name] of names.entries()) {
      const at = [...path, key, index]
      checkKnown(findings, at, 'resolver', name, known)
      if (names.indexOf(name) < index)
        findings.errors.push(finding(at, `${shown(name)} stands twice`, 'each resolver once'))
      if (key === 'compare_resolvers' && counted.includes(name)) {
        findings.errors.push(
          finding(at, `the answers of ${shown(name)} count already`, 'a resolver that is not in resolvers'),
        )
      }
    }
  }
}

/** Reports what is wrong with the names; gives their styles if nothing is. */
function checkNames(findings: Findings, path: Path, { given, value }: TargetItem): Watched['styles'] {
  const { service, hostname, region, bucket, styles } = value
  const badlyWritten = ['service', 'hostname', 'region', 'bucket', 'styles', 'port'].some(
    (key) => given?.has(key) && !Object.hasOwn(value, key),
  )
  if (badlyWritten || (service === undefined) === (hostname === undefined)) return null
  const names = namesOf({
    service: service ?? null,
    hostname: hostname ?? null,
    region: region ?? null,
    bucket: bucket ?? null,
    styles: styles ?? null,
    port: value.port ?? 443,
  })
  if (!names.ok) {
    for (const { key, problem } of names.errors) findings.errors.push(finding([...path, key], problem))
    return null
  }
  if (names.names.some((name) => name.service === null)) {
    const problem = `${shown(hostname)} is not the name of an AWS service: what its path says holds for that host only`
    findings.warnings.push(finding([...path, 'hostname'], problem))
  }
  return names.names.map((name) => name.style)
}

/** Checks what concerns several keys of a target, or several targets. Gives the sums of the schedule. */
export function checkTargets(findings: Findings, draft: Draft, nowMs: number): Fit {
  const known = ['system', ...draft.resolvers.flatMap(({ value }) => value.name ?? [])]
  const fitting: FitTarget[] = []
  const indexes: number[] = []
  for (const [index, target] of draft.targets.entries()) {
    const path = ['targets', index]
    checkKeys(findings, path, target)
    checkTimes(findings, path, target, nowMs)
    checkResolvers(findings, path, target, known)
    const styles = checkNames(findings, path, target)
    const { timeout } = target.value
    const period = periodSeconds(target)
    if (styles === null || timeout === undefined || period === undefined) continue
    fitting.push({ name: target.value.name ?? '', styles, periodSeconds: period, timeoutSeconds: timeout })
    indexes.push(index)
  }
  checkUnique(
    findings,
    'targets',
    draft.targets.map(({ value }) => value.name),
  )
  const {
    names: maxNames = Infinity,
    connects = Infinity,
    connects_per_target: connectsPerTarget = Infinity,
  } = draft.limits.value
  const sums = fitOf(fitting, { connects, connectsPerTarget })
  for (const { target, problem, expected } of sums.problems) {
    const path = target === null ? ['targets'] : ['targets', indexes[target] ?? 0]
    findings.errors.push({ ...finding(path, problem, expected), atKey: target === null })
  }
  for (const warning of sums.warnings)
    findings.warnings.push({ ...finding(['targets'], warning), atKey: true })
  if (sums.names > maxNames) {
    const problem = `the targets watch ${sums.names} names`
    findings.errors.push({
      ...finding(['targets'], problem, `at most limits.names, ${maxNames}`),
      atKey: true,
    })
  }
  return sums
}
