/** Filter patterns of CloudWatch Logs: terms, and space-delimited fields. Source: CloudWatch Logs user guide, "Filter pattern syntax". */
import { matchesPattern } from '../policy/patterns.ts'

export type LineTest = (line: string) => boolean

/** Null: the pattern is none (or one of JSON or with a regular expression, which the lab does not have). */
export function lineTest(pattern: string): LineTest | null {
  const text = pattern.trim()
  if (text === '') return () => true
  if (text.startsWith('[')) return fieldsTest(text)
  return text.startsWith('{') || text.includes('%') ? null : termsTest(text)
}

/** `ERROR "two words" -not ?either ?or`. */
function termsTest(text: string): LineTest | null {
  const all: string[] = []
  const any: string[] = []
  const none: string[] = []
  let rest = text
  while (rest !== '') {
    const [whole = '', sign = '', quoted, plain] =
      /^([?-]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_]+))(?:\s+|$)/u.exec(rest) ?? []
    if (whole === '') return null
    const term = quoted?.replaceAll(/\\(.)/gu, '$1') ?? plain ?? ''
    const place = sign === '?' ? any : sign === '-' ? none : all
    place.push(term)
    rest = rest.slice(whole.length)
  }
  return (line) =>
    all.every((term) => line.includes(term)) &&
    !none.some((term) => line.includes(term)) &&
    (any.length === 0 || any.some((term) => line.includes(term)))
}

/** `[version, account, eni=eni-0a*, ..., action="ACCEPT", status]`. */
function fieldsTest(text: string): LineTest | null {
  if (!text.endsWith(']')) return null
  const columns = text
    .slice(1, -1)
    .split(',')
    .map((column) => column.trim())
  const gap = columns.indexOf('...')
  if (columns.lastIndexOf('...') !== gap) return null
  const before = (gap < 0 ? columns : columns.slice(0, gap)).map(columnTest)
  const after = (gap < 0 ? [] : columns.slice(gap + 1)).map(columnTest)
  if ([...before, ...after].includes(null)) return null
  return (line) => {
    const values = line.trim().split(/\s+/u)
    const fits = gap < 0 ? values.length === before.length : values.length >= before.length + after.length
    return (
      fits &&
      before.every((test, n) => test?.(values[n] ?? '') === true) &&
      after.every((test, n) => test?.(values[values.length - after.length + n] ?? '') === true)
    )
  }
}

/** `name`, `name = value`, conditions with `&&` or `||` between them; null: none of these. */
function columnTest(column: string): LineTest | null {
  if (/^\w+$/u.test(column)) return () => true
  const parts = column.split(/(&&|\|\|)/u).map((part) => part.trim())
  const tests = parts.filter((_, n) => n % 2 === 0).map(conditionTest)
  if (tests.includes(null)) return null
  return (value) =>
    tests.reduce((held, test, n) => {
      const now = test?.(value) === true
      if (n === 0) return now
      return parts[2 * n - 1] === '&&' ? held && now : held || now
    }, false)
}

function conditionTest(part: string): LineTest | null {
  const [, operator = '', quoted, plain = ''] =
    /^\w+\s*(=|!=|<=|>=|<|>)\s*(?:"([^"]*)"|([^\s"]+))$/u.exec(part) ?? []
  const wanted = quoted ?? plain
  if (operator === '') return null
  if (operator === '=' || operator === '!=') {
    const same = (value: string): boolean =>
      quoted === undefined && isNumber(wanted) && isNumber(value)
        ? Number(value) === Number(wanted)
        : matchesPattern(value, wanted)
    return (value) => same(value) === (operator === '=')
  }
  if (!isNumber(wanted)) return null
  const limit = Number(wanted)
  return (value) => {
    if (!isNumber(value)) return false
    const number = Number(value)
    if (operator === '<') return number < limit
    if (operator === '>') return number > limit
    return operator === '<=' ? number <= limit : number >= limit
  }
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/u.test(text)
}
