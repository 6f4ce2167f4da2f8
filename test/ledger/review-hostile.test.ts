import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { formatLine, lineHash, noLine } from '../../ledger/line.ts'
import { readCanonical } from '../../ledger/canonical.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { keys, kit, testSigner } from './kit.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pathproof-hostile-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const first = '0000000000000000.jsonl'

/** A closed, signed ledger of some records. */
async function written(name: string, more: Parameters<typeof kit>[1] = {}): Promise<string> {
  const directory = join(home, name)
  const clock = createHandClock()
  const { store } = kit(realFiles(), { directory, ...more }, clock)
  for (let index = 0; index < 20; index++) {
    await store.append('heartbeat', { everySeconds: 60, index, skipped: [] })
    await clock.advance(60_000)
  }
  await store.close('done')
  return directory
}

async function seen(directory: string, given = keys) {
  const result = await verifyLedger(realFiles(), directory, { keys: given })
  if (!result.ok) throw new Error(`newer: ${result.newer}`)
  return result.seen
}

const kinds = async (directory: string): Promise<string[]> =>
  (await seen(directory)).problems.map(({ kind }) => kind)

describe('a directory that somebody prepared', () => {
  it('is sound as it was written', async () => {
    expect(outcomeOf(await seen(await written('sound')))).toBe('ok')
  })

  it('leads nowhere else by links: nothing outside is read', async () => {
    const directory = await written('link')
    const path = join(directory, 'segments', first)
    await rename(path, join(home, 'elsewhere.jsonl'))
    await symlink(join(home, 'elsewhere.jsonl'), path)
    await expect(seen(directory)).rejects.toMatchObject({ code: 'ELOOP' })
    await rm(path)
    // Without end, if it were followed.
    await symlink('/dev/zero', path)
    await expect(seen(directory)).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('does not hold up verification by a pipe that nobody writes to', async () => {
    const directory = await written('pipe')
    const path = join(directory, 'segments', first)
    await rm(path)
    execFileSync('mkfifo', [path])
    expect((await kinds(directory)).length).toBeGreaterThan(0)
    const [note = ''] = await readdir(join(directory, 'checkpoints'))
    await rm(join(directory, 'checkpoints', note))
    execFileSync('mkfifo', [join(directory, 'checkpoints', note)])
    expect(await kinds(directory)).toContain('checkpoint')
  })

  it('does not unpack more than it reads: line ends without end, zeros, and one long line', async () => {
    const directory = await written('bomb')
    const path = join(directory, 'segments', first)
    await rm(path)
    for (const [byte, megabytes] of [
      ['\n', 300],
      ['\0', 300],
      ['a', 300],
    ] as const) {
      const block = Buffer.alloc(1024 * 1024, byte)
      const blocks = Readable.from(
        (function* () {
          for (let index = 0; index < megabytes; index++) yield block
        })(),
      )
      await pipeline(blocks, createGzip({ level: 1 }), createWriteStream(`${path}.gz`))
      let chunks = 0
      const files = realFiles()
      const result = await verifyLedger(
        {
          ...files,
          async *read(name) {
            for await (const chunk of files.read(name)) {
              if (name.endsWith('.gz')) chunks++
              yield chunk
            }
          },
        },
        directory,
        { keys },
      )
      expect(result.ok && result.seen.problems.map(({ kind }) => kind)).toContain('line')
      expect(chunks).toBeLessThan(60)
    }
  })

  it('of a sparse file of a terabyte reads the beginning', async () => {
    const directory = await written('sparse')
    await truncate(join(directory, 'segments', first), 2 ** 40)
    const found = await seen(directory)
    // Behind the newest checkpoint a crash leaves the same; it is said, and it is no clean ledger.
    expect(found.torn?.after).toBe(found.end)
    expect(outcomeOf(found)).toBe('doubt')
  })
})

describe('a line that two readers could read differently', () => {
  const good = '{"a":1,"b":[2]}'
  it.each([
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['another number', '{"a":1.0}'],
    ['an exponent', '{"a":1e0}'],
    ['minus zero', '{"a":-0}'],
    ['white space', '{"a": 1}'],
    ['another order', '{"b":1,"a":2}'],
    ['a needless escape', '{"a":"\\u0041"}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a byte order mark', '\uFEFF{"a":1}'],
    ['something behind it', '{"a":1} '],
    ['more levels than anybody needs', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['a number beyond all', '{"a":1e400}'],
  ])('%s is refused', (_, text) => {
    expect(readCanonical(good).ok).toBe(true)
    expect(readCanonical(text).ok).toBe(false)
  })

  it('names that mean something to the machine are names', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":1}'
    expect(readCanonical(text)).toMatchObject({ ok: true })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('what is not signed', () => {
  /** Adds records behind the newest checkpoint, as whoever can write the directory can. */
  async function lengthened(directory: string, bodies: readonly string[]): Promise<void> {
    const path = join(directory, 'segments', first)
    const lines = (await readFile(path)).toString('utf8').trimEnd().split('\n')
    for (const body of bodies) {
      const last = lines.at(-1) ?? ''
      const wallMs = Date.parse(JSON.parse(last).ts) + 1000
      const draft = { kind: 'heartbeat', body, wallMs, monoUs: 1, bootId: 'boot-1', agentId: 'host-1' }
      const line = formatLine(draft, lines.length, lines.length === 0 ? noLine : lineHash(Buffer.from(last)))
      lines.push(line.toString('utf8'))
    }
    await writeFile(path, `${lines.join('\n')}\n`)
  }

  it('is counted, and never called whole', async () => {
    const directory = await written('tail')
    await lengthened(directory, ['{"everySeconds":60}', '{"everySeconds":60}'])
    const found = await seen(directory)
    expect(found.problems).toEqual([])
    expect(found.unsignedTail).toBe(2)
    expect(outcomeOf(found)).toBe('doubt')
  })

  it('includes all of a ledger of which the checkpoints were taken away', async () => {
    const directory = await written('no-notes')
    await rm(join(directory, 'checkpoints'), { recursive: true })
    const found = await seen(directory)
    expect(found.signer).toBe('not_verified')
    expect(found.unsignedTail).toBe(found.end)
    expect(outcomeOf(found)).toBe('doubt')
  })

  it('is what another key signed, whatever it is named', async () => {
    const other = testSigner(9)
    const directory = await written('other', { signers: [other] })
    const found = await seen(directory)
    expect(found.signer).toBe('not_verified')
    expect(found.problems.map(({ kind }) => kind)).toContain('other_key')
    expect(outcomeOf(found)).toBe('tampered')
  })

  it('is a checkpoint of another ledger under the same key', async () => {
    const directory = await written('here')
    const strange = await written('there', {
      origin: 'example.com/pathproof/host-2',
      signers: [testSigner(1, 'example.com/pathproof/host-2')],
    })
    const [note = ''] = await readdir(join(directory, 'checkpoints'))
    const [theirs = ''] = await readdir(join(strange, 'checkpoints'))
    expect(theirs).toBe(note)
    await writeFile(
      join(directory, 'checkpoints', note),
      await readFile(join(strange, 'checkpoints', theirs)),
    )
    expect(outcomeOf(await seen(directory))).toBe('tampered')
  })
})
