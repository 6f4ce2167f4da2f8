import { proxyFor } from '../../probes/egress-proxy.ts'
import { parseEgressUrl } from '../../probes/egress-url.ts'
import { postureNow } from '../site/posture.ts'
import { type Finding, type Patient, counted, ok, warn } from './finding.ts'

/** The named facts, each as it stands. What is not known is told by the findings on the account; a fact that fails is no doubt. */
export function postureFindings({ host, config, targets, where, snapshot }: Patient): Finding[] {
  const area = 'posture'
  if (!config.posture.enabled) return [ok(area, 'posture.enabled is false')]
  if (snapshot === null) return []
  const { findings } = postureNow({
    host,
    config: () => config,
    snapshot: () => snapshot,
    vantage: () => where.vantage,
    targets: () => targets,
  })
  return findings.map(({ check, state, because }) => ok(area, `${check}: ${state}: ${because}`))
}

/** Which ways out the agent will try; nothing is tried here. */
export function egressFindings({ config, host }: Patient): Finding[] {
  const area = 'egress'
  const { mustFail, everySeconds } = config.egress
  if (mustFail.length === 0) return []
  const findings = [
    ok(
      area,
      `${counted(mustFail.length, 'way')} out to be tried every ${everySeconds} s, by pathproof run only`,
    ),
  ]
  for (const { name, url, proxy } of mustFail) {
    const read = parseEgressUrl(url)
    if (!proxy || !read.ok) continue
    const { scheme } = read.value
    if (scheme !== 'http' && scheme !== 'https') continue
    const choice = proxyFor({ ...read.value, scheme }, host.environment)
    if (choice.kind === 'proxy')
      findings.push(ok(area, `${name} goes through the proxy of ${choice.variable}`))
    else
      findings.push(
        warn(
          area,
          choice.kind === 'direct'
            ? `${name} goes through no proxy: ${choice.because}`
            : `${name}: ${choice.because}`,
          'give the agent the proxy variables that software on this host has',
        ),
      )
  }
  return findings
}
