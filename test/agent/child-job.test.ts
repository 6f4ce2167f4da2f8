import { describe, expect, it } from 'vitest'
import { answerOnce } from '../../agent/child-job.ts'

const job = {
  longestRequest: 40,
  parse: (text: string): { name: string } | null => (text.startsWith('{') ? JSON.parse(text) : null),
  answer: async ({ name }: { name: string }) => ({ hello: name }),
}

async function run(...chunks: (Buffer | string)[]): Promise<{ code: number; output: string }> {
  let output = ''
  async function* input() {
    yield* chunks
  }
  const code = await answerOnce(input(), async (text) => void (output += text), job)
  return { code, output }
}

describe('a process that answers once', () => {
  it('answers a request in a line, also where its characters lie across chunks', async () => {
    const bytes = Buffer.from('{"name":"Zürich €"}')
    const byteByByte = [...bytes].map((byte) => Buffer.from([byte]))
    expect(await run(...byteByByte)).toEqual({ code: 0, output: '{"hello":"Zürich €"}\n' })
    expect(await run('{"name":', '"x"}')).toEqual({ code: 0, output: '{"hello":"x"}\n' })
  })

  it('says nothing to what is no request, or too long for one', async () => {
    expect(await run('?')).toEqual({ code: 1, output: '' })
    expect(await run(`{"name":"${'x'.repeat(40)}"}`)).toEqual({ code: 1, output: '' })
  })
})
