import fc from 'fast-check'
import type { LedgerRecord } from '../../ledger/types.ts'
import { attemptBody, recordWriter, targetBody, verdictBody } from './ledger-records.ts'

/** What happens, one thing after the other, `after` seconds from the one before. */
export type Happening =
  | { kind: 'look'; after: number; state: 'private' | 'public' | 'undetermined' | 'mixed'; life: number }
  | { kind: 'repeat'; after: number; life: number; unknown: boolean }
  | { kind: 'rejudged'; after: number; state: 'private' | 'public' | 'undetermined' }
  | { kind: 'stop'; after: number; away: number; clean: boolean }
  | { kind: 'late'; after: number; back: number; state: 'public' | 'private' | 'undetermined' }
  | { kind: 'lost'; after: number; back: number }

const after = fc.integer({ min: 1, max: 12 })
const life = fc.integer({ min: 0, max: 30 })
export const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('look' as const),
      after,
      state: fc.constantFrom('private', 'private', 'public', 'undetermined', 'mixed'),
      life,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('repeat' as const), after, life, unknown: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rejudged' as const),
      after,
      state: fc.constantFrom('private', 'public', 'undetermined'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stop' as const),
      after,
      away: fc.integer({ min: 1, max: 40 }),
      clean: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      after,
      back: fc.integer({ min: 1, max: 60 }),
      state: fc.constantFrom('public', 'private', 'undetermined'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lost' as const),
      after,
      back: fc.integer({ min: 1, max: 20 }),
    }),
  },
)

export const base = Date.UTC(2026, 0, 1)
const host = 'web.s3.eu-west-1.amazonaws.com'

/** Second by second, why `private` must not be said; and where a public path was seen. Written down as things happen. */
export function play(happenings: readonly Happening[]) {
  const write = recordWriter()
  const records: LedgerRecord[] = []
  const put = (kind: string, at: number, body: object): void =>
    void records.push(write(kind, base + at * 1000, body))
  /** Each thing that was said of the path from a time on, and how long it may stand. */
  const said: { at: number; end: number; state: string }[] = []
  const denied: [number, number][] = []
  const publicAt = new Set<number>()
  let at = 0
  let last: { id: string; state: string } | null = null
  let alive: { end: number } | null = null
  /** The start of the last look that stands: what is said later of its connections goes back to it. */
  let lookAt = 0
  /** Told late to be public: the verdict that stood says nothing any more, nor do its repeats. */
  let spent: string | null = null
  let next = 0
  const say = (state: string, end: number): void => {
    const before = said.at(-1)
    // A look that turns out worse takes the time since the last word with it.
    if (before !== undefined && before.end >= at && (state === 'public' || state === 'mixed'))
      denied.push([before.at, at])
    said.push({ at, end, state })
    alive = { end }
  }
  const cut = (): void => {
    const before = said.at(-1)
    if (before !== undefined) before.end = Math.min(before.end, at)
    alive = null
  }
  put('lifecycle', 0, { event: 'started', version: '1', configuration: 'c' })
  put('target', 0, targetBody('web', 10))
  for (const one of happenings) {
    at += one.after
    if (one.kind === 'look') {
      last = { id: `v${next++}`, state: one.state }
      put(
        'target_verdict',
        at,
        verdictBody({
          target: 'web',
          id: last.id,
          state: one.state,
          atMs: base + at * 1000,
          lifeSeconds: one.life,
          hostname: host,
        }),
      )
      say(one.state, at + one.life)
      lookAt = at
    } else if (one.kind === 'repeat') {
      const known = last !== null && !one.unknown
      const held = known && last?.id === spent && last?.state === 'private'
      put('verdict_repeat', at, {
        looks: [
          {
            target: 'web',
            of: known ? last?.id : 'nobody',
            atMs: base + at * 1000,
            lifeSeconds: one.life,
            made: [],
          },
        ],
      })
      say(known && !held ? (last?.state ?? '') : 'undetermined', at + one.life)
      lookAt = at
    } else if (one.kind === 'rejudged') {
      const end = (alive as { end: number } | null)?.end ?? at
      last = { id: `v${next++}`, state: one.state }
      put(
        'target_verdict',
        at,
        verdictBody({ target: 'web', id: last.id, state: one.state, atMs: null, hostname: host }),
      )
      if (alive !== null && one.state !== 'private') denied.push([lookAt, at])
      if (alive !== null) say(one.state, Math.max(end, at))
    } else if (one.kind === 'stop') {
      cut()
      if (one.clean) put('lifecycle', at, { event: 'stopped', version: '1', configuration: 'c' })
      const lastAt = at
      at += one.away
      if (!one.clean)
        put('recovery', at, { lastSeq: 1, lastTs: new Date(base + lastAt * 1000).toISOString(), cut: [] })
      put('lifecycle', at, { event: 'started', version: '1', configuration: 'c' })
    } else if (one.kind === 'late') {
      const attempt = Math.max(0, at - one.back)
      put(
        'attempt_verdict',
        at,
        attemptBody({
          id: `a${next++}`,
          hostname: host,
          state: one.state,
          atMs: base + attempt * 1000,
          late: true,
        }),
      )
      if (one.state === 'undetermined') denied.push([attempt, attempt + 1])
      if (one.state === 'public') {
        const then = said.findLast((word) => word.at <= attempt)
        const knew =
          then !== undefined && attempt < then.end && (then.state === 'public' || then.state === 'mixed')
        publicAt.add(attempt)
        if (!knew) {
          denied.push([attempt, at])
          spent = last?.id ?? null
          const now = said.at(-1)
          if (now !== undefined && now.state === 'private') now.end = Math.min(now.end, at)
        }
      }
    } else if (one.kind === 'lost') {
      const from = Math.max(0, at - one.back)
      put('gap', at, {
        reason: 'ENOSPC',
        fromTs: new Date(base + from * 1000).toISOString(),
        toTs: new Date(base + at * 1000).toISOString(),
        lost: { verdict_repeat: 1 },
        late: 0,
      })
      denied.push([from, at])
    }
  }
  at += 100
  put('heartbeat', at, { everySeconds: 1000 })
  const standing = (second: number) => {
    const word = said.findLast((other) => other.at <= second)
    return word !== undefined && second < word.end ? word.state : null
  }
  const mayBePrivate = (second: number): boolean =>
    standing(second) === 'private' && !denied.some(([from, to]) => from <= second && second < to)
  return { records, seconds: at, standing, mayBePrivate, publicAt }
}
