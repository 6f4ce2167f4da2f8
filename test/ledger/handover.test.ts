import { describe, expect, it } from 'vitest'
import { keysInForce, makeHandOver, readHandOver } from '../../ledger/handover.ts'
import { emptyTree } from '../../ledger/merkle.ts'
import { parseVkey, signNote } from '../../ledger/note.ts'
import type { Signer } from '../../ledger/types.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import {
  keys,
  kit,
  origin,
  outcome,
  recordsOf,
  signer,
  testHost,
  testSigner,
  until,
  verified,
} from './kit.ts'
import { createMemoryDisk } from './memory-disk.ts'
import { batch } from './python.ts'
import { type Files, diskOf, rewritten } from './tamper.ts'

const second = testSigner(2)
const third = testSigner(3)
const keyOf = ({ vkey }: { vkey: string }) => parseVkey(vkey)!

/** Three lives, each with a key of its own; each says who signed before. */
async function exchanged(options: { previous?: boolean } = {}) {
  const disk = createMemoryDisk()
  const clock = createHandClock()
  const lives = [
    { signers: [signer] },
    { signers: [second], previous: signer },
    { signers: [third], previous: second },
  ]
  const told: (string | null)[] = []
  for (const [life, { previous, ...own }] of lives.entries()) {
    const given = options.previous === false || previous === undefined ? own : { ...own, previous }
    const { store, events, next } = kit(disk.files, { ...given, host: testHost(100 + life) }, clock)
    for (let n = 0; n < 4; n++) await store.append('observation', { life, n })
    const before = await store.checkpoint()
    expect(before).not.toBeNull()
    await store.append('observation', { life, n: 4 })
    let over = store.status().segments === 1
    if (!over)
      void next('kept_up').then(() => {
        over = true
      })
    await store.close('end')
    for (const event of events) if (event.type === 'handover') told.push(event.text)
  }
  const files: Files = new Map(
    disk.paths().map((name) => [name.slice('/ledger/'.length), disk.content(name)!]),
  )
  return { files, told }
}

const codes = { ok: '0', doubt: '4', tampered: '3' }

async function says(files: Files, ...trusted: { vkey: string }[]): Promise<string> {
  const disk = diskOf(files)
  const own = await outcome(disk.files, { keys: trusted.map(keyOf) })
  const python = batch(trusted.flatMap(({ vkey }) => ['--key', vkey]))
  const other = await python.said(files)
  await python.end()
  expect(other.slice(0, 1)).toBe(codes[own.outcome])
  return own.outcome
}

