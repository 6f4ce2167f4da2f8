import { formatVkey } from '../../ledger/note.ts'
import type { Signer } from '../../ledger/types.ts'
import type { Anchor } from './anchor-child.ts'
import type { LedgerConfig } from '../config/config.ts'
import { type KeySource, ed25519Of, findLocalKey, localSigner, previousCredentialName } from './key.ts'

export interface Signing {
  /** Null: checkpoints can't be signed, so none is made. */
  signer: Signer | null
  source: KeySource
  /** The key that signed before; null: none is at hand. */
  previous: Signer | null
  /** Where the key is, or why there is none; for people. */
  because: string
  /** The key's file can be read by others than its user. */
  openToOthers: boolean
  /** KMS gave no key, and may give it later. */
  again: boolean
}

export interface SigningDeps {
  environment: Readonly<Record<string, string | undefined>>
  anchor: Anchor
  region(): string | null
  wallMs(): number
}

/** One signature or the public key; far less than the time between two checkpoints. */
const kmsSeconds = 20

/** Who signs the checkpoints of a ledger with this origin, by the configuration. Never rejects. */
export async function findSigning(
  config: Pick<LedgerConfig, 'keyFile' | 'kmsKey'> & Partial<Pick<LedgerConfig, 'previousKeyFile'>>,
  origin: string,
  deps: SigningDeps,
): Promise<Signing> {
  const before = await findLocalKey(deps.environment, config.previousKeyFile ?? null, previousCredentialName)
  const previous = before.ok ? localSigner(before.key, origin) : null
  if (config.kmsKey !== null) return { ...(await kmsSigning(config.kmsKey, origin, deps)), previous }
  const found = await findLocalKey(deps.environment, config.keyFile)
  if (!found.ok)
    return {
      signer: null,
      previous,
      source: 'none',
      because: found.because,
      openToOthers: false,
      again: false,
    }
  const { source, path, key, openToOthers } = found
  return { signer: localSigner(key, origin), previous, source, because: path, openToOthers, again: false }
}

async function kmsSigning(key: string, origin: string, deps: SigningDeps): Promise<Signing> {
  const none = (because: string, again: boolean): Signing => ({
    signer: null,
    previous: null,
    source: 'none',
    because: `${key}: ${because}`,
    openToOthers: false,
    again,
  })
  const ask = async (message: string | null): Promise<Buffer> => {
    const region = deps.region()
    if (region === null) throw new Error('the region of this host is not known: set AWS_REGION')
    const { failure, kms } = await deps.anchor({
      region,
      atMs: deps.wallMs(),
      deadlineSeconds: kmsSeconds,
      kms: { key, message },
      logs: null,
      puts: [],
    })
    const failed = failure ?? (kms?.ok === false ? kms.failure : null)
    if (failed !== null) throw new Error(`${failed.detail}; ${failed.nextStep}`)
    return Buffer.from(kms?.ok === true ? kms.bytes : '', 'base64')
  }
  try {
    const publicKey = ed25519Of(await ask(null))
    if (publicKey === null) return none('it is no Ed25519 key (ECC_NIST_EDWARDS25519)', false)
    const signer: Signer = {
      vkey: formatVkey(origin, publicKey),
      sign: async (message) => await ask(Buffer.from(message).toString('base64')),
    }
    return { signer, previous: null, source: 'kms', because: key, openToOthers: false, again: false }
  } catch (error) {
    return none(error instanceof Error ? error.message : 'it can not be asked', true)
  }
}
