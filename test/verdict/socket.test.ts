/** What the socket itself shows: each condition of its rows, and the words and flags. */
import { describe, expect, it } from 'vitest'
import type {
  Attempt,
  AttemptOutcome,
  CertificateCheck,
  Failure,
  FamilyObservation,
} from '../../model/observation.ts'
import { handshakeCompleted, socketEvidence } from '../../verdict/rules/socket.ts'
import { attempt, stamp, verified } from './fixture.ts'

const none = { timeoutsInARow: 0, othersConnected: false, families: [] }
const told = (
  outcome: AttemptOutcome,
  context: Partial<Parameters<typeof socketEvidence>[1]> = {},
  more: Partial<Attempt> = {},
) =>
  socketEvidence(attempt({ outcome, ...more }), { ...none, ...context }).map(({ rule, because, flags }) => ({
    rule,
    because,
    flags,
  }))
const tls = (check: Partial<CertificateCheck>): AttemptOutcome => {
  const { tls: session } = verified as Extract<AttemptOutcome, { reached: 'tls' }>
  return { reached: 'tls', tls: { ...session, check: { ...session.check, ...check } } }
}
const nothing = (failure: Failure): AttemptOutcome => ({ reached: 'nothing', failure })
const timeout = nothing({ type: 'timeout', afterSeconds: 5 })
const intercepted = 'what answered is not shown to be the service: '

describe('a handshake', () => {
  it.each<[string, AttemptOutcome, string, string, string[]]>([
    ['public roots', verified, 'socket.verified', 'verifies against the public roots', []],
    [
      'partition roots',
      tls({ roots: 'partition' }),
      'socket.verified',
      'the roots configured for the partition',
      [],
    ],
    [
      'expired',
      tls({ dates: 'expired' }),
      'socket.dates',
      'the certificate is expired',
      ['certificate_expired'],
    ],
    [
      'not yet valid',
      tls({ dates: 'not_yet_valid' }),
      'socket.dates',
      'is not yet valid',
      ['certificate_not_yet_valid'],
    ],
    [
      'only the host’s store',
      tls({ roots: 'host' }),
      'socket.intercepted',
      `${intercepted}its certificate verifies only against this host's own store`,
      ['tls_intercepted'],
    ],
    [
      'no roots',
      tls({ roots: 'none', chainError: 'X' }),
      'socket.intercepted',
      `${intercepted}its certificate does not verify (X)`,
      ['tls_intercepted'],
    ],
    [
      'no roots and no reason',
      tls({ roots: 'none' }),
      'socket.intercepted',
      'does not verify (unknown reason)',
      ['tls_intercepted'],
    ],
    [
      'another name',
      tls({ nameMatches: false }),
      'socket.intercepted',
      `${intercepted}its certificate is not for b.s3`,
      ['tls_intercepted', 'certificate_wrong_name'],
    ],
    [
      'another name under the host’s roots',
      tls({ roots: 'host', nameMatches: false }),
      'socket.intercepted',
      "this host's own store",
      ['tls_intercepted', 'certificate_wrong_name'],
    ],
    [
      'expired under the host’s roots',
      tls({ roots: 'host', dates: 'expired' }),
      'socket.intercepted',
      "this host's own store",
      ['tls_intercepted'],
    ],
  ])('%s', (_, outcome, rule, because, flags) => {
    expect(told(outcome)).toEqual([{ rule, because: expect.stringContaining(because), flags }])
    expect(handshakeCompleted(attempt({ outcome }))).toBe(true)
  })
})

describe('a connection that did not come about', () => {
  const thrice = { timeoutsInARow: 3, othersConnected: true }
  const tcp = (failure: Failure): AttemptOutcome => ({ reached: 'tcp', failure })
  it.each<[string, AttemptOutcome, Partial<typeof none>, string, string]>([
    [
      'no local route',
      nothing({ type: 'no_local_route', code: 'ENETUNREACH' }),
      {},
      'kernel.no_family',
      'no way to 52.216.1.1 (ENETUNREACH)',
    ],
    ['refused', nothing({ type: 'refused' }), {}, 'socket.refused', 'answered with a reset'],
    ['three time-outs', timeout, thrice, 'socket.timeouts', '3 attempts in a row'],
    ['four time-outs', timeout, { ...thrice, timeoutsInARow: 4 }, 'socket.timeouts', '4 attempts in a row'],
    ['two time-outs', timeout, { ...thrice, timeoutsInARow: 2 }, 'socket.failed', '(timeout)'],
    [
      'three while nothing connects',
      timeout,
      { ...thrice, othersConnected: false },
      'socket.failed',
      '(timeout)',
    ],
    ['three after TCP', tcp({ type: 'timeout', afterSeconds: 5 }), thrice, 'socket.failed', '(timeout)'],
    [
      'three of another failure',
      nothing({ type: 'unreachable', code: 'EHOSTUNREACH' }),
      thrice,
      'socket.failed',
      '(unreachable EHOSTUNREACH)',
    ],
    ['TLS', tcp({ type: 'tls', code: 'EPROTO' }), {}, 'socket.failed', '(tls EPROTO)'],
  ])('%s', (_, outcome, context, rule, because) => {
    const flags = rule === 'socket.timeouts' ? ['packets_may_have_left'] : []
    expect(told(outcome, context)).toEqual([{ rule, because: expect.stringContaining(because), flags }])
    expect(handshakeCompleted(attempt({ outcome }))).toBe(false)
  })

  it('shows nothing where none was tried', () => {
    expect(told({ reached: 'not_dialled' }, thrice)).toEqual([])
  })
})

describe('a family that the host can’t use', () => {
  const family = (f: 4 | 6, usable: boolean): FamilyObservation => ({
    kind: 'family',
    stamp: stamp('f', 5),
    family: f,
    usable,
    because: 'no address',
  })
  const rules = (...families: FamilyObservation[]) =>
    told({ reached: 'not_dialled' }, { families }).map((e) => e.rule)

  it('blocks its own addresses only', () => {
    expect(rules(family(4, false))).toEqual(['kernel.no_family'])
    expect(rules(family(6, false))).toEqual([])
    expect(rules(family(4, true))).toEqual([])
    expect(rules(family(6, false), family(4, false))).toEqual(['kernel.no_family'])
  })

  it('is told beside what the socket shows', () => {
    expect(told(verified, { families: [family(4, false)] }).map((e) => e.rule)).toEqual([
      'kernel.no_family',
      'socket.verified',
    ])
    expect(told({ reached: 'not_dialled' }, { families: [family(4, false)] })[0]?.because).toBe(
      "this host can't send IPv4 at all: no address",
    )
  })
})
