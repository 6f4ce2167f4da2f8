/** Condition operators. Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys". */
import { bitsOf, familyOf, within } from '../world/bits.ts'
import { matchesArn, matchesPattern } from './patterns.ts'

/** What a request says of itself; keys without regard to case. A key with a list has several values. */
export type Context = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Operator {
  /** Whether a value of the request fits one value of the policy, before negation. */
  test(actual: string, wanted: string): boolean
  negated: boolean
  ifExists: boolean
  set: 'any' | 'all' | null
  /** `Null`: about the key itself. */
  isNull: boolean
}

type Test = (actual: string, wanted: string) => boolean

const numeric =
  (holds: (a: number, b: number) => boolean): Test =>
  (actual, wanted) =>
    isNumber(actual) && isNumber(wanted) && holds(Number(actual), Number(wanted))
const dated =
  (holds: (a: number, b: number) => boolean): Test =>
  (actual, wanted) => {
    const [a, b] = [timeOf(actual), timeOf(wanted)]
    return !Number.isNaN(a) && !Number.isNaN(b) && holds(a, b)
  }

const tests: Readonly<Record<string, Test>> = {
  StringEquals: (actual, wanted) => actual === wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: matchesPattern,
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  BinaryEquals: (actual, wanted) => actual === wanted,
  IpAddress: isInside,
  NumericEquals: numeric((a, b) => a === b),
  NumericLessThan: numeric((a, b) => a < b),
  NumericLessThanEquals: numeric((a, b) => a <= b),
  NumericGreaterThan: numeric((a, b) => a > b),
  NumericGreaterThanEquals: numeric((a, b) => a >= b),
  DateEquals: dated((a, b) => a === b),
  DateLessThan: dated((a, b) => a < b),
  DateLessThanEquals: dated((a, b) => a <= b),
  DateGreaterThan: dated((a, b) => a > b),
  DateGreaterThanEquals: dated((a, b) => a >= b),
}

/** Negated operator → the one that it negates. */
const negations: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NotIpAddress: 'IpAddress',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
}

/** Null: there is no such operator. */
export function operatorOf(name: string): Operator | null {
  const [, prefix, rest = ''] = /^(ForAnyValue:|ForAllValues:)?(.+)$/u.exec(name) ?? []
  const set = prefix === undefined ? null : prefix === 'ForAnyValue:' ? 'any' : 'all'
  if (rest === 'Null')
    return set === null ? { test: () => false, negated: false, ifExists: false, set, isNull: true } : null
  const ifExists = rest.endsWith('IfExists')
  const word = ifExists ? rest.slice(0, -8) : rest
  const negated = Object.hasOwn(negations, word)
  const positive = negated ? (negations[word] ?? '') : word
  const test = Object.hasOwn(tests, positive) ? tests[positive] : undefined
  return test === undefined ? null : { test, negated, ifExists, set, isNull: false }
}

/**
 * Whether a condition holds. Without the key a negated operator is true and any other false; `…IfExists` is true;
 * `ForAllValues` is true and `ForAnyValue` false. `wanted` is what the policy says, variables put in.
 */
export function holds(name: string, actual: readonly string[], wanted: readonly string[]): boolean {
  const operator = operatorOf(name)
  if (operator === null) return false
  if (operator.isNull) return wanted.some((value) => value.toLowerCase() === String(actual.length === 0))
  if (actual.length === 0) {
    if (operator.ifExists || operator.set === 'all') return true
    return operator.set === 'any' ? false : operator.negated
  }
  // of several values of the policy one is enough, or with a negated operator none may fit
  const fits = (value: string): boolean =>
    wanted.some((each) => operator.test(value, each)) !== operator.negated
  return operator.set === 'all' || (operator.set === null && operator.negated)
    ? actual.every(fits)
    : actual.some(fits)
}

/** The values of a key in a request; none, if the key is not there. */
export function valuesOf(context: Context, key: string): readonly string[] {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1]
  if (found === undefined) return []
  return typeof found === 'string' ? [found] : found
}

function isInside(actual: string, wanted: string): boolean {
  if (!isAddress(actual)) return false
  const [address = '', length] = wanted.split('/')
  if (!isAddress(address) || familyOf(address) !== familyOf(actual)) return false
  return length === undefined ? bitsOf(address) === bitsOf(actual) : within(actual, wanted)
}

function isAddress(text: string): boolean {
  return /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/u.test(text)
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/u.test(text)
}

/** ISO 8601, or Unix seconds. */
function timeOf(text: string): number {
  return isNumber(text) ? Number(text) * 1000 : Date.parse(text)
}
