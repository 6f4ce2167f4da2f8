import { createHash, createPublicKey, verify } from 'node:crypto'
import type { Signer } from './types.ts'

/** A verifier key of a signed note (c2sp.org/signed-note): Ed25519 only. */
export interface VerifierKey {
  /** Not empty, without white space and `+`. */
  name: string
  /** 8 lower-case hexadecimal digits, from name and key. */
  id: string
  /** 32 bytes. */
  publicKey: Buffer
}

export interface OpenedNote {
  /** What is signed, with its last line end. */
  text: string
  /** Those of the given keys that signed. */
  by: VerifierKey[]
  /** Signatures of other keys: nothing is known of them. */
  unknown: { name: string; id: string }[]
}

const ed25519 = 1
/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex')
/** Far more than a checkpoint needs; a file beyond is not read. */
export const maxNoteBytes = 65_536
const maxSignatures = 100

/** Whether a key may have this name. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\p{White_Space}\p{Cc}]/u.test(name)
}

/** The first four bytes of SHA-256 over name, newline, type and key. */
export function keyIdOf(name: string, publicKey: Uint8Array): string {
  const hash = createHash('sha256').update(`${name}\n`).update(Buffer.of(ed25519)).update(publicKey)
  return hash.digest('hex').slice(0, 8)
}

/** `<name>+<id>+<base64 of type and key>`. */
export function formatVkey(name: string, publicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.of(ed25519), publicKey]).toString('base64')
  return `${name}+${keyIdOf(name, publicKey)}+${key}`
}

/** Reads a verifier key; null unless it is an Ed25519 key whose id fits. */
export function parseVkey(text: string): VerifierKey | null {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text)
  const [, name = '', id = '', encoded = ''] = match ?? []
  const key = strictBase64(encoded)
  if (match === null || !isKeyName(name) || key === null || key.length !== 33 || key[0] !== ed25519)
    return null
  const publicKey = key.subarray(1)
  return keyIdOf(name, publicKey) === id ? { name, id, publicKey } : null
}

/** Base64 in its one form: padded, without foreign characters, unused bits zero. */
export function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}

/**
 * Opens a signed note with the keys that are trusted (none: its form alone is checked). Refuses a note that breaks the
 * form, and one that bears a wrong signature under the name and id of a trusted key. A note that no trusted key signed
 * opens with `by` empty: the caller must look.
 */
export function openNote(
  note: Uint8Array,
  keys: readonly VerifierKey[],
): { ok: true; note: OpenedNote } | { ok: false; problem: string } {
  const refused = (problem: string) => ({ ok: false, problem }) as const
  if (note.length > maxNoteBytes) return refused(`it is longer than ${maxNoteBytes} bytes`)
  let whole: string
  try {
    whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note)
  } catch {
    return refused('it is not UTF-8')
  }
  if (/[\u0000-\u0009\u000B-\u001F\u007F]/.test(whole)) return refused('it holds a control character')
  const border = whole.lastIndexOf('\n\n')
  if (border < 1) return refused('no blank line divides text and signatures')
  const text = whole.slice(0, border + 1)
  const tail = whole.slice(border + 2)
  if (tail === '' || !tail.endsWith('\n')) return refused('it does not end with a signature line')
  const lines = tail.slice(0, -1).split('\n')
  if (lines.length > maxSignatures) return refused(`it has more than ${maxSignatures} signatures`)
  const by: VerifierKey[] = []
  const unknown: OpenedNote['unknown'] = []
  for (const line of lines) {
    const [, name = '', encoded = ''] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? []
    const bytes = strictBase64(encoded)
    if (!isKeyName(name) || bytes === null || bytes.length < 5)
      return refused('a signature line is malformed')
    const id = bytes.subarray(0, 4).toString('hex')
    const key = keys.find((known) => known.name === name && known.id === id)
    if (key === undefined) unknown.push({ name, id })
    else if (!verifies(Buffer.from(text), bytes.subarray(4), key))
      return refused(`the signature of ${key.name}+${key.id} is wrong`)
    else if (!by.includes(key)) by.push(key)
  }
  return { ok: true, note: { text, by, unknown } }
}

function verifies(text: Buffer, signature: Buffer, { publicKey }: VerifierKey): boolean {
  if (signature.length !== 64) return false
  try {
    const der = Buffer.concat([derPrefix, publicKey])
    return verify(null, text, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
  } catch {
    return false // 32 bytes that are no point of the curve.
  }
}

/**
 * Signs a text that ends with a line end. Every signer must sign, and each signature is checked before it counts:
 * rejects otherwise.
 */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  const message = Buffer.from(text)
  const lines: string[] = []
  for (const { vkey, sign } of signers) {
    const key = parseVkey(vkey)
    if (key === null) throw new Error('the verifier key of a signer is malformed')
    const signature = Buffer.from(await sign(message))
    if (!verifies(message, signature, key))
      throw new Error(`the signature made for ${key.name}+${key.id} is wrong`)
    const bytes = Buffer.concat([Buffer.from(key.id, 'hex'), signature])
    lines.push(`\u2014 ${key.name} ${bytes.toString('base64')}\n`)
  }
  return `${text}\n${lines.join('')}`
}
