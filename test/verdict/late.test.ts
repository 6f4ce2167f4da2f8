/** Evidence that comes late: judging again, confirmation, and what taint holds. */
import { describe, expect, it } from 'vitest'
import type { Basis, Evidence } from '../../model/evidence.ts'
import { type PathClass, type Rank, pathClasses } from '../../model/path.ts'
import type { Topology } from '../../model/topology.ts'
import { confirmationOf, confirmedRank, pendingSeconds } from '../../verdict/confirm.ts'
import { type AttemptContext, judgeAttempt, noContext, withLate } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  kernelRoute,
  lacking,
  natTable,
  now,
  snapshot,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const told = (rank: Rank, source: string, ...possible: PathClass[]): Evidence => ({
  rule: `test.${rank}`,
  possible,
  rank,
  because: `${rank} leaves ${possible.join()}`,
  source,
  observedAtMs: now,
  flags: [],
  assumptions: [],
})
const record = (...possible: PathClass[]) => told('observed', 'flow log', ...possible)
const canary = (...possible: PathClass[]) => told('attested', 'canary', ...possible)

const byEndpoint = topology([withRoutes([viaEndpoint])])
const byNat = topology([withRoutes([viaNat], {}, [natTable([viaIgw])])])
const unread = topology([lacking(snapshot(), 'routeTables')])
const refused = attempt({ outcome: { reached: 'nothing', failure: { type: 'refused' } } })

describe('judging again', () => {
  it('replaces what came late before', () => {
    const first = judgeAttempt(attempt(), byEndpoint)
    const once = withLate(first, [record('internet_gateway')], 'pending')
    expect(once).toMatchObject({ state: 'public', confirmation: 'pending' })
    expect(once.evidence.filter((_, i) => once.grounds.late.includes(i)).map((e) => e.rule)).toEqual([
      'test.observed',
    ])
    const twice = withLate(once, [record('gateway_endpoint')], 'confirmed')
    expect(twice).toMatchObject({ state: 'private', proof: 'observed', conflicts: [] })
    expect(withLate(twice, [], 'unavailable')).toEqual(first)
    const kept = JSON.parse(JSON.stringify(once)) as typeof once
    expect(withLate(kept, [], 'unavailable')).toEqual(first)
  })

  it('keeps the flags of the host, and drops those that late evidence brought', () => {
    const context: AttemptContext = { ...noContext, timeoutsInARow: 3, othersConnected: true }
    const timeout = attempt({
      outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } },
      proxyVariables: ['HTTPS_PROXY'],
      host: { ...kernelRoute, redirect: 'possible' },
    })
    const first = judgeAttempt(timeout, byEndpoint, context)
    expect(first).toMatchObject({ blockedByTimeouts: true })
    expect(first.flags.toSorted()).toEqual(['packets_may_have_left', 'proxy_configured', 'redirect_on_host'])
    const flagged = withLate(first, [{ ...record('blocked'), flags: ['resolvers_disagree'] }], 'pending')
    expect(flagged.flags).toContain('resolvers_disagree')
    expect(flagged).toMatchObject({ state: 'blocked', blockedByTimeouts: false })
    expect(withLate(flagged, [], 'unavailable')).toEqual(first)
  })
})

describe('doubt', () => {
  const doubting = (...doubts: PathClass[]): Evidence => ({ ...record(...pathClasses), doubts })

  it('holds a private verdict only if it reaches all that is left', () => {
    const first = judgeAttempt(attempt(), unread)
    const two = canary('gateway_endpoint', 'nat_gateway_endpoint')
    expect(withLate(first, [two], 'pending').state).toBe('private')
    expect(withLate(first, [two, doubting('nat_gateway_endpoint')], 'pending').state).toBe('private')
    const held = [two, doubting('nat_gateway_endpoint'), doubting('gateway_endpoint')]
    expect(withLate(first, held, 'pending')).toMatchObject({ state: 'undetermined', proof: null })
    expect(withLate(judgeAttempt(attempt(), byNat), held.slice(1), 'pending').state).toBe('public')
  })
})

