import type { FlowCensusRow } from '../model/flow.ts'

/** Rows of several countings, summed. */
export interface CensusSum {
  add(rows: readonly FlowCensusRow[], other: { flows: number; bytes: number }): void
  read(): { rows: FlowCensusRow[]; otherFlows: number; otherBytes: number }
}

function keyOf({
  direction,
  service,
  trafficPath,
  nextHopType,
  action,
  public: open,
}: FlowCensusRow): string {
  return JSON.stringify([direction, service, trafficPath, nextHopType, action, open])
}

/** Sums rows of a census: at most `mostRows` are told apart, all beyond them is one sum. */
export function createCensusSum(mostRows: number): CensusSum {
  const rows = new Map<string, FlowCensusRow>()
  let otherFlows = 0
  let otherBytes = 0
  return {
    add(added, other) {
      otherFlows += other.flows
      otherBytes += other.bytes
      for (const row of added) {
        const key = keyOf(row)
        const known = rows.get(key)
        if (known !== undefined) {
          known.flows += row.flows
          known.packets += row.packets
          known.bytes += row.bytes
        } else if (rows.size < mostRows) rows.set(key, { ...row })
        else {
          otherFlows += row.flows
          otherBytes += row.bytes
        }
      }
    },
    read: () => ({ rows: [...rows.values()].map((row) => ({ ...row })), otherFlows, otherBytes }),
  }
}
