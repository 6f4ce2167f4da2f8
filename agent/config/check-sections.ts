import { checkEgress } from './check-egress.ts'
import { checkFlowLogs } from './check-flow-logs.ts'
import { checkLedger } from './check-ledger.ts'
import { checkAlso } from './check-topology.ts'
import { defaults } from './defaults.ts'
import type { Draft } from './draft.ts'
import { checkUnique, finding } from './findings.ts'
import type { Findings } from './findings.ts'
import { formatDuration, parseDuration } from './units.ts'

function checkTopology(findings: Findings, { topology }: Draft): void {
  const { given, value } = topology
  if (given === null) return
  const wrong = (key: string | null, problem: string, expected: string) =>
    findings.errors.push(finding(key === null ? ['topology'] : ['topology', key], problem, expected))
  for (const source of ['directory', 'file', 's3'] as const) {
    if (value.source === source && !given.has(source))
      wrong(null, `source is ${source}`, `the key ${source} as well`)
    if (value.source !== undefined && value.source !== source && given.has(source)) {
      wrong(source, `stands beside source ${value.source}`, `source: ${source}`)
    }
  }
  const pairs = [
    ['refresh', 'max_age'],
    ['other_refresh', 'other_max_age'],
  ] as const
  for (const [refreshKey, ageKey] of pairs) {
    const [refresh, age] = [value[refreshKey], value[ageKey]]
    if (refresh !== undefined && age !== undefined && age <= refresh) {
      const problem = `${ageKey} (${formatDuration(age)}) is over before the next reading`
      wrong(
        given.has(ageKey) ? ageKey : refreshKey,
        problem,
        `${ageKey} above ${refreshKey} (${formatDuration(refresh)})`,
      )
    }
    const usual = parseDuration(defaults.topology[ageKey])
    if (age !== undefined && usual.ok && age > usual.value) {
      const problem = `what has changed in the account can go unseen for ${formatDuration(age)} (default: ${defaults.topology[ageKey]})`
      findings.warnings.push(finding(['topology', ageKey], problem))
    }
  }
}

function checkCanary(findings: Findings, { canary }: Draft): void {
  const seen = new Map<string, string>()
  for (const key of ['control', 'positive', 'negative'] as const) {
    const object = canary.value[key]
    if (object === undefined) continue
    // a policy would take them for wildcards and variables, and deny other objects as well
    if (/[*?$]/.test(object)) {
      findings.errors.push(finding(['canary', key], 'holds "*", "?" or "$"', 'a key without them'))
    }
    const other = seen.get(object)
    if (other === undefined) seen.set(object, key)
    else
      findings.errors.push(
        finding(['canary', key], `is the same object as ${other}`, 'three different objects'),
      )
  }
  const { source_ip: sourceIp, source_addresses: addresses } = canary.value
  if (addresses !== undefined && addresses.length > 0 && sourceIp === false) {
    const path = ['canary', 'source_addresses', 0]
    findings.errors.push(finding(path, 'stands beside source_ip: false', 'source_ip: true'))
  }
}

function checkLimits(findings: Findings, { limits }: Draft): void {
  const { connects, connects_per_target: perTarget, handshakes } = limits.value
  if (connects === undefined) return
  const written = (key: string) => (limits.given?.has(key) ? key : 'connects')
  if (perTarget !== undefined && perTarget > connects) {
    const problem = `connects_per_target (${perTarget}) is more than connects (${connects})`
    findings.errors.push(finding(['limits', written('connects_per_target')], problem, 'at most connects'))
  }
  if (handshakes !== undefined && handshakes > connects) {
    const problem = `handshakes (${handshakes}) are more than connects (${connects})`
    findings.errors.push(finding(['limits', written('handshakes')], problem, 'at most connects'))
  }
}

/** Checks what concerns several keys of the sections that are no networks. */
export function checkSections(findings: Findings, draft: Draft): void {
  checkTopology(findings, draft)
  checkAlso(findings, draft)
  checkFlowLogs(findings, draft)
  checkCanary(findings, draft)
  checkEgress(findings, draft)
  checkLedger(findings, draft)
  checkLimits(findings, draft)
  checkUnique(
    findings,
    'partition_roots',
    draft.partitionRoots.map(({ value }) => value.partition),
    'partition',
  )
}
