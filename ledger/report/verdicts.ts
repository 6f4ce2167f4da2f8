import { type FirstLeg, firstLegs } from '../../model/first-leg.ts'
import { pathClasses, pathStates, ranks } from '../../model/path.ts'
import type { Duty, Mark } from '../timeline.ts'
import {
  type Fields,
  fieldsOf,
  keyOf,
  keysOf,
  isFields,
  listOf,
  numberOf,
  oneOf,
  stampOf,
  textOf,
  textOrNull,
  textsOf,
  timeOf,
} from './decode.ts'
import type { EvidenceLine, FixLine, WaiverLine } from './model.ts'
import type { Terms } from './terms.ts'

/** A target's verdict as far as a report needs it. */
export interface ReadVerdict {
  id: string
  target: string
  mark: Mark
  duty: Duty
  requireKind: 'none' | 'private' | 'blocked' | 'classes' | 'unknown'
  /** For people. */
  require: string
  waiver: WaiverLine | null
  /** Null: it tells of none. */
  firstLeg: {
    leg: FirstLeg
    required: 'any' | 'direct_connect' | 'vpn'
    met: boolean | null
    because: string
  } | null
  hostnames: string[]
  /** Reasons and repairs of the names that are not as they should be, worst first. */
  cause: string[]
  fix: FixLine[]
  /** Ids of the attempts behind those names. */
  attempts: string[]
}

export interface ReadLook {
  atMs: number
  lifeSeconds: number
  /** Ids of the attempts that it made. */
  made: string[]
}

/** An attempt's verdict. */
export interface ReadAttempt {
  id: string
  hostname: string
  address: string
  atMs: number
  mark: Mark
  connected: boolean
  late: boolean
  confirmed: boolean
  evidence: EvidenceLine[]
  fix: FixLine[]
}

const requireKinds = ['none', 'private', 'blocked', 'classes'] as const
const mostNames = 2000
const mostAttempts = 4000
/** A cron expression may ask for one look a month. */
const longestLifeSeconds = 40 * 86_400

/** The bodies of `LedgerBodies.target_verdict`; null: no target can be read. What can't be read otherwise is undetermined. */
export function readTargetVerdict(body: Fields): ReadVerdict | null {
  const target = textOf(body['target'], 100)
  if (target === '') return null
  const requireKind = oneOf(fieldsOf(body['require'])['kind'], requireKinds) ?? 'unknown'
  const names = listOf(body['names'], mostNames).map(fieldsOf)
  const held = names.some((name) => name['tainted'] === true || name['conflictOfSide'] === true)
  const state = oneOf(body['state'], pathStates) ?? 'undetermined'
  // What is held by a contradiction, or has a name that is not private, is not proven, whatever stands beside it.
  const mark: Mark = state === 'private' ? (worstOf(names) ?? (held ? 'undetermined' : state)) : state
  const firstLeg = readFirstLeg(body['firstLeg'])
  const unmet = firstLeg !== null && firstLeg.required !== 'any' && firstLeg.met !== true
  const bad = names
    .filter((name) => name['state'] !== 'private')
    .sort((a, b) => severity(b['state']) - severity(a['state']))
  const shown = bad.length > 0 ? bad : names
  return {
    id: keyOf(body['id']),
    target,
    mark,
    duty: dutyOf(mark, requireKind, unmet ? false : body['met']),
    requireKind,
    require: requireText(body),
    waiver: readWaiver(body['waiver']),
    firstLeg,
    hostnames: names.map((name) => textOf(name['hostname'], 255)).filter((name) => name !== ''),
    cause: shown
      .slice(0, 5)
      .flatMap((name) =>
        textsOf(name['because'], 3, 400).map((because) => `${textOf(name['hostname'], 255)}: ${because}`),
      ),
    fix: shown
      .slice(0, 5)
      .flatMap((name) => readFixes(name['fix']))
      .slice(0, 8),
    attempts: shown.slice(0, 5).flatMap((name) => keysOf(name['attempts'], 20)),
  }
}

const severity = (state: unknown): number =>
  ['private', 'blocked', 'undetermined', 'mixed', 'public'].indexOf(String(state))

/** What the verdict says of the requirement; what does not fit the state is not believed. */
export function dutyOf(mark: Mark, kind: ReadVerdict['requireKind'], met: unknown): Duty {
  if (kind === 'none') return 'none'
  if (kind === 'unknown' || mark === 'undetermined' || mark === 'gap') return 'unknown'
  if (kind === 'private' && mark === 'private') return met === true ? 'met' : 'unknown'
  if (kind === 'blocked' && mark === 'blocked') return met === true ? 'met' : 'unknown'
  return kind === 'classes' && met === true ? 'met' : 'not_met'
}

/** A name that speaks against a target that is said to be private. */
function worstOf(names: readonly Fields[]): Mark | null {
  const states = names.map((name) => name['state'])
  if (states.includes('public') || states.includes('mixed')) return 'mixed'
  return states.includes('undetermined') ? 'undetermined' : null
}

