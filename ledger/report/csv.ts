import { checkWords } from './controls.ts'
import { isoOf } from './decode.ts'
import type { Place, Report } from './model.ts'
import { causeText, outcomeWords, resultWords } from './words.ts'

const columns = [
  'kind',
  'target',
  'from',
  'to',
  'seconds',
  'state',
  'required',
  'because',
  'evidence',
  'fix',
  'waiver',
  'planned',
  'made',
  'missed',
  'undetermined',
  'confirmed',
  'connections',
  'share_observed',
  'share_as_required',
  'record',
  'sha256',
] as const

type Row = Partial<Record<(typeof columns)[number], string | number | null>>

/**
 * One cell by RFC 4180. Text that a spreadsheet would take for a formula (a beginning of = + - @, also in full width, a tab or
 * a return) gets a quote before it, and so does what would begin a cell where semicolons or tabs divide them.
 */
export function cell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = value.replace(/(^|[;\t\r\n]\s*)(?=[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])/g, "$1'")
  return /[",;\t\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const line = (row: Row): string => `${columns.map((name) => cell(row[name])).join(',')}\r\n`
const times = (fromMs: number, toMs: number): Row => ({
  from: isoOf(fromMs),
  to: isoOf(toMs),
  seconds: (toMs - fromMs) / 1000,
})
const placed = ({ seq, sha256 }: Place): Row => ({ record: seq, sha256 })

/** What is not listed one by one; `seconds` in all. */
function* left(
  kind: string,
  head: Row,
  { count, seconds }: { count: number; seconds: number | null },
): Generator<string> {
  if (count > 0) yield line({ kind, ...head, seconds, because: `${count} more` })
}

/** A report as one table: what each row is stands in its first column. In pieces. */
export function* reportCsv(report: Report): Generator<string> {
  const { fromMs, toMs, assurance, conclusion, limits, records } = report
  yield `${columns.join(',')}\r\n`
  const period = times(fromMs, toMs)
  yield line({ kind: 'report', ...period, state: conclusion.result, because: conclusion.sentences.join(' ') })
  yield line({
    kind: 'ledger',
    ...period,
    state: assurance.outcome,
    because: outcomeWords[assurance.outcome],
    evidence: assurance.signers.join(' '),
    record: records?.last.seq ?? null,
    sha256: assurance.root,
  })
  for (const limit of limits) yield line({ kind: 'limit', because: limit })
  for (const target of report.targets) {
    const { looks, share } = target
    const head: Row = { target: target.target, required: target.require }
    const shares: Row = { share_observed: share.observed, share_as_required: share.met }
    yield line({
      kind: 'target',
      ...head,
      ...period,
      ...shares,
      ...looks,
      state: target.conclusion,
      because: target.sentence,
    })
    for (const piece of target.timeline)
      yield line({
        kind: 'time',
        ...head,
        ...times(piece.fromMs, piece.toMs),
        state: piece.mark,
        because: piece.duty,
      })
    for (const { day, observed, ...counts } of target.days)
      yield line({ kind: 'day', ...head, from: day, share_observed: observed, ...counts })
    for (const one of target.episodes)
      yield line({
        kind: 'exception',
        ...head,
        ...times(one.fromMs, one.toMs),
        state: one.kind,
        because: one.cause.join(' | '),
        evidence: one.evidence
          .map(({ address, rule, rank, because }) => `${address} ${rule} (${rank}): ${because}`)
          .join(' | '),
        fix: one.fix
          .map(({ text, command }) => (command === null ? text : `${text}: ${command}`))
          .join(' | '),
        waiver:
          one.waiver === null
            ? one.allowed
              ? 'allowed by what is required'
              : null
            : (one.waiver.ticket ?? one.waiver.reason),
        ...placed(one.first),
      })
    yield* left('more_exceptions', head, target.moreEpisodes)
    for (const gap of target.gaps)
      yield line({ kind: 'gap', ...head, ...times(gap.fromMs, gap.toMs), because: causeText(gap.causes) })
    yield* left('more_gaps', head, target.moreGaps)
    for (const one of target.firstLegs)
      yield line({
        kind: 'first_leg',
        target: target.target,
        from: isoOf(one.fromMs),
        state: one.leg,
        required: one.required,
        because: one.because,
      })
  }
  for (const one of report.strays)
    yield line({
      kind: 'exception',
      target: one.hostname,
      required: 'no target watches it',
      from: isoOf(one.atMs),
      state: 'public',
      because: one.because,
      evidence: one.address,
      ...placed(one.place),
    })
  for (const one of report.waivers)
    yield line({
      kind: 'waiver',
      target: one.target,
      from: isoOf(one.fromMs),
      to: isoOf(one.untilMs),
      state: one.state,
      because: one.reason,
      waiver: one.ticket,
    })
  for (const one of report.interruptions)
    yield line({
      kind: 'interruption',
      ...times(one.fromMs, one.toMs),
      state: one.cause,
      because: `${causeText([one.cause])} ${one.detail}`.trim(),
      ...placed(one.place),
    })
  yield* left('more_interruptions', {}, { count: report.moreInterruptions, seconds: null })
  for (const one of report.egress) {
    yield line({
      kind: 'way_out',
      target: one.check,
      ...period,
      state: one.openTimes.length > 0 ? 'open' : one.state,
      because: one.because,
      evidence: one.url,
      made: one.rounds,
    })
    for (const time of one.openTimes)
      yield line({
        kind: 'way_out_open',
        target: one.check,
        ...(time.toMs === null ? { from: isoOf(time.fromMs) } : times(time.fromMs, time.toMs)),
        state: 'open',
        because: time.because,
        evidence: one.url,
        ...placed(time.place),
      })
    yield* left('more_open', { target: one.check }, { count: one.moreOpenTimes, seconds: null })
  }
  for (const one of report.posture.now)
    yield line({
      kind: 'fact',
      target: one.check,
      from: isoOf(one.fromMs),
      state: one.state,
      because: one.because,
      ...placed(one.place),
    })
  for (const row of report.census.rows)
    yield line({
      kind: 'flows',
      target: row.service,
      ...period,
      state: row.trafficPath === null ? null : `traffic path ${row.trafficPath}`,
      because: [row.scope, row.direction, row.nextHopType, row.action]
        .filter((one) => one !== null)
        .join(' '),
      connections: row.flows,
    })
  for (const one of report.controls)
    for (const { check, result } of one.supportedBy)
      yield line({
        kind: 'control',
        target: `${one.framework} ${one.version} ${one.id}`,
        ...period,
        state: resultWords[result.result],
        because: `supports: ${one.why}`,
        evidence: `${checkWords[check]}: ${result.sentence}`,
      })
}
