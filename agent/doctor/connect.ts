import { readFileSync } from 'node:fs'
import type { Attempt } from '../../model/observation.ts'
import { parseIp } from '../../net/ip.ts'
import { systemTrust } from '../../probes/host.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { probeTls } from '../../probes/tls.ts'
import { type Finding, type Patient, duration, ok, warn } from './finding.ts'

/** A clock that is further off dates records wrongly, so that flow records don't join. */
const mostOffsetSeconds = 60

function tlsFinding(attempt: Attempt): Finding {
  const area = 'TLS'
  const { outcome, hostname, address, localAddress } = attempt
  const to = `${hostname} at ${address}${localAddress === null ? '' : ` from ${localAddress}`}`
  if (outcome.reached === 'not_dialled') return warn(area, `${to}: not dialled`, 'try again')
  if (outcome.reached !== 'tls') {
    const code = 'code' in outcome.failure ? ` ${outcome.failure.code}` : ''
    const far = outcome.reached === 'tcp' ? 'TCP connected, TLS did not' : 'no connection'
    return warn(
      area,
      `${to}: ${far} (${outcome.failure.type}${code})`,
      'without a handshake there is no verdict but "blocked"',
    )
  }
  const { check, version } = outcome.tls
  if (check.roots === 'host' || check.roots === 'none') {
    const chain =
      check.roots === 'host'
        ? "verifies by this host's own store only"
        : `does not verify (${check.chainError ?? 'unknown'})`
    return warn(
      area,
      `${to}: its chain ${chain}: something in between answers`,
      'find the proxy that intercepts TLS',
    )
  }
  if (!check.nameMatches)
    return warn(
      area,
      `${to}: the certificate is of another name than ${check.nameExpected}`,
      'see who answers there',
    )
  if (check.dates !== 'valid')
    return warn(
      area,
      `${to}: the certificate is ${check.dates.replaceAll('_', ' ')}`,
      "see this host's clock",
    )
  return ok(area, `${to}: ${version}, chain and name are right`)
}

/** One connection to the sample: who answers, and how far this host's clock is off. Its `Date` counts whole seconds. */
export async function connectFindings(patient: Patient, address: string | null): Promise<Finding[]> {
  const { host, config, sample, timeoutSeconds, signal } = patient
  const ip = address === null ? null : parseIp(address)
  if (address === null || ip === null || !ip.ok)
    return [warn('TLS', `${sample} has no address to connect to`, 'see the resolvers above')]
  const roots = config.partitionRoots.flatMap(({ file }) => {
    try {
      return readFileSync(file, 'utf8')
        .split(/(?<=-----END CERTIFICATE-----)/)
        .filter((pem) => pem.includes('BEGIN'))
    } catch {
      return []
    }
  })
  const attempt = await probeTls(
    {
      hostname: sample,
      port: 443,
      address,
      family: ip.value.family,
      localAddress: null,
      resolvers: [],
      dnsSeconds: null,
      expectedName: sample,
    },
    {
      clock: host.clock,
      dial: host.dial,
      hostRoute: host.hostRoute,
      environment: host.environment,
      loop: loopWatch(),
      handshakes: limit(1),
      trust: systemTrust(roots),
      stamp: () => ({
        id: 'doctor',
        wallMs: host.clock.wallMs(),
        monotonicMs: host.clock.monotonicMs(),
        bootId: host.bootId,
        snapshot: null,
        configuration: null,
      }),
      userAgent: 'pathproof',
      timeoutSeconds,
      signal,
    },
  )
  return [tlsFinding(attempt), clockFinding(attempt, host.clock.wallMs())]
}

function clockFinding(attempt: Attempt, nowMs: number): Finding {
  const dateMs = attempt.http?.dateMs ?? null
  if (dateMs === null)
    return warn('clock', `${attempt.hostname} told no time`, 'see that the clock is kept: timedatectl')
  const offsetSeconds = (nowMs - dateMs) / 1000
  const off = `${duration(Math.abs(offsetSeconds))} ${offsetSeconds < 0 ? 'behind' : 'ahead of'} the clock of ${attempt.hostname}`
  return Math.abs(offsetSeconds) <= mostOffsetSeconds
    ? ok(
        'clock',
        `this host is at most ${duration(Math.abs(offsetSeconds) + 1)} off the clock of ${attempt.hostname}`,
      )
    : warn('clock', `this host is ${off}`, 'set the clock: chronyc tracking, timedatectl')
}
