import { type Verification, outcomeOf } from '../../ledger/verification.ts'
import { redactValue } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'

/** What `ledger verify --json` prints. Lists can be long: what is in them is redacted one by one, so that nothing is left out. */
export function verificationDocument(seen: Verification): object {
  const clean = Object.entries(seen).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) && value.every((item) => typeof item === 'object')
      ? value.map(redactValue)
      : redactValue(value),
  ])
  return { schema: 'pathproof.ledger-verify/1', outcome: outcomeOf(seen), ...Object.fromEntries(clean) }
}

const shownOfEach = 20

/** What `ledger verify` prints: the outcome first, then what it rests on, then what nobody can tell. */
export function verificationText(seen: Verification, color: boolean): string {
  const bold = (text: string): string => (color ? `\u001B[1m${text}\u001B[22m` : text)
  const lines = [bold(headline(seen)), ...facts(seen)]
  const list = (title: string, texts: readonly string[]): void => {
    if (texts.length === 0) return
    lines.push(`${title}:`, ...texts.slice(0, shownOfEach).map((text) => `  ${safeText(text, 500)}`))
    if (texts.length > shownOfEach)
      lines.push(`  … and ${texts.length - shownOfEach} more (--json shows them)`)
  }
  list(
    'changed',
    seen.problems.map(({ text }) => text),
  )
  list('declared', declared(seen))
  list(
    'anchors',
    seen.anchors.map(({ name, text }) => `${name}: ${text}`),
  )
  list('can not be told', seen.cannotTell)
  return `${lines.join('\n')}\n`
}

function headline(seen: Verification): string {
  const outcome = outcomeOf(seen)
  if (outcome === 'tampered') return 'TAMPERED: this is not, or not all, that was written'
  if (outcome === 'ok') return 'ok: intact, complete and signed'
  return `intact as far as can be told, with doubts: ${doubts(seen).join(', ')}`
}

function doubts(seen: Verification): string[] {
  const { signer, unsignedTail, torn, recoveries, damages, gaps, anchors, checkpoints } = seen
  const lost = gaps.filter((gap) => Object.keys(gap.lost).length > 0).length
  return [
    signer === 'verified' ? null : 'signer not verified',
    signer === 'verified' && checkpoints.some(({ by }) => by.length === 0)
      ? 'checkpoints of other signers'
      : null,
    unsignedTail > 0 ? `unsigned tail: ${unsignedTail}` : null,
    torn === null ? null : `torn end: ${torn.bytes} bytes`,
    lost > 0 ? `declared gaps: ${lost}` : null,
    recoveries.length > 0 ? `declared recoveries: ${recoveries.length}` : null,
    damages.length > 0 ? `declared damage: ${damages.length}` : null,
    anchors.some(({ state }) => state === 'not_checked') ? 'an anchor could not be checked' : null,
  ].filter((text) => text !== null)
}

function facts(seen: Verification): string[] {
  const { origin, first, end, root, signed, unknownSigners, pruned, checkpoints, unsignedTail, closed } = seen
  const rows: (readonly [string, string | null])[] = [
    ['ledger', origin],
    ['records', end > first ? `${first} to ${end - 1}${closed ? ', closed in order' : ''}` : 'none'],
    ['tree', root === null ? 'can not be followed to the end' : `size ${end}, root ${root}`],
    ['checkpoints', `${checkpoints.length}, the newest over ${checkpoints.at(-1)?.size ?? 0} records`],
    ['unsigned tail', unsignedTail > 0 ? String(unsignedTail) : null],
    ...signed
      .slice(-3)
      .map(({ key, from, end: to }) => ['signed', `records ${from} to ${to - 1} by ${key}`] as const),
    ['not trusted', unknownSigners.length > 0 ? unknownSigners.slice(0, 5).join(', ') : null],
    ['pruned', pruned === null ? null : `records before ${pruned.through}, as declared on ${pruned.ts}`],
  ]
  return rows.flatMap(([name, text]) =>
    text === null ? [] : [`  ${name.padEnd(14)} ${safeText(text, 300)}`],
  )
}

function declared(seen: Verification): string[] {
  const { torn, gaps, recoveries, damages, clockSteps, handOvers = [], suspensions = [] } = seen
  return [
    ...handOvers.map(
      ({ seq, from, to }) => `hand-over (record ${seq}): the key ${from} to ${to}, signed by both`,
    ),
    ...suspensions.map(
      ({ seq, ts, reason, queued }) =>
        `suspension (record ${seq}) at ${ts}: the disk was full (${reason}); ${queued} records waited`,
    ),
    ...gaps.map(({ seq, fromTs, toTs, reason, lost, late }) => {
      const counts = Object.entries(lost).map(([kind, count]) => `${count} ${kind}`)
      return `gap (record ${seq}) ${fromTs} to ${toTs}: ${reason}; lost ${counts.join(', ') || 'none'}; written late ${late}`
    }),
    ...recoveries.map(
      ({ seq, lastSeq, lastTs, cut }) =>
        `recovery (record ${seq}): the agent was not stopped in order after record ${lastSeq ?? 'none'} (${lastTs ?? 'no time'}); ${cut.reduce((sum, { bytes }) => sum + bytes, 0)} torn bytes kept aside`,
    ),
    ...damages.map(
      ({ seq, what, first, end }) => `damage (record ${seq}): ${what}, records ${first} to ${end - 1}`,
    ),
    ...clockSteps.map(
      ({ seq, previousTs, backSeconds }) =>
        `clock set back by ${Math.round(backSeconds)} s after ${previousTs} (record ${seq})`,
    ),
    ...(torn === null
      ? []
      : [
          `torn end: ${torn.bytes} bytes behind record ${torn.after - 1}; the agent's next start declares it`,
        ]),
  ]
}
