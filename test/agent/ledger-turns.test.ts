import { describe, expect, it } from 'vitest'
import { createBodies } from '../../agent/ledger/bodies.ts'
import { mostBodyBytes, mostMade, repeatBodies } from '../../agent/ledger/fit.ts'
import { createTurns } from '../../agent/ledger/turns.ts'
import type { Recorded, RecordBodies, RecordKind } from '../../agent/record.ts'
import type { RepeatedLook } from '../../ledger/records.ts'
import type { EgressResult } from '../../model/egress.ts'
import type { Attempt } from '../../model/observation.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from './verdicts.ts'

function repeated(index: number, made: number): RepeatedLook {
  return {
    target: `target-${index}`,
    of: `0123abcd-1a2b-${index}`,
    atMs: 1_800_000_000_000 + index,
    lifeSeconds: 95,
    made: Array.from({ length: made }, (_, n) => [
      `0123abcd-1a2b-${index}-${n}`,
      `2600:1fa0:8000:1234:5678:9abc:def0:${n}`,
      40_000 + (n % 20_000),
    ]),
  }
}

describe('looks that found the same', () => {
  it('of 2,000 targets all stand in the ledger, with every connection', () => {
    const looks = Array.from({ length: 2000 }, (_, index) => repeated(index, index === 7 ? 4096 : index % 9))
    const bodies = repeatBodies(looks)
    for (const body of bodies)
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(mostBodyBytes)
    const entries = bodies.flatMap((body) => body.looks)
    expect(entries.filter(({ continued }) => continued !== true).map(({ target }) => target)).toEqual(
      looks.map(({ target }) => target),
    )
    const together = new Map<string, RepeatedLook['made']>()
    for (const { target, made } of entries) together.set(target, [...(together.get(target) ?? []), ...made])
    for (const { target, made } of looks) expect(together.get(target)).toEqual(made)
    // They continue the entry right before them.
    for (const [index, one] of entries.entries())
      if (one.continued === true)
        expect(one).toMatchObject({ ...entries[index - 1], made: one.made, continued: true })
  })

  it('a few stay one record, and none is one too many', () => {
    expect(repeatBodies([])).toEqual([])
    const looks = [repeated(1, 2), repeated(2, 0), repeated(3, mostMade)]
    expect(repeatBodies(looks)).toEqual([{ looks }])
  })
})

function begin(turn?: (fn: () => void) => void, parts = 0) {
  const lines: { kind: string; body: Record<string, unknown> }[] = []
  const failures: unknown[] = []
  let ids = 0
  const bodies = createBodies({
    append(kind, body) {
      lines.push({ kind, body: JSON.parse(JSON.stringify(body)) as Record<string, unknown> })
      return Promise.resolve({ ok: true, seq: lines.length })
    },
    setTimer: () => () => undefined,
    nextId: () => `v${++ids}`,
    ...(turn && { turn }),
    failed: (error) => void failures.push(error),
    basis: {
      read: () => undefined,
      before: () => void lines.push({ kind: 'before', body: {} }),
      anew: () => undefined,
      forget: () => undefined,
      *snapshot(body) {
        for (let n = 1; n <= parts; n++) {
          lines.push({ kind: 'content', body: { n } })
          if (body.id === 'broken' && n === 2) throw new Error('broken')
          yield
        }
        return { ...body, whole: true }
      },
    },
  })
  let sequence = 0
  const take = <K extends RecordKind>(kind: K, body: RecordBodies[K]): void =>
    bodies.take({ sequence: ++sequence, wallMs: 0, kind, body } as Recorded)
  const kinds = () => lines.map(({ kind }) => kind)
  return { bodies, take, lines, kinds, failures }
}

const snapshot = (id: string): RecordBodies['snapshot'] => ({
  id,
  account: null,
  region: null,
  source: 'test',
})
const heartbeat: RecordBodies['heartbeat'] = { everySeconds: 60, clockOffsetSeconds: 0, skipped: [] }
const round = (changes: Partial<EgressResult> = {}): EgressResult => ({
  check: 'internet',
  url: 'https://example.com',
  control: 'artifacts',
  state: 'open',
  because: 'x',
  atMs: 1,
  everySeconds: 60,
  findings: [],
  ...changes,
})
const posture = { atMs: 1 } as unknown as RecordBodies['posture']

