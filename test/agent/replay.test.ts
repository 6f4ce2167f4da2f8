import { describe, expect, it } from 'vitest'
import { createReplay } from '../../agent/ledger/replay.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import type { Evidence } from '../../model/evidence.ts'
import { type PathClass, pathClasses } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from './verdicts.ts'

const says = (rule: string, rank: Evidence['rank'], ...possible: PathClass[]): Evidence => ({
  rule,
  possible,
  rank,
  because: `because of ${rule}`,
  source: 'test',
  observedAtMs: 1,
  flags: [],
  assumptions: [],
})
const connected = says('socket.verified', 'given', ...pathClasses.filter((one) => one !== 'blocked'))
const route = says('route.list_gateway_endpoint', 'configured', 'gateway_endpoint', 'blocked')

const good = (changes: Partial<AttemptVerdict> = {}): AttemptVerdict =>
  attemptVerdict({ evidence: [connected, route], possible: ['gateway_endpoint'], ...changes })

function replayed(...bodies: [kind: string, body: object][]) {
  const replay = createReplay()
  for (const [seq, [kind, body]] of bodies.entries()) {
    replay.take({
      v: 1,
      seq,
      wallMs: 1_700_000_000_000 + seq,
      monoUs: 0,
      bootId: 'b',
      agentId: 'a',
      kind,
      prev: '0'.repeat(64),
      body: JSON.parse(JSON.stringify(body)) as LedgerRecord['body'],
    })
  }
  return replay.result()
}

const target = (attempts: string[], changes: object = {}, name: object = {}) => ({
  ...targetVerdict(),
  id: 'v1',
  look: null,
  made: [],
  leftOut: { names: 0, attempts: 0 },
  names: [{ ...nameVerdict(), ...name, attempts }],
  ...changes,
})

describe('judging a ledger again', () => {
  it('by the same rules everything stays', () => {
    const result = replayed(
      ['attempt_verdict', { ...good(), rules: 1 }],
      ['target_verdict', target(['a1'])],
      ['verdict_repeat', { looks: [{ target: 'artifacts', of: 'v1', atMs: 1, lifeSeconds: 1, made: [] }] }],
    )
    expect(result).toMatchObject({
      attempts: 1,
      names: 1,
      targets: 1,
      repeats: 1,
      changedRepeats: 0,
      changes: [],
      notJudged: {},
    })
    expect(result.rules.stored).toEqual([1])
  })

  it('a verdict that its evidence does not bear is shown, with the name, the target and the looks that rest on it', () => {
    const lied = good({
      evidence: [connected, says('route.igw', 'configured', 'internet_gateway', 'blocked')],
    })
    const result = replayed(
      ['attempt_verdict', lied],
      ['target_verdict', target(['a1'])],
      ['verdict_repeat', { looks: [{ of: 'v1' }, { of: 'other' }] }],
    )
    expect(result.changes.map(({ of, before, now, worse }) => [of, before, now, worse])).toEqual([
      ['attempt', 'private (configured): gateway_endpoint', 'public (configured): internet_gateway', true],
      ['name', 'private', 'public', true],
      ['target', 'private, met', 'public, not met', true],
    ])
    expect(result.changes[0]?.because.join()).toContain('route.igw')
    expect(result.changedRepeats).toBe(1)
  })

  it('late records are weighed again, also those that repeat another', () => {
    const observed = says('flow.client_8', 'observed', 'internet_gateway')
    const told = good({
      evidence: [connected, observed, route],
      grounds: { start: [...pathClasses], late: [1] },
      confirmation: 'confirmed',
    })
    const result = replayed(
      ['attempt_verdict', told],
      ['attempt_repeat', { of: 'a1', attempts: [['a2', 5]] }],
      ['target_verdict', target(['a2'])],
    )
    expect(result.changes.map(({ of }) => of)).toEqual(['attempt', 'name', 'target'])
    expect(result.changes.every(({ worse }) => worse)).toBe(true)
  })

  it('what a completed handshake shows is judged by its observation', () => {
    const check = {
      roots: 'host',
      chainError: 'SELF_SIGNED',
      nameMatches: true,
      nameExpected: 'x',
      dates: 'valid',
    }
    const seen = {
      kind: 'attempt',
      stamp: { id: 'a1', wallMs: 1 },
      address: '52.218.0.1',
      family: 4,
      outcome: { reached: 'tls', tls: { check } },
    }
    const result = replayed(['observation', seen], ['attempt_verdict', good()])
    expect(result.changes).toHaveLength(1)
    expect(result.changes[0]?.now).toContain('undetermined')
  })

  it('what is not kept is not judged, and said', () => {
    const result = replayed(
      ['attempt_verdict', { ...good(), cut: true }],
      ['target_verdict', target(['a1'])],
      ['attempt_verdict', { id: 'x', evidence: 'no' }],
      ['target_verdict', { id: 'v', names: {} }],
      ['attempt_repeat', { of: 'nobody', attempts: [['a9', 1]] }],
      ['attempt_verdict', good({ id: 'a3' })],
      [
        'target_verdict',
        target(['a3'], { state: 'undetermined', met: false }, { state: 'undetermined', doubt: true }),
      ],
    )
    expect(result.changes).toEqual([])
    expect(Object.values(result.notJudged).reduce((a, b) => a + b, 0)).toBe(8)
  })

  it('hostile bodies never throw', () => {
    const values: unknown[] = [
      {},
      { names: [null] },
      { looks: [null, 5] },
      { attempts: [[]] },
      { kind: 'attempt', stamp: null },
      { ...good(), fix: [null], flags: ['x'] },
      target(['a1'], {}, { because: [5] }),
      { ...good(), firstLeg: 7, resolvers: null },
    ]
    for (const kind of [
      'observation',
      'attempt_verdict',
      'target_verdict',
      'attempt_repeat',
      'verdict_repeat',
      'unknown',
    ])
      for (const value of values) expect(() => replayed([kind, value as object])).not.toThrow()
  })
})
