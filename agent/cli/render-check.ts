import { styleText } from 'node:util'
import type { Evidence } from '../../model/evidence.ts'
import type { PathState } from '../../model/path.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'

export type Colour = 'green' | 'red' | 'yellow' | 'bold' | 'dim'

export const stateColour: Record<PathState, Colour> = {
  private: 'green',
  public: 'red',
  mixed: 'red',
  blocked: 'yellow',
  undetermined: 'yellow',
}

const words: Record<PathState, string> = {
  private: "this agent's connection took a private path",
  public: "this agent's connection took a public path",
  mixed: 'some known addresses take a private path, others a public one',
  blocked: 'nothing gets through',
  undetermined: 'not shown to be private',
}

const line = (text: string): string => safeText(redact(text), 2000)

const mostAttempts = 12

/**
 * One target for a person: verdict first, then the reasons from strongest to weakest, conflicts, what would
 * decide it and what mends it. `color`: whether escapes may be written.
 */
export function renderTarget(
  verdict: TargetVerdict,
  options: { color: boolean; staleWouldBe: ReadonlyMap<string, PathState> },
): string {
  const paint = (colour: Colour, text: string) =>
    options.color ? styleText(colour, text, { validateStream: false }) : text
  const out: string[] = []
  for (const name of verdict.names) {
    out.push(...renderName(name, paint))
    const stale = options.staleWouldBe.get(name.hostname)
    if (stale !== undefined && stale !== name.state) {
      out.push(`  With the snapshot taken as if it were fresh, it would be ${stale}.`, '')
    }
  }
  return `${[...out, ...firstLegLines(verdict), ...requirementLines(verdict, options.color)].join('\n')}\n`
}

/** The first leg, for hosts that have one; what would show it where it is unproven. */
export function firstLegLines({ firstLeg }: TargetVerdict): string[] {
  if (firstLeg === undefined || firstLeg === null) return []
  const { leg, required, met, because, assumptions, wouldDecide } = firstLeg
  const demanded = met === null ? '' : `, ${required} is required: ${met ? 'met' : 'not met'}`
  const out = [`First leg: ${leg}${demanded}`, ...because.map((b) => `  ${line(b)}`)]
  if (assumptions.length > 0) out.push('  This rests on:', ...assumptions.map((a) => `    - ${line(a)}`))
  if (wouldDecide.length > 0) out.push('  What would show it:', ...wouldDecide.map((w) => `    - ${line(w)}`))
  return [...out, '']
}

/** Whether the requirement is met, and its waiver. */
export function requirementLines(verdict: TargetVerdict, color: boolean): string[] {
  const paint = (colour: Colour, text: string) =>
    color ? styleText(colour, text, { validateStream: false }) : text
  const out: string[] = []
  const required =
    verdict.require.kind === 'classes' ? verdict.require.classes.join(' or ') : verdict.require.kind
  if (verdict.met === null) out.push(`Nothing is required of ${line(verdict.target)}`)
  else {
    const met = verdict.met ? paint('green', 'met') : paint('red', 'not met')
    const leg = verdict.firstLeg?.met === null ? undefined : verdict.firstLeg?.required
    const by = leg === undefined ? '' : `, by ${leg}`
    out.push(`Requirement of ${line(verdict.target)}: ${required}${by}: ${met}`)
  }
  if (verdict.waiver !== null) {
    const until = new Date(verdict.waiver.untilMs).toISOString()
    const ticket = verdict.waiver.ticket === null ? '' : ` (${line(verdict.waiver.ticket)})`
    out.push(
      verdict.waiverActive
        ? `Waived until ${until}: ${line(verdict.waiver.reason)}${ticket}`
        : `Its waiver ended on ${until}: ${line(verdict.waiver.reason)}${ticket}`,
    )
  }
  return out
}

/** Who answers what, where somebody is asked only to compare. */
function resolverLines({ resolvers = [] }: NameVerdict): string[] {
  if (!resolvers.some(({ counts }) => !counts)) return []
  const shown = resolvers.map(({ resolver, server, counts, kind, state, addresses, sinceMs }) => {
    const which = counts ? 'counts' : `only compared, ${state ?? ''}`
    const since = sinceMs === null ? '' : ` since ${new Date(sinceMs).toISOString()}`
    const found = addresses.length === 0 ? '' : ` (${addresses.join(', ')})`
    return `    - ${line(`${resolver} at ${server}, ${which}: ${kind}${found}${since}`)}`
  })
  return ['  What the resolvers answer:', ...shown, '']
}

function renderName(name: NameVerdict, paint: (colour: Colour, text: string) => string): string[] {
  const label = paint(stateColour[name.state], name.state.toUpperCase())
  const proof = name.proof === null ? '' : `, proof: ${name.proof}`
  const out = [
    `${label}  ${paint('bold', line(name.hostname))}  (${words[name.state]}${proof})`,
    ...name.because.map((b) => `  ${line(b)}`),
    '',
  ]
  out.push(...resolverLines(name))
  const order: Record<PathState, number> = { public: 0, mixed: 1, undetermined: 2, blocked: 3, private: 4 }
  const attempts = name.attempts.toSorted(
    (a, b) => order[a.state] - order[b.state] || Number(b.dialled) - Number(a.dialled),
  )
  for (const attempt of attempts.slice(0, mostAttempts)) out.push(...renderAttempt(attempt, paint), '')
  if (attempts.length > mostAttempts)
    out.push(`  … and ${attempts.length - mostAttempts} more addresses (--json shows all)`, '')
  const assumptions = [...new Set(name.attempts.flatMap((a) => a.assumptions))]
  if (assumptions.length > 0 && name.state === 'private')
    out.push('  This rests on:', ...assumptions.map((a) => `    - ${line(a)}`), '')
  if (name.wouldDecide.length > 0)
    out.push('  What would decide it:', ...name.wouldDecide.map((w) => `    - ${line(w)}`), '')
  if (name.fix.length > 0) {
    out.push('  What mends it:')
    for (const fix of name.fix) {
      out.push(`    - ${line(fix.text)}`)
      if (fix.command !== null) out.push(`      $ ${line(fix.command)}`)
    }
    out.push('')
  }
  return out
}

function renderAttempt(attempt: AttemptVerdict, paint: (colour: Colour, text: string) => string): string[] {
  const from =
    attempt.localAddress === null
      ? ''
      : ` from ${attempt.localAddress}${attempt.localPort === null ? '' : ` port ${attempt.localPort}`}`
  const classes =
    attempt.possible.length === 9 ? 'any way' : attempt.possible.join(' or ') || 'no way that fits'
  const would = attempt.connected || attempt.state === 'blocked' ? '' : `, would be ${attempt.wouldBe}`
  const out = [
    `  ${paint(stateColour[attempt.state], attempt.address)}${from}: ${attempt.state}${would} (${classes})`,
    ...attempt.evidence.map((e) => `    ${reason(e)}`),
  ]
  for (const conflict of attempt.conflicts) {
    out.push(`    ${paint('red', 'conflict')} of ${conflict.of}: ${line(conflict.because)}`)
  }
  const tls = attempt.timings.tlsHandshakeSeconds
  const tcp = attempt.timings.tcpConnectSeconds
  if (tcp !== null || tls !== null) {
    const ms = (s: number | null) => (s === null ? '-' : `${(s * 1000).toFixed(1)} ms`)
    out.push(`    ${paint('dim', `TCP ${ms(tcp)}, TLS ${ms(tls)} (timing decides nothing)`)}`)
  }
  return out
}

function reason(evidence: Evidence): string {
  return `${evidence.rank.padEnd(10)} ${line(evidence.because)}`
}