describe('a large reading of the account', () => {
  it('is written in turns of the event loop, and whatever comes meanwhile stands behind it, in order', () => {
    const turns: (() => void)[] = []
    const { take, kinds, bodies } = begin((fn) => void turns.push(fn), 3)
    take('heartbeat', heartbeat)
    take('snapshot', snapshot('s1'))
    take('heartbeat', heartbeat)
    take('snapshot', snapshot('s2'))
    take('egress', round())
    expect(kinds()).toEqual(['heartbeat', 'content'])
    for (let n = 0; n < 3; n++) turns.shift()?.()
    const first = ['heartbeat', 'content', 'content', 'content', 'snapshot', 'heartbeat']
    expect(kinds()).toEqual([...first, 'content'])
    bodies.flush()
    expect(kinds()).toEqual([...first, 'content', 'content', 'content', 'snapshot', 'egress'])
    for (const turn of turns) turn()
    take('heartbeat', heartbeat)
    expect(kinds().length).toBe(12)
  })

  it('an observation that refers to it comes after it, and so does what a new segment has again', () => {
    const turns: (() => void)[] = []
    const { take, kinds, lines, bodies } = begin((fn) => void turns.push(fn), 2)
    take('posture', posture)
    take('egress', round())
    take('snapshot', snapshot('s1'))
    take('observation', { kind: 'attempt', stamp: { id: 'a1' } } as unknown as Attempt)
    take('look', { target: 'artifacts', atMs: 1, lifeSeconds: 90 })
    take('target_verdict', targetVerdict({ names: [nameVerdict({ attempts: [attemptVerdict()] })] }))
    bodies.anew()
    take('egress', round({ state: 'blocked' }))
    while (turns.length > 0) turns.shift()?.()
    expect(kinds()).toEqual([
      ...['posture', 'egress', 'content', 'content', 'snapshot'],
      ...['before', 'observation', 'attempt_verdict', 'target_verdict'],
      ...['restated', 'posture', 'egress', 'content', 'content', 'snapshot', 'restated', 'egress'],
    ])
    expect(lines.filter(({ kind }) => kind === 'egress').map(({ body }) => body['state'])).toEqual([
      'open',
      'open',
      'blocked',
    ])
    expect(lines.filter(({ kind }) => kind === 'restated').map(({ body }) => body['event'])).toEqual([
      'begin',
      'end',
    ])
  })

  it('one that breaks is written without its contents, and holds nothing up', () => {
    const turns: (() => void)[] = []
    const { take, kinds, failures } = begin((fn) => void turns.push(fn), 3)
    take('snapshot', snapshot('broken'))
    take('heartbeat', heartbeat)
    while (turns.length > 0) turns.shift()?.()
    expect(kinds()).toEqual(['content', 'content', 'snapshot', 'heartbeat'])
    expect(failures).toEqual([new Error('broken')])
  })

  it('without turns everything is done at once', () => {
    const { take, kinds } = begin(undefined, 3)
    take('snapshot', snapshot('s1'))
    expect(kinds()).toEqual(['content', 'content', 'content', 'snapshot'])
  })

  it('what throws while it waits is told, and the next one goes on', () => {
    const failures: unknown[] = []
    const done: string[] = []
    const queue: (() => void)[] = []
    const turns = createTurns(
      (fn) => void queue.push(fn),
      (error) => void failures.push(error),
    )
    turns.inOrder(() => turns.begin([1, 2].values()))
    turns.inOrder(() => {
      throw new Error('one')
    })
    turns.inOrder(() => void done.push('two'))
    while (queue.length > 0) queue.shift()?.()
    expect([failures, done]).toEqual([[new Error('one')], ['two']])
  })
})

describe('a check of a way out that is not configured any more', () => {
  const checks = (...entries: [string, string][]) => new Map(entries)

  it('stands in no further segment, nor does one that is another now; one that stays as it is does', () => {
    const { take, bodies, lines } = begin()
    bodies.checks(checks(['gone', '1'], ['changed', '1'], ['stays', '1']))
    for (const check of ['gone', 'changed', 'stays']) take('egress', round({ check }))
    bodies.checks(checks(['changed', '2'], ['stays', '1']))
    lines.length = 0
    bodies.anew()
    const told = () => lines.filter(({ kind }) => kind === 'egress').map(({ body }) => body['check'])
    expect(told()).toEqual(['stays'])
    // Its first round is told whatever it finds.
    take('egress', round({ check: 'changed' }))
    expect(told()).toEqual(['stays', 'changed'])
  })

  it('the first leg of a target that was dropped goes with it', () => {
    const { take, bodies, kinds, lines } = begin()
    const target = { event: 'watched', target: 'a' } as unknown as RecordBodies['target']
    take('target', target)
    take('first_leg', { target: 'a', leg: 'vpn', before: null, because: [], unknownHops: [] })
    take('target', { ...target, event: 'dropped' })
    lines.length = 0
    bodies.anew()
    expect(kinds()).toEqual(['restated', 'restated'])
  })
})

describe('a look with very many connections', () => {
  it('that found something new names all of them, and its names find room', () => {
    const { take, lines } = begin()
    const attempts = Array.from({ length: 3000 }, (_, n) =>
      attemptVerdict({ id: `0123abcd-1a2b-${n}`, address: `52.218.${n >> 8}.${n & 255}`, localPort: n }),
    )
    for (const { id } of attempts)
      take('observation', { kind: 'attempt', stamp: { id } } as unknown as Attempt)
    take('look', { target: 'artifacts', atMs: 1, lifeSeconds: 90 })
    take('target_verdict', targetVerdict({ names: [nameVerdict({ attempts })] }))
    const whole = lines.find(({ kind }) => kind === 'target_verdict')?.body ?? {}
    expect(whole['cut']).toBeUndefined()
    expect((whole['names'] as unknown[]).length).toBe(1)
    const entries = lines.flatMap(({ kind, body }) =>
      kind === 'verdict_repeat' ? (body as unknown as { looks: RepeatedLook[] }).looks : [],
    )
    expect(entries.every((one) => one.continued === true && one.of === whole['id'] && one.atMs === 1)).toBe(
      true,
    )
    const ids = [...(whole['made'] as string[]), ...entries.flatMap(({ made }) => made.map(([id]) => id))]
    expect(ids).toEqual(attempts.map(({ id }) => id))
  })
})
