import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatLine, noLine } from '../../ledger/line.ts'
import { emptyTree, treeOf } from '../../ledger/merkle.ts'
import { parseVkey } from '../../ledger/note.ts'
import { follow } from '../../ledger/scan.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { needs, titled } from '../support/needs.ts'
import { keys, kit, outcome, seeded, signer, testSigner, verified } from './kit.ts'
import { createMemoryDisk } from './memory-disk.ts'
import { batch, laidOut, once, script } from './python.ts'
import { type Files, closedLedger, diskOf, rewritten, same, tamperings } from './tamper.ts'

const noPython = await needs('python3', 'openssl')
let ledger: Files = new Map()
beforeAll(async () => {
  ledger = await closedLedger()
})

const newestNote = (files: Files): Buffer =>
  files.get(
    [...files.keys()]
      .filter((path) => path.endsWith('.note'))
      .sort()
      .at(-1)!,
  )!

describe('a closed ledger', () => {
  it('shows what it declares, and nothing else', async () => {
    const seen = await verified(diskOf(ledger).files)
    expect([...ledger.keys()].filter((path) => path.endsWith('.gz')).length).toBeGreaterThan(2)
    expect([...ledger.keys()].some((path) => path.startsWith('recovered/'))).toBe(true)
    expect(seen).toMatchObject({
      problems: [],
      signer: 'verified',
      unsignedTail: 0,
      torn: null,
      closed: true,
      recoveries: [{ cut: [{ bytes: 24 }] }],
      gaps: [{ reason: 'unencodable', lost: { observation: 1 } }],
      clockSteps: [{ previousTs: expect.stringMatching(/^2026-11-23/) }],
    })
    expect(seen.signed.at(-1)?.end).toBe(seen.end)
    expect(outcomeOf(seen)).toBe('doubt')
  })

  it('without a key, says that the signer is not verified, and what can not be told', async () => {
    const seen = await verified(diskOf(ledger).files, {})
    expect(seen).toMatchObject({ signer: 'not_verified', problems: [] })
    expect(seen.cannotTell.join()).toMatch(/signer not verified.*rolled back/)
    expect(outcomeOf(seen)).toBe('doubt')
  })

  it('hands over its records on the way', async () => {
    const numbers: number[] = []
    const seen = await verified(diskOf(ledger).files, { keys, onRecord: ({ seq }) => numbers.push(seq) })
    expect(numbers).toEqual(Array.from({ length: seen.end }, (_, n) => n))
  })

  it('agrees with an anchor of any age', async () => {
    for (const [path, bytes] of ledger) {
      if (!path.endsWith('.note')) continue
      const seen = await verified(diskOf(ledger).files, { keys, anchors: [{ name: path, bytes }] })
      expect(seen.anchors).toMatchObject([{ state: 'agrees' }])
      expect(seen.cannotTell).toEqual([])
    }
  })
})

