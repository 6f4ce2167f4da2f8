import { constants, open, readFile, rename, unlink } from 'node:fs/promises'
import { realFiles, readWhole } from '../../ledger/files.ts'
import { layoutOf, noteName } from '../../ledger/layout.ts'
import { lineHash } from '../../ledger/line.ts'
import { type VerifierKey, maxNoteBytes, parseVkey } from '../../ledger/note.ts'
import { assuranceOf, checkpointOf } from '../../ledger/report/assurance.ts'
import { createReportBuilder } from '../../ledger/report/build.ts'
import { reportCsv } from '../../ledger/report/csv.ts'
import { reportHtml } from '../../ledger/report/html.ts'
import { reportJson } from '../../ledger/report/json.ts'
import type { Report } from '../../ledger/report/model.ts'
import { reportOcsf } from '../../ledger/report/ocsf.ts'
import { reportOscal } from '../../ledger/report/oscal.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { createCronSlots } from '../watch/cron-slots.ts'
import { version } from '../version.ts'
import { exit } from './exit-code.ts'
import { troubleOf } from './file-trouble.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const formats: Readonly<Record<string, (report: Report) => Iterable<string>>> = {
  html: reportHtml,
  json: reportJson,
  csv: reportCsv,
  oscal: reportOscal,
  ocsf: reportOcsf,
}

const spec = {
  name: 'report',
  summary:
    'Verifies a ledger and reports on a period of it: paths, exceptions, gaps, coverage, and the controls that this supports. Needs no configuration and no network. The same ledger, keys and period give the same bytes.',
  options: {
    from: {
      type: 'string',
      value: 'TIME',
      help: 'beginning: a UTC day (2026-07-01) or an RFC 3339 time; default: the first record',
    },
    to: {
      type: 'string',
      value: 'TIME',
      help: 'end: the end of a UTC day, or an RFC 3339 time; default: the last record',
    },
    format: { type: 'string', value: 'FORMAT', help: `${Object.keys(formats).join(', ')} (default html)` },
    out: { type: 'string', value: 'FILE', help: 'writes to a file instead of standard output' },
    key: {
      type: 'string',
      value: 'VKEY',
      multiple: true,
      help: 'verifier key of the signer (may be given several times)',
    },
    anchor: {
      type: 'string',
      value: 'FILE',
      multiple: true,
      help: 'checkpoint that was kept outside the host (may be given several times)',
    },
  },
  positionals: { label: 'DIR', min: 1, max: 1, help: "the ledger's directory" },
  examples: [
    'pathproof report --from 2026-07-01 --to 2026-09-30 --key "$VKEY" --out q3.html /var/lib/pathproof/ledger',
    'pathproof report --format oscal --out results.json /var/lib/pathproof/ledger',
    'pathproof report --format ocsf --from 2026-11-20T00:00:00Z /var/lib/pathproof/ledger',
  ],
  notes:
    'Exit codes: 0 as required at every moment, and signed by a given key; 1 failed; 3 exceptions, or the ledger does not verify; 4 not everything is shown, or the signer is unknown; 64 wrong usage.',
} as const satisfies CommandSpec

/** Unix milliseconds of a day (`end`: of its end) or of an RFC 3339 time; null: neither. */
export function readTime(text: string, end: boolean): number | null {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const ms = Date.parse(`${text}T00:00:00Z`)
    const valid = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
    return valid ? ms + (end ? 86_400_000 : 0) : null
  }
  if (!/^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text)) return null
  const day = readTime(text.slice(0, 10), false)
  const ms = Date.parse(text)
  return day === null || Number.isNaN(ms) ? null : ms
}

/** `pathproof report` */
export async function reportCommand(argv: string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { values, positionals } = parsed
  const wrong = (text: string): number => {
    io.stderr(`pathproof report: ${text}\nNext step: pathproof report --help\n`)
    return exit.usage
  }
  const failed = (text: string): number => {
    io.stderr(`pathproof report: ${safeText(redact(text), 500)}\n`)
    return exit.failed
  }
  const name = values.format ?? 'html'
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (format === undefined) return wrong(`--format is one of ${Object.keys(formats).join(', ')}`)
  const fromMs = values.from === undefined ? null : readTime(values.from, false)
  const toMs = values.to === undefined ? null : readTime(values.to, true)
  if (values.from !== undefined && fromMs === null) return wrong('--from needs a day or an RFC 3339 time')
  if (values.to !== undefined && toMs === null) return wrong('--to needs a day or an RFC 3339 time')
  if (fromMs !== null && toMs !== null && fromMs >= toMs) return wrong('--from must lie before --to')
  const keys: VerifierKey[] = []
  for (const text of values.key ?? []) {
    const key = parseVkey(text)
    if (key === null) return wrong('--key needs a verifier key, <name>+<id>+<base64>')
    keys.push(key)
  }
  const [directory = ''] = positionals
  try {
    const anchors = await Promise.all(
      (values.anchor ?? []).map(async (file) => ({ name: safeText(file, 200), bytes: await readFile(file) })),
    )
    const report = await makeReport({ directory, fromMs, toMs, keys, vkeys: values.key ?? [], anchors })
    if (typeof report === 'string') return failed(report)
    if (values.out === undefined) for (const piece of format(report)) io.stdout(piece)
    else {
      await writeTo(values.out, format(report))
      io.stderr(`${report.conclusion.sentences.join('\n')}\n`)
    }
    return { met: exit.met, incomplete: exit.undetermined, exception: exit.notMet, unusable: exit.notMet }[
      report.conclusion.result
    ]
  } catch (error) {
    return failed(troubleOf(error))
  }
}

interface Asked {
  directory: string
  fromMs: number | null
  toMs: number | null
  keys: readonly VerifierKey[]
  vkeys: readonly string[]
  anchors: readonly { name: string; bytes: Uint8Array }[]
}

/** The report of a ledger's directory, or why there is none. One pass: what is reported is what was verified. */
async function makeReport({
  directory,
  fromMs,
  toMs,
  keys,
  vkeys,
  anchors,
}: Asked): Promise<Report | string> {
  const files = realFiles()
  const builder = createReportBuilder({
    fromMs,
    toMs,
    tool: { name: 'pathproof', version },
    cronSlots: createCronSlots(),
  })
  const result = await verifyLedger(files, directory, {
    keys,
    anchors,
    onRecord: (record, line) => builder.add(record, () => lineHash(line)),
  })
  if (!result.ok) return `the ledger has format version ${result.newer}, which is newer than this program`
  const { seen } = result
  if (seen.problems.some(({ kind }) => kind === 'no_ledger') && seen.end === 0)
    return `${directory} holds no ledger`
  const size = checkpointOf(seen)
  const path = `${layoutOf(directory).checkpoints}/${noteName(size ?? 0)}`
  const note = size === null ? null : await readWhole(files, path, maxNoteBytes)
  return builder.finish(assuranceOf(seen, note?.toString('utf8') ?? null, vkeys, builder.before()))
}

/** Whole or not at all. */
async function writeTo(path: string, pieces: Iterable<string>): Promise<void> {
  const part = `${path}.part`
  // No link that somebody laid there leads the report elsewhere.
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
  const file = await open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o666)
  try {
    for (const piece of pieces) await file.write(piece)
    await file.sync()
  } catch (error) {
    await unlink(part).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
  await rename(part, path)
}
