import type { Attempt, DnsAnswer, DnsObservation, Failure, Observation } from '../model/observation.ts'
import type { Target } from '../model/target.ts'
import type { Log } from './log.ts'

/** One thing that is wrong with an observation; `code` is empty where the reason says it all. */
export interface Trouble {
  probe: 'dns' | 'tls' | 'certificate' | 'route'
  /** `Failure['type']`, or what is wrong with an answer or a certificate. */
  reason: string
  code: string
  /** Who was asked, or what answered. */
  at: string
}

/** A trouble that has not been met for so long has passed: it is told again when it comes back. */
const passedSeconds = 900
const mostRemembered = 4096

const codeOf = (failure: Failure): string => ('code' in failure ? failure.code : '')

function ofAnswer(answer: DnsAnswer, at: string): Trouble[] {
  if (answer.answered) return answer.truncated ? [{ probe: 'dns', reason: 'truncated', code: '', at }] : []
  return [{ probe: 'dns', reason: answer.failure.type, code: codeOf(answer.failure), at }]
}

function ofDns({ resolver, server, ipv4, ipv6 }: DnsObservation): Trouble[] {
  const at = `${resolver} (${server})`
  return [...ofAnswer(ipv4, at), ...ofAnswer(ipv6, at)]
}

function ofCertificate({ address, outcome }: Attempt): Trouble[] {
  if (outcome.reached !== 'tls') return []
  const { check, certificate } = outcome.tls
  const at = `${address} issued by ${certificate?.issuer ?? 'nobody'}`
  const found = (reason: string, code: string): Trouble => ({ probe: 'certificate', reason, code, at })
  if (check.roots === 'host') return [found('intercepted', '')]
  if (check.roots === 'none') return [found('unknown_issuer', check.chainError ?? '')]
  if (!check.nameMatches) return [found('wrong_name', '')]
  return check.dates === 'valid' ? [] : [found(check.dates, '')]
}

function ofAttempt(attempt: Attempt): Trouble[] {
  const { outcome, host, address } = attempt
  const route: Trouble[] =
    host.method === 'none'
      ? [{ probe: 'route', reason: 'unknown', code: '', at: host.detail ?? address }]
      : []
  if (outcome.reached !== 'nothing' && outcome.reached !== 'tcp') return [...ofCertificate(attempt), ...route]
  const { failure } = outcome
  return [{ probe: 'tls', reason: failure.type, code: codeOf(failure), at: address }, ...route]
}

/** All that is wrong with an observation; empty where nothing is. */
export function troublesOf(observation: Observation): Trouble[] {
  if (observation.kind !== 'dns' && observation.kind !== 'attempt') return []
  const found = observation.kind === 'dns' ? ofDns(observation) : ofAttempt(observation)
  return found.filter(({ reason }) => reason !== 'aborted')
}

/**
 * Writes a line when a trouble of a name begins (`probe_failed`), and none while it goes on: the metrics count. It is a
 * warning, but where the target must be blocked, of which failing is the proof.
 */
export function createTroubles(
  log: Log,
  monotonicMs: () => number,
): { observed(target: Target, observation: Observation): void } {
  const lastMs = new Map<string, number>()
  return {
    observed(target, observation) {
      const nowMs = monotonicMs()
      const hostname = 'hostname' in observation ? observation.hostname : ''
      for (const { probe, reason, code, at } of troublesOf(observation)) {
        const key = [target.name, hostname, probe, reason, code].join('\n')
        const before = lastMs.get(key)
        // what was met last stands last, so that what goes first is oldest
        lastMs.delete(key)
        lastMs.set(key, nowMs)
        if (before !== undefined && nowMs - before < passedSeconds * 1000) continue
        for (const [oldest] of lastMs) {
          if (lastMs.size <= mostRemembered) break
          lastMs.delete(oldest)
        }
        const write = target.require.kind === 'blocked' ? log.info : log.warn
        write('probe_failed', {
          target: target.name,
          hostname,
          probe,
          reason,
          ...(code !== '' && { code }),
          at,
        })
      }
    },
  }
}
