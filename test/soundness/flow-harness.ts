/** Judges random worlds again with the records that their network would have kept, and compares with the truth. */
import { readFlowFormat } from '../../aws/flow-format.ts'
import { parseFlowLine } from '../../aws/flow-record.ts'
import { generate } from '../../lab/world/generate.ts'
import {
  type FlowAttempt,
  observeFlow,
  type ObservedFlow,
  type SeenRecords,
} from '../../lab/world/observe-flow.ts'
import { observe, type Observed } from '../../lab/world/observe.ts'
import type { CapturedRecord, CapturedRecords } from '../../model/capture.ts'
import { type PathClass, sideOf } from '../../model/path.ts'
import type { Topology } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { confirmationOf } from '../../verdict/confirm.ts'
import { joinRecords } from '../../verdict/flow-join.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeWithParts, withLate } from '../../verdict/judge.ts'
import { flowEvidence } from '../../verdict/rules/flow.ts'
import { contextOf, topologyOf } from './harness.ts'

export interface FlowTally {
  worlds: number
  /** Connected attempts, with well-kept records and with any. */
  whole: number
  wholeConfirmed: number
  /** Of `whole`: what the tables alone call private, and what of it records confirm. */
  wholePrivate: number
  wholePrivateConfirmed: number
  any: number
  anyConfirmed: number
  /** What records changed: state before → state after. */
  turned: Map<string, number>
  /** Rows met, by name. */
  rows: Map<string, number>
  wrong: string[]
}

export const emptyFlowTally = (): FlowTally => ({
  worlds: 0,
  whole: 0,
  wholeConfirmed: 0,
  wholePrivate: 0,
  wholePrivateConfirmed: 0,
  any: 0,
  anyConfirmed: 0,
  turned: new Map(),
  rows: new Map(),
  wrong: [],
})

function capturedOf(seen: readonly SeenRecords[], merged: boolean): CapturedRecords {
  const all: CapturedRecords = { records: [], skipped: [] }
  for (const { log, lines } of seen) {
    const read = readFlowFormat(log.format)
    if (!read.ok) throw new Error(read.problem)
    for (const { line, id, interface: stream } of lines) {
      const parsed = parseFlowLine(line, read.format)
      if (!parsed.ok) throw new Error(`${parsed.problem}: ${line}`)
      const { fields } = parsed.record
      if (fields['log-status'] === 'SKIPDATA') {
        const startSeconds = Number(fields['start'] ?? 0)
        const endSeconds = Number(fields['end'] ?? Number.MAX_SAFE_INTEGER)
        all.skipped.push({ interfaceId: stream, startSeconds, endSeconds })
        continue
      }
      const record: CapturedRecord = {
        record: parsed.record,
        flowLogId: merged ? null : log.id,
        interfaceId: stream.startsWith('eni-') ? stream : null,
        aggregationSeconds: log.aggregationSeconds,
        ingestedMs: null,
        id: `${log.id} ${id}`,
      }
      all.records.push(record)
    }
  }
  return all
}

/** As after a permission was lost: what is left of the account routes nothing, and records speak alone. */
function withoutRoutes(topology: Topology): Topology {
  const denied = { read: false, reason: 'denied', detail: 'not allowed any more' } as const
  const readings = topology.readings.map((r) => ({
    ...r,
    routeTables: [],
    parts: { ...r.parts, routeTables: denied },
  }))
  return { ...topology, readings }
}

function judged(
  one: FlowAttempt,
  topology: Topology,
  later: Topology,
  seen: Observed,
  flow: ObservedFlow,
  read: CapturedRecords,
): { first: AttemptVerdict; verdict: AttemptVerdict } {
  const context = contextOf(seen, one.seen)
  const { attempt } = one
  // As an agent does: where it can be seen is noted at the attempt, and re-read parts of the account come later.
  const early = { ...topology, readings: topology.readings.slice(0, 1) }
  const points = capturePoints(judgeWithParts(attempt, early, context), early)
  const first = judgeWithParts(attempt, later, context).verdict
  const joined = joinRecords(attempt, points, read, {
    clockOffsetSeconds: flow.clockOffsetSeconds,
    reuse: one.reuse,
  })
  const late = flowEvidence(attempt, points, joined)
  const tentative = withLate(first, late, 'pending')
  const confirmation = confirmationOf(tentative, { over: false, available: true })
  return { first, verdict: { ...tentative, confirmation } }
}

