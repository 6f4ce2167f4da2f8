import { attemptPage, missingPage } from '../../exporters/pages/attempt.ts'
import { type Page, assetAt } from '../../exporters/pages/page.ts'
import {
  type Fact,
  type TargetRow,
  type Tally,
  type Urgency,
  compactAbove,
  countIn,
  emptyTally,
  orderOf,
  signatureOf,
  statusPage,
  targetSection,
  urgencyOf,
} from '../../exporters/pages/status.ts'
import { type Change, targetPage } from '../../exporters/pages/target.ts'
import type { Clock } from '../../model/host.ts'
import type { Observation } from '../../model/observation.ts'
import type { Schedule, Target } from '../../model/target.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { type Fleet, lifeKey } from '../watch/fleet.ts'
import type { Lives } from '../watch/lives.ts'
import { createHistory } from './pages-history.ts'
import { createTimingBook } from './pages-timings.ts'
import type { Recorded, Ring } from '../record.ts'

export interface PageBooks {
  history: ReturnType<typeof createHistory>
  timings: ReturnType<typeof createTimingBook>
  lives: Pick<Lives, 'read'>
  /** Everything that targets observe. */
  observed(target: Target, observation: Observation): void
  /** Every verdict. */
  judged(verdict: TargetVerdict): void
}

/** What the pages remember of observations and verdicts, bounded by names. */
export function createPageBooks(clock: Clock, lives: Pick<Lives, 'read'>): PageBooks {
  const history = createHistory(clock)
  const timings = createTimingBook()
  return {
    history,
    timings,
    lives,
    observed(target, observation) {
      if (observation.kind !== 'attempt') return
      for (const name of target.names) {
        if (name.hostname !== observation.hostname || name.port !== observation.port) continue
        timings.observed(lifeKey(target.name, name.hostname, name.style), observation)
      }
    },
    judged(verdict) {
      for (const name of verdict.names) {
        const key = lifeKey(verdict.target, name.hostname, name.style)
        history.judged(key, name, lives.read(key)?.remainingSeconds ?? 0)
      }
    },
  }
}

export interface PagesParts {
  version: string
  wallMs(): number
  books: PageBooks
  fleet: Pick<Fleet, 'targets' | 'verdicts' | 'attempt'>
  ring: Pick<Ring, 'records'>
  notices(): string[]
  facts(): Fact[]
  /** Where the metrics are; left out: at `/metrics`. */
  metricsPath?(): string
  /** Any attempt that is still known. */
  attempt(id: string): AttemptVerdict | null
}

export interface Pages {
  /** The document of `/`, under `pagePolicy`. */
  status(): Iterable<string>
  /** `/targets/<name>`, `/attempts/<id>`, `/assets/<hash>.js`; null for anything else. */
  at(path: string): Page | null
  /** What the script of `/` asks: whether the page would look different now. */
  changes(): { schema: string; version: string; nowMs: number }
}

interface Look {
  nowMs: number
  tally: Tally
  /** In the order of the page. */
  shown: { row: TargetRow; order: number }[]
  notices: string[]
  facts: Fact[]
  compact: boolean
  changes: string
}

/** What nobody has asked for in this time is not kept. */
const keptMs = 120_000