function readFirstLeg(value: unknown): ReadVerdict['firstLeg'] {
  if (!isFields(value)) return null
  const { met, because, required } = value
  return {
    leg: oneOf(value['leg'], firstLegs) ?? 'unproven',
    required: oneOf(required, ['any', 'direct_connect', 'vpn']) ?? 'any',
    met: typeof met === 'boolean' ? met : null,
    because: textsOf(because, 1, 300)[0] ?? '',
  }
}

/** What a verdict or a declaration of a target demands. */
export function readTerms(body: Fields): Terms {
  const kind = oneOf(fieldsOf(body['require'])['kind'], requireKinds) ?? 'unknown'
  return { requireKind: kind, require: requireText(body), waiver: readWaiver(body['waiver']) }
}

function requireText(body: Fields): string {
  const requirement = fieldsOf(body['require'])
  const kind = oneOf(requirement['kind'], requireKinds) ?? 'unknown'
  if (kind === 'none') return 'nothing'
  const classes = pathClasses.filter((one) => listOf(requirement['classes'], 20).includes(one))
  const proof = oneOf(body['minProof'], ranks) ?? 'configured'
  return [
    kind === 'classes' ? classes.join(' or ') : kind,
    ...(proof === 'observed' || proof === 'attested' ? [`proof at least ${proof}`] : []),
  ].join(', ')
}

export function readWaiver(value: unknown): WaiverLine | null {
  if (!isFields(value)) return null
  const untilMs = timeOf(value['untilMs'])
  if (untilMs === null) return null
  return { reason: textOf(value['reason'], 500), ticket: textOrNull(value['ticket'], 100), untilMs }
}

function readFixes(value: unknown): FixLine[] {
  return listOf(value, 4)
    .map(fieldsOf)
    .map((fix) => ({ text: textOf(fix['text'], 500), command: textOrNull(fix['command'], 1000) }))
    .filter((fix) => fix.text !== '')
}

/** `look` of a verdict record with its `made`; null where there was none. */
export function readLook(body: Fields): ReadLook | null {
  return isFields(body['look']) ? lookOf(body['look'], keysOf(body['made'], mostAttempts)) : null
}

function lookOf(fields: Fields, made: string[]): ReadLook | null {
  const atMs = timeOf(fields['atMs'])
  if (atMs === null) return null
  return { atMs, lifeSeconds: numberOf(fields['lifeSeconds'], 0, longestLifeSeconds) ?? 0, made }
}

/** The looks of a `verdict_repeat`; `target` as it stands there, not cleaned. `continued`: no look of its own. */
export function readRepeats(
  body: Fields,
): { target: string; of: string; look: ReadLook; continued: boolean }[] {
  return listOf(body['looks'], 10_000)
    .map(fieldsOf)
    .flatMap((one) => {
      const made = listOf(one['made'], mostAttempts).map((entry) => keyOf(listOf(entry, 1)[0]))
      const look = lookOf(
        one,
        made.filter((id) => id !== ''),
      )
      const target = keyOf(one['target'])
      const continued = one['continued'] === true
      return look === null || target === '' ? [] : [{ target, of: keyOf(one['of']), look, continued }]
    })
}

/** `wallMs`: of the record. Null: no attempt can be read. */
export function readAttempt(body: Fields, wallMs: number): ReadAttempt | null {
  const atMs = timeOf(body['atMs'])
  const hostname = textOf(body['hostname'], 255)
  if (atMs === null || hostname === '') return null
  const address = textOf(body['address'], 64)
  const connected = body['connected'] === true
  const mark = oneOf(body['state'], pathStates) ?? 'undetermined'
  return {
    id: keyOf(body['id']),
    hostname,
    address,
    atMs,
    mark: mark === 'private' && !connected ? 'undetermined' : mark,
    connected,
    late: listOf(fieldsOf(body['grounds'])['late'], 1).length > 0 || wallMs - atMs > 600_000,
    confirmed: body['confirmation'] === 'confirmed',
    evidence: evidenceOf(body, hostname, address),
    fix: readFixes(body['fix']),
  }
}

/** Strongest first, at most twelve. */
function evidenceOf(body: Fields, hostname: string, address: string): EvidenceLine[] {
  const conflicts = listOf(body['conflicts'], 5).flatMap((one) => listOf(fieldsOf(one)['evidence'], 10))
  return [...listOf(body['evidence'], 60), ...conflicts]
    .map(fieldsOf)
    .map((one) => ({
      hostname,
      address,
      rule: textOf(one['rule'], 100),
      rank: oneOf(one['rank'], ranks) ?? '',
      because: textOf(one['because'], 500),
      source: textOf(one['source'], 100),
      at: timeOf(one['observedAtMs']) ?? stampOf(one['observedAt']),
    }))
    .filter((one) => one.because !== '')
    .sort((a, b) => rankOf(a.rank) - rankOf(b.rank))
    .slice(0, 12)
}

const rankOf = (rank: string): number => {
  const place = (ranks as readonly string[]).indexOf(rank)
  return place < 0 ? ranks.length : place
}
