import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { createMemoryDisk } from './memory-disk.ts'
import { directory, keys, kit, outcome, recordsOf, signer, testHost, testSigner, verified } from './kit.ts'

const day = 86_400_000

describe('a ledger', () => {
  it('keeps a body whole, however many values it has, or says that it is lost: never a part of it', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files)
    const many = { n: Array.from({ length: 30_000 }, () => 1) }
    expect(await store.append('observation', many)).toMatchObject({ ok: true })
    const endless = { n: Array.from({ length: 3_000_000 }, () => null) }
    const long = { text: `${'word '.repeat(200_000)}Signature=x` }
    for (const body of [endless, long, { a: long }])
      expect(await store.append('observation', body)).toEqual({ ok: false, reason: 'too_large' })
    await store.close('test')
    const bodies = (await recordsOf(disk.files)).filter(({ kind }) => kind === 'observation')
    expect(bodies.map(({ body }) => body)).toEqual([many])
    expect((await verified(disk.files)).gaps[0]?.lost).toEqual({ observation: 3 })
  })

  it('keeps what it was given, in order, and verifies', async () => {
    const disk = createMemoryDisk()
    const { store, events } = kit(disk.files)
    const given = await Promise.all([1, 2, 3].map((n) => store.append('observation', { n })))
    expect(given).toEqual([1, 2, 3].map((seq) => ({ ok: true, seq })))
    const note = await store.checkpoint()
    expect(note).toContain('example.com/pathproof/host-1\n4\n')
    await store.close('test')
    expect(store.status()).toMatchObject({
      state: 'closed',
      records: 5,
      lost: 0,
      queued: 0,
      checkpoint: { size: 5 },
    })
    expect((await recordsOf(disk.files)).map(({ kind, body }) => [kind, body['n']])).toEqual([
      ['segment', undefined],
      ['observation', 1],
      ['observation', 2],
      ['observation', 3],
      ['close', undefined],
    ])
    expect(await outcome(disk.files)).toEqual({ outcome: 'ok', problems: [] })
    expect(events.map(({ type }) => type)).toEqual(['opened', 'kept_up', 'checkpoint', 'checkpoint'])
    expect(disk.paths()).toEqual([
      '/ledger/checkpoints/0000000000000005.note',
      '/ledger/segments/0000000000000000.jsonl',
    ])
  })

  it('goes on where it was closed, in the same segment, without a recovery', async () => {
    const disk = createMemoryDisk()
    for (const n of [1, 2]) {
      const { store } = kit(disk.files)
      await store.append('observation', { n })
      await store.close('test')
    }
    const records = await recordsOf(disk.files)
    expect(records.map(({ kind }) => kind)).toEqual([
      'segment',
      'observation',
      'close',
      'observation',
      'close',
    ])
    expect(records.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4])
    expect(await outcome(disk.files)).toEqual({ outcome: 'ok', problems: [] })
  })

  it('says so when it was not closed', async () => {
    const disk = createMemoryDisk()
    const first = kit(disk.files)
    await first.store.append('observation', { n: 1 })
    const next = disk.afterKill()
    const { store, events } = kit(next.files, { host: testHost(101) })
    await store.close('test')
    expect(events[0]).toEqual({ type: 'opened', records: 3, recovered: true })
    const seen = await verified(next.files)
    expect(seen.recoveries).toMatchObject([{ seq: 2, lastSeq: 1, cut: [] }])
    expect(await outcome(next.files)).toEqual({ outcome: 'doubt', problems: [] })
  })

  it('begins new segments by size and by day, seals and compresses the old ones', async () => {
    const disk = createMemoryDisk()
    const { store, clock, events, next } = kit(disk.files, { segmentBytes: 4000 })
    for (let n = 0; n < 20; n++) await store.append('observation', { n })
    const sealed = next('sealed')
    await clock.advance(day)
    await store.append('observation', { n: 20 })
    await sealed
    await store.checkpoint()
    await store.close('test')
    const segments = disk.paths().filter((path) => path.startsWith('/ledger/segments/'))
    expect(segments.length).toBeGreaterThan(2)
    expect(segments.filter((path) => path.endsWith('.gz')).length).toBeGreaterThan(0)
    const records = await recordsOf(disk.files)
    const headers = records.filter(({ kind }) => kind === 'segment')
    expect(new Set(headers.map(({ body }) => body['reason']))).toEqual(new Set(['first', 'size', 'day']))
    expect(records.filter(({ kind }) => kind === 'observation').map(({ body }) => body['n'])).toEqual(
      Array.from({ length: 21 }, (_, n) => n),
    )
    expect(events.filter(({ type }) => type === 'upkeep_failed')).toEqual([])
    expect(await outcome(disk.files)).toEqual({ outcome: 'ok', problems: [] })
  })

  it('gives up what is past its time, once a checkpoint covers that, and still verifies', async () => {
    const disk = createMemoryDisk()
    const { store, clock, next } = kit(disk.files, { retentionSeconds: 3 * 86_400 })
    for (let n = 0; n < 8; n++) {
      const pruned = n >= 4 ? next('pruned') : null
      await store.append('observation', { n })
      await pruned
      await clock.advance(day)
      await store.checkpoint()
    }
    await store.close('test')
    const seen = await verified(disk.files)
    expect(seen.problems).toEqual([])
    expect(seen.first).toBeGreaterThan(4)
    expect(seen.pruned?.through).toBe(seen.first)
    expect(seen.signer).toBe('verified')
    // The second life knows the beginning no more, and goes on.
    const again = kit(disk.files, { retentionSeconds: 3 * 86_400 }, clock)
    await again.store.append('observation', { n: 8 })
    await again.store.close('test')
    expect(await outcome(disk.files)).toEqual({ outcome: 'ok', problems: [] })
  })

  it('keeps what may not go yet', async () => {
    const disk = createMemoryDisk()
    const { store, clock, next } = kit(disk.files, {
      retentionSeconds: 86_400,
      mayPrune: ({ first }) => first === 0,
    })
    for (let n = 0; n < 6; n++) {
      const pruned = n === 2 ? next('pruned') : n > 0 ? next('sealed') : null
      await store.append('observation', { n })
      await pruned
      await clock.advance(day)
      await store.checkpoint()
    }
    await store.close('test')
    const { first, pruned, problems } = await verified(disk.files)
    expect({ pruned: pruned?.through, problems }).toEqual({ pruned: first, problems: [] })
    expect((await recordsOf(disk.files)).filter(({ kind }) => kind === 'prune').length).toBe(1)
  })

  it('loses and declares what it can not hold', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files)
    const results = [
      await store.append('observation', { text: 'x'.repeat(70_000) }),
      await store.append('observation', { n: Number.NaN }),
      await store.append('segment', { n: 1 }),
      await store.append('Not a kind', { n: 1 }),
      await store.append('observation', [1]),
    ]
    expect(results).toEqual(
      ['too_large', 'unencodable', 'unencodable', 'unencodable', 'unencodable'].map((reason) => ({
        ok: false,
        reason,
      })),
    )
    await store.close('test')
    const gaps = (await verified(disk.files)).gaps
    expect(gaps.flatMap(({ lost }) => Object.entries(lost)).reduce((sum, [, n]) => sum + n, 0)).toBe(5)
    expect(new Set(gaps.flatMap(({ reason }) => reason.split('+')))).toEqual(
      new Set(['too_large', 'unencodable']),
    )
    expect((await outcome(disk.files)).outcome).toBe('doubt')
    expect(store.status().lost).toBe(5)
  })

  it('writes no secret', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files)
    const url = 'https://b.s3.amazonaws.com/k?X-Amz-Signature=MARKMARK&X-Amz-Credential=MARKMARK'
    await store.append('observation', { url, headers: { authorization: 'MARKMARK' }, error: new Error(url) })
    await store.close(`because of ${url}`)
    const all = disk.paths().map((path) => disk.content(path)?.toString('utf8'))
    expect(all.join('')).not.toContain('MARKMARK')
    expect((await recordsOf(disk.files)).map(({ kind }) => kind)).toEqual(['segment', 'observation', 'close'])
  })

  it('says when the clock is set back, once, and keeps the order', async () => {
    const disk = createMemoryDisk()
    const { store, clock } = kit(disk.files)
    await store.append('observation', { n: 1 })
    clock.stepWall(-day)
    await store.append('observation', { n: 2 })
    await store.append('observation', { n: 3 })
    await store.close('test')
    clock.stepWall(-day)
    const again = kit(disk.files, {}, clock)
    await again.store.append('observation', { n: 4 })
    await again.store.close('test')
    const seen = await verified(disk.files)
    expect(seen.clockSteps.map(({ backSeconds }) => Math.round(backSeconds))).toEqual([86_400, 86_400])
    expect(await outcome(disk.files)).toEqual({ outcome: 'ok', problems: [] })
    expect((await recordsOf(disk.files)).flatMap(({ body }) => body['n'] ?? [])).toEqual([1, 2, 3, 4])
  })

  it('begins a new segment under a new key, and both keys verify what both signed', async () => {
    const disk = createMemoryDisk()
    const second = testSigner(2)
    for (const signers of [[signer], [signer, second], [second]]) {
      const { store } = kit(disk.files, { signers })
      await store.append('observation', {})
      await store.close('test')
    }
    const both = [
      ...keys,
      ...(await import('../../ledger/note.ts').then(({ parseVkey }) => [parseVkey(second.vkey)!])),
    ]
    expect((await outcome(disk.files, { keys: both })).outcome).toBe('ok')
    expect(await outcome(disk.files)).toEqual({ outcome: 'tampered', problems: ['other_key'] })
    const vkeys = (await recordsOf(disk.files))
      .filter(({ kind }) => kind === 'segment')
      .map(({ body }) => body['vkeys'])
    expect(vkeys).toEqual([[signer.vkey], [signer.vkey, second.vkey], [second.vkey]])
  })

  it('refuses options that can not be right', () => {
    const { files } = createMemoryDisk()
    expect(() => kit(files, { origin: 'a b' })).toThrow('origin')
    expect(() => kit(files, { signers: [testSigner(1, 'example.com/other')] })).toThrow('signers')
    expect(() => kit(files, { agentId: 'a"b' })).toThrow('agentId')
  })

  it('is not touched by a program that is older than its format', async () => {
    const disk = createMemoryDisk()
    const line =
      '{"agent_id":"a","body":{"format":2},"boot_id":"b","kind":"segment","mono_us":0,"prev":"","seq":0,"ts":"","v":2}\n'
    disk.put(`${directory}/segments/0000000000000000.jsonl`, Buffer.from(line))
    const { store } = kit(disk.files)
    expect(await store.checkpoint()).toBeNull()
    expect(store.status()).toMatchObject({ state: 'suspended', reason: { code: 'newer_format' } })
    await store.close('test')
    expect(disk.content(`${directory}/segments/0000000000000000.jsonl`)?.toString()).toBe(line)
    await expect(verified(disk.files)).rejects.toThrow('format version 2')
  })
})

describe('on a real disk', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pathproof-ledger-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('writes, rotates, compresses, closes, goes on and verifies', async () => {
    const files = realFiles()
    const host = await realLockHost('boot-1')
    for (let life = 0; life < 2; life++) {
      const { store } = kit(files, { directory: folder, host, segmentBytes: 20_000 })
      for (let n = 0; n < 100; n++) void store.append('observation', { life, n })
      await store.checkpoint()
      for (let n = 100; n < 200; n++) void store.append('observation', { life, n })
      await store.close('test')
      expect(store.status()).toMatchObject({ state: 'closed', lost: 0 })
    }
    const records = await recordsOf(files, folder)
    expect(records.filter(({ kind }) => kind === 'observation').map(({ body }) => body['n'])).toEqual([
      ...Array.from({ length: 200 }, (_, n) => n),
      ...Array.from({ length: 200 }, (_, n) => n),
    ])
    expect(await outcome(files, { keys }, folder)).toEqual({ outcome: 'ok', problems: [] })
  })
})