/** Makes the pages out of what the agent knows now. */
export function createPages(parts: PagesParts): Pages {
  const { version, wallMs, fleet } = parts
  /** As each target was shown last. */
  let sections = new Map<string, string>()
  let signatures = new Map<string, string>()
  let around = ''
  let edition = 0
  let askedMs = Number.NEGATIVE_INFINITY
  const run = wallMs().toString(36)

  const rowOf = (target: Target, verdict: TargetVerdict | null): TargetRow => ({
    name: target.name,
    verdict,
    require: target.require,
    names: target.names.map(({ hostname, style }) => {
      const known = verdict?.names.find((n) => n.hostname === hostname && n.style === style) ?? null
      const key = lifeKey(target.name, hostname, style)
      return {
        hostname,
        style,
        verdict: known,
        since: known === null ? null : parts.books.history.since(key),
        stale: known !== null && parts.books.lives.read(key)?.alive !== true,
      }
    }),
  })

  const forgetOthers = (): void => {
    const { history, timings } = parts.books
    const count = fleet.targets().reduce((sum, { names }) => sum + names.length, 0)
    if (history.size() <= count && timings.size() <= count) return
    const keys = new Set<string>()
    for (const { name, names } of fleet.targets())
      for (const { hostname, style } of names) keys.add(lifeKey(name, hostname, style))
    history.keep(keys)
    timings.keep(keys)
  }

  /** Everything that the page shows. Yields nothing, often, for others to take their turn. */
  function* looking(): Generator<string, Look> {
    forgetOthers()
    const nowMs = wallMs()
    if (nowMs - askedMs > keptMs) sections = new Map()
    askedMs = nowMs
    const known = new Map(fleet.verdicts().map((verdict) => [verdict.target, verdict]))
    const targets = fleet.targets()
    const compact = targets.length > compactAbove
    const tally = emptyTally()
    const shown: Look['shown'] = []
    const next = new Map<string, string>()
    let changed = signatures.size !== targets.length
    for (const watched of targets) {
      const row = rowOf(watched, known.get(watched.name) ?? null)
      countIn(tally, row)
      const signature = signatureOf(row, compact)
      if (signatures.get(row.name) !== signature) {
        changed = true
        sections.delete(row.name)
      }
      next.set(row.name, signature)
      shown.push({ row, order: orderOf(row) })
      yield ''
    }
    shown.sort((a, b) => a.order - b.order || (a.row.name < b.row.name ? -1 : 1))
    const notices = parts.notices()
    const facts = parts.facts()
    const beside = JSON.stringify([notices, facts])
    if (changed || beside !== around) edition++
    signatures = next
    around = beside
    return { nowMs, tally, shown, notices, facts, compact, changes: `${run}-${edition}` }
  }

  function* sectionsOf({ shown, compact }: Look, urgency: Urgency): Generator<string> {
    for (const { row } of shown) {
      if (urgencyOf(row) !== urgency) continue
      const kept = sections.get(row.name)
      if (kept !== undefined) {
        yield kept
        continue
      }
      const made = targetSection(row, compact)
      // Another look may have come in between, and seen something newer.
      if (signatures.get(row.name) === signatureOf(row, compact)) sections.set(row.name, made)
      yield made
    }
  }

  const target = (name: string): Page | null => {
    const found = fleet.targets().find((one) => one.name === name)
    if (found === undefined) return null
    const verdict = fleet.verdicts().find((one) => one.target === name) ?? null
    const row = rowOf(found, verdict)
    const around = changesAround(parts.ring, name)
    return targetPage({
      metricsPath: parts.metricsPath?.(),
      version,
      nowMs: wallMs(),
      row,
      verdict,
      every: scheduleWords(found.schedule),
      names: row.names.map((one) => {
        const key = lifeKey(name, one.hostname, one.style)
        const turns = parts.books.history
          .turns(key)
          .map(({ atMs, state, proof, because }) => ({ atMs, state, proof, text: because }))
        return {
          ...one,
          changes: merged(turns, around),
          tcp: parts.books.timings.tcp(key),
          tls: parts.books.timings.tls(key),
        }
      }),
    })
  }

  const attempt = (id: string): Page | null => {
    const found = parts.attempt(id)
    if (found === null) return null
    const watching = fleet.targets().filter(({ names }) => names.some((n) => n.hostname === found.hostname))
    const names = fleet.verdicts().flatMap((verdict) => verdict.names)
    const now = names.find((one) => one.attempts.some((a) => a.id === id)) ?? null
    return attemptPage({
      metricsPath: parts.metricsPath?.(),
      version,
      nowMs: wallMs(),
      attempt: found,
      name: now ?? byItself(found, names),
      targets: watching.map((one) => one.name),
      current: now !== null,
    })
  }

  return {
    *status() {
      const now = yield* looking()
      const sections = (urgency: Urgency) => sectionsOf(now, urgency)
      yield* statusPage({ version, metricsPath: parts.metricsPath?.(), ...now, sections }).body
    },
    changes() {
      const all = looking()
      let step = all.next()
      while (!step.done) step = all.next()
      const { nowMs, changes } = step.value
      return { schema: 'pathproof.status/1', version: changes, nowMs }
    },
    at(path) {
      if (path.startsWith('/assets/')) return assetAt(path)
      const [, kind = '', rest = ''] = /^\/(targets|attempts)\/([^/]+)$/.exec(path) ?? []
      const name = decoded(rest)
      if (kind === '' || name === null) return null
      const page = kind === 'targets' ? target(name) : attempt(name)
      if (page !== null) return page
      const what =
        kind === 'targets'
          ? `No target is called ${name}.`
          : 'This connection is not kept any more, or never was. The records of the ledger, where one is kept, have it.'
      return missingPage(what, { version, metricsPath: parts.metricsPath?.(), nowMs: wallMs() })
    },
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** An attempt of an earlier cycle is drawn by its own state; what holds its name back now holds it back as well. */
function byItself(
  { state, conflicts, hostname }: AttemptVerdict,
  names: readonly NameVerdict[],
): Pick<NameVerdict, 'state' | 'tainted' | 'conflictOfSide'> {
  const tainted = names.some((name) => name.hostname === hostname && name.tainted)
  return { state, tainted, conflictOfSide: conflicts.some(({ of }) => of === 'side') }
}

function scheduleWords(schedule: Schedule): string {
  return schedule.kind === 'interval'
    ? `every ${schedule.everySeconds} s`
    : `by cron ${schedule.expression} (UTC)`
}

const mostChanges = 40

function changeOf({ kind, body, wallMs: atMs }: Recorded, target: string): Change[] {
  const told = (text: string): Change[] => [{ atMs, state: null, proof: null, text }]
  switch (kind) {
    case 'snapshot':
      return told('The account’s configuration was read, with new contents')
    case 'vantage':
      return told(`Where this host stands was found anew: ${body.kind}`)
    case 'first_leg':
      return body.target === target ? told(`First leg: ${body.before ?? 'not known'} → ${body.leg}`) : []
    case 'lifecycle':
      return told(`The agent: ${body.event.replaceAll('_', ' ')}`)
    default:
      return []
  }
}

/** What happened around a target and may have turned it, youngest first. */
function changesAround(ring: Pick<Ring, 'records'>, target: string): Change[] {
  const kinds = ['snapshot', 'vantage', 'first_leg', 'lifecycle'] as const
  return kinds
    .flatMap((kind) => ring.records(kind))
    .flatMap((record) => changeOf(record, target))
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, mostChanges)
}

/** What happened around counts from a little before the oldest turn on. */
function merged(turns: Change[], around: readonly Change[]): Change[] {
  const oldest = (turns.at(-1)?.atMs ?? 0) - 60_000
  return [...turns, ...around.filter(({ atMs }) => atMs >= oldest)]
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, mostChanges)
}