describe('roll-back and another key', () => {
  const written = async (seed: number, count: number) => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files, { signers: [testSigner(seed)] })
    for (let n = 0; n < count; n++) await store.append('observation', { n, seed })
    const note = await store.checkpoint()
    const early = disk.afterKill()
    await store.append('observation', { n: count })
    await store.close('end')
    return { early, disk, note: Buffer.from(note ?? '') }
  }

  it('a ledger rolled back to an earlier state is found with a later anchor only', async () => {
    const { early, disk } = await written(1, 4)
    const bytes = disk.content('/ledger/checkpoints/0000000000000007.note')!
    const without = await verified(early.files)
    expect([outcomeOf(without), without.cannotTell.length]).toEqual(['ok', 1])
    const seen = await verified(early.files, { keys, anchors: [{ name: 'a', bytes }] })
    expect(seen.problems.map(({ kind }) => kind)).toEqual(['rolled_back'])
    expect(seen.anchors).toMatchObject([{ state: 'contradicts', size: 7 }])
  })

  it('a ledger written anew under another key is found with the key, or with an anchor', async () => {
    const { note } = await written(1, 2)
    const { disk } = await written(2, 5)
    expect(await outcome(disk.files)).toEqual({ outcome: 'tampered', problems: ['other_key'] })
    expect(await outcome(disk.files, { anchors: [{ name: 'a', bytes: note }] })).toEqual({
      outcome: 'tampered',
      problems: ['root'],
    })
    expect((await verified(disk.files, {})).cannotTell.length).toBe(2)
    const other = [parseVkey(testSigner(2).vkey)!]
    expect((await outcome(disk.files, { keys: other })).outcome).toBe('ok')
  })

  it('an anchor that is none, or is signed by nobody who is trusted, is not believed', async () => {
    const { disk } = await written(1, 2)
    const { note } = await written(3, 2)
    for (const bytes of [note, Buffer.from('nothing')]) {
      const seen = await verified(disk.files, { keys, anchors: [{ name: 'a', bytes }] })
      expect(seen.anchors).toMatchObject([{ state: 'not_checked' }])
      expect(outcomeOf(seen)).toBe('doubt')
    }
  })

  it('lines behind the newest checkpoint are named as unsigned', async () => {
    const { disk, early } = await written(1, 4)
    const path = '/ledger/segments/0000000000000000.jsonl'
    early.put(path, disk.content(path))
    const seen = await verified(early.files)
    expect([seen.unsignedTail, seen.problems, outcomeOf(seen)]).toEqual([2, [], 'doubt'])
  })

  it('an unsigned line can not excuse that the beginning is gone', async () => {
    const disk = createMemoryDisk()
    const { store, clock } = kit(disk.files)
    await store.append('observation', { n: 1 })
    await clock.advance(86_400_000)
    await store.append('observation', { n: 2 })
    await store.close('end')
    const files = new Map(disk.paths().map((path) => [path.slice('/ledger/'.length), disk.content(path)!]))
    const forged = rewritten(files, (records) => {
      const last = records.at(-1)!
      return [
        ...records,
        { ...last, kind: 'prune', body: { segments: [], through: 2, retentionSeconds: 1, frontier: [] } },
      ]
    })
    const name = [...forged.keys()].find((path) => path.startsWith('segments/'))!
    forged.delete(name)
    expect((await outcome(diskOf(forged).files)).problems).toContain('segment_missing')
  })
})

describe('single things that must be looked at', () => {
  const without = (files: Files, form: RegExp): Files =>
    new Map([...files].filter(([path]) => !form.test(path)))

  it('the hash of the line before, where no checkpoint covers it', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files, { signers: [] })
    for (let n = 0; n < 4; n++) await store.append('observation', { n })
    await store.close('end')
    expect(await verified(disk.files, {})).toMatchObject({ unsignedTail: 6, problems: [], torn: null })
    const path = '/ledger/segments/0000000000000000.jsonl'
    const text = disk.content(path)!.toString('utf8')
    disk.put(path, Buffer.from(text.replace('"n":1', '"n":7')))
    expect(await verified(disk.files, {})).toMatchObject({ torn: { after: 3 }, end: 3 })
  })

  it('numbers', () => {
    const line = formatLine(
      { kind: 'a', body: '{}', wallMs: 0, monoUs: 0, bootId: 'b', agentId: 'a' },
      5,
      noLine,
    )
    expect(follow({ tree: emptyTree(), prev: noLine }, line, false)).toMatchObject({
      ok: false,
      problem: 'it has number 5',
    })
    expect(follow({ tree: treeOf(5, [line, line])!, prev: noLine }, line, false).ok).toBe(true)
    expect(follow({ tree: treeOf(5, [line, line])!, prev: noLine.replace('0', '1') }, line, false).ok).toBe(
      false,
    )
    expect(follow({ tree: treeOf(5, [line, line])!, prev: noLine }, line, true).ok).toBe(false)
  })

  it('what a segment says of the one before it, even if nothing else contradicts', async () => {
    const unsigned = without(ledger, /^checkpoints/)
    const honest = rewritten(unsigned, (records) => records, { checkpoint: null })
    expect((await outcome(diskOf(honest).files, {})).problems).toEqual([])
    for (const lie of [
      { previous: null },
      { frontier: [] },
      { previous: { first: 0, count: 1, bytes: 2, sha256: noLine } },
    ]) {
      const files = rewritten(unsigned, (records) => records, { checkpoint: null, ...lie })
      expect((await outcome(diskOf(files).files, {})).outcome, JSON.stringify(lie)).toBe('tampered')
    }
  })

  it('bytes of a compressed file that unpacking does not look at', async () => {
    const path = [...ledger.keys()].find((name) => name.endsWith('.gz'))!
    for (const [at, value] of [
      [4, 1],
      [8, 4],
      [9, 7],
    ] as const) {
      const content = Buffer.from(ledger.get(path)!)
      content[at] = value
      expect(
        (await outcome(diskOf(new Map([...ledger, [path, content]])).files)).problems,
        String(at),
      ).toEqual(['seal'])
    }
  })
})

