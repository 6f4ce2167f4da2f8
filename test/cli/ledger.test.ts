import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ledgerCommand } from '../../agent/cli/ledger.ts'
import { verificationDocument, verificationText } from '../../agent/cli/render-ledger.ts'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { kit, signer, testSigner } from '../ledger/kit.ts'
import { say } from '../support/io.ts'

let folder = ''
let ledger = ''
let early = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-cli-ledger-'))
  ledger = join(folder, 'ledger')
  const { store } = kit(realFiles(), { directory: ledger, host: await realLockHost('boot-1') })
  await store.append('observation', { name: 'a.example.com' })
  early = join(folder, 'early.note')
  await writeFile(early, (await store.checkpoint()) ?? '')
  await store.append('observation', { name: 'b.example.com' })
  await store.close('end')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ledgerOf = (...argv: string[]) => say((io) => ledgerCommand(argv, io))

describe('ledger verify', () => {
  it('ends with 0 where all is intact, complete and signed', async () => {
    const { code, stdout } = await ledgerOf('verify', ledger, '--key', signer.vkey, '--anchor', early)
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'ok: intact, complete and signed'])
    expect(stdout).toContain('records        0 to 3, closed in order')
    expect(stdout).not.toContain('can not be told')
  })

  it('tells of keys that were handed over, and of a disk that was full', async () => {
    const files = realFiles()
    const directory = join(folder, 'handed')
    const host = await realLockHost('boot-1')
    const before = kit(files, { directory, host })
    await before.store.append('observation', { name: 'a.example.com' })
    await before.store.close('end')
    const next = testSigner(7)
    const after = kit(files, { directory, host, signers: [next], previous: signer })
    await after.store.append('observation', { name: 'b.example.com' })
    await after.store.close('end')
    const { code, stdout } = await ledgerOf('verify', directory, '--key', signer.vkey)
    expect(code).toBe(0)
    expect(stdout).toMatch(/hand-over \(record \d+\): the key \S+ to \S+, signed by both/)
    const seen = await verifyLedger(files, directory, { keys: [] })
    if (!seen.ok) throw new Error('newer')
    const suspensions = [{ seq: 7, ts: '2026-11-20T12:00:00.000Z', reason: 'ENOSPC', queued: 3 }]
    expect(verificationText({ ...seen.seen, suspensions }, false)).toContain(
      'suspension (record 7) at 2026-11-20T12:00:00.000Z: the disk was full (ENOSPC); 3 records waited',
    )
  })

  it('leaves nothing out of a long document', async () => {
    const seen = await verifyLedger(realFiles(), ledger, { keys: [] })
    if (!seen.ok) throw new Error('newer')
    const problems = Array.from({ length: 10_000 }, (_, seq) => ({
      kind: 'line' as const,
      text: `the segment from record ${seq} on: the line is no canonical JSON, which is told at some length here`,
      seq,
    }))
    const document = verificationDocument({ ...seen.seen, problems }) as typeof seen.seen
    expect(document).toMatchObject({ ...seen.seen, problems })
  })

  it('ends with 4 without a key, and says what it can not tell', async () => {
    const { code, stdout } = await ledgerOf('verify', ledger)
    expect(code).toBe(4)
    expect(stdout).toContain('signer not verified')
    expect(stdout).toContain('rolled back')
  })

  it('ends with 3 under another key', async () => {
    const { code, stdout } = await ledgerOf('verify', ledger, '--key', testSigner(5).vkey)
    expect(code).toBe(3)
    expect(stdout).toMatch(/^TAMPERED/)
    expect(stdout).toContain('signed by none of the given keys')
  })

  it('prints one document', async () => {
    const { code, stdout } = await ledgerOf('verify', ledger, '--key', signer.vkey, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'pathproof.ledger-verify/1',
      outcome: 'ok',
      end: 4,
      unsignedTail: 0,
      problems: [],
    })
  })

  it.each([
    ['64: no directory', [], 64],
    ['64: a key that is none', ['x', '--key', 'a+b+c'], 64],
    ['1: nothing there', ['/nowhere/at/all'], 1],
  ])('%s', async (_, argv, expected) => {
    const { code, stderr } = await ledgerOf('verify', ...argv)
    expect([code, stderr.startsWith('pathproof ledger verify: ')]).toEqual([expected, true])
  })

  it('says that a directory holds no ledger', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    expect(await ledgerOf('verify', empty)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no ledger'),
    })
  })

  it('refuses a newer format by its number', async () => {
    const newer = await mkdtemp(join(folder, 'newer-'))
    const [name = ''] = await readdir(join(ledger, 'segments'))
    const text = (await readFile(join(ledger, 'segments', name), 'utf8')).replaceAll('"v":1}', '"v":7}')
    await import('node:fs/promises').then(({ mkdir }) => mkdir(join(newer, 'segments')))
    await writeFile(join(newer, 'segments', name), text)
    expect(await ledgerOf('verify', newer)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('format version 7'),
    })
  })
})

describe('ledger prove', () => {
  it('proves a record, and verify checks that without the ledger', async () => {
    const proven = await ledgerOf('prove', ledger, '--seq', '2')
    expect(proven.code).toBe(0)
    const file = join(folder, 'proof.json')
    await writeFile(file, proven.stdout)
    const checked = await ledgerOf('verify', file, '--key', signer.vkey)
    expect(checked).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('record 2 is one of the 4 records'),
    })
    expect(await ledgerOf('verify', file)).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('signer not verified'),
    })
    await writeFile(file, proven.stdout.replace('b.example', 'c.example'))
    expect(await ledgerOf('verify', file, '--key', signer.vkey)).toMatchObject({ code: 3 })
  })

  it('proves that nothing changed since a checkpoint', async () => {
    const proven = await ledgerOf('prove', ledger, '--from', early)
    expect(proven.code).toBe(0)
    const file = join(folder, 'consistency.json')
    await writeFile(file, proven.stdout)
    expect(await ledgerOf('verify', file, '--key', signer.vkey)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the first 2 of 4 records did not change'),
    })
  })

  it('asks for one thing to prove', async () => {
    expect((await ledgerOf('prove', ledger)).code).toBe(64)
    expect((await ledgerOf('prove', ledger, '--seq', '-1')).code).toBe(64)
    expect((await ledgerOf('prove', ledger, '--seq', '99')).code).toBe(1)
  })
})