const side = (c: PathClass) => sideOf[c]

function wrongOf({ seen }: FlowAttempt, verdict: AttemptVerdict): string | null {
  const { truth } = seen
  const claims = verdict.state === 'private' || (verdict.wouldBe === 'private' && truth.delivered)
  if (claims && side(truth.class) !== 'private') return `${verdict.state}, truly ${truth.class}`
  if (verdict.confirmation !== 'confirmed') return null
  const settled = verdict.state === 'blocked' ? 'none' : verdict.state
  return side(truth.class) === settled ? null : `confirmed ${verdict.state}, truly ${truth.class}`
}

const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)

/** Judges the world of one seed with its records, at each look, and adds it up. */
export function tryFlow(seed: number, tally: FlowTally, seen: Observed = observe(generate(seed))): void {
  const flow = observeFlow(seen)
  const topology = topologyOf(seen)
  const blind = withoutRoutes(topology)
  tally.worlds += 1
  for (const [number, look] of flow.looks.entries()) {
    const last = number === flow.looks.length - 1
    const read = capturedOf(look.records, flow.merged)
    for (const one of flow.attempts) {
      const { first, verdict } = judged(one, topology, topology, seen, flow, read)
      const alone = judged(one, topology, blind, seen, flow, read).verdict
      for (const said of [verdict, alone]) {
        const wrong = wrongOf(one, said)
        if (wrong !== null) tally.wrong.push(explain(seed, look.afterSeconds, wrong, one, said, flow, read))
      }
      if (!last || !verdict.connected) continue
      const confirmed = verdict.confirmation === 'confirmed' ? 1 : 0
      tally.any += 1
      tally.anyConfirmed += confirmed
      for (const e of verdict.evidence) if (e.rule.startsWith('flow.')) add(tally.rows, e.rule)
      if (first.state !== verdict.state) add(tally.turned, `${first.state} -> ${verdict.state}`)
      if (!flow.whole) continue
      tally.whole += 1
      tally.wholeConfirmed += confirmed
      if (first.state !== 'private') continue
      tally.wholePrivate += 1
      tally.wholePrivateConfirmed += confirmed
    }
  }
}

function explain(
  seed: number,
  afterSeconds: number,
  wrong: string,
  { seen, attempt }: FlowAttempt,
  verdict: AttemptVerdict,
  flow: ObservedFlow,
  read: CapturedRecords,
): string {
  const own = read.records.filter(({ record: { fields } }) =>
    [fields['srcaddr'], fields['dstaddr'], fields['pkt-dstaddr']].includes(attempt.address),
  )
  return [
    `seed ${seed}, ${afterSeconds} s after: ${wrong}`,
    `${attempt.localAddress}:${attempt.localPort} -> ${attempt.address} ${attempt.outcome.reached}: ${verdict.state} {${verdict.possible.join(' ')}} ${verdict.confirmation}`,
    `truth: ${seen.truth.hops.join(' | ')}`,
    flow.how,
    ...verdict.evidence.map((e) => `  ${e.rank} ${e.rule}: {${e.possible.join(' ')}} ${e.because}`),
    ...own.map(({ record }) => `  ${JSON.stringify(record.fields)}`),
  ].join('\n')
}

/** The tally in words. */
export function flowText(tally: FlowTally): string {
  const percent = (part: number, all: number) => `${((100 * part) / Math.max(1, all)).toFixed(2)} %`
  const counts = (map: Map<string, number>) =>
    [...map]
      .toSorted((a, b) => b[1] - a[1])
      .map(([key, count]) => `${key} ${count}`)
      .join(', ')
  return [
    `${tally.worlds} worlds with flow records; ${tally.wrong.length} falsely private or falsely confirmed`,
    `records kept well: ${percent(tally.wholeConfirmed, tally.whole)} of ${tally.whole} connected attempts are confirmed, ` +
      `of those that the tables call private ${percent(tally.wholePrivateConfirmed, tally.wholePrivate)} of ${tally.wholePrivate}`,
    `records kept anyhow: ${percent(tally.anyConfirmed, tally.any)} of ${tally.any}`,
    `turned by records: ${counts(tally.turned)}`,
    `rows: ${counts(tally.rows)}`,
  ].join('\n')
}