describe('confirmation', () => {
  const confirmed = (t: Topology, late: Evidence[], a = attempt(), over = false) =>
    confirmationOf(withLate(judgeAttempt(a, t), late, 'pending'), { over, available: true })

  it('needs records that leave no class of the other side', () => {
    expect(confirmed(byEndpoint, [record('gateway_endpoint')])).toBe('confirmed')
    expect(confirmed(byEndpoint, [record('gateway_endpoint', 'internet_gateway')])).toBe('pending')
    expect(confirmed(byEndpoint, [])).toBe('pending')
    expect(confirmed(byNat, [record('nat_gateway')])).toBe('confirmed')
    expect(confirmed(byNat, [record('nat_gateway', 'nat_gateway_endpoint')])).toBe('pending')
    expect(confirmed(byNat, [record('gateway_endpoint')])).toBe('pending')
    expect(confirmed(byEndpoint, [record('nat_gateway'), record('gateway_endpoint')])).toBe('pending')
    expect(confirmed(byEndpoint, [record('nat_gateway')])).toBe('confirmed')
  })

  it('needs relays to have fallen to records or routes', () => {
    expect(confirmed(byEndpoint, [record('gateway_endpoint', 'relay')])).toBe('confirmed')
    expect(confirmed(unread, [record('gateway_endpoint', 'relay')])).toBe('pending')
    expect(confirmed(unread, [record('gateway_endpoint')])).toBe('confirmed')
    const several = topology([
      withRoutes([viaEndpoint]),
      withRoutes([cidrRoute('0.0.0.0/0', target('network_interface', 'eni-x'))]),
    ])
    expect(confirmed(several, [record('gateway_endpoint', 'relay')])).toBe('pending')
    const weakly = [record('nat_gateway', 'relay'), told('consistent', 'dns', 'nat_gateway')]
    expect(withLate(judgeAttempt(attempt(), unread), weakly, 'pending').state).toBe('public')
    expect(confirmed(unread, weakly)).toBe('pending')
    const appliance = topology([withRoutes([cidrRoute('0.0.0.0/0', target('network_interface', 'eni-x'))])])
    expect(confirmed(appliance, weakly)).toBe('pending')
  })

  it('counts no rank that was set aside, and not the word of the kernel', () => {
    expect(confirmed(byEndpoint, [canary('internet_gateway'), record('gateway_endpoint')])).toBe('confirmed')
    const disagree = withLate(
      judgeAttempt(attempt(), byEndpoint),
      [canary('internet_gateway'), record('gateway_endpoint')],
      'pending',
    )
    expect(disagree).toMatchObject({ state: 'public' })
    expect(confirmedRank(disagree)).toBe('attested')
    expect(confirmed(byEndpoint, [told('observed', 'kernel', 'gateway_endpoint')])).toBe('pending')
  })

  it('confirms a block by nothing but refusals', () => {
    const nowhere = topology([withRoutes([])])
    expect(confirmed(nowhere, [record('blocked')], refused)).toBe('confirmed')
    expect(confirmed(nowhere, [record('blocked', 'relay')], refused)).toBe('pending')
    expect(confirmed(byEndpoint, [record('gateway_endpoint')], refused)).toBe('pending')
  })

  it('ends with its time: from then on nothing confirms, and what was confirmed stays', () => {
    expect(confirmed(byEndpoint, [record('gateway_endpoint')], attempt(), true)).toBe('no_record')
    expect(confirmed(byEndpoint, [], attempt(), true)).toBe('no_record')
    const before = withLate(judgeAttempt(attempt(), byEndpoint), [record('gateway_endpoint')], 'confirmed')
    expect(confirmationOf(before, { over: true, available: true })).toBe('confirmed')
    const against = withLate(before, [record('gateway_endpoint'), record('nat_gateway')], 'confirmed')
    expect(confirmationOf(against, { over: true, available: true })).toBe('no_record')
    expect(confirmationOf(against, { over: false, available: true })).toBe('pending')
  })

  it('is not available without a source, whatever the time', () => {
    const verdict = judgeAttempt(attempt(), byEndpoint)
    for (const over of [true, false])
      expect(confirmationOf(verdict, { over, available: false })).toBe('unavailable')
    const borneOut = withLate(verdict, [canary('gateway_endpoint')], 'pending')
    expect(confirmationOf(borneOut, { over: false, available: false })).toBe('confirmed')
  })

  it('tells the rank that alone bears it out', () => {
    const rank = (...late: Evidence[]) =>
      confirmedRank(withLate(judgeAttempt(attempt(), byEndpoint), late, 'pending'))
    expect(rank(canary('gateway_endpoint'))).toBe('attested')
    expect(rank(record('gateway_endpoint'))).toBe('observed')
    expect(rank(canary('gateway_endpoint', 'internet_gateway'), record('gateway_endpoint'))).toBe('observed')
    expect(rank()).toBeNull()
  })

  it('waits for two windows and a quarter of an hour', () => {
    expect(pendingSeconds(60)).toBe(1020)
    expect(pendingSeconds(600)).toBe(2100)
  })
})

describe('taint without a basis', () => {
  const basis: Basis = {
    networkInterface: 'eni-host',
    routeTable: 'rtb-1',
    route: '0.0.0.0/0',
    target: 'nat-1',
  }
  const name = (t: Topology, tainted: Basis[], late: Evidence[], a = attempt()) =>
    judgeName(
      {
        hostname: 'b.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [dns(answer(['52.216.1.1']), answer([]))],
        families: [],
        attempts: [{ attempt: a, context: { ...noContext, late } }],
        tainted,
      },
      t,
    )
  const endpoint = [record('gateway_endpoint')]
  const pod = attempt({ host: { ...kernelRoute, deviceKind: 'veth' } })

  it('a contradiction does not end in private because the tables can no longer be read', () => {
    expect(name(byNat, [], endpoint)).toMatchObject({ state: 'undetermined', conflictOfSide: true })
    expect(name(unread, [], endpoint)).toMatchObject({ state: 'private', tainted: false })
    expect(name(unread, [basis], endpoint)).toMatchObject({ state: 'undetermined', tainted: true })
  })

  it('holds on the same interface, or where the interface is not known', () => {
    const elsewhere = { ...basis, networkInterface: 'eni-other' }
    expect(name(unread, [elsewhere], endpoint)).toMatchObject({ state: 'private', tainted: false })
    expect(name(unread, [elsewhere, basis], endpoint)).toMatchObject({ state: 'undetermined' })
    expect(name(byEndpoint, [elsewhere], endpoint, pod)).toMatchObject({
      state: 'undetermined',
      tainted: true,
    })
    expect(name(byEndpoint, [], endpoint, pod)).toMatchObject({ state: 'private' })
  })

  it('holds nothing that has a basis of its own, nor what would not be private', () => {
    expect(name(byEndpoint, [basis], endpoint)).toMatchObject({ state: 'private', tainted: false })
    expect(name(unread, [basis], [])).toMatchObject({ state: 'undetermined', tainted: false })
    const noFamily = attempt({
      outcome: { reached: 'nothing', failure: { type: 'no_local_route', code: 'ENETUNREACH' } },
    })
    expect(name(unread, [basis], [], noFamily)).toMatchObject({ state: 'blocked', tainted: false })
  })
})
