import type { Draft } from './draft.ts'
import { finding } from './findings.ts'
import type { Findings } from './findings.ts'

/** Checks what concerns several keys of `flow_logs`. */
export function checkFlowLogs(findings: Findings, { flowLogs }: Draft): void {
  const { given, value } = flowLogs
  if (given === null) return
  if (given.has('log_group') && given.has('s3')) {
    findings.errors.push(
      finding(
        ['flow_logs', 's3'],
        'stands beside log_group',
        'one of log_group and s3: one flow log is named',
      ),
    )
  }
  if (given.has('format') && !given.has('log_group') && !given.has('s3')) {
    const problem = 'stands without log_group or s3: the formats of others are asked of AWS'
    findings.errors.push(finding(['flow_logs', 'format'], problem, 'log_group or s3 as well'))
  }
  const rest = [...given].filter((key) => key !== 'enabled')
  if (value.enabled !== true && rest.length > 0 && !given.has('enabled')) {
    const problem = 'is set, but flow records are not read without enabled: true'
    findings.warnings.push(finding(['flow_logs', rest[0] ?? 'enabled'], problem))
  }
}
