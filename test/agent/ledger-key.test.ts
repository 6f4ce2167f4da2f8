import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, verify } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credentialName, ed25519Of, findLocalKey, localSigner, rawPublicKey } from '../../agent/ledger/key.ts'
import { findSigning } from '../../agent/ledger/signing.ts'
import type { AnchorAnswer } from '../../agent/ledger/anchor-request.ts'
import { openNote, parseVkey, signNote } from '../../ledger/note.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pathproof-key-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const pem = (type: 'ed25519' | 'ed448'): string =>
  (type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448')).privateKey.export({
    format: 'pem',
    type: 'pkcs8',
  }) as string

function keep(name: string, text: string, mode = 0o600): string {
  const path = join(home, name)
  writeFileSync(path, text, { mode })
  chmodSync(path, mode)
  return path
}

describe('the key of checkpoints', () => {
  it('is the one that openssl writes, and what it signs opens with its verifier key', async () => {
    const path = join(home, 'key.pem')
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path])
    const found = await findLocalKey({}, path)
    if (!found.ok) throw new Error(found.because)
    expect(found).toMatchObject({ source: 'file', path, openToOthers: false })
    const signer = localSigner(found.key, 'example.com/log')
    const key = parseVkey(signer.vkey)
    if (key === null) throw new Error('no verifier key')
    const note = await signNote('example.com/log\n1\nroot\n', [signer])
    expect(openNote(Buffer.from(note), [key])).toMatchObject({
      ok: true,
      note: { by: [{ name: 'example.com/log' }] },
    })
    expect(verify(null, Buffer.from('x'), found.key, await signer.sign(Buffer.from('x')))).toBe(true)
  })

  it('comes from systemd before any file, and one that is there and bad is not passed over', async () => {
    const directory = join(home, 'credentials')
    mkdirSync(directory)
    const environment = { CREDENTIALS_DIRECTORY: directory }
    const file = keep('key.pem', pem('ed25519'))
    expect(await findLocalKey(environment, file)).toMatchObject({ ok: true, source: 'file' })
    writeFileSync(join(directory, credentialName), pem('ed25519'))
    expect(await findLocalKey(environment, file)).toMatchObject({ ok: true, source: 'credential' })
    expect(await findLocalKey({ CREDENTIALS_DIRECTORY: 'relative' }, file)).toMatchObject({ source: 'file' })
    writeFileSync(join(directory, credentialName), 'no key')
    expect(await findLocalKey(environment, file)).toMatchObject({ ok: false, configured: true })
  })

  it('that can not be used is refused, without a word of what the file holds', async () => {
    const mark = 'Zq9SECRETmark7x'
    const bad = [
      keep('text', `${mark}\n`),
      keep('broken', `-----BEGIN PRIVATE KEY-----\n${mark}\n-----END PRIVATE KEY-----\n`),
      keep('other', pem('ed448')),
      keep(
        'public',
        generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }) as string,
      ),
      keep('long', mark.repeat(5000)),
      keep('empty', ''),
      join(home, 'none'),
      home,
      '/dev/null',
    ]
    for (const path of bad) {
      const found = await findLocalKey({}, path)
      expect(found, path).toMatchObject({ ok: false, configured: true })
      expect(JSON.stringify(found)).not.toContain(mark)
    }
    expect(await findLocalKey({}, null)).toEqual({
      ok: false,
      configured: false,
      because: 'no key is configured',
    })
    const open = keep('open.pem', pem('ed25519'), 0o644)
    expect(await findLocalKey({}, open)).toMatchObject({ ok: true, openToOthers: true })
  })
})

const origin = 'example.com/log'

describe('the key before', () => {
  const deps = (environment: Record<string, string>) => ({
    environment,
    region: () => null,
    wallMs: () => 0,
    anchor: () => Promise.reject(new Error('nobody asks')),
  })

  it('is found by its file, or by the credential that goes before it', async () => {
    const own = keep('now.pem', pem('ed25519'))
    const old = keep('before.pem', pem('ed25519'))
    const config = { keyFile: own, kmsKey: null, previousKeyFile: old }
    const found = await findSigning(config, origin, deps({}))
    expect(found.signer?.vkey).not.toBe(found.previous?.vkey)
    const read = await findLocalKey({}, old)
    expect(read.ok && localSigner(read.key, origin).vkey).toBe(found.previous?.vkey)
    mkdirSync(join(home, 'given'), { recursive: true })
    writeFileSync(join(home, 'given', 'ledger-key-previous'), pem('ed25519'), { mode: 0o600 })
    const given = await findSigning(config, origin, deps({ CREDENTIALS_DIRECTORY: join(home, 'given') }))
    expect([given.signer?.vkey, given.source]).toEqual([found.signer?.vkey, 'file'])
    expect(given.previous).not.toBeNull()
    expect(given.previous?.vkey).not.toBe(found.previous?.vkey)
    expect((await findSigning({ ...config, previousKeyFile: null }, origin, deps({}))).previous).toBeNull()
  })
})

describe('signing by KMS', () => {
  const pair = generateKeyPairSync('ed25519')
  const der = pair.publicKey.export({ format: 'der', type: 'spki' })
  const deps = (answer: Partial<AnchorAnswer>) => ({
    environment: {},
    region: () => 'us-east-1',
    wallMs: () => 0,
    anchor: () =>
      Promise.resolve({
        schema: 'pathproof.anchor/1' as const,
        failure: null,
        kms: null,
        logs: null,
        puts: [],
        ...answer,
      }),
  })
  const config = { keyFile: null, kmsKey: 'alias/x' }

  it('takes only an Ed25519 key, and a signature of another length or key makes no checkpoint', async () => {
    expect(ed25519Of(der)?.equals(rawPublicKey(pair.privateKey))).toBe(true)
    for (const bytes of [Buffer.alloc(44), der.subarray(1), Buffer.alloc(0)]) {
      expect(ed25519Of(bytes)).toBeNull()
      const signing = await findSigning(
        config,
        'o',
        deps({ kms: { ok: true, bytes: bytes.toString('base64') } }),
      )
      expect(signing).toMatchObject({ signer: null, again: false })
    }
    // It goes on giving its public key: that is no signature.
    const { signer } = await findSigning(
      config,
      'o',
      deps({ kms: { ok: true, bytes: der.toString('base64') } }),
    )
    if (signer === null) throw new Error('no signer')
    await expect(signNote('o\n1\nroot\n', [signer])).rejects.toThrow('is wrong')
  })

  it('that fails is tried again later', async () => {
    const failure = {
      reason: 'denied',
      code: 'AccessDenied',
      detail: 'refused',
      nextStep: 'allow it',
    } as const
    for (const answer of [{ failure }, { kms: { ok: false as const, failure } }]) {
      const signing = await findSigning(config, 'o', deps(answer))
      expect(signing).toMatchObject({ signer: null, again: true, because: 'alias/x: refused; allow it' })
    }
    const nowhere = await findSigning(config, 'o', { ...deps({}), region: () => null })
    expect(nowhere.because).toContain('region')
  })
})
