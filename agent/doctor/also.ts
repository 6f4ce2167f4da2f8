import { type Snapshot, snapshotParts } from '../../model/topology.ts'
import { isWanted } from '../../aws/snapshot-api-calls.ts'
import { readRoleArn } from '../../aws/role-arn.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { partSources } from '../../verdict/reading.ts'
import type { AlsoConfig } from '../config/config.ts'
import { copyName } from '../account/further-accounts.ts'
import { createLastGood } from '../account/last-good.ts'
import { alsoName } from '../account/snapshot-also.ts'
import { type Finding, type Patient, duration, ok, warn } from './finding.ts'

const area = 'further account'
const mend =
  'pathproof config iam prints what the agent and the role must allow; the trust policy of the role must name the agent'

interface State {
  directory: string | null
  version: string
}

/** The parts without which no endpoint of another account is known. */
const needed = snapshotParts.filter((part) => isWanted(part, 'others'))

async function snapshotOf(
  also: AlsoConfig,
  patient: Omit<Patient, 'snapshot' | 'sample'>,
  state: State,
  onProblem: (problem: string) => void,
): Promise<Snapshot | null> {
  const { host, signal } = patient
  const wallMs = host.clock.wallMs
  if (also.directory !== null)
    return await readSnapshotDirectory(also.directory, { nowMs: wallMs(), undated: 'refuse', signal })
  const where = readRoleArn(also.roleArn ?? '')
  if (where === null || state.directory === null) return null
  const role = { account: where.account, region: also.region }
  const { directory, version } = state
  return await createLastGood({
    directory,
    fileName: copyName(role),
    ...role,
    version,
    wallMs,
    onProblem,
  }).read()
}

async function findingsOf(
  also: AlsoConfig,
  patient: Omit<Patient, 'snapshot' | 'sample'>,
  state: State,
): Promise<Finding[]> {
  const name = alsoName(also)
  const problems: Finding[] = []
  const snapshot = await snapshotOf(also, patient, state, (problem) =>
    problems.push(warn(area, `${name}: ${problem}`, mend)),
  )
  if (snapshot === null) {
    const without = state.directory === null ? ', and without a state directory it keeps none' : ''
    const text = `${name}: the API is not asked here, and there is no copy of what it said to the agent${without}`
    return problems.length > 0 ? problems : [warn(area, text, mend)]
  }
  const nowMs = patient.host.clock.wallMs()
  const limit = patient.config.topology.otherMaxAgeSeconds
  const wrong = new Set<string>()
  let oldest = 0
  for (const part of needed) {
    const status = snapshot.parts[part]
    const { file, permission } = partSources[part]
    if (!status.read)
      wrong.add(status.reason === 'missing' ? `${file} (${permission}) was not read` : status.detail)
    else if (status.atMs === null) wrong.add(`${file} is undated, so it is no evidence`)
    else oldest = Math.max(oldest, (nowMs - status.atMs) / 1000)
  }
  const age = `was read ${duration(oldest)} ago`
  if (oldest > limit) wrong.add(`${age}: older than ${duration(limit)}, so it is no evidence`)
  if (wrong.size > 0) return [...wrong].map((text) => warn(area, `${name}: ${text}`, mend))
  const { endpoints } = snapshot
  return [ok(area, `${name} ${age}: ${endpoints.length} endpoints`)]
}

/** Each further account of `topology.also`: read, how old, what is denied. Asks nobody: of a role's it reads the agent's copy. */
export async function alsoFindings(
  patient: Omit<Patient, 'snapshot' | 'sample'>,
  state: State,
): Promise<Finding[]> {
  const found = await Promise.all(
    patient.config.topology.also.map((also) => findingsOf(also, patient, state)),
  )
  return found.flat()
}
