/** A ledger that changes its key away from KMS: to another key of KMS, and to one on the host. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { parseConfig } from '../../agent/config/load.ts'
import type { AnchorAnswer, AnchorRequest } from '../../agent/ledger/anchor-request.ts'
import { findSigning } from '../../agent/ledger/signing.ts'
import { createKmsService } from '../../lab/api/kms.ts'
import { parseVkey } from '../../ledger/note.ts'
import { createHandClock } from './hand-clock.ts'
import { kit, origin, testHost, verified } from '../ledger/kit.ts'
import { createMemoryDisk } from '../ledger/memory-disk.ts'
import { type Files, diskOf } from '../ledger/tamper.ts'

const home = mkdtempSync(join(tmpdir(), 'pathproof-kms-'))
afterAll(() => rmSync(home, { recursive: true }))
const keyFile = join(home, 'key.pem')
const pair = generateKeyPairSync('ed25519')
writeFileSync(keyFile, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })

const first = 'alias/pathproof-ledger'
const next = 'alias/pathproof-ledger-next'

/** The lab's KMS, without the wire. `refused`: a key that may not be used any more. */
function kms(refused: string[] = []) {
  const service = createKmsService()
  const asked: string[] = []
  const anchor = async ({ kms: order }: AnchorRequest): Promise<AnchorAnswer> => {
    const answer = (bytes: AnchorAnswer['kms']): AnchorAnswer => ({
      schema: 'pathproof.anchor/1',
      failure: null,
      kms: bytes,
      logs: null,
      puts: [],
    })
    if (order === null) return answer(null)
    const { key, message } = order
    asked.push(`${message === null ? 'GetPublicKey' : 'Sign'} ${key}`)
    if (refused.includes(key)) {
      const failure = {
        reason: 'denied',
        code: 'DisabledException',
        detail: `${key} is disabled`,
        nextStep: 'enable it',
      } as const
      return answer({ ok: false, failure })
    }
    const input = {
      KeyId: key,
      ...(message !== null && { Message: message, SigningAlgorithm: 'ED25519_SHA_512' }),
    }
    const question = { input, world: { region: 'us-east-1', account: '111122223333' } }
    const action = service.actions[message === null ? 'GetPublicKey' : 'Sign']
    const said = action?.(question as never) as Record<string, string>
    return answer({ ok: true, bytes: said['PublicKey'] ?? said['Signature'] ?? '' })
  }
  return { asked, refused, deps: { environment: {}, region: () => 'us-east-1', wallMs: () => 0, anchor } }
}

const lives = [
  { keyFile: null, kmsKey: first },
  { keyFile: null, kmsKey: next, previousKmsKey: first },
  { keyFile, kmsKey: null, previousKmsKey: next },
]

async function lived(by: ReturnType<typeof kms>) {
  const disk = createMemoryDisk()
  const clock = createHandClock()
  const told: (string | null)[] = []
  const vkeys: string[] = []
  for (const [life, config] of lives.entries()) {
    const { signer, previous } = await findSigning(config, origin, by.deps)
    if (signer === null) throw new Error('no signer')
    vkeys.push(signer.vkey)
    const { store, events } = kit(
      disk.files,
      { signers: [signer], ...(previous && { previous }), host: testHost(100 + life) },
      clock,
    )
    for (let n = 0; n < 3; n++) await store.append('observation', { life, n })
    expect(await store.checkpoint()).not.toBeNull()
    await store.close('end')
    for (const event of events) if (event.type === 'handover') told.push(event.text)
  }
  const files: Files = new Map(
    disk.paths().map((name) => [name.slice('/ledger/'.length), disk.content(name)!]),
  )
  const says = async (vkey: string | undefined) =>
    (await verified(diskOf(files).files, { keys: [parseVkey(vkey ?? '')!] })).handOvers?.length ?? 0
  return { told, vkeys, says }
}

it('both keys of KMS sign the hand-over, and then the last one and a local key do', async () => {
  const by = kms()
  const { told, vkeys, says } = await lived(by)
  expect(told).toEqual([null, null])
  expect(new Set(vkeys).size).toBe(3)
  for (const vkey of vkeys) expect(await says(vkey)).toBe(2)
  // The key before signs the hand-over and nothing else.
  const second = by.asked.lastIndexOf(`GetPublicKey ${first}`)
  expect(by.asked.slice(second).filter((one) => one === `Sign ${first}`)).toHaveLength(1)
})

it('a key that may not be used any more hands nothing over, and says why; the ledger goes on', async () => {
  const by = kms()
  const before = await findSigning(
    { keyFile, kmsKey: null, previousKmsKey: first },
    origin,
    kms([first]).deps,
  )
  expect(before).toMatchObject({
    source: 'file',
    previous: null,
    previousBecause: `${first}: ${first} is disabled; enable it`,
    again: false,
  })
  const plain = await findSigning({ keyFile, kmsKey: null }, origin, by.deps)
  expect([plain.previous, plain.previousBecause, by.asked]).toEqual([null, null, []])
})

it('a key on the host goes before one of KMS, and one that can not be read is not passed over', async () => {
  const by = kms()
  const config = {
    keyFile: null,
    kmsKey: next,
    previousKeyFile: join(home, 'gone.pem'),
    previousKmsKey: first,
  }
  const { previous, previousBecause } = await findSigning(config, origin, by.deps)
  expect([previous, previousBecause]).toEqual([null, `${join(home, 'gone.pem')}: ENOENT`])
})

it('the configuration names one key before, not the key itself, and the policy has both', () => {
  const read = (ledger: string) => parseConfig(`version: 1\nledger: { directory: /l, ${ledger} }\n`, 'f', 0)
  const problems = (ledger: string) => {
    const loaded = read(ledger)
    return loaded.ok ? [] : loaded.problems.map(({ path }) => path)
  }
  expect(problems(`kms_key: ${next}, previous_kms_key: ${first}`)).toEqual([])
  expect(problems(`kms_key: ${next}, previous_kms_key: ${next}`)).toEqual(['ledger.previous_kms_key'])
  expect(problems('key_file: /k, previous_key_file: /p, previous_kms_key: x')).toEqual([
    'ledger.previous_kms_key',
  ])
  const loaded = read('key_file: /k, previous_kms_key: 5f0c1f3e-0a0b-4c0d-8e0f-0123456789ab')
  if (!loaded.ok) throw new Error('refused')
  const statement = iamPolicy(loaded.config)?.Statement.find(({ Sid }) => Sid === 'PathproofSignLedger')
  expect(statement?.Resource).toEqual(['arn:aws:kms:*:*:key/5f0c1f3e-0a0b-4c0d-8e0f-0123456789ab'])
})
