import { describe, expect, it } from 'vitest'
import type { Appended, LedgerRecord } from '../../ledger/types.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, recordsOf, seeded, testHost, until, verified } from './kit.ts'
import { type MemoryDisk, createMemoryDisk } from './memory-disk.ts'

const day = 86_400_000

interface Life {
  /** Numbers in the ledger of records that were acknowledged, with what they hold. */
  acknowledged: Map<number, number>
  finished: Promise<void>
}

/** Appends, checkpoints, rotations, compression and pruning: every kind of step there is. */
function live(disk: MemoryDisk, firstNumber: number, pid: number, clock = createHandClock()): Life {
  const acknowledged = new Map<number, number>()
  let number = firstNumber
  const options = { segmentBytes: 3000, retentionSeconds: 86_400, host: testHost(pid) }
  const { store, next } = kit(disk.files, options, clock)
  const append = async (): Promise<void> => {
    const n = number++
    const appended: Appended = await store.append('observation', { n })
    if (appended.ok) acknowledged.set(appended.seq, n)
  }
  const kept = (): (() => Promise<void>) => {
    let over = false
    void next('kept_up').then(() => {
      over = true
    })
    return () => until(clock, () => over)
  }
  const run = async (): Promise<void> => {
    const ready = kept()
    await ready()
    for (let i = 0; i < 3; i++) await append()
    await store.checkpoint()
    await Promise.all([append(), append(), append()])
    for (let round = 0; round < 3; round++) {
      const done = kept()
      await clock.advance(day)
      await append()
      await done()
    }
    await store.close('end')
  }
  return { acknowledged, finished: run() }
}

/** What a life acknowledged must be there, at its place, unless it was pruned as declared. */
function expectKept(
  records: readonly LedgerRecord[],
  first: number,
  { acknowledged }: Life,
  told: string,
): void {
  const bySeq = new Map(records.map((record) => [record.seq, record]))
  for (const [seq, n] of acknowledged)
    if (seq >= first) expect(bySeq.get(seq)?.body['n'], `${told}, record ${seq}`).toBe(n)
}

async function stepsOfLife(disk: MemoryDisk): Promise<number> {
  await live(disk, 0, 100).finished
  return disk.steps()
}

describe('a crash at any step', () => {
  it('without one, the life takes many steps and leaves a clean ledger', async () => {
    const disk = createMemoryDisk()
    expect(await stepsOfLife(disk)).toBeGreaterThan(60)
    const seen = await verified(disk.files)
    expect(outcomeOf(seen)).toBe('ok')
    expect(seen.pruned?.through).toBeGreaterThan(0)
  })

  it.each(['kill', 'power'] as const)(
    'by %s loses nothing that was acknowledged, and is declared',
    async (how) => {
      const steps = await stepsOfLife(createMemoryDisk())
      for (let step = 1; step <= steps; step++) {
        const told = `${how} in step ${step} of ${steps}`
        const random = seeded(step * 7919)
        const disk = createMemoryDisk()
        disk.crashAt(step)
        const before = live(disk, 0, 100)
        await Promise.race([before.finished, disk.crashed])

        const left = how === 'kill' ? disk.afterKill() : disk.afterPowerLoss(random)
        // What an auditor sees who comes before the agent does.
        const torn = await verified(left.files)
        expect(
          torn.problems.filter(({ kind }) => kind !== 'no_ledger'),
          told,
        ).toEqual([])

        const clock = createHandClock(1000, Date.UTC(2026, 10, 30))
        const { store } = kit(left.files, { segmentBytes: 3000, host: testHost(101) }, clock)
        const appended = store.append('observation', { n: 1000 })
        // A lock that was half written names nobody: it is given up after a while only.
        await until(clock, () => store.status().state === 'writing')
        expect(store.status(), told).toMatchObject({ state: 'writing', queued: 0 })
        expect((await appended).ok, told).toBe(true)
        await store.close('end')
        expect(store.status().state).toBe('closed')

        const seen = await verified(left.files)
        expect(seen.problems, told).toEqual([])
        expect(seen, told).toMatchObject({
          unsignedTail: 0,
          torn: null,
          damages: [],
          signer: 'verified',
          closed: true,
        })
        expect(seen.recoveries.length, told).toBeLessThanOrEqual(1)
        expect(
          seen.gaps.flatMap(({ lost }) => Object.keys(lost)),
          told,
        ).toEqual([])
        expectKept(await recordsOf(left.files), seen.first, before, told)
      }
    },
  )

  it('also while it recovers from another one', async () => {
    const steps = await stepsOfLife(createMemoryDisk())
    const random = seeded(42)
    for (let round = 0; round < 150; round++) {
      const first = createMemoryDisk()
      first.crashAt(1 + Math.floor(random() * steps))
      const one = live(first, 0, 100)
      await Promise.race([one.finished, first.crashed])
      const second = random() < 0.5 ? first.afterKill() : first.afterPowerLoss(random)
      second.crashAt(1 + Math.floor(random() * 15))
      const two = live(second, 100, 101, createHandClock(1000, Date.UTC(2026, 10, 27)))
      await Promise.race([two.finished, second.crashed])
      const third = random() < 0.5 ? second.afterKill() : second.afterPowerLoss(random)
      const { store, clock } = kit(
        third.files,
        { host: testHost(102) },
        createHandClock(1000, Date.UTC(2026, 10, 30)),
      )
      await until(clock, () => store.status().state === 'writing')
      await store.close('end')
      const seen = await verified(third.files)
      expect(seen.problems, `round ${round}`).toEqual([])
      expect(seen, `round ${round}`).toMatchObject({ unsignedTail: 0, torn: null, signer: 'verified' })
      const records = await recordsOf(third.files)
      expectKept(records, seen.first, one, `round ${round}, first life`)
      expectKept(records, seen.first, two, `round ${round}, second life`)
    }
  })
})