describe('a key that is exchanged', () => {
  it('is vouched for by the one before: whoever trusts one of them trusts all, each for its own records', async () => {
    const { files, told } = await exchanged()
    expect(told).toEqual([null, null])
    for (const one of [signer, second, third]) expect(await says(files, one)).toBe('ok')
    const seen = await verified(diskOf(files).files, { keys })
    expect(seen.handOvers?.map(({ from, to }) => [from, to])).toEqual([
      [`${keyOf(signer).name}+${keyOf(signer).id}`, `${keyOf(second).name}+${keyOf(second).id}`],
      [`${keyOf(second).name}+${keyOf(second).id}`, `${keyOf(third).name}+${keyOf(third).id}`],
    ])
    const records = await recordsOf(diskOf(files).files)
    for (const { seq } of seen.handOvers ?? [])
      expect(records[seq - 1]).toMatchObject({ kind: 'segment', body: { reason: 'key' } })
  })

  it('without the one before is another key, and that is said', async () => {
    const { files, told } = await exchanged({ previous: false })
    expect(told).toEqual(['the key before is not at hand', 'the key before is not at hand'])
    expect(await says(files, signer)).toBe('tampered')
    expect(await says(files, third)).toBe('doubt')
    expect(await says(files, signer, second, third)).toBe('ok')
  })

  it('the old key counts no more for what comes after', async () => {
    const { files } = await exchanged()
    const newest = [...files.keys()]
      .filter((path) => path.startsWith('checkpoints/'))
      .sort()
      .at(-1)!
    const text = `${files.get(newest)!.toString('utf8').split('\n\n')[0]}\n`
    // Whoever has the first key still signs the very same tree.
    const forged = new Map([...files, [newest, Buffer.from(await signNote(text, [signer]))]])
    for (const one of [signer, second, third]) expect(await says(forged, one)).toBe('tampered')
    // Nor does the new one for what came before.
    const oldest = [...files.keys()].filter((path) => path.startsWith('checkpoints/')).sort()[0]!
    const early = `${files.get(oldest)!.toString('utf8').split('\n\n')[0]}\n`
    const backwards = new Map([...files, [oldest, Buffer.from(await signNote(early, [third]))]])
    expect(await says(backwards, signer)).toBe('doubt')
  })

  it.each([
    ['signed by one of them only', (note: string) => note.split('\n').toSpliced(-2, 1).join('\n')],
    [
      'for another size',
      (note: string) => note.replace(/\n(\d+)\n/, (_all, n: string) => `\n${Number(n) + 1}\n`),
    ],
    ['for another root', (note: string) => note.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${'A'.repeat(43)}=\n`)],
    ['without signatures', (note: string) => `${note.split('\n\n')[0]}\n`],
  ])('a hand-over %s is found, chain and trees being right again', async (_how, change) => {
    const { files } = await exchanged()
    const forged = rewritten(files, (records) =>
      records.map((record) =>
        record['kind'] === 'handover'
          ? {
              ...record,
              body: {
                ...(record['body'] as object),
                note: change((record['body'] as { note: string }).note),
              },
            }
          : record,
      ),
    )
    const { problems } = await outcome(diskOf(forged).files, { keys })
    expect(problems).toContain('handover')
    const python = batch([])
    // Without the checkpoints, which do not fit any more, and what the first lines say of them.
    const bare = rewritten(forged, (records) => records, { checkpoint: null })
    for (const path of bare.keys()) if (path.startsWith('checkpoints/')) bare.delete(path)
    expect(await python.said(bare)).toContain('hands the key over')
    await python.end()
  })

  it('a hand-over from elsewhere does not serve', async () => {
    const { files } = await exchanged()
    const records = await recordsOf(diskOf(files).files)
    const over = records.find(({ kind }) => kind === 'handover')!
    // Repeated at another place of a ledger that is rewritten.
    const forged = rewritten(files, (all) => [...all, { ...all.at(-1), kind: 'handover', body: over.body }])
    const { problems } = await outcome(diskOf(forged).files, { keys })
    expect(problems).toContain('handover')
  })

  it('after a crash the next life hands over as well', async () => {
    const disk = createMemoryDisk()
    const first = kit(disk.files)
    await first.store.append('observation', { n: 1 })
    await first.store.checkpoint()
    const left = disk.afterKill()
    const { store, clock } = kit(left.files, { signers: [second], previous: signer, host: testHost(101) })
    await until(clock, () => store.status().state === 'writing')
    await store.append('observation', { n: 2 })
    await store.close('end')
    const seen = await verified(left.files, { keys })
    expect([seen.problems, seen.signer, seen.handOvers?.length]).toEqual([[], 'verified', 1])
  })
})

describe('a hand-over record', () => {
  const tree = emptyTree()
  const record = async (from: Signer, to: Signer, change: (note: string) => string = (note) => note) => {
    const body = await makeHandOver(origin, tree, from, to)
    return {
      ...{ v: 1, seq: 0, wallMs: 0, monoUs: 0, bootId: 'b', agentId: 'a', kind: 'handover', prev: '' },
      body: { ...body, note: change(body.note) },
    }
  }

  it('needs both signatures, and two keys', async () => {
    expect(readHandOver(await record(signer, second), origin)).toMatchObject({ seq: 0 })
    for (const line of [-3, -2]) {
      const without = (note: string) => note.split('\n').toSpliced(line, 1).join('\n')
      expect(readHandOver(await record(signer, second, without), origin)).toBeNull()
    }
    const once = (note: string) => note.split('\n').toSpliced(-2, 1).join('\n')
    expect(readHandOver(await record(signer, signer, once), origin)).toBeNull()
    expect(readHandOver(await record(signer, signer), origin)).toBeNull()
    expect(readHandOver({ ...(await record(signer, second)), seq: 1 }, origin)).toBeNull()
    expect(readHandOver(await record(signer, second), `${origin}-2`)).toBeNull()
  })

  it('counts for what comes behind it, and not for a checkpoint that ends in front of it', () => {
    const over = { seq: 10, from: keyOf(signer), to: keyOf(second), root: '' }
    const inForce = keysInForce([keyOf(second)], [over])
    expect([9, 10, 11].map((size) => inForce(size).map(({ id }) => id))).toEqual([
      [keyOf(signer).id],
      [keyOf(signer).id],
      [keyOf(second).id],
    ])
  })
})
