import type { FlowFormat } from '../model/flow.ts'
import { readNumber } from './flow-scan-census.ts'
import { longestFlowLine } from './flow-record.ts'

export interface FlowLinesOptions {
  format: FlowFormat
  /** Interfaces and resources whose records are wanted; null: every line is (a stream of one interface). */
  wanted: { interfaceIds: readonly string[]; resourceIds: readonly string[] } | null
  /** A record that says it ended later is not taken for the youngest: no clock is so wrong. Unix seconds. */
  latestEndSeconds: number
}

export interface FlowLines {
  /** Takes the next piece of a text, cut anywhere; `onLines` gets whole lines of what is wanted, many at once. */
  take(chunk: Uint8Array, onLines: (lines: Uint8Array) => void): void
  /** The text is over: its last line may lack a line end. */
  end(onLines: (lines: Uint8Array) => void): void
  /** All lines; those that are too long or too short to say whose they are; end of the youngest wanted record. */
  seen(): { lines: number; badLines: number; newestEndSeconds: number | null }
}

const space = 0x20
const newline = 0x0a
const dash = 0x2d
const letterS = 0x53
const none: readonly Uint8Array[] = []

/** Whether records of this format say whose they are, so that they can be read from a file of many interfaces. */
export function saysWhose(format: FlowFormat): boolean {
  return format.fields.includes('interface-id')
}

/**
 * Leaves only the lines of the wanted interfaces of a text that may hold those of a whole VPC, on its bytes. A line whose
 * interface is `-` is wanted if its resource is, or if it tells of lost records and not of whom. Memory does not depend on
 * the text.
 */
export function createFlowLines({ format, wanted, latestEndSeconds }: FlowLinesOptions): FlowLines {
  const column = (name: string): number => format.fields.indexOf(name)
  const [ofInterface, ofResource] = [column('interface-id'), column('resource-id')]
  const [ofEnd, ofStatus] = [column('end'), column('log-status')]
  const needed = 1 + Math.max(ofInterface, ofResource, ofEnd, ofStatus)
  const encoded = (ids: readonly string[]): readonly Uint8Array[] =>
    ids.length === 0 ? none : ids.map((id) => new TextEncoder().encode(id))
  const interfaces = encoded(wanted?.interfaceIds ?? [])
  const resources = encoded(wanted?.resourceIds ?? [])
  const starts = new Int32Array(needed)
  const ends = new Int32Array(needed)
  let carry: Uint8Array = new Uint8Array(0)
  let skipping = false
  let lines = 0
  let badLines = 0
  let newest = -1

  const isOneOf = (data: Uint8Array, at: number, ids: readonly Uint8Array[]): boolean => {
    const [from, length] = [starts[at]!, ends[at]! - starts[at]!]
    return ids.some((id) => {
      if (id.length !== length) return false
      for (let i = length - 1; i >= 0; i--) if (data[from + i] !== id[i]) return false
      return true
    })
  }
  const isDash = (data: Uint8Array, at: number): boolean =>
    data[starts[at]!] === dash && ends[at]! - starts[at]! === 1

  const isWanted = (data: Uint8Array): boolean => {
    if (wanted === null) return true
    if (ofInterface < 0) return false
    if (!isDash(data, ofInterface)) return isOneOf(data, ofInterface, interfaces)
    if (ofResource >= 0 && !isDash(data, ofResource)) return isOneOf(data, ofResource, resources)
    return ofStatus >= 0 && data[starts[ofStatus]!] === letterS
  }

  /** The columns of the line in `data[from..to)` as far as they are needed; false: there are not so many. */
  const readColumns = (data: Uint8Array, from: number, to: number): boolean => {
    let at = from
    let columns = 0
    while (columns < needed) {
      while (at < to && data[at] === space) at++
      if (at === to) return false
      starts[columns] = at
      while (at < to && data[at] !== space) at++
      ends[columns] = at
      columns++
    }
    return true
  }

  const whole = (data: Uint8Array, onLines: (lines: Uint8Array) => void): void => {
    let runFrom = -1
    let at = 0
    const flush = (to: number): void => {
      if (runFrom >= 0) onLines(data.subarray(runFrom, to))
      runFrom = -1
    }
    while (at < data.length) {
      const from = at
      const to = data.indexOf(newline, at)
      at = to + 1
      const end = to > from && data[to - 1] === 0x0d ? to - 1 : to
      if (end === from) continue
      lines++
      let keep = end - from <= longestFlowLine && readColumns(data, from, end)
      if (!keep) badLines++
      else {
        keep = isWanted(data)
        const ended = keep && ofEnd >= 0 ? readNumber(data, starts[ofEnd]!, ends[ofEnd]!) : -1
        if (ended > newest && ended <= latestEndSeconds) newest = ended
      }
      if (!keep) flush(from)
      else if (runFrom < 0) runFrom = from
    }
    flush(data.length)
  }

  return {
    take(chunk, onLines) {
      let rest = chunk
      if (skipping) {
        const end = rest.indexOf(newline)
        if (end < 0) return
        skipping = false
        rest = rest.subarray(end + 1)
      }
      if (carry.length > 0) {
        const joined = new Uint8Array(carry.length + rest.length)
        joined.set(carry)
        joined.set(rest, carry.length)
        rest = joined
      }
      const last = rest.lastIndexOf(newline)
      if (last >= 0) whole(rest.subarray(0, last + 1), onLines)
      carry = rest.slice(last + 1)
      if (carry.length > longestFlowLine + 2) {
        carry = new Uint8Array(0)
        skipping = true
        lines++
        badLines++
      }
    },
    end(onLines) {
      if (carry.length > 0) this.take(Uint8Array.of(newline), onLines)
      skipping = false
    },
    seen: () => ({ lines, badLines, newestEndSeconds: newest < 0 ? null : newest }),
  }
}
