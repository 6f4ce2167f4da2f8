import { stat } from 'node:fs/promises'
import { realFiles } from '../../ledger/files.ts'
import { readLedger } from '../../ledger/read.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type ReplayResult, createReplay } from '../ledger/replay.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const schema = 'pathproof.ledger-replay/1'

const spec = {
  name: 'ledger replay',
  summary:
    'Judges the stored observations of a ledger with the rules of this version and shows which verdicts change, and why.\nNeither configuration nor network is used, and nothing is written.',
  options: {
    from: { type: 'string', value: 'TIME', help: 'only records from here on (RFC 3339 or a date, UTC)' },
    json: { type: 'boolean', help: `one JSON document (schema ${schema})` },
  },
  positionals: { label: 'DIR', min: 1, max: 1, help: 'the directory of the ledger' },
  examples: [
    'pathproof ledger replay /var/lib/pathproof/ledger',
    'pathproof ledger replay --from 2026-11-01 --json /var/lib/pathproof/ledger',
  ],
  notes:
    'Judged anew: each attempt whose observation is kept, by the readings of the account that it was made under and that came\nafter it (routes, addresses, first leg); the elimination of classes over all evidence, late records included; the roll-up\nto names and targets. As stored: what records of the network said, time-outs that were counted, attempts that stand for\nothers. What stays as stored is counted, with its reason. It does not verify: see pathproof ledger verify.\nExit codes: 0 all verdicts stay, 3 something that was private, blocked or met is so no more, 4 others change, or not\neverything could be judged, 1 failed, 64 wrong usage.',
} as const satisfies CommandSpec

function text(result: ReplayResult, unread: number): string {
  const shown = (words: string): string => safeText(redact(words), 400)
  const lines = result.changes.flatMap(({ seq, atMs, of, what, before, now, because }) => [
    `${new Date(atMs).toISOString()} record ${seq}: ${of} ${shown(what)}`,
    `  was ${shown(before)}`,
    `  now ${shown(now)}`,
    ...because.map((reason) => `    ${shown(reason)}`),
  ])
  if (result.moreChanges > 0) lines.push(`and ${result.moreChanges} more changes`)
  const { attempts, wholly, names, targets, repeats, changedRepeats, rules } = result
  const stored = rules.stored.map((version) => version ?? 'unknown').join(', ') || 'none'
  lines.push(
    `judged again by rules ${rules.now} (stored: ${stored}): ${attempts} attempts (${wholly} by their observation and the account), ${names} names, ${targets} targets; ${repeats} looks repeat a verdict, ${changedRepeats} of them one that changes`,
    result.changes.length === 0
      ? 'no verdict changes'
      : `${result.changes.length + result.moreChanges} verdicts change`,
  )
  for (const [what, count] of Object.entries(result.asStored))
    lines.push(`as stored: ${count} × ${shown(what)}`)
  for (const [reason, count] of Object.entries(result.notJudged))
    lines.push(`not judged again: ${count} × ${shown(reason)}`)
  if (unread > 0) lines.push(`${unread} lines could not be read: pathproof ledger verify says what is wrong`)
  return `${lines.join('\n')}\n`
}

/** `pathproof ledger replay`. Exit codes 0, 1, 3, 4, 64. */
export async function ledgerReplayCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const [directory = ''] = parsed.positionals
  const { from } = parsed.values
  const fromMs = from === undefined ? null : Date.parse(from)
  if (fromMs !== null && !Number.isFinite(fromMs)) {
    io.stderr('pathproof ledger replay: --from: expected a time like 2026-11-01 or 2026-11-01T08:00:00Z\n')
    return exit.usage
  }
  const fail = (why: string): number => {
    io.stderr(
      `pathproof ledger replay: ${safeText(redact(directory), 200)}: ${why}\nNext step: name the directory of a ledger\n`,
    )
    return exit.failed
  }
  try {
    if (!(await stat(directory)).isDirectory()) return fail('it is no directory')
  } catch (error) {
    return fail((error as NodeJS.ErrnoException).code ?? 'it can not be read')
  }
  const replay = createReplay()
  let read = 0
  let unread = 0
  for await (const line of readLedger(realFiles(), directory, fromMs === null ? {} : { fromMs })) {
    if (!line.ok) {
      unread++
      if (line.newer !== undefined) return fail(line.problem)
      continue
    }
    read++
    replay.take(line.record)
  }
  if (read === 0) return fail('it holds no records')
  const result = replay.result()
  if (parsed.values.json === true) io.stdout(`${redact(JSON.stringify({ schema, unread, ...result }))}\n`)
  else io.stdout(text(result, unread))
  if (result.changes.some(({ worse }) => worse)) return exit.notMet
  const rest = result.changes.length + unread + Object.keys(result.notJudged).length
  return rest > 0 ? exit.undetermined : exit.met
}
