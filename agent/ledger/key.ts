import { type KeyObject, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { formatVkey } from '../../ledger/note.ts'
import type { Signer } from '../../ledger/types.ts'

/** Where the key of checkpoints lies. `credential`: given by systemd, for this service alone. */
export type KeySource = 'credential' | 'file' | 'kms' | 'none'

export type LocalKey =
  | { ok: true; source: 'credential' | 'file'; path: string; key: KeyObject; openToOthers: boolean }
  /** `configured`: one was asked for; else there is just none. */
  | { ok: false; configured: boolean; because: string }

/** Name of the credential: `LoadCredentialEncrypted=ledger-key:…` (systemd.exec(5)). */
export const credentialName = 'ledger-key'
/** The key before, where it was exchanged. */
export const previousCredentialName = 'ledger-key-previous'

const mostBytes = 16 * 1024

async function readKey(path: string): Promise<{ text: string; openToOthers: boolean }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new Error('it is no file')
    if (stat.size > mostBytes) throw new Error('it is too large for a key')
    return { text: await handle.readFile('utf8'), openToOthers: (stat.mode & 0o077) !== 0 }
  } finally {
    await handle.close()
  }
}

function privateKeyOf(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // The parser's own words may quote what it read.
    throw new Error('it holds no private key in PEM form without a passphrase')
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it holds a key that is not Ed25519')
  return key
}

/**
 * The key that signs checkpoints: the systemd credential `ledger-key` (or another one of that name), else `keyFile` (Ed25519, PKCS #8 in PEM, as
 * `openssl genpkey -algorithm ed25519` writes it). A credential that is there and can't be read is not passed over. Never
 * rejects; no text holds anything of the key.
 */
export async function findLocalKey(
  environment: Readonly<Record<string, string | undefined>>,
  keyFile: string | null,
  credential = credentialName,
): Promise<LocalKey> {
  const credentials = environment['CREDENTIALS_DIRECTORY'] ?? ''
  const places: ['credential' | 'file', string][] = []
  if (isAbsolute(credentials)) places.push(['credential', join(credentials, credential)])
  if (keyFile !== null) places.push(['file', keyFile])
  for (const [source, path] of places) {
    try {
      const { text, openToOthers } = await readKey(path)
      return {
        ok: true,
        source,
        path,
        key: privateKeyOf(text),
        openToOthers: openToOthers && source === 'file',
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (source === 'credential' && code === 'ENOENT') continue
      return { ok: false, configured: true, because: `${path}: ${code ?? message}` }
    }
  }
  return { ok: false, configured: false, because: 'no key is configured' }
}

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url')
}

/** Signs in this process. `origin`: name of the ledger and of the key. */
export function localSigner(key: KeyObject, origin: string): Signer {
  return {
    vkey: formatVkey(origin, rawPublicKey(key)),
    sign: (message) => Promise.resolve(sign(null, message, key)),
  }
}

/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, 4). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The 32 bytes of an Ed25519 key in DER, as KMS gives it; null for any other key. */
export function ed25519Of(der: Uint8Array): Buffer | null {
  const bytes = Buffer.from(der)
  return bytes.length === 44 && bytes.subarray(0, 12).equals(derPrefix) ? bytes.subarray(12) : null
}
