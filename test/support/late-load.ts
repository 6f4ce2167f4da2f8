import { type LateBook, type LateResult, createLateBook } from '../../agent/evidence/late-book.ts'
import { createEvidenceAge } from '../../agent/evidence/evidence-age.ts'
import type { DialledAttempt } from '../../agent/evidence/late-watch.ts'
import type { CapturedRecord } from '../../model/capture.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeWithParts } from '../../verdict/judge.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { attempt, now, stamp, topology, viaEndpoint, viaNat, withRoutes } from '../verdict/fixture.ts'
import { captured, egress, inner, outer } from '../verdict/flow-fixture.ts'

/** `endpoint`: by the gateway endpoint. `nat`: by a NAT gateway with many other users. */
export type LoadKind = 'endpoint' | 'nat'

const addresses = Array.from({ length: 8 }, (_, n) => `52.216.1.${n + 1}`)
const perSecond = 10
/** Each port once: many attempts share an address, no two a connection. */
const portOf = (n: number): number => 10_000 + Math.floor(n / addresses.length)
const atOf = (n: number): number => now + Math.floor(n / perSecond) * 1000

/** Attempts of many names over some minutes, on eight addresses. */
export function loadAttempts(count: number, kind: LoadKind): DialledAttempt[] {
  const world = topology([kind === 'endpoint' ? withRoutes([viaEndpoint, viaNat]) : withRoutes([viaNat])])
  const shown = addresses.map((address) => {
    const made = attempt({ address })
    const judged = judgeWithParts(made, world)
    return { made, verdict: judged.verdict, points: capturePoints(judged, world) }
  })
  return Array.from({ length: count }, (_, n): DialledAttempt => {
    const { made, verdict, points } = shown[n % shown.length]!
    const id = `a${n}`
    const hostname = `bucket-${n}.s3.us-east-1.amazonaws.com`
    const localPort = portOf(n)
    return {
      target: 't',
      attempt: { ...made, hostname, localPort, stamp: stamp(id, atOf(n)) },
      verdict: { ...verdict, id, hostname, localPort, atMs: atOf(n) },
      points,
    }
  })
}

/** The attempts' own records, and as many of other connections to the same addresses as make up `count`. */
export function loadRecords(
  dialled: readonly DialledAttempt[],
  count: number,
  kind: LoadKind,
): CapturedRecord[] {
  const records: CapturedRecord[] = []
  const line = (fields: typeof egress, address: string, atMs: number, more: typeof egress): void => {
    const at = Math.floor(atMs / 1000)
    const own = { ...fields, 'pkt-dstaddr': address, start: at - 5, end: at + 40 }
    records.push(captured({ ...own, ...more }, { id: `r${records.length}` }))
  }
  for (const { attempt: made } of dialled) {
    const { address, localPort, stamp: of } = made
    const path = kind === 'endpoint' ? 7 : 1
    line(egress, address, of.wallMs, { dstaddr: address, srcport: localPort, 'traffic-path': path })
    if (kind === 'nat') line(inner, address, of.wallMs, { srcport: localPort })
  }
  for (let n = 0; records.length < count; n++) {
    const address = addresses[n % addresses.length]!
    const atMs = atOf(n % Math.max(1, dialled.length))
    const srcport = 50_000 + (n % 15_000)
    if (kind === 'endpoint') line(egress, address, atMs, { dstaddr: address, srcport })
    else line(outer, address, atMs, { dstaddr: address, srcport, 'traffic-path': 8 })
  }
  return records
}

export function loadBook(): { book: LateBook; results: LateResult[] } {
  const clock = createHandClock(1000, now)
  const results: LateResult[] = []
  const book = createLateBook({
    clock,
    coverage: () => ({ aggregationSeconds: 60 }),
    clockOffsetSeconds: () => 0,
    evidenceAge: createEvidenceAge(() => clock.monotonicMs()),
    onResult: (result) => results.push(result),
  })
  return { book, results }
}
