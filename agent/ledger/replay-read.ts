import { isFields, fieldsOf, oneOf, textOf, textOrNull } from '../../ledger/report/decode.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt, DnsObservation, FamilyObservation } from '../../model/observation.ts'
import {
  type Confirmation,
  type PathClass,
  type PathState,
  type Rank,
  pathClasses,
  pathStates,
  ranks,
} from '../../model/path.ts'
import type { AttemptVerdict, Requirement, Waiver } from '../../model/verdict.ts'

/**
 * Bodies of a ledger for judging again. Whoever wrote it is not trusted: what has not the form is null, and is not judged.
 * What is handed on whole is only looked at by rules that are made for hostile values.
 */
type Body = Readonly<Record<string, unknown>>

const confirmations: readonly Confirmation[] = ['pending', 'confirmed', 'no_record', 'unavailable']
const mostItems = 500

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= mostItems && value.every((item) => typeof item === 'string')

function classesOf(value: unknown): PathClass[] | null {
  return isTexts(value) && value.every((item) => oneOf(item, pathClasses) !== null)
    ? (value as PathClass[])
    : null
}

function isEvidence(value: unknown): value is Evidence {
  if (!isFields(value)) return false
  const leansOn = value['leansOn']
  return (
    typeof value['rule'] === 'string' &&
    typeof value['because'] === 'string' &&
    classesOf(value['possible']) !== null &&
    oneOf(value['rank'], ranks) !== null &&
    isTexts(value['flags']) &&
    isTexts(value['assumptions']) &&
    (leansOn === undefined ||
      (isFields(leansOn) && typeof leansOn['rule'] === 'string' && classesOf(leansOn['otherwise']) !== null))
  )
}

const isBasis = (value: unknown): boolean =>
  isFields(value) &&
  ['networkInterface', 'routeTable', 'route', 'target'].every((key) => typeof value[key] === 'string')

/** A stored verdict with all that elimination needs; null for one that was cut to fit its line. */
export function readAttemptVerdict(body: Body): AttemptVerdict | null {
  const { evidence, grounds, bases, conflicts, flags } = body
  const { start, late } = fieldsOf(grounds)
  const whole =
    body['cut'] === undefined &&
    ['id', 'hostname', 'address'].every((key) => typeof body[key] === 'string') &&
    (body['family'] === 4 || body['family'] === 6) &&
    oneOf(body['state'], pathStates) !== null &&
    oneOf(body['wouldBe'], pathStates) !== null &&
    typeof body['connected'] === 'boolean' &&
    typeof body['dialled'] === 'boolean' &&
    classesOf(body['possible']) !== null &&
    (body['proof'] === null || oneOf(body['proof'], ranks) !== null) &&
    oneOf(body['confirmation'], confirmations) !== null &&
    Array.isArray(evidence) &&
    evidence.length <= mostItems &&
    evidence.every(isEvidence) &&
    Array.isArray(conflicts) &&
    conflicts.every((one) => isFields(one) && typeof one['because'] === 'string') &&
    isTexts(flags) &&
    Array.isArray(bases) &&
    bases.every(isBasis) &&
    (body['basis'] === null || isBasis(body['basis'])) &&
    classesOf(start) !== null &&
    Array.isArray(late) &&
    late.every((index) => Number.isSafeInteger(index) && index >= 0 && index < evidence.length) &&
    isTexts(body['wouldDecide']) &&
    Array.isArray(body['fix'])
  return whole ? (body as unknown as AttemptVerdict) : null
}

/** Only what `socketEvidence` looks at of a completed handshake. */
export function readAttempt(body: Body): Attempt | null {
  if (body['kind'] !== 'attempt') return null
  const { id, wallMs } = fieldsOf(body['stamp'])
  const outcome = fieldsOf(body['outcome'])
  if (typeof id !== 'string' || typeof wallMs !== 'number') return null
  if (outcome['reached'] !== 'tls') return null
  const check = fieldsOf(fieldsOf(outcome['tls'])['check'])
  const whole =
    oneOf(check['roots'], ['public', 'partition', 'host', 'none']) !== null &&
    typeof check['nameMatches'] === 'boolean' &&
    typeof check['nameExpected'] === 'string' &&
    oneOf(check['dates'], ['valid', 'expired', 'not_yet_valid']) !== null
  return whole ? (body as unknown as Attempt) : null
}

const devices = [
  'physical',
  'vlan',
  'bond',
  'veth',
  'tun',
  'bridge',
  'wireguard',
  'loopback',
  'other',
] as const
const textOrNone = (value: unknown): boolean => value === null || typeof value === 'string'

