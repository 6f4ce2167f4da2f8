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
  /** Why one that is configured is not; null: it is, or none is. */
  previousBecause: string | null
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
  config: Pick<LedgerConfig, 'keyFile' | 'kmsKey'> &
    Partial<Pick<LedgerConfig, 'previousKeyFile' | 'previousKmsKey'>>,
  origin: string,
  deps: SigningDeps,
): Promise<Signing> {
  const [now, before] = await Promise.all([
    signingNow(config, origin, deps),
    signingBefore(config, origin, deps),
  ])
  return { ...now, ...before }
}

type Now = Omit<Signing, 'previous' | 'previousBecause'>

async function signingNow(
  config: Pick<LedgerConfig, 'keyFile' | 'kmsKey'>,
  origin: string,
  deps: SigningDeps,
): Promise<Now> {
  const none = { signer: null, source: 'none' as const, openToOthers: false }
  if (config.kmsKey !== null) {
    const found = await kmsSigner(config.kmsKey, origin, deps)
    return found.ok
      ? { signer: found.signer, source: 'kms', because: config.kmsKey, openToOthers: false, again: false }
      : { ...none, because: found.because, again: found.again }
  }
  const found = await findLocalKey(deps.environment, config.keyFile)
  if (!found.ok) return { ...none, because: found.because, again: false }
  const { source, path, key, openToOthers } = found
  return { signer: localSigner(key, origin), source, because: path, openToOthers, again: false }
}

/** A key that lies on this host goes before one of KMS. */
async function signingBefore(
  config: Partial<Pick<LedgerConfig, 'previousKeyFile' | 'previousKmsKey'>>,
  origin: string,
  deps: SigningDeps,
): Promise<Pick<Signing, 'previous' | 'previousBecause'>> {
  const local = await findLocalKey(deps.environment, config.previousKeyFile ?? null, previousCredentialName)
  if (local.ok) return { previous: localSigner(local.key, origin), previousBecause: null }
  const { previousKmsKey: key = null } = config
  if (local.configured || key === null)
    return { previous: null, previousBecause: local.configured ? local.because : null }
  const found = await kmsSigner(key, origin, deps)
  return found.ok
    ? { previous: found.signer, previousBecause: null }
    : { previous: null, previousBecause: found.because }
}

type KmsSigner = { ok: true; signer: Signer } | { ok: false; because: string; again: boolean }

/** `again`: it could not be asked, and may answer later. */
async function kmsSigner(key: string, origin: string, deps: SigningDeps): Promise<KmsSigner> {
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
    if (publicKey === null)
      return { ok: false, because: `${key}: it is no Ed25519 key (ECC_NIST_EDWARDS25519)`, again: false }
    const signer: Signer = {
      vkey: formatVkey(origin, publicKey),
      sign: async (message) => await ask(Buffer.from(message).toString('base64')),
    }
    return { ok: true, signer }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it can not be asked'
    return { ok: false, because: `${key}: ${why}`, again: true }
  }
}
