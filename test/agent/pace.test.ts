import { describe, expect, it } from 'vitest'
import { createPace } from '../../agent/watch/pace.ts'

function play() {
  let nowMs = 1000
  const waits: number[] = []
  let begun = 0
  const pace = createPace({
    nowMs: () => nowMs,
    sleep: (seconds) => {
      waits.push(Math.round(seconds * 1000))
      return Promise.resolve()
    },
    begin: () => {
      begun++
      return Promise.resolve()
    },
  })
  const signal = new AbortController().signal
  return { waits, begun: () => begun, turn: () => pace.turn(signal), pass: (ms: number) => (nowMs += ms) }
}

describe('createPace', () => {
  it('spreads what is due at once, in its order', async () => {
    const { waits, turn, begun } = play()
    for (let i = 0; i < 5; i++) await turn()
    expect([waits, begun()]).toEqual([[4, 8, 12, 16], 5])
  })

  it('lets through at once what is spread anyway', async () => {
    const { waits, turn, pass } = play()
    for (let i = 0; i < 5; i++) {
      await turn()
      pass(10)
    }
    expect(waits).toEqual([])
  })

  it('hurries where a crowd waits', async () => {
    const { waits, turn } = play()
    for (let i = 0; i < 4000; i++) await turn()
    expect(Math.max(...waits)).toBeLessThan(8000)
  })
})