/** An attempt with all that the rows of routes and addresses look at; null for one that lacks some of it. */
export function readWholeAttempt(body: Body): Attempt | null {
  const { stamp, outcome, timings, host, proxyVariables, resolvers, family, port } = body
  const at = fieldsOf(stamp)
  const way = fieldsOf(host)
  const reached = fieldsOf(outcome)
  const whole =
    body['kind'] === 'attempt' &&
    body['cut'] === undefined &&
    typeof at['id'] === 'string' &&
    typeof at['wallMs'] === 'number' &&
    textOrNone(at['snapshot']) &&
    typeof body['hostname'] === 'string' &&
    typeof body['address'] === 'string' &&
    textOrNone(body['localAddress']) &&
    (family === 4 || family === 6) &&
    typeof port === 'number' &&
    isTexts(resolvers) &&
    isTexts(proxyVariables) &&
    isFields(timings) &&
    (reached['reached'] === 'tls'
      ? readAttempt(body) !== null
      : typeof reached['reached'] === 'string' &&
        (reached['reached'] === 'not_dialled' || typeof fieldsOf(reached['failure'])['type'] === 'string')) &&
    oneOf(way['method'], ['ip_route_get', 'only_device', 'none']) !== null &&
    (way['deviceKind'] === null || oneOf(way['deviceKind'], devices) !== null) &&
    ['device', 'mac', 'gateway', 'source', 'detail'].every((name) => textOrNone(way[name])) &&
    (way['selectorRules'] === null || typeof way['selectorRules'] === 'boolean') &&
    oneOf(way['redirect'], ['none', 'possible', 'unreadable']) !== null
  return whole ? (body as unknown as Attempt) : null
}

const isAnswer = (value: unknown): boolean => {
  const answer = fieldsOf(value)
  return answer['answered'] === true
    ? typeof answer['rcode'] === 'string' && typeof answer['truncated'] === 'boolean'
    : answer['answered'] === false && typeof fieldsOf(answer['failure'])['type'] === 'string'
}

export function readDns(body: Body): DnsObservation | null {
  const whole =
    body['kind'] === 'dns' &&
    ['hostname', 'resolver', 'server'].every((key) => typeof body[key] === 'string') &&
    typeof body['counts'] === 'boolean' &&
    isAnswer(body['ipv4']) &&
    isAnswer(body['ipv6'])
  return whole ? (body as unknown as DnsObservation) : null
}

export function readFamily(body: Body): FamilyObservation | null {
  const whole =
    body['kind'] === 'family' &&
    (body['family'] === 4 || body['family'] === 6) &&
    typeof body['usable'] === 'boolean'
  return whole ? (body as unknown as FamilyObservation) : null
}

export interface StoredName {
  hostname: string
  style: string
  state: PathState
  proof: Rank | null
  confirmedProof: Rank | null
  confirmation: Confirmation
  lastConfirmedMs: number | null
  because: string[]
  tainted: boolean
  doubt: boolean
  absent: boolean
  attempts: string[]
}

export interface StoredTarget {
  id: string
  target: string
  state: PathState
  met: boolean | null
  require: Requirement
  minProof: Rank
  waiver: Waiver | null
  names: StoredName[]
  /** Names and attempts that did not fit. */
  leftOut: number
  /** A first leg is demanded and was not shown. */
  firstLegMissing: boolean
}

function readName(value: unknown): StoredName | null {
  const name = fieldsOf(value)
  const state = oneOf(name['state'], pathStates)
  const confirmation = oneOf(name['confirmation'], confirmations)
  const { attempts, because } = name
  if (state === null || confirmation === null || !isTexts(attempts) || !isTexts(because)) return null
  if (name['cut'] !== undefined) return null
  return {
    hostname: textOf(name['hostname']),
    style: textOf(name['style']),
    state,
    proof: oneOf(name['proof'], ranks),
    confirmedProof: oneOf(name['confirmedProof'], ranks),
    confirmation,
    lastConfirmedMs: typeof name['lastConfirmedMs'] === 'number' ? name['lastConfirmedMs'] : null,
    because,
    tainted: name['tainted'] === true,
    doubt: name['doubt'] === true,
    absent: name['absent'] === true,
    attempts,
  }
}

function readRequirement(value: unknown): Requirement | null {
  const { kind, classes } = fieldsOf(value)
  if (kind === 'classes') {
    const read = classesOf(classes)
    return read === null ? null : { kind, classes: read }
  }
  return kind === 'none' || kind === 'private' || kind === 'blocked' ? { kind } : null
}

export function readTarget(body: Body): StoredTarget | null {
  const { id, names, met } = body
  const state = oneOf(body['state'], pathStates)
  const require = readRequirement(body['require'])
  const minProof = oneOf(body['minProof'], ranks)
  if (typeof id !== 'string' || state === null || require === null || minProof === null) return null
  if (!Array.isArray(names) || names.length > 20_000 || !(met === null || typeof met === 'boolean'))
    return null
  const read = names.map(readName)
  if (!read.every((name) => name !== null)) return null
  const waiver = fieldsOf(body['waiver'])
  const { names: left = 0, attempts: more = 0 } = fieldsOf(body['leftOut'])
  return {
    id,
    target: textOf(body['target']),
    state,
    met,
    require,
    minProof,
    waiver:
      typeof waiver['untilMs'] === 'number'
        ? {
            reason: textOf(waiver['reason']),
            ticket: textOrNull(waiver['ticket']),
            untilMs: waiver['untilMs'],
          }
        : null,
    names: read,
    leftOut: Number(left) + Number(more),
    firstLegMissing: fieldsOf(body['firstLeg'])['met'] === false,
  }
}
