import type { FlowFormat, FlowRecord } from '../model/flow.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { canonicalIp } from '../net/ip.ts'
import { type FlowFieldType, flowField } from './flow-fields.ts'

export type FlowLineReading = { ok: true; record: FlowRecord } | { ok: false; problem: string }

/** Longer lines are not read: all fields together, task names and tags at their longest, stay below it. */
export const longestFlowLine = 65_536

/** Six pairs of hexadecimal digits: Elastic Fabric Adapter records name network cards. */
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
const decimalPattern = /^(0|[1-9][0-9]{0,15})$/

const largest: Readonly<Partial<Record<FlowFieldType, number>>> = {
  port: 65_535,
  octet: 255,
  flags: 65_535,
  count: Number.MAX_SAFE_INTEGER,
  // the year 9999, so that a time can always be printed
  time: 253_402_300_799,
}

type Value = { ok: true; value: string | number | null } | { ok: false; expected: string }

/**
 * Reads one record by the format of its log: columns between runs of spaces, `-` as null, a carriage return at the end
 * left out. Addresses become canonical text and are read strictly, numbers must be plain decimals of the field's range;
 * words and codes that are not known stay as they are. Never throws; a problem says what was got and what was expected.
 */
export function parseFlowLine(line: string, format: FlowFormat): FlowLineReading {
  if (line.length > longestFlowLine)
    return {
      ok: false,
      problem: `the line has ${line.length} characters, at most ${longestFlowLine} are read`,
    }
  const columns = columnsOf(line)
  if (columns.length !== format.fields.length) {
    const got = `${columns.length} ${columns.length === 1 ? 'column' : 'columns'}`
    return { ok: false, problem: `the line has ${got}, its format ${format.fields.length}` }
  }
  const fields: Record<string, string | number | null> = {}
  for (let i = 0; i < columns.length; i++) {
    const field = format.fields[i]!
    const column = columns[i]!
    const read = readValue(column, flowField(field)?.type ?? 'text')
    if (!read.ok) return { ok: false, problem: `${field} is ${shown(column)}; expected ${read.expected}` }
    fields[field] = read.value
  }
  return { ok: true, record: { fields } }
}

/** Only spaces separate: any other white space in a line is part of a column, and refused there. */
function columnsOf(line: string): string[] {
  const end = line.endsWith('\n') ? line.length - 1 : line.length
  const text = line.slice(0, line[end - 1] === '\r' ? end - 1 : end)
  return text.split(' ').filter((column) => column !== '')
}

function readValue(column: string, type: FlowFieldType): Value {
  if (column === '-') return { ok: true, value: null }
  if (type === 'text' || type === 'code') {
    if (/[\u0000-\u0020\u007F]/.test(column))
      return { ok: false, expected: 'a text without control characters' }
    const number = type === 'code' && decimalPattern.test(column) ? Number(column) : Number.NaN
    return { ok: true, value: Number.isSafeInteger(number) ? number : column }
  }
  if (type === 'address') {
    const address = canonicalIp(column) ?? (macPattern.test(column) ? column : null)
    return address === null ? { ok: false, expected: 'an IP address' } : { ok: true, value: address }
  }
  const most = largest[type] ?? Number.MAX_SAFE_INTEGER
  const number = decimalPattern.test(column) ? Number(column) : Number.NaN
  return number <= most
    ? { ok: true, value: number }
    : { ok: false, expected: `a decimal number of 0 to ${most}` }
}

/**
 * The line of a record in a format: null and fields that the record lacks as `-`. Throws if a value can't stand in a
 * column (empty, with white space in it, or itself `-`), for then the line would say something else.
 */
export function printFlowRecord(record: FlowRecord, format: FlowFormat): string {
  return format.fields
    .map((field) => {
      const value = Object.hasOwn(record.fields, field) ? (record.fields[field] ?? null) : null
      if (value === null) return '-'
      const text = String(value)
      if (text === '-' || !/^[^\u0000-\u0020\u007F]+$/.test(text))
        throw new Error(`${field}: ${shown(text)} can't be a column of a flow record`)
      return text
    })
    .join(' ')
}

function shown(text: string): string {
  return JSON.stringify(safeText(redact(text.slice(0, 1024)), 80))
}
