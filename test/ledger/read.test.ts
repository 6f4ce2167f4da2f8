import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatLine, lineHash, noLine } from '../../ledger/line.ts'
import { readLedger } from '../../ledger/read.ts'
import { createMemoryDisk } from './memory-disk.ts'

const path = '/ledger/segments/0000000000000000.jsonl'

function lines(count: number, numberOf: (index: number) => number = (index) => index): string[] {
  let prev = noLine
  return Array.from({ length: count }, (_, index) => {
    const stamp = { wallMs: index, monoUs: index, bootId: 'b', agentId: 'a' }
    const line = formatLine({ ...stamp, kind: 'observation', body: '{}' }, numberOf(index), prev)
    prev = lineHash(line)
    return line.toString()
  })
}

async function read(files: [string, string | Buffer][]): Promise<string[]> {
  const disk = createMemoryDisk(new Map(files.map(([name, text]) => [name, Buffer.from(text)])))
  const all: string[] = []
  for await (const one of readLedger(disk.files, '/ledger'))
    all.push(one.ok ? String(one.record.seq) : one.problem)
  return all
}

const joined = (texts: string[]): string => texts.map((text) => `${text}\n`).join('')

describe('reading a ledger', () => {
  it('a compressed segment ends with its first line that is none, or has not the next number', async () => {
    const good = lines(4)
    const bad = good.with(2, 'no record')
    expect(await read([[`${path}.gz`, gzipSync(joined(good))]])).toEqual(['0', '1', '2', '3'])
    const [first, second, problem, ...rest] = await read([[`${path}.gz`, gzipSync(joined(bad))]])
    expect([first, second, rest]).toEqual(['0', '1', []])
    expect(problem).toMatch(/JSON/)
    const again = Array.from({ length: 50 }, () => good[0] ?? '')
    expect(await read([[`${path}.gz`, gzipSync(joined(again))]])).toEqual([
      '0',
      'the line has another number',
    ])
  })

  it('what it may unpack to is not read', async () => {
    const bomb = gzipSync(`${joined(lines(1))}${'\n'.repeat(200_000_000)}`, { level: 1 })
    const all = await read([[`${path}.gz`, bomb]])
    expect(all.length).toBe(2)
  })

  it('of a plain one the rest is read, and so are the segments behind a broken one', async () => {
    const good = lines(6)
    const next = '/ledger/segments/0000000000000004.jsonl'
    const [zero, one] = good
    const all = await read([
      [path, joined([zero ?? '', 'no record', one ?? ''])],
      [next, joined(good.slice(4))],
    ])
    expect([all[0], ...all.slice(2)]).toEqual(['0', '1', '4', '5'])
  })

  it('a newer version is met once, and nothing behind it is read', async () => {
    const newer = lines(5).map((text) => text.replace('"v":1}', '"v":2}'))
    const all = await read([[path, joined(newer)]])
    expect(all).toEqual([expect.stringContaining('format version 2')])
  })
})
