import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { partSources } from '../../verdict/reading.ts'
import { createLastGood } from '../account/last-good.ts'
import { type Finding, type Patient, duration, ok, warn } from './finding.ts'

/** Parts without which nothing is in doubt: no rule needs them, or not as it is configured. */
function isUnused(part: SnapshotPart, { config }: Patient): boolean {
  return part === 'internetGateways' || (part === 'flowLogs' && !config.flowLogs.enabled)
}

export interface AccountReading {
  snapshot: Snapshot | null
  findings: Finding[]
}

/**
 * What is known of the account without asking AWS: the directory of the configuration, or the last good copy that the
 * agent keeps of what the API said.
 */
export async function readAccountHere(
  { host, config, where, signal }: Omit<Patient, 'snapshot' | 'sample'>,
  state: { directory: string | null; version: string },
): Promise<AccountReading> {
  const area = 'account'
  const { topology } = config
  if (topology.source === 'directory' && topology.directory !== null) {
    try {
      const snapshot = await readSnapshotDirectory(topology.directory, {
        nowMs: host.clock.wallMs(),
        undated: 'refuse',
        signal,
      })
      return { snapshot, findings: [] }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { snapshot: null, findings: [warn(area, why, 'pathproof snapshot --out DIR writes one')] }
    }
  }
  const asked = 'pathproof snapshot --out DIR shows what the API gives, and which permission is missing'
  const what = topology.source === 'aws' ? 'the API is not asked' : 'the shared snapshot is not read'
  if (state.directory === null) {
    const text = `${what} here, and without a state directory there is no copy of what it said`
    return { snapshot: null, findings: [warn(area, text, asked)] }
  }
  const findings: Finding[] = []
  const snapshot = await createLastGood({
    directory: state.directory,
    account: where.vantage.accountId,
    region: where.vantage.region,
    version: state.version,
    wallMs: host.clock.wallMs,
    onProblem: (problem) => findings.push(warn(area, problem, asked)),
  }).read()
  if (snapshot === null && findings.length === 0)
    findings.push(warn(area, `${what} here, and the agent has kept no copy yet`, asked))
  return { snapshot, findings }
}

function partFinding(part: SnapshotPart, snapshot: Snapshot, patient: Patient): Finding {
  const { config, host } = patient
  const { permission, file } = partSources[part]
  const status = snapshot.parts[part]
  const area = 'account'
  if (!status.read) {
    if (isUnused(part, patient)) return ok(area, `${file} was not read; nothing needs it as it is configured`)
    const denied = status.reason === 'denied'
    const text = `${file}: ${denied ? `denied: ${permission}` : status.detail}`
    return warn(area, text, denied ? `allow ${permission}` : `read it: that takes ${permission}`)
  }
  if (status.atMs === null)
    return warn(
      area,
      `${file} is undated, so it is no evidence`,
      'write it with pathproof snapshot --out DIR',
    )
  const ageSeconds = (host.clock.wallMs() - status.atMs) / 1000
  const limit = part === 'routeTables' ? config.topology.maxAgeSeconds : config.topology.otherMaxAgeSeconds
  const text = `${file} was read ${duration(ageSeconds)} ago`
  if (ageSeconds <= limit) return ok(area, text)
  const old = `${text}: older than ${duration(limit)}, so it is no evidence`
  return isUnused(part, patient)
    ? ok(area, old)
    : warn(area, old, 'read it anew; is the agent, or what writes the directory, running?')
}

function listFindings(snapshot: Snapshot, patient: Patient): Finding[] {
  const area = 'prefix lists'
  const next = 'allow ec2:GetManagedPrefixListEntries'
  const limit = patient.config.topology.otherMaxAgeSeconds
  if (snapshot.prefixLists.length === 0) {
    return [
      warn(
        area,
        'none is known, so "outside the list" shows nothing',
        `${next} and ec2:DescribeManagedPrefixLists`,
      ),
    ]
  }
  return snapshot.prefixLists.map((list): Finding => {
    const name = `${list.id} (${list.name})`
    if (list.entries === null) return warn(area, `${name}: its entries could not be read`, next)
    if (!list.complete) return warn(area, `${name}: its entries were not read whole`, next)
    const ageSeconds = list.atMs === null ? Infinity : (patient.host.clock.wallMs() - list.atMs) / 1000
    const text = `${name}: ${list.entries.length} entries`
    if (ageSeconds <= limit) return ok(area, `${text}, read ${duration(ageSeconds)} ago`)
    const age = ageSeconds === Infinity ? 'undated' : `read ${duration(ageSeconds)} ago`
    return warn(area, `${text}, ${age}: no evidence`, 'read it anew')
  })
}

/** Each part of the account: read, how old, denied. */
export function accountFindings(patient: Patient): Finding[] {
  const { snapshot } = patient
  if (snapshot === null) return []
  return [
    ok(
      'account',
      `${snapshot.account ?? 'account unknown'}, ${snapshot.region ?? 'region unknown'}: ${snapshot.source}`,
    ),
    ...snapshotParts.map((part) => partFinding(part, snapshot, patient)),
    ...snapshot.problems
      .slice(0, 20)
      .map(({ file, place, problem, nextStep }) =>
        warn('account', [file, place, problem].filter(Boolean).join(': '), nextStep),
      ),
    ...listFindings(snapshot, patient),
  ]
}
