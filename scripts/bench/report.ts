// A report on a quarter of five targets that are looked at every minute: reading the ledger, and the page. Each size in a
// process of its own; the memory of a whole quarter beside that of a month shows whether it grows with the ledger.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realFiles } from '../../ledger/files.ts'
import { layoutOf, segmentName } from '../../ledger/layout.ts'
import { formatLine, lineHash, noLine } from '../../ledger/line.ts'
import { readLedger } from '../../ledger/read.ts'
import { createReportBuilder } from '../../ledger/report/build.ts'
import { reportHtml } from '../../ledger/report/html.ts'
import { quarter } from '../../test/support/ledger-quarter.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2026, 6, 1)
const shape = { startMs, targets: 5, everySeconds: 60 }

interface Measured {
  records: number
  looks: number
  readSeconds: number
  pageSeconds: number
  pageKibibytes: number
  peakMebibytes: number
}

/** Writes the lines of a ledger of so many days; gives its size in bytes. */
function writeLedger(directory: string, days: number): number {
  const { segments } = layoutOf(directory)
  mkdirSync(segments, { recursive: true })
  const file = openSync(join(segments, segmentName(0)), 'w')
  let prev = noLine
  let bytes = 0
  let waiting: Buffer[] = []
  const flush = (): void => {
    bytes += writeSync(file, Buffer.concat(waiting))
    waiting = []
  }
  for (const { kind, wallMs, monoUs, bootId, seq, body } of quarter({ ...shape, days })) {
    const line = formatLine(
      { kind, wallMs, monoUs, bootId, agentId: 'host-1', body: canonicalText(body) },
      seq,
      prev,
    )
    prev = lineHash(line)
    waiting.push(line, Buffer.of(10))
    if (waiting.length > 2000) flush()
  }
  flush()
  closeSync(file)
  return bytes
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

async function measure(directory: string, days: number): Promise<Measured> {
  const builder = createReportBuilder({
    fromMs: startMs,
    toMs: startMs + days * dayMs,
    tool: { name: 'pathproof', version: 'bench' },
    cronSlots: () => null,
  })
  let records = 0
  const started = performance.now()
  for await (const read of readLedger(realFiles(), directory)) {
    if (!read.ok) throw new Error(read.problem)
    builder.add(read.record, () => lineHash(read.line))
    records++
  }
  const read = performance.now()
  const report = builder.finish({
    outcome: 'not_checked',
    size: null,
    root: null,
    signers: [],
    checkpoint: null,
    unsignedTail: null,
    anchors: [],
    transcript: [],
  })
  let bytes = 0
  for (const piece of reportHtml(report)) bytes += Buffer.byteLength(piece)
  return {
    records,
    looks: report.targets.reduce((sum, { looks }) => sum + looks.made, 0),
    readSeconds: (read - started) / 1000,
    pageSeconds: (performance.now() - read) / 1000,
    pageKibibytes: bytes / 1024,
    peakMebibytes: process.resourceUsage().maxRSS / 1024,
  }
}

/** Figures for `npm run bench`. */
export function benchReport(): { name: string; value: number; unit: string; ceiling?: number }[] {
  const folder = mkdtempSync(join(tmpdir(), 'pathproof-bench-report-'))
  try {
    const of = (days: number): Measured & { bytes: number } => {
      const directory = join(folder, String(days))
      const bytes = writeLedger(directory, days)
      const said = execFileSync(process.execPath, [import.meta.filename, directory, String(days)], {
        encoding: 'utf8',
      })
      rmSync(directory, { recursive: true })
      return { ...(JSON.parse(said) as Measured), bytes }
    }
    const month = of(30)
    const whole = of(92)
    return [
      { name: 'looks of the quarter', value: whole.looks, unit: '' },
      { name: 'their ledger, before compression', value: whole.bytes / 2 ** 20, unit: 'MiB' },
      { name: 'reading it', value: whole.readSeconds, unit: 's' },
      { name: 'looks read per second', value: whole.looks / whole.readSeconds, unit: '/s' },
      { name: 'making the page', value: whole.pageSeconds, unit: 's' },
      { name: 'the page', value: whole.pageKibibytes, unit: 'KiB' },
      { name: 'peak memory', value: whole.peakMebibytes, unit: 'MiB' },
      { name: 'the same for a month of it', value: month.peakMebibytes, unit: 'MiB' },
      { name: 'ratio', value: whole.peakMebibytes / month.peakMebibytes, unit: '×', ceiling: 1.5 },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [, program, directory, days] = process.argv
if (program === import.meta.filename && directory !== undefined)
  console.log(JSON.stringify(await measure(directory, Number(days))))
