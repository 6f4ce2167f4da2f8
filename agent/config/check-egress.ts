import { parseEgressUrl } from '../../probes/egress-url.ts'
import { controlSeconds } from '../site/egress-control.ts'
import type { Draft } from './draft.ts'
import { checkKnown, finding } from './findings.ts'
import type { Findings } from './findings.ts'
import { shown } from './problems.ts'
import { formatDuration } from './units.ts'

type Target = Draft['targets'][number]['value']

/** The seldom a control is looked at, the seldom is it one. */
function checkControl(findings: Findings, path: (string | number)[], control: Target): void {
  const { require, every, cron } = control
  if (require === 'blocked') {
    findings.errors.push(
      finding(
        [...path, 'control'],
        `the target ${shown(control.name)} must be blocked itself`,
        'a target that is reachable',
      ),
    )
  }
  const seldom =
    cron !== undefined ||
    (every !== undefined &&
      every > controlSeconds({ schedule: { kind: 'interval', everySeconds: every }, timeoutSeconds: 0 }))
  if (seldom) {
    const when = every === undefined ? 'by cron' : `every ${formatDuration(every)}`
    const problem = `the target ${shown(control.name)} is looked at ${when}: where it has not got through in the last 5 minutes, the check is untestable`
    findings.warnings.push(finding([...path, 'control'], problem))
  }
}

/** Checks what concerns several keys of `egress`. */
export function checkEgress(findings: Findings, { targets, mustFail, egress }: Draft): void {
  const { every, timeout } = egress.value
  if (every !== undefined && timeout !== undefined && timeout >= every) {
    const key = egress.given?.has('timeout') ? 'timeout' : 'every'
    const problem = `timeout (${formatDuration(timeout)}) is not below every (${formatDuration(every)})`
    findings.errors.push(finding(['egress', key], problem, 'looks that end before the next begins'))
  }
  const names = targets.flatMap(({ value }) => value.name ?? [])
  const seen = new Map<string, number>()
  for (const [index, { value }] of mustFail.entries()) {
    const path = ['egress', 'must_fail', index]
    if (value.control !== undefined) {
      checkKnown(findings, [...path, 'control'], 'target', value.control, names)
      const control = targets.find((target) => target.value.name === value.control)
      if (control !== undefined) checkControl(findings, path, control.value)
    }
    const url = value.url === undefined ? null : parseEgressUrl(value.url)
    const scheme = url?.ok === true ? url.value.scheme : null
    if (value.proxy === true && scheme !== null && scheme !== 'http' && scheme !== 'https') {
      findings.errors.push(
        finding([...path, 'proxy'], `stands beside ${scheme}, which goes through no proxy`, 'http or https'),
      )
    }
    if (url?.ok === true && scheme === 'udp' && ![53, 123].includes(url.value.port)) {
      const problem = `what listens on UDP port ${url.value.port} need not answer: silence is untestable there, never blocked`
      findings.warnings.push(finding([...path, 'url'], problem))
    }
    if (value.name === undefined) continue
    const first = seen.get(value.name)
    if (first === undefined) seen.set(value.name, index)
    else
      findings.errors.push(
        finding([...path, 'name'], `the name is taken by egress.must_fail[${first}]`, 'another name'),
      )
  }
}
