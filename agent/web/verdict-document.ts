import type { Evidence } from '../../model/evidence.ts'
import type { ResolverView } from '../../model/resolver-view.ts'
import type { AttemptVerdict, NameVerdict, Requirement, TargetVerdict } from '../../model/verdict.ts'
import { redact, redactValue } from '../../model/redact.ts'

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
    firstLeg: attempt.firstLeg ? { leg: attempt.firstLeg.leg, because: attempt.firstLeg.because } : null,
  }
}

function nameDocument<A>(name: NameVerdict, attempts: A) {
  return {
    hostname: name.hostname,
    style: name.style,
    state: name.state,
    proof: name.proof,
    confirmation: name.confirmation,
    attempts,
    wouldDecide: name.wouldDecide,
    fix: name.fix,
    possible: name.possible,
    because: name.because,
    resolvers: (name.resolvers ?? []).map(resolverDocument),
  }
}

function resolverDocument({ sinceMs, ...view }: ResolverView) {
  return { ...view, since: sinceMs === null ? null : new Date(sinceMs).toISOString() }
}

function documentOf<N>(verdict: TargetVerdict, nameOf: (name: NameVerdict) => N) {
  const { waiver } = verdict
  return {
    target: verdict.target,
    require: requirementDocument(verdict.require),
    met: verdict.met,
    waiver:
      waiver === null
        ? null
        : {
            reason: redact(waiver.reason),
            ticket: waiver.ticket === null ? null : redact(waiver.ticket),
            until: new Date(waiver.untilMs).toISOString(),
            active: verdict.waiverActive,
          },
    state: verdict.state,
    firstLeg: verdict.firstLeg ?? null,
    names: verdict.names.map(nameOf),
  }
}

/** A target's verdict as `check --json` gives it; nothing secret is left in it. */
export function targetDocument(verdict: TargetVerdict) {
  return documentOf(verdict, (name) => {
    // Each by itself: the redactor takes no more than so much at a time, and a name may have thousands of addresses.
    const attempts = name.attempts.map((attempt) => redactValue(attemptDocument(attempt)))
    const { attempts: _all, ...rest } = nameDocument(name, null)
    return { ...(redactValue(rest) as typeof rest), attempts }
  })
}

/** The same for `jsonPieces`, which redacts every string itself: the attempts are made one by one, as they are asked for. */
export function targetPieces(verdict: TargetVerdict) {
  return documentOf(verdict, (name) => nameDocument(name, Iterator.from(name.attempts).map(attemptDocument)))
}
