import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { inTurns, jsonPieces } from '../../agent/web/document.ts'
import { redact } from '../../model/redact.ts'

const redacted = (_: string, member: unknown) => (typeof member === 'string' ? redact(member) : member)

test('is what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(8), (value, levels) => {
      expect(JSON.parse([...jsonPieces(value, levels)].join(''))).toEqual(
        JSON.parse(JSON.stringify(value, redacted)),
      )
    }),
  )
})

test('undefined members are left out, undefined elements are null, iterables are arrays', () => {
  const value = { a: undefined, b: [undefined, 1], c: new Set([1, 2]).values(), d: {}, e: [] }
  expect([...jsonPieces(value)].join('')).toBe('{"b":[null,1],"c":[1,2],"d":{},"e":[]}')
})

test('no string escapes the redactor, at any depth', () => {
  const secret = 'Zq9SECRETmark7x'
  const url = `https://x/?X-Amz-Signature=${secret}`
  let value: unknown = url
  for (let depth = 0; depth < 12; depth++) {
    value = depth % 2 === 0 ? { url, value } : [url, value]
    expect([...jsonPieces(value)].join('')).not.toContain(secret)
  }
})

test('a long document is joined without holding the loop, and whole', async () => {
  const pieces = Array.from({ length: 5000 }, (_, index) => `${index} é ${'x'.repeat(50)}\n`)
  let turns = 0
  const count = (): void => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const joined = await inTurns(pieces)
  clearImmediate(counting)
  expect(joined.toString()).toBe(pieces.join(''))
  expect(turns).toBeGreaterThan(10)
})
