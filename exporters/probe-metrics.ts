import type {
  CertificateCheck,
  DnsAnswer,
  Failure,
  Observation,
  Stamp,
  Timings,
} from '../model/observation.ts'
import { errorReasons, probeKinds, skippedKinds, skippedReasons } from './catalogue.ts'
import type { SeriesSet } from './prometheus.ts'

export interface ProbeMetrics {
  /** One observation of a name of this service (`none` where it is no AWS name) and style. */
  observed(observation: Observation, name: { service: string | null; style: string }): void
  skipped(reason: (typeof skippedReasons)[number], slots: number): void
  lag(seconds: number): void
}

/** Beyond this a timing says more of this process than of the network. Seconds, and share of the sample. */
const doubtfulSeconds = 0.002
const doubtfulShare = 0.2

/** TLS completed, for it takes any certificate; this one is not what it should be. */
const badCertificate: Failure = { type: 'tls', code: 'CERTIFICATE' }

function isGood({ roots, nameMatches, dates }: CertificateCheck): boolean {
  return (roots === 'public' || roots === 'partition') && nameMatches && dates === 'valid'
}

/** Errors, skips and latencies of all probes. Every series with closed labels is there from the start. */
export function createProbeMetrics(series: SeriesSet): ProbeMetrics {
  const errors = new Map(
    probeKinds.flatMap((probe) =>
      errorReasons.map((reason) => [
        `${probe} ${reason}`,
        series.counter('pathproof_probe_errors_total', { probe, reason }),
      ]),
    ),
  )
  const skips = new Map(
    skippedReasons.map((reason) => [
      reason,
      series.counter('pathproof_probe_skipped_total', { probe: skippedKinds[0], reason }),
    ]),
  )
  const lag = series.histogram('pathproof_schedule_lag_seconds', {})
  const uncertainty = series.histogram('pathproof_timing_uncertainty_seconds', {})

  const failed = (probe: (typeof probeKinds)[number], failure: Failure): void =>
    errors.get(`${probe} ${failure.type}`)?.add()

  const timed = (
    timings: Timings,
    labels: { service: string; style: string },
    { id, wallMs }: Stamp,
  ): void => {
    const doubt = timings.uncertaintySeconds
    if (doubt !== null) uncertainty.observe(doubt)
    const phases = [
      ['pathproof_tcp_connect_seconds', timings.tcpConnectSeconds],
      ['pathproof_tls_handshake_seconds', timings.tlsHandshakeSeconds],
    ] as const
    for (const [metric, seconds] of phases) {
      if (seconds === null) continue
      if (doubt !== null && doubt > Math.max(doubtfulSeconds, doubtfulShare * seconds)) {
        series.counter('pathproof_doubtful_timings_total', labels).add()
      } else {
        series.histogram(metric, labels).observe(seconds, { attemptId: id, atMs: wallMs })
      }
    }
  }

  const asked = (answer: DnsAnswer, labels: { service: string; style: string }): void => {
    if (answer.answered) series.histogram('pathproof_dns_lookup_seconds', labels).observe(answer.rttSeconds)
    if (!answer.answered) failed('dns', answer.failure)
    // cut short even over TCP: not all is known of the name, which the judge takes for a failure too
    else if (answer.truncated) failed('dns', { type: 'dns', code: 'TRUNCATED' })
  }

  return {
    observed(observation, { service, style }) {
      const labels = { service: service ?? 'none', style }
      if (observation.kind === 'dns') {
        asked(observation.ipv4, labels)
        asked(observation.ipv6, labels)
      } else if (observation.kind === 'attempt') {
        const { outcome } = observation
        if (outcome.reached === 'nothing' || outcome.reached === 'tcp') failed('tls', outcome.failure)
        else if (outcome.reached === 'tls' && !isGood(outcome.tls.check)) failed('tls', badCertificate)
        timed(observation.timings, labels, observation.stamp)
        if (observation.host.method === 'none') failed('route', { type: 'internal', code: 'no_host_route' })
      }
    },
    skipped: (reason, slots) => skips.get(reason)?.add(slots),
    lag: (seconds) => lag.observe(seconds),
  }
}
