import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeText } from '../../model/text.ts'

describe('safeText', () => {
  it.each([
    ['plain text', 'plain text'],
    ['a\u001B[31mred\u001B[0m b', 'ared b'],
    ['a\u009B1;31mred', 'ared'],
    ['\u001B]0;title\u0007after', 'after'],
    ['\u001B]8;;https://evil.example\u001B\\link\u001B]8;;\u001B\\', 'link'],
    ['\u001BPdevice control\u001B\\x', 'x'],
    ['never ended: \u001B]0;the text stays', 'never ended: 0;the text stays'],
    ['two\r\nlines\tand a tab', 'two lines and a tab'],
    ['paragraph\u2029line\u2028next\u0085end', 'paragraph line next end'],
    ['nul\u0000 bell\u0007 del\u007F c1\u0086', 'nul bell del c1'],
    ['user\u202Egpj.exe', 'usergpj.exe'],
    ['zero\u200Bwidth\u200D\uFEFF\u2060 soft\u00ADhyphen', 'zerowidth softhyphen'],
    ['tag\u{E0041}s \u061Cmark', 'tags mark'],
    ['lone \uD800 and \uDFFF', 'lone  and '],
    ['pair 😀 stays, so does é', 'pair 😀 stays, so does é'],
  ])('%j becomes %j', (input, expected) => {
    expect(safeText(input)).toBe(expected)
  })

  it('takes anything', () => {
    expect(safeText(null)).toBe('')
    expect(safeText(undefined)).toBe('')
    expect(safeText(42n)).toBe('42')
    expect(safeText(new Error('a\u0007b'))).toBe('ab')
    expect(safeText(Object.create(null))).toBe('')
    expect(
      safeText({
        toString() {
          throw new Error('no')
        },
      }),
    ).toBe('')
  })

  it('cuts with an ellipsis, never through a pair', () => {
    expect(safeText('abcdef', 4)).toBe('abc…')
    expect(safeText('abcd', 4)).toBe('abcd')
    expect(safeText('ab😀😀', 4)).toBe('ab…')
    expect(safeText('abc', 0)).toBe('')
    expect(safeText('abc', -3)).toBe('')
    expect(safeText('abc', Number.NaN)).toBe('abc')
    expect(safeText('x'.repeat(1000))).toHaveLength(200)
  })

  it('leaves nothing that a terminal obeys or hides, for any input', () => {
    // Judged by Unicode's own properties and not by the lists in the code.
    const dangerous = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]|[\u200B-\u200D\u2060\uFEFF\u00AD]/u
    const nasty = fc.constantFrom(
      '\u001B',
      '[',
      ']',
      '\u009B',
      'm',
      '\u0007',
      '\\',
      '\uD83D',
      '\uDE00',
      '\u202E',
      '\u200B',
      '\n',
    )
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.array(nasty).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(anything, fc.integer({ min: 0, max: 60 }), (text, limit) => {
        const clean = safeText(text, limit)
        expect(clean).not.toMatch(dangerous)
        expect(clean.length).toBeLessThanOrEqual(limit)
        expect(clean.isWellFormed()).toBe(true)
        expect(safeText(clean, limit)).toBe(clean)
      }),
      { numRuns: 2000 },
    )
  })
})
