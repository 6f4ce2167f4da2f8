import { styleText } from 'node:util'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import type { NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { firstLegLines, requirementLines, stateColour } from './render-check.ts'

/** Names by which software gets out. */
export function leaksOf(verdict: TargetVerdict): NameVerdict[] {
  return verdict.names.filter(({ state }) => state === 'public' || state === 'mixed')
}

const line = (text: string): string => safeText(redact(text), 2000)

const mostReasons = 3

/**
 * One table of all names of a target, those that were given marked, and for each that is not private why and what mends it.
 * Names that do not exist are listed as such and count for nothing beside others.
 */
export function renderStyles(
  verdict: TargetVerdict,
  given: readonly string[],
  { color }: { color: boolean },
): string {
  const paint = (name: NameVerdict, text: string): string =>
    color ? styleText(stateColour[name.state], text, { validateStream: false }) : text
  const stateOf = (name: NameVerdict): string => (name.absent ? 'absent' : name.state)
  const width = Math.max(...verdict.names.map(({ style }) => style.length), 'STYLE'.length)
  const out = [`All styles of ${line(given.join(', '))} (* as given):`]
  out.push(`  ${'STATE'.padEnd(13)}${'PROOF'.padEnd(12)}${'STYLE'.padEnd(width + 2)}HOST NAME`)
  for (const name of verdict.names) {
    const mark = given.includes(name.hostname) ? '*' : ' '
    const state = paint(name, stateOf(name).padEnd(13))
    out.push(
      `${mark} ${state}${(name.proof ?? '-').padEnd(12)}${name.style.padEnd(width + 2)}${line(name.hostname)}`,
    )
  }
  const there = verdict.names.filter(({ absent }) => !absent)
  const leaks = leaksOf(verdict)
  const open = there.filter(({ state }) => state === 'undetermined').length
  out.push(
    '',
    `${leaks.length} of ${there.length} names leak${leaks.length === 0 ? '' : `: ${line(leaks.map(({ hostname }) => hostname).join(', '))}`}${open === 0 ? '' : `; ${open} not shown to be private`}`,
    '',
  )
  for (const name of there.filter(({ state }) => state !== 'private')) {
    out.push(`${paint(name, name.state.toUpperCase())}  ${line(name.hostname)}`)
    for (const because of name.because.slice(0, mostReasons)) out.push(`  ${line(because)}`)
    for (const { text, command } of name.fix) {
      out.push(`  - ${line(text)}`)
      if (command !== null) out.push(`    $ ${line(command)}`)
    }
    out.push('')
  }
  return `${[...out, ...firstLegLines(verdict), ...requirementLines(verdict, color)].join('\n')}\n`
}
