import { describe, expect, it } from 'vitest'
import { parseVkey } from '../../ledger/note.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, outcome, signer, testHost, testSigner } from './kit.ts'
import { createMemoryDisk } from './memory-disk.ts'
import { batch } from './python.ts'
import { diskOf } from './tamper.ts'

const second = testSigner(2)
const thief = testSigner(9)
const keyOf = ({ vkey }: { vkey: string }) => parseVkey(vkey)!

describe('a key that was exchanged because it was stolen', () => {
  it('can not hand the ledger over once more', async () => {
    const clock = createHandClock()
    const disk = createMemoryDisk()
    for (const [life, own] of [
      { signers: [signer] },
      { signers: [second], previous: signer },
      // From here on it is the thief who writes, with the first key and one of his own.
      { signers: [signer] },
      { signers: [thief], previous: signer },
    ].entries()) {
      const stolen = life === 2
      const { store } = kit(disk.files, { ...own, host: testHost(100 + life) }, clock)
      await store.append('observation', { life })
      if (!stolen) expect(await store.checkpoint()).not.toBeNull()
      await store.close('end')
      // What the first key signs is of no use to him: he keeps only what his own signs.
      if (stolen)
        for (const path of disk
          .paths()
          .filter((name) => name.startsWith('/ledger/checkpoints/'))
          .slice(-1))
          await disk.files.remove(path)
    }
    const files = new Map(disk.paths().map((name) => [name.slice('/ledger/'.length), disk.content(name)!]))
    const seen = await outcome(diskOf(files).files, { keys: [keyOf(second)] })
    expect(seen).toMatchObject({ outcome: 'tampered' })
    expect(seen.problems).toContain('handover')
    const python = batch(['--key', second.vkey])
    expect((await python.said(files)).slice(0, 1)).toBe('3')
    await python.end()
  })
})
