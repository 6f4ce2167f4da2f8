import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import { type PathClass, type Rank, pathClasses, ranks, sideOf } from '../../model/path.ts'
import { eliminate } from '../../verdict/eliminate.ts'

const evidence = (rank: Rank, ...possible: PathClass[]): Evidence => ({
  rule: 'test',
  possible,
  rank,
  because: `${rank} ${possible.join()}`,
  source: 'test',
  observedAtMs: 0,
  flags: [],
  assumptions: [],
})

const connected = evidence('given', ...pathClasses.filter((c) => c !== 'blocked'))
const state = (...e: Evidence[]) => {
  const r = eliminate([connected, ...e], pathClasses)
  return r.conflictOfSide
    ? r.strongerThanConflict === 'public'
      ? 'public'
      : 'undetermined'
    : (r.settles ?? 'undetermined')
}

const numRuns = fc.readConfigureGlobal().numRuns ?? 5000

const anyEvidence = fc
  .record({
    rank: fc.constantFrom(...ranks.filter((r) => r !== 'given')),
    possible: fc.subarray([...pathClasses]),
  })
  .map(({ rank, possible }) => evidence(rank, ...possible))

describe('elimination', () => {
  it('takes the strongest rank that settles the side as the proof', () => {
    const r = eliminate(
      [
        connected,
        evidence('configured', 'gateway_endpoint', 'blocked'),
        evidence('observed', 'gateway_endpoint', 'relay'),
      ],
      pathClasses,
    )
    expect(r.possible).toEqual(['gateway_endpoint'])
    expect(r.proof).toBe('configured')
    const o = eliminate(
      [
        connected,
        evidence('configured', 'gateway_endpoint', 'blocked'),
        evidence('observed', 'gateway_endpoint'),
      ],
      pathClasses,
    )
    expect(o.proof).toBe('observed')
  })

  it('calls contradicting private and public a conflict of side; the stronger public stands', () => {
    const r = eliminate(
      [
        connected,
        evidence('observed', 'internet_gateway'),
        evidence('configured', 'gateway_endpoint', 'blocked'),
      ],
      pathClasses,
    )
    expect(r.conflicts.map((c) => [c.rank, c.of])).toEqual([['configured', 'side']])
    expect(r.strongerThanConflict).toBe('public')
    expect(
      state(evidence('observed', 'gateway_endpoint'), evidence('configured', 'nat_gateway', 'blocked')),
    ).toBe('undetermined')
  })

  it('calls two private classes a conflict of class: the side stands, no class is claimed', () => {
    const r = eliminate(
      [
        connected,
        evidence('observed', 'interface_endpoint'),
        evidence('configured', 'gateway_endpoint', 'blocked'),
      ],
      pathClasses,
    )
    expect(r.conflicts.map((c) => c.of)).toEqual(['class'])
    expect(r.settles).toBe('private')
    expect(r.possible).toEqual(['gateway_endpoint', 'interface_endpoint'])
  })

  it('a rank that contradicts itself is of side, and weaker ranks go on', () => {
    const r = eliminate(
      [
        connected,
        evidence('observed', 'gateway_endpoint'),
        evidence('observed', 'nat_gateway'),
        evidence('configured', 'gateway_endpoint', 'blocked'),
      ],
      pathClasses,
    )
    expect(r.conflictOfSide).toBe(true)
    expect(r.possible).toEqual(['gateway_endpoint'])
    expect(state(evidence('observed'), evidence('configured', 'gateway_endpoint'))).toBe('undetermined')
  })

  it('a set-aside rank that leaves public ways beside private ones is of side as well', () => {
    expect(
      state(
        evidence('attested', 'interface_endpoint'),
        evidence('configured', 'gateway_endpoint', 'nat_gateway'),
      ),
    ).toBe('undetermined')
    expect(
      state(
        evidence('attested', 'interface_endpoint', 'relay'),
        evidence('configured', 'gateway_endpoint', 'blocked'),
      ),
    ).toBe('undetermined')
  })

  it('what is stronger than the first conflict of side stands, whatever conflicts of class came before', () => {
    const r = eliminate(
      [
        connected,
        evidence('attested', 'nat_gateway'),
        evidence('observed', 'internet_gateway'),
        evidence('configured', 'gateway_endpoint', 'blocked'),
      ],
      pathClasses,
    )
    expect(r.conflicts.map((c) => c.of)).toEqual(['class', 'side'])
    expect(r.strongerThanConflict).toBe('public')
    expect(r.possible).toEqual(['nat_gateway', 'internet_gateway'])
  })

  it('what is only stronger than a second conflict of side does not stand', () => {
    const r = eliminate(
      [
        connected,
        evidence('attested', 'nat_gateway', 'gateway_endpoint'),
        evidence('observed', 'interface_endpoint'),
        evidence('configured', 'nat_gateway', 'blocked'),
        evidence('consistent', 'gateway_endpoint'),
      ],
      pathClasses,
    )
    expect(r.conflicts.map((c) => c.of)).toEqual(['side', 'side'])
    expect(r.settles).toBe('public')
    expect(r.strongerThanConflict).toBeNull()
  })

  it('a conflict of class alone leaves nothing that is stronger than a conflict of side', () => {
    const r = eliminate(
      [connected, evidence('observed', 'nat_gateway'), evidence('configured', 'internet_gateway', 'blocked')],
      pathClasses,
    )
    expect(r.conflicts.map((c) => c.of)).toEqual(['class'])
    expect(r.strongerThanConflict).toBeNull()
  })

  it('tells the proof that it would have if it had connected', () => {
    const proofs = (...all: Evidence[]) => {
      const { proof, proofIfConnected } = eliminate(all, pathClasses)
      return [proof, proofIfConnected]
    }
    const route = evidence('configured', 'gateway_endpoint', 'blocked')
    expect(proofs(route)).toEqual([null, 'configured'])
    expect(proofs(connected, route)).toEqual(['configured', 'configured'])
    expect(proofs(evidence('observed', 'gateway_endpoint', 'blocked'), route)).toEqual([null, 'observed'])
    expect(proofs(evidence('configured', 'relay', 'blocked'))).toEqual([null, null])
    expect(proofs(evidence('configured', 'gateway_endpoint', 'relay', 'blocked'))).toEqual([null, null])
    expect(
      proofs(evidence('configured', 'gateway_endpoint', 'relay'), evidence('consistent', 'gateway_endpoint')),
    ).toEqual(['consistent', 'consistent'])
    expect(proofs(route, evidence('consistent', 'nat_gateway', 'blocked'))).toEqual(['consistent', null])
  })

  it('says whether evidence contradicts itself or what is stronger', () => {
    const itself = eliminate(
      [connected, evidence('observed', 'relay'), evidence('observed', 'internet')],
      pathClasses,
    )
    expect(itself.conflicts[0]?.because).toBe(
      'what is observed contradicts itself: observed relay / observed internet',
    )
    const stronger = eliminate(
      [connected, evidence('observed', 'relay'), evidence('configured', 'internet')],
      pathClasses,
    )
    expect(stronger.conflicts[0]?.because).toBe(
      'what is configured (internet) contradicts what is stronger (relay)',
    )
  })

  it('does not depend on the order of the evidence', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 8 }), fc.nat(), (list, seed) => {
        const shuffled = list.toSorted(
          (a, b) => ((a.because.length * 31 + seed) % 7) - ((b.because.length * 31 + seed) % 7),
        )
        const a = eliminate([connected, ...list], pathClasses)
        const b = eliminate([...shuffled, connected], pathClasses)
        expect([b.possible, b.settles, b.proof, b.conflictOfSide]).toEqual([
          a.possible,
          a.settles,
          a.proof,
          a.conflictOfSide,
        ])
      }),
    )
  })

  it('never turns private by more evidence that contradicts what stood', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 6 }), anyEvidence, (list, more) => {
        const before = eliminate([connected, ...list], pathClasses)
        const after = eliminate([connected, ...list, more], pathClasses)
        const contradicts = after.conflicts.length > before.conflicts.length
        if (!contradicts || state(...list) === 'private') return
        // What narrows a rank may settle the side by that rank and stronger ones alone, with nothing of them set aside;
        // weaker ranks may then differ in class. Nothing else may become private by a contradiction.
        const upTo = ranks.indexOf(more.rank)
        const stronger = [...list, more].filter(({ rank }) => ranks.indexOf(rank) <= upTo)
        const alone = eliminate([connected, ...stronger], pathClasses)
        const narrowed =
          alone.conflicts.length === 0 &&
          alone.settles === 'private' &&
          after.conflicts.every(({ of }) => of === 'class')
        if (!narrowed) expect(state(...list, more)).not.toBe('private')
      }),
      { numRuns },
    )
  })

  it('says private only if everything that stands is private, by hand', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 6 }), (list) => {
        if (state(...list) !== 'private') return
        // Independent: some rank prefix, taken literally, must hold private classes only.
        let set: PathClass[] = pathClasses.filter((c) => c !== 'blocked')
        for (const rank of ranks) {
          const own = list.filter((e) => e.rank === rank)
          const next = set.filter((c) => own.every((e) => e.possible.includes(c)))
          if (next.length > 0) set = next
        }
        expect(set.every((c) => sideOf[c] === 'private')).toBe(true)
      }),
      { numRuns },
    )
  })
})
