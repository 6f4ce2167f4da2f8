import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createBodies } from '../../agent/ledger/bodies.ts'
import { bytesOf, fitted, mostBodyBytes } from '../../agent/ledger/fit.ts'
import type { Recorded, RecordBodies, RecordKind } from '../../agent/record.ts'
import type { Appended } from '../../ledger/types.ts'
import type { Attempt } from '../../model/observation.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from './verdicts.ts'

let lines: { kind: string; body: Record<string, unknown> }[] = []
let timers: (() => void)[] = []
let answer: Appended = { ok: true, seq: 0 }
let ids = 0
beforeEach(() => {
  lines = []
  timers = []
  answer = { ok: true, seq: 0 }
  ids = 0
})

function begin() {
  const bodies = createBodies({
    append(kind, body) {
      lines.push({ kind, body: JSON.parse(JSON.stringify(body)) as Record<string, unknown> })
      return Promise.resolve(answer)
    },
    setTimer(_ms, fn) {
      timers.push(fn)
      return () => void timers.splice(timers.indexOf(fn), 1)
    },
    nextId: () => `v${++ids}`,
  })
  let sequence = 0
  const take = <K extends RecordKind>(kind: K, body: RecordBodies[K]): void =>
    bodies.take({ sequence: ++sequence, wallMs: 0, kind, body } as Recorded)
  let made = 0
  /** One cycle of one target: an attempt, the end of the cycle, the verdict. */
  const look = (changes: Partial<AttemptVerdict> = {}, of: Partial<TargetVerdict> = {}): string => {
    const id = `a${++made}`
    take('observation', { kind: 'attempt', stamp: { id } } as unknown as Attempt)
    take('look', { target: 'artifacts', atMs: made * 1000, lifeSeconds: 90 })
    const attempt = attemptVerdict({ id, atMs: made * 1000, localPort: 40_000 + made, ...changes })
    const state = attempt.state === 'mixed' ? 'undetermined' : attempt.state
    take(
      'target_verdict',
      targetVerdict({ state, names: [nameVerdict({ state, attempts: [attempt] })], ...of }),
    )
    return id
  }
  return { bodies, take, look }
}

const kinds = () => lines.map(({ kind }) => kind)
const expire = () => {
  for (const fn of timers.splice(0)) fn()
}

