import { describe, expect, it } from 'vitest'
import { remembering } from '../../probes/remember.ts'

describe('remembering', () => {
  it('reads a text once, keeps so many, and none that is too long', () => {
    const reads: string[] = []
    const read = remembering(
      (text) => {
        reads.push(text)
        return text === 'none' ? undefined : { text }
      },
      { most: 2, longest: 4 },
    )
    expect(read('a')).toBe(read('a'))
    expect([read('none'), read('none')]).toEqual([undefined, undefined])
    expect(reads).toEqual(['a', 'none'])
    expect(read('b')).toEqual({ text: 'b' })
    read('a')
    expect(reads).toEqual(['a', 'none', 'b', 'a'])
    read('12345')
    read('12345')
    expect(reads.slice(4)).toEqual(['12345', '12345'])
  })

  it('passes on what is thrown, and asks again', () => {
    let calls = 0
    const read = remembering(
      () => {
        calls++
        throw new Error('no')
      },
      { most: 2, longest: 9 },
    )
    expect(() => read('a')).toThrow('no')
    expect(() => read('a')).toThrow('no')
    expect(calls).toBe(2)
  })
})
