import { partitionOfRegion } from '../../aws/partitions.ts'
import { readRoleArn } from '../../aws/role-arn.ts'
import type { Draft } from './draft.ts'
import { finding } from './findings.ts'
import type { Findings } from './findings.ts'
import { shown } from './problems.ts'

/** Checks what concerns several keys of `topology.also`. */
export function checkAlso(findings: Findings, draft: Draft): void {
  const seen = new Map<string, number>()
  for (const [index, { given, value }] of draft.also.entries()) {
    if (given === null) continue
    const path = ['topology', 'also', index]
    const wrong = (key: string | null, problem: string, expected: string) =>
      findings.errors.push(finding(key === null ? path : [...path, key], problem, expected))
    const ways = ['directory', 'role_arn'].filter((key) => given.has(key))
    if (ways.length !== 1) {
      const problem = ways.length === 0 ? 'names no account' : `has ${ways.join(' and ')}`
      wrong(null, problem, 'one of directory and role_arn')
    }
    for (const key of ['external_id', 'region']) {
      if (given.has(key) && !given.has('role_arn')) wrong(key, 'stands without role_arn', 'role_arn as well')
    }
    const { directory, role_arn: arn, region } = value
    const role = arn === undefined ? null : readRoleArn(arn)
    const partition = region === undefined ? null : partitionOfRegion(region)
    if (role !== null && partition !== null && partition.id !== role.partition) {
      const problem = `${shown(region)} is a region of ${partition.id}, the role one of ${role.partition}`
      wrong('region', problem, `a region of ${role.partition}`)
    }
    // one account and region are read once: their series and their copy on disk go by these two
    const what =
      role === null ? directory : `account ${role.account}${region === undefined ? '' : ` in ${region}`}`
    if (what === undefined) continue
    const first = seen.get(what)
    if (first === undefined) seen.set(what, index)
    else {
      const problem = `${shown(what)} is read by topology.also[${first}] already`
      wrong(role === null ? 'directory' : 'role_arn', problem, 'each account and region once')
    }
  }
}
