import { beforeAll, describe, expect, it } from 'vitest'
import {
  type ConsistencyProof,
  type InclusionProof,
  checkProof,
  proveConsistency,
  proveInclusion,
} from '../../ledger/prove.ts'
import { directory, keys, kit } from './kit.ts'
import { createMemoryDisk, type MemoryDisk } from './memory-disk.ts'

const day = 86_400_000
let disk: MemoryDisk
const notes: Buffer[] = []
let end = 0

/** Some days, of which the first ones are pruned; the checkpoints as somebody elsewhere kept them. */
beforeAll(async () => {
  disk = createMemoryDisk()
  const { store, clock, next } = kit(disk.files, { retentionSeconds: 2 * 86_400 })
  for (let n = 0; n < 6; n++) {
    const pruned = n >= 3 ? next('pruned') : null
    await store.append('observation', { n })
    await pruned
    await store.append('observation', { n, text: 'second ä' })
    notes.push(Buffer.from((await store.checkpoint()) ?? ''))
    await clock.advance(day)
  }
  await store.close('end')
  end = store.status().records
})

async function included(seq: number, note: Buffer | null = null): Promise<InclusionProof> {
  const result = await proveInclusion(disk.files, directory, seq, note)
  if (!result.ok) throw new Error(result.problem)
  return JSON.parse(JSON.stringify(result.proof)) as InclusionProof
}

describe('inclusion', () => {
  it('is proven for every record on disk, and holds with the key alone', async () => {
    const first = Number(
      disk
        .paths()
        .find((path) => path.includes('/segments/'))
        ?.match(/\d{16}/)?.[0],
    )
    expect(first).toBeGreaterThan(5)
    for (let seq = first; seq < end; seq++) {
      const proof = await included(seq)
      expect(JSON.parse(proof.line)).toMatchObject({ seq })
      expect(checkProof(proof, keys)).toMatchObject({
        ok: true,
        by: [expect.stringContaining('example.com/pathproof/host-1+')],
      })
      expect(checkProof(proof, [])).toMatchObject({ ok: true, by: [] })
    }
  })

  it('is proven for a checkpoint that was kept elsewhere', async () => {
    const proof = await included(end - 5, notes.at(-1))
    expect(proof.size).toBeLessThan(end)
    expect(checkProof(proof, keys).ok).toBe(true)
  })

  it('does not hold for another record, place, checkpoint or hash', async () => {
    const proof = await included(end - 2)
    const other = await included(end - 3)
    const broken = [
      { ...proof, line: proof.line.replace('"v":1', '"v":2') },
      { ...proof, seq: proof.seq - 1 },
      { ...proof, line: other.line },
      { ...proof, checkpoint: (await included(end - 5, notes.at(-1))).checkpoint },
      { ...proof, proof: proof.proof.slice(1) },
      { ...proof, proof: proof.proof.with(0, '0'.repeat(64)) },
      { ...proof, checkpoint: proof.checkpoint.replace(/\n.{3}/, '\n999') },
      { ...proof, schema: 'pathproof.ledger-consistency/1' },
      { ...proof, seq: '3' },
      null,
      [],
      'text',
    ]
    for (const document of broken) expect(checkProof(document, keys).ok, JSON.stringify(document)).toBe(false)
  })

  it.each([
    [0, 'not on this disk any more'],
    [9999, 'not covered by the checkpoint'],
  ])('of record %i can not be proven: %s', async (seq, words) => {
    expect(await proveInclusion(disk.files, directory, seq)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(words),
    })
  })

  it('is not claimed where the records were changed', async () => {
    const changed = disk.afterKill()
    const path = changed.paths().findLast((name) => name.endsWith('.jsonl'))!
    changed.put(
      path,
      Buffer.from(changed.content(path)!.toString('utf8').replace('"reason":"end"', '"reason":"fin"')),
    )
    expect((await proveInclusion(changed.files, directory, end - 1)).ok).toBe(false)
  })
})

describe('consistency', () => {
  it('is proven from every kept checkpoint that is not older than what is on disk', async () => {
    let proven = 0
    for (const [index, note] of notes.entries()) {
      const result = await proveConsistency(disk.files, directory, note)
      if (!result.ok) {
        expect(result.problem).toContain('not on this disk any more')
        expect(index).toBeLessThan(3)
        continue
      }
      proven++
      const proof = JSON.parse(JSON.stringify(result.proof)) as ConsistencyProof
      expect(checkProof(proof, keys)).toMatchObject({ ok: true, by: [expect.any(String)] })
      const { first, second } = proof
      expect(checkProof({ ...proof, first: second, second: first }, keys).ok).toBe(false)
      expect(checkProof({ ...proof, proof: [...proof.proof, '0'.repeat(64)] }, keys).ok).toBe(false)
    }
    expect(proven).toBeGreaterThan(2)
  })

  it('is refused the wrong way round, and between two ledgers', async () => {
    expect(await proveConsistency(disk.files, directory, notes.at(-1)!, notes.at(-2)!)).toMatchObject({
      ok: false,
    })
    const other = createMemoryDisk()
    const { store } = kit(other.files, {})
    await store.append('observation', {})
    const foreign = Buffer.from((await store.checkpoint()) ?? '')
    await store.close('end')
    expect(await proveConsistency(disk.files, directory, foreign)).toMatchObject({ ok: false })
  })
})
