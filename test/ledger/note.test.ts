import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint, parseCheckpoint } from '../../ledger/checkpoint.ts'
import { formatVkey, keyIdOf, openNote, parseVkey, signNote } from '../../ledger/note.ts'
import vectors from '../data/ledger/c2sp.json' with { type: 'json' }

const { testKey } = vectors
const privateKey = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(testKey.seedHex, 'hex'),
  ]),
  format: 'der',
  type: 'pkcs8',
})
const signer = { vkey: testKey.vkey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }

describe('C2SP, published vectors', () => {
  it.each(vectors.vectors)('$name: $valid', ({ vkey, note, valid, checkpoint }) => {
    const key = parseVkey(vkey)
    const opened = key === null ? null : openNote(Buffer.from(note), [key])
    const accepted = opened?.ok === true && opened.note.by.length === 1
    expect(accepted && (!checkpoint || parseCheckpoint(opened.note.text) !== null)).toBe(valid)
  })

  it.each(vectors.publishedWithoutVkey)('$name', ({ note, origin, size, keyIdHex }) => {
    const opened = openNote(Buffer.from(note), [])
    expect(opened.ok && opened.note.unknown).toEqual([{ name: origin, id: keyIdHex }])
    expect(opened.ok && parseCheckpoint(opened.note.text)).toMatchObject({ origin, size: BigInt(size) })
  })

  it('the verifier key of the test key', () => {
    const key = Buffer.from(testKey.publicKeyHex, 'hex')
    expect(formatVkey(testKey.name, key)).toBe(testKey.vkey)
    expect(testKey.vkey.split('+')[1]).toBe(keyIdOf(testKey.name, key))
  })

  it('signing gives the published note back, byte for byte', async () => {
    const own = vectors.vectors.find(({ name }) => name === 'checkpoint of size 8')!
    const text = own.note.slice(0, own.note.indexOf('\n\n') + 1)
    expect(await signNote(text, [signer])).toBe(own.note)
  })
})

describe('notes', () => {
  it('bear one line per signer, and open by either', async () => {
    const { publicKey, privateKey: second } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const other = {
      vkey: formatVkey('example.com/b', raw),
      sign: async (m: Uint8Array) => sign(null, m, second),
    }
    const note = await signNote(formatCheckpoint('example.com/a', 3, Buffer.alloc(32)), [signer, other])
    for (const vkey of [signer.vkey, other.vkey]) {
      const opened = openNote(Buffer.from(note), [parseVkey(vkey)!])
      expect(opened.ok && [opened.note.by.length, opened.note.unknown.length]).toEqual([1, 1])
    }
  })

  it('are not made with a signature that does not verify', async () => {
    const wrong = { vkey: testKey.vkey, sign: async () => new Uint8Array(64) }
    await expect(signNote('a\n', [wrong])).rejects.toThrow('is wrong')
  })

  it('are refused when they are huge', () => {
    expect(openNote(Buffer.alloc(70_000, 'a'), []).ok).toBe(false)
  })
})
