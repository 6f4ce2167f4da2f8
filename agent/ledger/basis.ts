import type { Appended } from '../../ledger/types.ts'
import type { Snapshot, Topology } from '../../model/topology.ts'
import { createContentsCutter, listDatesOf, piecesOf, readingsOf } from './contents.ts'
import { snapshotRecord } from './standing.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { RecordBodies } from '../record.ts'

export type Surroundings = Omit<Topology, 'readings'>

export interface BasisDeps {
  append(kind: string, body: object): Promise<Appended>
  /** The reading that is in force; null: none. */
  current(): KeptReading | null
  /** What else is known where attempts are judged; null: not yet. */
  surroundings(): Surroundings | null
  wallMs(): number
  /** At which a segment of the ledger is full. */
  segmentBytes(): number
}

/**
 * What verdicts rest on beside the observations: the readings of the account, and what is declared. It is written
 * where it is new and before what refers to it, so that a ledger can be judged again.
 */
export interface LedgerBasis {
  /** A reading was made, changed or not. */
  read(reading: KeptReading): void
  /**
   * The body of a `snapshot` record with all that the reading says; its contents are written, as far as they are not yet. In
   * parts: nothing else of this may be called before it is done but `read` and `forget`.
   */
  snapshot(body: RecordBodies['snapshot']): Generator<undefined, object>
  /** Before an attempt's observation is written: the reading that it was made under, and the surroundings. */
  before(snapshotId: string | null): void
  /** A new segment has begun: what is in force is written again, within bounds. */
  anew(): void
  /** Something was lost. */
  forget(): void
}

const mostReadings = 512
const mostHashes = 100_000
const restatedEveryMs = 20 * 3_600_000

interface Known {
  content: string
  dates: ReturnType<typeof readingsOf>
  listDates: Record<string, number>
}

/** The others change by themselves: their content is part of that of the whole. */
const head = ({ id, account, region, source }: Snapshot) => ({ id, account, region, source })

export function createBasis(deps: BasisDeps): LedgerBasis {
  const cutter = createContentsCutter()
  const written = new Set<string>()
  const readings = new Map<string, Known>()
  /** Ids of readings that stand in the ledger, and the newest `snapshot` record of each content. */
  const told = new Set<string>()
  const standsFor = new Map<string, string>()
  let newest: KeptReading | null = null
  let surroundings = ''
  let contentBytes = 0
  let restatedMs = -Infinity

  const forget = (): void => {
    written.clear()
    told.clear()
    surroundings = ''
  }

  const put = (kind: string, body: object): void =>
    void deps.append(kind, body).then((appended) => {
      if (!appended.ok) forget()
    })

  const say = (hash: string, text: string): void => {
    if (written.size >= mostHashes) written.clear()
    written.add(hash)
    const pieces = piecesOf(text)
    for (const [index, piece] of pieces.entries())
      put('content', { hash, piece: index + 1, pieces: pieces.length, text: piece })
  }

  const remember = ({ snapshot, content }: KeptReading): void => {
    if (readings.has(snapshot.id)) return
    if (readings.size >= mostReadings) readings.delete(readings.keys().next().value ?? '')
    readings.set(snapshot.id, { content, dates: readingsOf(snapshot), listDates: listDatesOf(snapshot) })
  }

  function* whole(snapshot: Snapshot): Generator<undefined, object> {
    const { parts, listDates } = yield* cutter.cut(
      snapshot,
      (hash) => !written.has(hash),
      (hash, text) => {
        contentBytes += text.length
        say(hash, text)
      },
    )
    return { readings: readingsOf(snapshot), contents: parts, listDates }
  }

  return {
    read(reading) {
      newest = reading
      remember(reading)
    },
    *snapshot(body) {
      // Written again it is the reading that is in force now: it says the same, and is younger.
      const reading = newest ?? deps.current()
      if (reading === null) return body
      newest = reading
      remember(reading)
      const { id } = reading.snapshot
      if (told.size >= mostHashes) told.clear()
      told.add(id)
      if (standsFor.size >= mostReadings) standsFor.delete(standsFor.keys().next().value ?? '')
      standsFor.set(reading.content, id)
      const own = yield* whole(reading.snapshot)
      const others: object[] = []
      for (const other of reading.others ?? []) others.push({ ...head(other), ...(yield* whole(other)) })
      return {
        ...snapshotRecord(reading.snapshot),
        ...own,
        others: reading.others === undefined ? null : others,
      }
    },
    before(snapshotId) {
      if (snapshotId !== null && !told.has(snapshotId)) {
        const current = deps.current()
        if (current !== null) remember(current)
        const reading = readings.get(snapshotId)
        const of = reading === undefined ? undefined : standsFor.get(reading.content)
        if (reading !== undefined && of !== undefined) {
          told.add(snapshotId)
          const { dates, listDates } = reading
          put('reading', { id: snapshotId, of, readings: dates, listDates })
        }
      }
      const now = deps.surroundings()
      if (now === null) return
      const { trustedEndpoints, sites, nat64Prefixes, limits, traces, directConnect } = now
      const beside = traces !== undefined || directConnect !== undefined
      const body = { trustedEndpoints, sites, nat64Prefixes: nat64Prefixes ?? [], limits, beside }
      const said = JSON.stringify(body)
      if (said === surroundings) return
      surroundings = said
      put('surroundings', body)
    },
    anew() {
      surroundings = ''
      // A segment must not be filled by what all of them repeat: of a large account a day has it once.
      const nowMs = deps.wallMs()
      const due = nowMs - restatedMs >= restatedEveryMs || nowMs < restatedMs
      if (contentBytes > deps.segmentBytes() / 8 && !due) return
      restatedMs = nowMs
      contentBytes = 0
      written.clear()
      told.clear()
    },
    forget,
  }
}
