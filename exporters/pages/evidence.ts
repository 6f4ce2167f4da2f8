import type { Evidence } from '../../model/evidence.ts'
import type { AttemptVerdict, Conflict, Fix } from '../../model/verdict.ts'
import { html, list, time } from './html.ts'
import { flagWords, rankWords } from './words.ts'

/** A verdict may rest on many pieces; a page shows the first of them. */
const most = 40

/** Reasons, strongest first, each with its rank in words. */
export function reasons(attempt: AttemptVerdict): string {
  const late = new Set(attempt.grounds.late)
  const items = attempt.evidence
    .slice(0, most)
    .map(
      (evidence, index) =>
        `<li><b>${evidence.rank}</b> <span class="dim">(${rankWords[evidence.rank]}${late.has(index) ? ', came late' : ''})</span>: ${html(evidence.because, 1500)}</li>`,
    )
  return items.length === 0 ? '<p>There is no evidence.</p>' : `<ol>${items.join('')}</ol>`
}

/** Both sides of a contradiction. */
export function conflictBox(conflict: Conflict, attempt: AttemptVerdict): string {
  const against = new Set(conflict.evidence.map(({ rule }) => rule))
  const other = attempt.evidence.filter(({ rule, rank }) => !against.has(rule) && rank !== conflict.rank)
  const why =
    conflict.of === 'side'
      ? 'The evidence contradicts itself on private against public: this can’t be called private.'
      : 'The evidence contradicts itself on which way it is; the side stands.'
  const side = (title: string, evidence: readonly Evidence[]) =>
    `<div><p><b>${title}</b></p>${list(
      evidence.map(({ rank, because }) => `${rank}: ${because}`),
      12,
    )}</div>`
  return `<div class="conflict"><p><b>Conflict.</b> ${why}</p><div class="sides">${side(`Set aside (${conflict.rank})`, conflict.evidence)}${side('Against it', other)}</div></div>`
}

export function evidenceTable(attempt: AttemptVerdict): string {
  const late = new Set(attempt.grounds.late)
  const rows = attempt.evidence
    .slice(0, 200)
    .map(
      (e, index) =>
        `<tr><td>${e.rank}${late.has(index) ? '<br><b>late</b>' : ''}</td><td class="id">${html(e.rule)}</td><td>${html(e.because, 1500)}${e.flags.map((flag) => `<br><b>${html(flagWords[flag])}</b>`).join('')}</td><td>${html(e.possible.join(', '))}</td><td>${html(e.source)}<br>${time(e.observedAtMs)}</td></tr>`,
    )
  return `<div class="scroll" tabindex="0" role="region" aria-label="Evidence"><table><thead><tr><th scope="col">Rank</th><th scope="col">Rule</th><th scope="col">What was seen</th><th scope="col">Leaves possible</th><th scope="col">Source</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

/** What mends it, each command to be copied. */
export function fixes(all: readonly Fix[]): string {
  return all
    .slice(0, 10)
    .map(({ text, command }) => {
      const copy =
        command === null
          ? ''
          : `<div><pre><code>${html(command, 2000)}</code></pre><button type="button" class="copy">Copy</button></div>`
      return `<li>${html(text, 1500)}${copy}</li>`
    })
    .join('')
}

/** Things that a person must be told of a connection. */
export function warnings(attempt: AttemptVerdict): string[] {
  return attempt.flags.map((flag) => flagWords[flag])
}