describe('what of a verdict is written', () => {
  it('in full when it is new; the same again, on another port and address, in short, by the look that made it', () => {
    const { look } = begin()
    look()
    expect(kinds()).toEqual(['observation', 'attempt_verdict', 'target_verdict'])
    const [, , full] = lines
    expect(full?.body).toMatchObject({ id: 'v1', look: { atMs: 1000, lifeSeconds: 90 }, made: ['a1'] })
    look({ address: '52.218.7.7' })
    look()
    expect(lines.length).toBe(3)
    expire()
    expect(lines.slice(3)).toEqual([
      {
        kind: 'verdict_repeat',
        body: {
          looks: [
            {
              target: 'artifacts',
              of: 'v1',
              atMs: 2000,
              lifeSeconds: 90,
              made: [['a2', '52.218.7.7', 40_002]],
            },
            {
              target: 'artifacts',
              of: 'v1',
              atMs: 3000,
              lifeSeconds: 90,
              made: [['a3', '52.218.0.1', 40_003]],
            },
          ],
        },
      },
    ])
  })

  it('anything that matters makes a new one, and what was collected goes before it', () => {
    const changes: Partial<AttemptVerdict>[] = [
      { state: 'public', possible: ['internet_gateway'] },
      { state: 'undetermined' },
      { possible: ['interface_endpoint'] },
      { networkInterface: 'eni-1' },
      { flags: ['tls_intercepted'] },
      { connected: false },
      { bases: [{ networkInterface: 'eni-1', routeTable: 'rtb-1', route: 'pl-1', target: 'vpce-1' }] },
      {
        evidence: [
          {
            rule: 'r',
            possible: [],
            rank: 'given',
            because: '',
            source: '',
            observedAtMs: 0,
            flags: [],
            assumptions: [],
          },
        ],
      },
    ]
    for (const change of changes) {
      lines = []
      timers = []
      const { look } = begin()
      look()
      look()
      look(change)
      expect(kinds().slice(3), JSON.stringify(change)).toEqual([
        'verdict_repeat',
        'observation',
        'attempt_verdict',
        'target_verdict',
      ])
    }
  })

  it('so does anything of the name or the target', () => {
    const names: Partial<NameVerdict>[] = [
      { proof: 'observed' },
      { confirmation: 'confirmed' },
      { confirmedProof: 'observed' },
      { tainted: true },
      { doubt: true, because: ['A of system failed'] },
      { absent: true },
      { conflictOfSide: true },
      { possible: ['interface_endpoint'] },
    ]
    const targets: Partial<TargetVerdict>[] = [
      { met: false },
      { waiverActive: true },
      { waiver: { reason: 'r', ticket: null, untilMs: 5 } },
      { require: { kind: 'blocked' } },
      { minProof: 'attested' },
      ...names.map((change) => ({ names: [nameVerdict(change)] })),
    ]
    for (const change of targets) {
      lines = []
      const { look } = begin()
      look({}, { names: [nameVerdict()] })
      look({}, { names: [nameVerdict()] })
      look({}, change)
      expect(kinds().filter((kind) => kind === 'target_verdict').length, JSON.stringify(change)).toBe(2)
    }
  })

  it('each public address has a record of its own; private ones of a group do not', () => {
    for (const [state, expected] of [
      ['public', 2],
      ['private', 1],
    ] as const) {
      lines = []
      const { look } = begin()
      look({ state, address: '52.0.0.1' })
      look({ state, address: '52.0.0.2' })
      look({ state, address: '52.0.0.2' })
      expect(kinds().filter((kind) => kind === 'attempt_verdict').length, state).toBe(expected)
    }
  })

  it('between two looks only what decides makes a record', () => {
    const { look, take } = begin()
    look()
    lines = []
    take(
      'target_verdict',
      targetVerdict({
        names: [nameVerdict({ proof: 'observed', attempts: [attemptVerdict({ id: 'a1' })] })],
      }),
    )
    expect(lines).toEqual([])
    take(
      'target_verdict',
      targetVerdict({
        state: 'undetermined',
        met: false,
        names: [
          nameVerdict({ state: 'undetermined', tainted: true, attempts: [attemptVerdict({ id: 'a1' })] }),
        ],
      }),
    )
    expect(lines.at(-1)).toMatchObject({ kind: 'target_verdict', body: { look: null, made: [], met: false } })
  })

  it('of what records say later, the private in short, anything else in full', () => {
    const { take } = begin()
    const told = (id: string, changes: Partial<AttemptVerdict> = {}) =>
      take(
        'attempt_verdict',
        attemptVerdict({ id, atMs: Number(id), confirmation: 'confirmed', proof: 'observed', ...changes }),
      )
    told('1')
    told('2')
    told('3', { address: '52.218.9.9' })
    const open = { state: 'public', possible: ['internet_gateway'] } as const
    told('4', { ...open, possible: [...open.possible] })
    told('5', { ...open, possible: [...open.possible] })
    told('6', { conflicts: [{ rank: 'configured', of: 'class', evidence: [], because: '' }] })
    told('7', { conflicts: [{ rank: 'configured', of: 'class', evidence: [], because: '' }] })
    expect(kinds()).toEqual([
      'attempt_verdict',
      'attempt_repeat',
      ...Array.from({ length: 4 }, () => 'attempt_verdict'),
    ])
    expect(lines[1]?.body).toEqual({
      of: '1',
      attempts: [
        ['2', 2],
        ['3', 3],
      ],
    })
  })

  it('what was collected stands before the end of the run', () => {
    const { look, take } = begin()
    look()
    look()
    take('lifecycle', { event: 'stopped', version: '1', configuration: null })
    expect(kinds().slice(-2)).toEqual(['verdict_repeat', 'lifecycle'])
  })

  it('a new segment, and a record that was lost, make everything new again', async () => {
    const { look, take, bodies } = begin()
    take('vantage', {
      kind: 'unknown',
      because: [],
      instanceId: null,
      accountId: null,
      region: null,
      interfaces: [],
    })
    look()
    lines = []
    bodies.anew()
    expect(lines.map(({ kind, body }) => [kind, body['event']])).toEqual([
      ['restated', 'begin'],
      ['vantage', undefined],
      ['restated', 'end'],
    ])
    look()
    expect(kinds().slice(3)).toEqual(['observation', 'attempt_verdict', 'target_verdict'])
    answer = { ok: false, reason: 'ENOSPC' }
    look({ state: 'public' })
    await Promise.resolve()
    answer = { ok: true, seq: 1 }
    lines = []
    look({ state: 'public' })
    expect(kinds()).toContain('target_verdict')
  })

  it('what stands is written once, and egress when its state turns', () => {
    const { take } = begin()
    const egress = {
      check: 'c',
      url: 'tcp://1.1.1.1:443',
      control: 'a',
      state: 'blocked',
      because: 'x',
      atMs: 1,
      everySeconds: 60,
      findings: [],
    } as const
    take('egress', { ...egress, findings: [] })
    take('egress', { ...egress, findings: [], atMs: 2, because: 'y' })
    take('egress', { ...egress, findings: [], state: 'open' })
    const part = { hash: 'h', part: 1, parts: 1, text: 't' }
    take('configuration', part)
    take('configuration', part)
    take('lifecycle', { event: 'configured', version: '1', configuration: 'h' })
    take('lifecycle', { event: 'configured', version: '1', configuration: 'h' })
    expect(kinds()).toEqual(['egress', 'egress', 'configuration', 'lifecycle', 'lifecycle'])
  })
})

describe('bodies fit their lines', () => {
  it('names without end: those that are not private stay, the rest is counted', () => {
    const { look } = begin()
    const attempts = (n: number) => [attemptVerdict({ id: `n${n}`, hostname: `n${n}.example` })]
    const names = Array.from({ length: 400 }, (_, n) =>
      nameVerdict({
        hostname: `n${n}.example`,
        state: n === 399 ? 'public' : 'private',
        because: Array.from({ length: 40 }, () => 'x'.repeat(800)),
        attempts: attempts(n),
      }),
    )
    look({}, { state: 'mixed', names })
    const body = lines.at(-1)?.body as { names: { hostname: string }[]; leftOut: { names: number } }
    expect(bytesOf(body)).toBeLessThanOrEqual(mostBodyBytes)
    expect(body.names[0]?.hostname).toBe('n399.example')
    expect(body.names.length + body.leftOut.names).toBe(400)
  })

  it('whatever stands in it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 300 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 400 }),
        (texts, times) => {
          const body = {
            id: 'a',
            evidence: Array.from({ length: times }, () => ({ because: texts.join(' '), texts })),
          }
          const fits = fitted(body)
          if (fits !== null) expect(bytesOf(fits)).toBeLessThanOrEqual(mostBodyBytes)
          if (bytesOf(body) <= mostBodyBytes) expect(fits).toBe(body)
          else if (fits !== null) expect(fits).toMatchObject({ cut: true })
        },
      ),
      { numRuns: 60 },
    )
  })
})