describe('tampering with a closed ledger', () => {
  it('is found, whatever is done, 500 times', async () => {
    const python = noPython === null ? batch(['--key', signer.vkey]) : null
    const before = await python?.said(ledger)
    const random = seeded(6962)
    const names = Object.keys(tamperings)
    let done = 0
    for (let round = 0; done < 500; round++) {
      const name = names[round % names.length]!
      const files = await tamperings[name]!(ledger, random)
      if (same(files, ledger)) continue
      done++
      const seen = await verified(diskOf(files).files)
      const told = `round ${round}, ${name}`
      // The ledger as it was has declared doubts of its own: found means that more is said now.
      const more =
        seen.problems.length > 0 ||
        seen.unsignedTail > 0 ||
        seen.torn !== null ||
        seen.checkpoints.some(({ by }) => by.length === 0)
      expect(more, told).toBe(true)
      if (python !== null) expect(await python.said(files), told).not.toBe(before)
    }
    await python?.end()
  }, 60_000)
})

describe(titled('the independent verifier', noPython), () => {
  const run = promisify(execFile)

  it.skipIf(noPython !== null)('agrees on vectors of notes and trees', async () => {
    const driver = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("v", sys.argv[1]); v = importlib.util.module_from_spec(spec); spec.loader.exec_module(v)
wrong = []
for x in json.load(open(sys.argv[2]))["vectors"]:
    try: ok = (v.checkpoint(x["note"].encode(), lambda size: [v.vkey(x["vkey"])])[3])
    except Exception: ok = False
    if ok != x["valid"] and x["checkpoint"]: wrong.append(x["name"])
t = json.load(open(sys.argv[3])); tree = (0, [])
for n, leaf in enumerate(t["leafInputs"]):
    if v.root(tree).hex() != t["roots"][n]: wrong.append(n)
    tree = v.add(tree, v.sha(b"\\0" + bytes.fromhex(leaf)))
if v.root(tree).hex() != t["roots"][8]: wrong.append(8)
print(json.dumps(wrong))`
    const data = resolve(import.meta.dirname, '../data/ledger')
    const { stdout } = await run('python3', [
      '-c',
      driver,
      script,
      join(data, 'c2sp.json'),
      join(data, 'rfc6962.json'),
    ])
    expect(JSON.parse(stdout)).toEqual([])
  })

  it.skipIf(noPython !== null)('says of ledgers what the program says', async () => {
    const folder = await laidOut(ledger)
    try {
      const note = join(folder, 'anchor.note')
      await writeFile(note, newestNote(ledger))
      const whole = await once([folder, '--key', signer.vkey, '--anchor', note])
      expect(whole.code).toBe(4)
      expect(whole.text.trim().split('\n')).toEqual([
        expect.stringMatching(/^recovery in record/),
        expect.stringMatching(/^gap in record/),
      ])
      expect((await once([folder])).text).toContain('signer not verified')
      expect(await once([folder, '--key', testSigner(2).vkey])).toMatchObject({ code: 3 })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    const python = batch(['--key', signer.vkey])
    const disk = createMemoryDisk()
    const { store, clock, next } = kit(disk.files, { retentionSeconds: 86_400 })
    for (let n = 0; n < 5; n++) {
      const pruned = n >= 2 ? next('pruned') : null
      await store.append('observation', { n })
      await pruned
      await clock.advance(86_400_000)
      await store.checkpoint()
    }
    await store.close('end')
    const files = new Map(disk.paths().map((path) => [path.slice('/ledger/'.length), disk.content(path)!]))
    expect(await python.said(files)).toBe('0 ok')
    expect((await outcome(disk.files)).outcome).toBe('ok')
    const first = [...files.keys()].filter((path) => path.startsWith('segments/')).sort()[0]!
    files.delete(first)
    expect(await python.said(files)).toMatch(/^3 tampered: records \d+ to \d+ are missing/)
    await python.end()
  })
})
