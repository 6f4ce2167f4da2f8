import { createCensusSum } from '../../aws/flow-census.ts'
import type { RecordsCensus } from '../../aws/flow-query.ts'
import type { SkippedWindow } from '../../model/capture.ts'
import type { FlowCensusRow } from '../../model/flow.ts'
import { safeText } from '../../model/text.ts'
import { type Span, commonSpans, covered, mergeSpans, subtractSpans } from './census-spans.ts'

/** What a census is of. */
export type CensusScope = 'client' | 'nat'

export interface CensusCounted {
  scope: CensusScope
  /** Interfaces (or NAT gateways without one) whose records were counted. */
  interfaces: readonly string[]
  census: RecordsCensus
  /** Times in which records of these interfaces were lost. */
  skipped: readonly SkippedWindow[]
}

export interface CensusRow extends Omit<FlowCensusRow, 'packets'> {
  scope: CensusScope
}

export interface CensusFinding {
  service: string
  flows: number
  bytes: number
  scope: CensusScope
  text: string
}

/** The answer of `/api/v1/census`. */
export interface CensusDocument {
  schema: 'pathproof.census/1'
  fromMs: number
  toMs: number
  /** In how much of that time all records that were delivered have been counted, in seconds; never more than it was. */
  coveredSeconds: number
  rows: CensusRow[]
  /** Flows that were too different to be told apart. */
  other: { flows: number; bytes: number }
  sentences: string[]
  findings: CensusFinding[]
}

export interface Census {
  /** What one reading has counted, at `nowMs`. */
  add(counted: CensusCounted, nowMs: number): void
  /**
   * `interfaces`: all that this host has; time in which one of them was not counted is not covered. `privateServices`: names
   * as flow logs have them (`S3`, `DYNAMODB`, …) of what some target requires to be private.
   */
  document(nowMs: number, interfaces: readonly string[], privateServices: readonly string[]): CensusDocument
}

const hourMs = 3_600_000
const windowMs = 24 * hourMs
const mostRowsPerHour = 256
const mostRows = 512
const mostSpans = 512
const mostInterfaces = 256
const mostSentences = 40

const scopes: readonly CensusScope[] = ['client', 'nat']

interface Hour {
  atMs: number
  sums: Record<CensusScope, ReturnType<typeof createCensusSum>>
}

/**
 * Flows of the last 24 hours by service, path, next hop, direction and action, in hourly sums of bounded size; the oldest
 * hour goes as a whole. Counts, and judges nothing: a count of other programs' connections is no evidence for an attempt.
 */
export function createCensus(): Census {
  let hours: Hour[] = []
  const counted = new Map<string, Span[]>()
  const gaps = new Map<string, Span[]>()

  const forget = (nowMs: number): void => {
    const fromMs = nowMs - windowMs
    hours = hours.filter(({ atMs }) => atMs + hourMs > fromMs)
    for (const [book, rest] of [
      [counted, 'drop'],
      [gaps, 'join'],
    ] as const) {
      for (const [id, spans] of book) {
        const kept = mergeSpans(spans, mostSpans, rest).filter(({ toMs }) => toMs > fromMs)
        if (kept.length > 0) book.set(id, kept)
        else book.delete(id)
      }
    }
  }
  const note = (book: Map<string, Span[]>, id: string, span: Span): void => {
    const known = book.get(id)
    if (known !== undefined) known.push(span)
    else if (book.size < mostInterfaces) book.set(id, [span])
  }
  const hourOf = (nowMs: number): Hour => {
    const atMs = Math.floor(nowMs / hourMs) * hourMs
    const known = hours.find((hour) => hour.atMs === atMs)
    if (known !== undefined) return known
    const sum = () => createCensusSum(mostRowsPerHour)
    const hour = { atMs, sums: { client: sum(), nat: sum() } }
    hours.push(hour)
    return hour
  }
  const sumsOf = (scope: CensusScope) => {
    const sum = createCensusSum(mostRows)
    for (const { sums } of hours) {
      const { rows, otherFlows, otherBytes } = sums[scope].read()
      sum.add(rows, { flows: otherFlows, bytes: otherBytes })
    }
    return sum.read()
  }

  return {
    add({ scope, interfaces, census, skipped }, nowMs) {
      forget(nowMs)
      const { rows, otherFlows, otherBytes, sinceMs, untilMs, complete } = census
      hourOf(nowMs).sums[scope].add(rows, { flows: otherFlows, bytes: otherBytes })
      if (scope !== 'client') return
      const span = { fromMs: Math.max(sinceMs, nowMs - windowMs), toMs: Math.min(untilMs, nowMs) }
      for (const id of interfaces) {
        note(complete ? counted : gaps, id, span)
        // what was left out of a reading is in its span; what the network lost comes again with the next one
        if (!complete) continue
        for (const { interfaceId, startSeconds, endSeconds } of skipped) {
          const lost = { fromMs: startSeconds * 1000, toMs: Math.min((endSeconds + 1) * 1000, nowMs) }
          if (interfaceId === null || interfaceId === id) note(gaps, id, lost)
        }
      }
    },
    document(nowMs, interfaces, privateServices) {
      forget(nowMs)
      const fromMs = nowMs - windowMs
      const whole = { fromMs, toMs: nowMs }
      const spans = interfaces.map((id) => subtractSpans(counted.get(id) ?? [], gaps.get(id) ?? []))
      const coveredSeconds = Math.floor(covered(commonSpans(spans, whole), whole) / 1000)
      const rows: CensusRow[] = []
      const other = { flows: 0, bytes: 0 }
      for (const scope of scopes) {
        const sum = sumsOf(scope)
        other.flows += sum.otherFlows
        other.bytes += sum.otherBytes
        for (const { packets: _packets, ...row } of sum.rows) rows.push({ scope, ...clean(row) })
      }
      rows.sort((a, b) => b.flows - a.flows)
      const findings = findingsOf(rows, privateServices)
      return {
        schema: 'pathproof.census/1',
        fromMs,
        toMs: nowMs,
        coveredSeconds,
        rows,
        other,
        sentences: sentencesOf(rows, other, coveredSeconds).slice(0, mostSentences),
        findings,
      }
    },
  }
}

