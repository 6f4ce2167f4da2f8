import type { Evidence } from '../model/evidence.ts'
import type { AttemptVerdict, NameVerdict, Requirement, TargetVerdict } from '../model/verdict.ts'
import { redactValue } from '../model/redact.ts'

function requirementDocument(require: Requirement): string | string[] {
  return require.kind === 'classes' ? [...require.classes] : require.kind
}

function evidenceDocument(evidence: Evidence) {
  const { rule, possible, rank, because, source, observedAtMs, flags, assumptions } = evidence
  return {
    rule,
    possible,
    rank,
    because,
    source,
    observedAt: new Date(observedAtMs).toISOString(),
    flags,
    assumptions,
  }
}

/** One attempt as `check --json` and `/api/v1/attempts/<id>` give it. */
export function attemptDocument(attempt: AttemptVerdict) {
  return {
    id: attempt.id,
    address: attempt.address,
    family: attempt.family,
    localAddress: attempt.localAddress,
    localPort: attempt.localPort,
    resolvers: attempt.resolvers,
    state: attempt.state,
    possible: attempt.possible,
    proof: attempt.proof,
    evidence: attempt.evidence.map(evidenceDocument),
    conflicts: attempt.conflicts.flatMap((c) =>
      c.evidence.map((e) => ({ ...evidenceDocument(e), of: c.of, contradicts: c.because })),
    ),
    timings: attempt.timings,
    at: new Date(attempt.atMs).toISOString(),
    dialled: attempt.dialled,
    connected: attempt.connected,
    wouldBe: attempt.wouldBe,
    assumptions: attempt.assumptions,
    flags: attempt.flags,
    basis: attempt.basis,
  }
}

function nameDocument(name: NameVerdict) {
  return {
    hostname: name.hostname,
    style: name.style,
    state: name.state,
    proof: name.proof,
    confirmation: name.confirmation,
    attempts: name.attempts.map(attemptDocument),
    wouldDecide: name.wouldDecide,
    fix: name.fix,
    possible: name.possible,
    because: name.because,
  }
}

/** A target's verdict as `check --json` and `/api/v1/verdicts` give it; nothing secret is left in it. */
export function targetDocument(verdict: TargetVerdict) {
  const { waiver } = verdict
  return redactValue({
    target: verdict.target,
    require: requirementDocument(verdict.require),
    met: verdict.met,
    waiver:
      waiver === null
        ? null
        : {
            reason: waiver.reason,
            ticket: waiver.ticket,
            until: new Date(waiver.untilMs).toISOString(),
            active: verdict.waiverActive,
          },
    state: verdict.state,
    names: verdict.names.map(nameDocument),
  })
}
