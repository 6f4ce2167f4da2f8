import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, readCanonical } from '../../ledger/canonical.ts'
import vectors from '../data/ledger/rfc8785.json' with { type: 'json' }

const textOf = (value: unknown): string => {
  const written = canonical(value)
  if (!written.ok) throw new Error(written.problem)
  return written.text
}

describe('RFC 8785, published vectors', () => {
  it.each(vectors.documents)('document: $name', ({ input, canonical: expected, sha256 }) => {
    expect(textOf(JSON.parse(input))).toBe(expected)
    expect(
      createHash('sha256')
        .update(textOf(JSON.parse(input)))
        .digest('hex'),
    ).toBe(sha256)
    expect(readCanonical(expected).ok).toBe(true)
  })

  it.each(vectors.numbers)('number $ieee754', ({ ieee754, json }) => {
    expect(textOf(Buffer.from(ieee754, 'hex').readDoubleBE())).toBe(json)
  })

  it.each(vectors.invalid)('refuses $name', ({ input }) => {
    expect(readCanonical(input).ok).toBe(false)
  })

  it('the number suite gives the published hashes', () => {
    const { staticBits, sha256 } = vectors.numberSuite
    const hash = createHash('sha256')
    const view = Buffer.alloc(8)
    let lines = 0
    const take = (bits: bigint): void => {
      view.writeBigUInt64BE(bits)
      hash.update(`${bits.toString(16)},${textOf(view.readDoubleBE())}\n`)
      lines++
      const expected = (sha256 as Record<string, string>)[String(lines)]
      if (expected !== undefined) expect(hash.copy().digest('hex'), `${lines} lines`).toBe(expected)
    }
    for (const bits of staticBits) take(BigInt(`0x${bits}`))
    for (let i = 0n; i < 2000n; i++) take(0x0010_0000_0000_0000n + i)
    let digest = Buffer.alloc(32)
    while (lines < 100_000) {
      digest = createHash('sha256').update(digest).digest()
      for (let at = 0; at < 32 && lines < 100_000; at += 8) {
        const value = digest.readDoubleLE(at)
        if (value !== 0 && Number.isFinite(value)) take(digest.readBigUInt64LE(at))
      }
    }
  })
})

describe('canonical', () => {
  const plain = fc.jsonValue({ maxDepth: 5 }).filter((value) => JSON.stringify(value).isWellFormed())

  it('loses nothing, and its own text is a fixed point', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const text = textOf(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(readCanonical(text).ok).toBe(true)
      }),
    )
  })

  it('is the same whatever the order in which fields were set', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), fc.integer(), { maxKeys: 8 }),
        (fields) => {
          const turned = Object.fromEntries(Object.entries(fields).reverse())
          expect(textOf(turned)).toBe(textOf(fields))
        },
      ),
    )
  })

  it.each([
    ['NaN', { a: [Number.NaN] }, '$.a[0]: NaN'],
    ['an infinity', Number.NEGATIVE_INFINITY, '$: -Infinity'],
    ['a bigint', { n: 1n }, '$.n: bigint'],
    ['a lone surrogate', { s: 'a\uD800' }, '$.s: a lone surrogate'],
    ['a lone surrogate in a name', { '\uDC00': 1 }, '$: a name with a lone surrogate'],
    ['undefined in a list', [1, undefined], '$[1]: undefined'],
    ['a hole', new Array(1), '$[0]: undefined'],
    ['undefined itself', undefined, '$: undefined'],
    ['a function', { f: () => 1 }, '$.f: function'],
    ['a date', { d: new Date(0) }, '$.d: a value of a class'],
    ['a map', new Map(), '$: a value of a class'],
  ])('refuses %s and says where', (_, value, problem) => {
    expect(canonical(value)).toEqual({ ok: false, problem })
  })

  it('leaves out fields that are undefined, as JSON does', () => {
    expect(textOf({ b: undefined, a: 1 })).toBe('{"a":1}')
  })

  it('refuses what would exhaust the stack, and itself', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(canonical(deep).ok).toBe(false)
    const self: Record<string, unknown> = {}
    self['self'] = self
    expect(canonical(self).ok).toBe(false)
  })

  it.each(['{"a":1,"a":1}', '{ }', '{"b":1,"a":2}', '1.0', '"\\u0041"', '-0'])(
    'reads no other form: %s',
    (text) => {
      expect(readCanonical(text).ok).toBe(false)
    },
  )
})
