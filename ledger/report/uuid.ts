import { createHash } from 'node:crypto'

/** Of this program's reports; drawn once at random. */
const namespace = Buffer.from('b6f2c9d04e1a4c7f9a533d8e61f07b25', 'hex')

/** A UUID of version 5 (RFC 9562, 5.5): the same words give the same one. */
export function uuidOf(...words: readonly (string | number)[]): string {
  const hash = createHash('sha1').update(namespace).update(JSON.stringify(words)).digest().subarray(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