/** Foreign words of a record, cut to what a service or next hop is called. */
function clean<T extends Pick<FlowCensusRow, 'service' | 'nextHopType'>>(row: T): T {
  const word = (text: string | null): string | null => (text === null ? null : safeText(text, 64))
  return { ...row, service: word(row.service), nextHopType: word(row.nextHopType) }
}

type Rows = readonly CensusRow[]

const accepted = (rows: Rows): CensusRow[] => rows.filter(({ action }) => action !== 'REJECT')
const outgoing = (rows: Rows): CensusRow[] => rows.filter(({ direction }) => direction !== 'ingress')
const flowsOf = (rows: Rows): number => rows.reduce((sum, { flows }) => sum + flows, 0)
const bytesOf = (rows: Rows): number => rows.reduce((sum, { bytes }) => sum + bytes, 0)
const figure = (value: number): string => value.toLocaleString('en-US')
const plural = (count: number): string => `${figure(count)} ${count === 1 ? 'flow' : 'flows'}`

/** How the network's word on an outgoing flow reads; null: it does not say. */
function wayOf({ trafficPath, nextHopType }: CensusRow): string | null {
  if (trafficPath === 7) return 'by a gateway endpoint'
  if (trafficPath === 8) return 'by the internet gateway'
  if (trafficPath === 2) return 'by the internet gateway or a gateway endpoint'
  if (nextHopType === 'nat_gateway' || nextHopType === 'regional_nat_gateway') return 'to a NAT gateway'
  if (nextHopType === 'vpc_endpoint') return 'to an endpoint'
  if (nextHopType === 'transit_gateway') return 'to a transit gateway'
  if (trafficPath === 1) return 'to something else in the VPC'
  if (trafficPath === 3) return 'by the virtual private gateway'
  if (trafficPath === 4 || trafficPath === 5) return 'by a peering'
  return trafficPath === 6 ? 'by a local gateway' : null
}

function sentencesOf(rows: Rows, other: { flows: number }, coveredSeconds: number): string[] {
  const own = outgoing(accepted(rows.filter(({ scope }) => scope === 'client')))
  const sentences: string[] = []
  const services = [...new Set(own.flatMap(({ service }) => service ?? []))]
  for (const service of services.toSorted()) {
    const to = own.filter((row) => row.service === service)
    const open = to.filter((row) => wayOf(row) === null)
    const byGateway = to.filter(({ trafficPath }) => trafficPath === 8)
    const doubtful = to.filter(({ trafficPath }) => trafficPath === 2)
    const parts = [
      `of ${plural(flowsOf(to))} to ${service} in 24 h, ${byGateway.length === 0 ? 'none' : figure(flowsOf(byGateway))} by the internet gateway`,
      doubtful.length > 0 ? `${figure(flowsOf(doubtful))} by it or by a gateway endpoint` : null,
      open.length > 0 ? `of ${figure(flowsOf(open))} the records do not say the way` : null,
      other.flows > 0 ? `${figure(other.flows)} more could not be told apart` : null,
    ]
    sentences.push(parts.filter((part) => part !== null).join(', '))
    const ways = Map.groupBy(to, wayOf)
    for (const [way, of] of ways) {
      if (way !== null && of[0]?.trafficPath !== 8)
        sentences.push(`${plural(flowsOf(of))} to ${service} went ${way}`)
    }
  }
  const foreign = own.filter((row) => row.service === null && row.public === true)
  if (own.length > 0 || rows.length > 0) {
    sentences.push(
      foreign.length === 0
        ? 'no accepted flow to a public address that is not known as AWS was recorded'
        : `${plural(flowsOf(foreign))} (${figure(bytesOf(foreign))} bytes) went to public addresses that are not known as AWS`,
    )
  }
  sentences.push(coverageSentence(coveredSeconds))
  return sentences
}

function coverageSentence(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const time = `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return minutes === 0
    ? 'at no time of the last 24 h were all records counted; what was not recorded may have gone any way'
    : `all records that were delivered in ${time} of the last 24 h have been counted; what was not recorded may have gone any way`
}

/** Connections of other programs that went out publicly, to a service that some target requires to be private. */
function findingsOf(rows: Rows, privateServices: readonly string[]): CensusFinding[] {
  const findings: CensusFinding[] = []
  for (const scope of scopes) {
    for (const service of privateServices) {
      const found = outgoing(accepted(rows)).filter(
        (row) => row.scope === scope && row.service === service && row.trafficPath === 8,
      )
      const flows = flowsOf(found)
      if (flows === 0) continue
      const where = scope === 'nat' ? 'out of a NAT gateway' : 'from this host'
      const text = `${plural(flows)} ${where} to ${safeText(service, 64)} in 24 h went by the internet gateway, though a target requires ${safeText(service, 64)} to be private`
      findings.push({ service, flows, bytes: bytesOf(found), scope, text })
    }
  }
  return findings
}
