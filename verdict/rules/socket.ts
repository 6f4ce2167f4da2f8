import type { Evidence, Flag } from '../../model/evidence.ts'
import type { Attempt, FamilyObservation } from '../../model/observation.ts'
import { evidenceOf } from './rows.ts'

/** What is known of attempts around this one; the caller counts, the rule only reads. */
export interface SocketContext {
  /** Time-outs in a row to this address, this attempt included. */
  timeoutsInARow: number
  /** Another target connected by the same interface and family since the first of them. */
  othersConnected: boolean
  /** What the kernel says of the families in this cycle. */
  families: readonly FamilyObservation[]
}

/** True if the TLS handshake of this attempt completed, whatever its certificate was worth. */
export function handshakeCompleted(attempt: Attempt): boolean {
  return attempt.outcome.reached === 'tls'
}

/**
 * What the socket itself shows. A completed handshake under roots that only AWS's name can satisfy
 * shows that something answered for the service; it never shows that nothing relayed it.
 */
export function socketEvidence(attempt: Attempt, context: SocketContext): Evidence[] {
  const evidence: Evidence[] = []
  const at = attempt.stamp.wallMs
  const { outcome } = attempt

  for (const family of context.families) {
    if (family.family !== attempt.family || family.usable) continue
    evidence.push(
      evidenceOf('kernel.no_family', {
        because: `this host can't send IPv${attempt.family} at all: ${family.because}`,
        source: 'kernel',
        observedAtMs: family.stamp.wallMs,
      }),
    )
  }

  if (outcome.reached === 'tls') {
    const { check } = outcome.tls
    const trusted = check.roots === 'public' || check.roots === 'partition'
    if (!trusted || !check.nameMatches) {
      const why = !trusted
        ? check.roots === 'host'
          ? "its certificate verifies only against this host's own store"
          : `its certificate does not verify (${check.chainError ?? 'unknown reason'})`
        : `its certificate is not for ${check.nameExpected}`
      const flags: Flag[] = ['tls_intercepted']
      if (!check.nameMatches) flags.push('certificate_wrong_name')
      evidence.push(
        evidenceOf('socket.intercepted', {
          because: `what answered is not shown to be the service: ${why}`,
          source: 'socket',
          observedAtMs: at,
          flags,
        }),
      )
    } else if (check.dates !== 'valid') {
      evidence.push(
        evidenceOf('socket.dates', {
          because: `TLS completed and the chain is right, but the certificate is ${
            check.dates === 'expired' ? 'expired' : 'not yet valid'
          } (is this host's clock right?)`,
          source: 'socket',
          observedAtMs: at,
          flags: [check.dates === 'expired' ? 'certificate_expired' : 'certificate_not_yet_valid'],
        }),
      )
    } else {
      evidence.push(
        evidenceOf('socket.verified', {
          because: `TLS completed with a certificate for ${check.nameExpected} that verifies against ${
            check.roots === 'public' ? 'the public roots' : 'the roots configured for the partition'
          }`,
          source: 'socket',
          observedAtMs: at,
        }),
      )
    }
    return evidence
  }

  if (outcome.reached === 'not_dialled') return evidence
  const { failure } = outcome
  if (failure.type === 'no_local_route') {
    evidence.push(
      evidenceOf('kernel.no_family', {
        because: `the kernel has no way to ${attempt.address} (${failure.code}): nothing left the host`,
        source: 'kernel',
        observedAtMs: at,
      }),
    )
  } else if (failure.type === 'refused') {
    evidence.push(
      evidenceOf('socket.refused', {
        because: `${attempt.address} answered with a reset: something is there, by whatever way`,
        source: 'socket',
        observedAtMs: at,
      }),
    )
  } else if (
    failure.type === 'timeout' &&
    outcome.reached === 'nothing' &&
    context.timeoutsInARow >= 3 &&
    context.othersConnected
  ) {
    evidence.push(
      evidenceOf('socket.timeouts', {
        because: `${context.timeoutsInARow} attempts in a row ran out of time while other targets connected; packets may still have left`,
        source: 'socket',
        observedAtMs: at,
        flags: ['packets_may_have_left'],
      }),
    )
  } else {
    evidence.push(
      evidenceOf('socket.failed', {
        because: `no TLS session came about (${failure.type}${'code' in failure ? ` ${failure.code}` : ''}): that alone settles nothing`,
        source: 'socket',
        observedAtMs: at,
      }),
    )
  }
  return evidence
}
