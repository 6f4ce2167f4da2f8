import type { Findings } from './findings.ts'
import { isoOf } from './decode.ts'
import type { Conclusion, Report } from './model.ts'
import { overallWords } from './words.ts'

/**
 * What the whole report comes to. `met` only if something was required, each thing that was required was shown at every moment,
 * without a waiver, by a record that is whole, signed and understood, under a clock that can be trusted.
 */
export function concluded(findings: Findings, checks: Report['checks']): Report['conclusion'] {
  const { assurance, targets, records } = findings
  const count = (...kinds: Conclusion[]): number =>
    targets.filter(({ conclusion }) => kinds.includes(conclusion)).length
  const exception =
    count('public', 'not_met') > 0 ||
    checks.egress_closed.result === 'exception' ||
    checks.no_public_path.result === 'exception'
  const whole =
    count('met_throughout') > 0 &&
    count('not_fully_shown', 'nothing_observed', 'waived') === 0 &&
    checks.waivers.result !== 'exception' &&
    checks.clock.result !== 'exception' &&
    (checks.egress_closed.result === 'no_exception' || checks.egress_closed.result === 'no_data') &&
    (records?.unreadable ?? 0) === 0 &&
    assurance.outcome === 'verified'
  const result =
    assurance.outcome === 'broken' ? 'unusable' : exception ? 'exception' : whole ? 'met' : 'incomplete'
  return { result, sentences: [overallWords[result], ...sentences(findings, checks, count)] }
}

function sentences(
  { assurance, targets, strays, records, host, unsignedSinceMs }: Findings,
  checks: Report['checks'],
  count: (...kinds: Conclusion[]) => number,
): string[] {
  const kinds = (
    [
      [count('met_throughout'), 'as required at every moment'],
      [count('not_fully_shown', 'nothing_observed'), 'not fully shown'],
      [count('public'), 'with a public path'],
      [count('not_met'), 'otherwise not as required'],
      [count('waived'), 'with exceptions under a waiver'],
      [count('nothing_required'), 'of which nothing is required'],
    ] as const
  )
    .filter(([n]) => n !== 0)
    .map(([n, text]) => `${n} ${text}`)
  const out =
    targets.length === 0
      ? ['The ledger tells of no target in this period.']
      : [`${targets.length} ${targets.length === 1 ? 'target' : 'targets'}: ${kinds.join(', ')}.`]
  if (strays.length > 0)
    out.push(`Connections to names that no target watches were public: ${strays.length} are listed.`)
  else if (checks.no_public_path.result === 'exception' && count('public') === 0)
    out.push(checks.no_public_path.sentence)
  for (const name of ['egress_closed', 'waivers', 'clock'] as const)
    if (checks[name].result === 'exception') out.push(checks[name].sentence)
  if (checks.egress_closed.result === 'incomplete') out.push(checks.egress_closed.sentence)
  if (checks.record_integrity.result !== 'no_exception' || (assurance.earlier ?? 0) > 0)
    out.push(checks.record_integrity.sentence)
  const tail = assurance.unsignedTail ?? 0
  if (tail > 0)
    out.push(
      `The last ${tail.toLocaleString('en-US')} records${unsignedSinceMs === null ? '' : `, from about ${isoOf(unsignedSinceMs)} on,`} are under no signed checkpoint: whoever can write the directory can change them.`,
    )
  const unreadable = records?.unreadable ?? 0
  if (unreadable > 0)
    out.push(
      `${unreadable.toLocaleString('en-US')} records were not understood: what they say is missing here.`,
    )
  if (host.agents.length > 1)
    out.push(`Records of ${host.agents.length} agents stand in this ledger: ${host.agents.join(', ')}.`)
  return out
}
