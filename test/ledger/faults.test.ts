import { describe, expect, it } from 'vitest'
import { directory, kit, outcome, pass, recordsOf, signer, testHost, verified } from './kit.ts'
import { createMemoryDisk } from './memory-disk.ts'
import { diskOf, rewritten } from './tamper.ts'

const segment = (first: number) => `${directory}/segments/${String(first).padStart(16, '0')}.jsonl`

describe('a disk that refuses', () => {
  it.each([
    ['ENOSPC', 'append'],
    ['EIO', 'append'],
    ['EIO', 'sync'],
    ['EROFS', 'append'],
    ['EDQUOT', 'append'],
  ])('%s in %s: the ledger stops, holds what it can, and goes on in a new segment', async (code, step) => {
    const disk = createMemoryDisk()
    const { store, clock, events } = kit(disk.files)
    await store.append('observation', { n: 0 })
    disk.fail((name) => (name === step ? code : null))
    const late = [store.append('observation', { n: 1 }), store.append('observation', { n: 2 })]
    await pass(clock, 10)
    expect(store.status()).toMatchObject({
      state: 'suspended',
      reason: { code },
      queued: 2,
      lost: 0,
      records: 2,
    })
    expect(await store.checkpoint()).toBeNull()
    disk.fail(null)
    await pass(clock, 60)
    expect((await Promise.all(late)).every(({ ok }) => ok)).toBe(true)
    await store.close('test')
    const seen = await verified(disk.files)
    expect(seen.problems).toEqual([])
    expect(seen.gaps).toMatchObject([{ reason: code, lost: {}, late: 2 }])
    expect(seen.gaps[0]?.fromTs).toBe('2026-11-20T12:00:00.000Z')
    const records = await recordsOf(disk.files)
    expect(records.flatMap(({ body }) => body['n'] ?? [])).toEqual([0, 1, 2])
    expect(records.filter(({ kind }) => kind === 'segment').map(({ body }) => body['reason'])).toEqual([
      'first',
      'failure',
    ])
    expect(events.filter(({ type }) => type === 'suspended' || type === 'resumed')).toMatchObject([
      { type: 'suspended', code },
      { type: 'resumed', lost: 0, late: 2 },
    ])
  })

  it('counts what no longer finds room, and declares it when writing works again', async () => {
    const disk = createMemoryDisk()
    const { store, clock } = kit(disk.files, { queueBytes: 20_000 })
    await store.append('observation', { n: 0 })
    disk.fail(() => 'ENOSPC')
    const results = Array.from({ length: 50 }, (_, n) =>
      store.append(n % 2 ? 'observation' : 'verdict', { n }),
    )
    await pass(clock, 3600)
    const { lost, queued } = store.status()
    expect(lost).toBeGreaterThan(20)
    // With the gap record that already waits.
    expect(lost + queued).toBe(51)
    disk.fail(null)
    await pass(clock, 60)
    await store.close('test')
    const told = await Promise.all(results)
    expect(told.filter(({ ok }) => !ok).length).toBe(lost)
    const seen = await verified(disk.files)
    const [first, second] = seen.gaps
    expect([first, second]).toMatchObject([{ reason: 'queue_full' }, { reason: 'ENOSPC', late: queued }])
    expect(Object.values(first?.lost ?? {}).reduce((sum, n) => sum + n, 0)).toBe(lost)
    expect(Date.parse(second!.toTs) - Date.parse(second!.fromTs)).toBeGreaterThan(3_600_000)
    expect(await outcome(disk.files)).toEqual({ outcome: 'doubt', problems: [] })
  })

  it('fails once at any step: nothing is lost, nothing contradicts', async () => {
    for (const code of ['ENOSPC', 'EIO']) {
      for (let at = 1; at < 60; at++) {
        const disk = createMemoryDisk()
        let step = 0
        disk.fail(() => (++step === at ? code : null))
        const { store, clock } = kit(disk.files, { segmentBytes: 1500 })
        const results: Promise<{ ok: boolean }>[] = []
        for (let n = 0; n < 8; n++) {
          results.push(store.append('observation', { n }))
          await pass(clock, 2, 2)
          if (n === 4) await store.checkpoint()
        }
        await store.close('test')
        const told = `${code} at step ${at}`
        expect(
          (await Promise.all(results)).map(({ ok }) => ok),
          told,
        ).toEqual(Array(8).fill(true))
        const seen = await verified(disk.files)
        expect(seen.problems, told).toEqual([])
        // A first line that was not acknowledged is found at the next try as a crash would have left it.
        expect(
          seen.recoveries.filter(({ lastSeq }) => (lastSeq ?? 0) > 0),
          told,
        ).toEqual([])
        expect(
          (await recordsOf(disk.files)).flatMap(({ body }) => body['n'] ?? []),
          told,
        ).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      }
    }
  })

  it('that is full when the agent stops leaves a ledger that opens again, and says it was not closed', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files)
    await store.append('observation', { n: 0 })
    disk.fail(() => 'ENOSPC')
    const lost = store.append('observation', { n: 1 })
    await store.close('test')
    expect(await lost).toEqual({ ok: false, reason: 'closed' })
    disk.fail(null)
    const again = kit(disk.files, { host: testHost(101) })
    await again.store.close('test')
    expect((await verified(disk.files)).recoveries.length).toBe(1)
  })

  it('fails under the checkpoint alone: records go on, and the failure shows', async () => {
    const disk = createMemoryDisk()
    const { store, events } = kit(disk.files)
    await store.append('observation', { n: 0 })
    disk.fail((_, path) => (path.includes('/checkpoints/') ? 'ENOSPC' : null))
    expect(await store.checkpoint()).toBeNull()
    expect(store.status()).toMatchObject({
      state: 'writing',
      checkpointError: expect.stringContaining('ENOSPC'),
    })
    expect((await store.append('observation', { n: 1 })).ok).toBe(true)
    disk.fail(null)
    expect(await store.checkpoint()).not.toBeNull()
    expect(store.status().checkpointError).toBeNull()
    expect(events.map(({ type }) => type)).toEqual(['opened', 'kept_up', 'checkpoint_failed', 'checkpoint'])
    await store.close('test')
  })
})

describe('a signer that fails', () => {
  it('leaves no checkpoint, and the tail unsigned', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files, {
      signers: [{ vkey: signer.vkey, sign: () => Promise.reject(new Error('no key')) }],
    })
    await store.append('observation', { n: 0 })
    expect(await store.checkpoint()).toBeNull()
    expect(store.status().checkpointError).toBe('no key')
    await store.close('test')
    const seen = await verified(disk.files)
    expect(seen).toMatchObject({ signer: 'not_verified', unsignedTail: 3, problems: [] })
  })
})

describe('files that go or change under the agent', () => {
  it.each([
    ['deleted', null],
    ['cut', 100],
  ])(
    'the segment that is written is %s: it goes on in a new one, and both it and the verifier say so',
    async (_, length) => {
      const disk = createMemoryDisk()
      const { store, events } = kit(disk.files)
      for (let n = 0; n < 3; n++) await store.append('observation', { n })
      const content = disk.content(segment(0))
      disk.put(segment(0), length === null ? null : (content?.subarray(0, length) ?? null))
      expect(await store.checkpoint()).not.toBeNull()
      await store.append('observation', { n: 3 })
      await store.close('test')
      expect(events.find(({ type }) => type === 'damage')).toMatchObject({ first: 0, end: 4 })
      expect(
        events.some(({ type, ...rest }) => type === 'suspended' && 'code' in rest && rest.code === 'damaged'),
      ).toBe(true)
      const seen = await verified(disk.files)
      expect(seen.damages).toMatchObject([{ first: 0, end: 4 }])
      expect(seen.problems.map(({ kind }) => kind)).toEqual([length === null ? 'segment_missing' : 'line'])
    },
  )

  it('an old segment is gone at the start: it is declared, and writing goes on', async () => {
    const disk = createMemoryDisk()
    const { store, clock, next } = kit(disk.files)
    for (let n = 0; n < 4; n++) {
      const sealed = n > 0 ? next('sealed') : null
      await store.append('observation', { n })
      await sealed
      await pass(clock, 86400)
    }
    await store.close('test')
    const second = disk.paths().filter((path) => path.endsWith('.gz'))[1]
    disk.put(second!, null)
    const again = kit(disk.files, { host: testHost(101) }, clock)
    expect((await again.store.append('observation', { n: 4 })).ok).toBe(true)
    await again.store.close('test')
    const seen = await verified(disk.files)
    expect(seen.damages).toMatchObject([{ what: 'segment_missing' }])
    expect(seen.problems.map(({ kind }) => kind)).toContain('segment_missing')
  })

  it.each([
    ['the last segment is gone', () => null],
    ['its end is gone', (content: Buffer) => content.subarray(0, 600)],
    [
      'one byte is another',
      (content: Buffer) => Buffer.from(content.toString('latin1').replace('"n":1', '"n":7'), 'latin1'),
    ],
  ])('%s, below the checkpoint, at the start: nothing is cut or signed', async (_, change) => {
    const disk = createMemoryDisk()
    const first = kit(disk.files)
    for (let n = 0; n < 3; n++) await first.store.append('observation', { n })
    await first.store.close('test')
    disk.put(segment(0), change(disk.content(segment(0))!))
    const before = new Map(disk.paths().map((path) => [path, disk.content(path)]))
    const { store, clock } = kit(disk.files, { host: testHost(101) })
    void store.append('observation', { n: 9 })
    await pass(clock, 100)
    expect(store.status()).toMatchObject({ state: 'suspended', reason: { code: 'damaged' } })
    await store.close('test')
    expect(new Map(disk.paths().map((path) => [path, disk.content(path)]))).toEqual(before)
  })
})

describe('the beginning of a ledger', () => {
  it('stays as long as no checkpoint covers its pruning', async () => {
    const disk = createMemoryDisk()
    let broken = false
    const sign: typeof signer.sign = (message) =>
      broken ? Promise.reject(new Error('no key')) : signer.sign(message)
    const { store, clock, next } = kit(disk.files, {
      retentionSeconds: 86_400,
      signers: [{ ...signer, sign }],
    })
    for (let n = 0; n < 3; n++) {
      const kept = next('kept_up')
      await store.append('observation', { n })
      broken = true
      await kept
      await clock.advance(86_400_000)
    }
    expect((await recordsOf(disk.files)).some(({ kind }) => kind === 'prune')).toBe(true)
    expect((await recordsOf(disk.files))[0]?.seq).toBe(0)
    broken = false
    const pruned = next('pruned')
    await store.append('observation', { n: 3 })
    await pruned
    await store.close('test')
    expect((await recordsOf(disk.files))[0]?.seq).toBeGreaterThan(0)
    expect((await outcome(disk.files)).problems).toEqual([])
  })

  it('a segment that was written anew, chain and all, is not gone on with under its checkpoint', async () => {
    const disk = createMemoryDisk()
    const first = kit(disk.files)
    for (let n = 0; n < 3; n++) await first.store.append('observation', { n })
    await first.store.close('test')
    const files = new Map(disk.paths().map((path) => [path.slice(directory.length + 1), disk.content(path)!]))
    const forged = diskOf(rewritten(files, (records) => records.with(2, { ...records[2], body: { n: 9 } })))
    const { store, clock } = kit(forged.files, { host: testHost(101) })
    await pass(clock, 60)
    expect(store.status()).toMatchObject({ state: 'suspended', reason: { code: 'damaged' } })
    await store.close('test')
  })
})

describe('two agents, one directory', () => {
  it('the second waits, and writes when the first has gone', async () => {
    const disk = createMemoryDisk()
    const running = new Map([[100, 'start-100']])
    const first = kit(disk.files)
    await first.store.append('observation', { n: 1 })
    const second = kit(disk.files, { host: testHost(101, running) })
    const waiting = second.store.append('observation', { n: 2 })
    await pass(second.clock, 120)
    expect(second.store.status()).toMatchObject({
      state: 'suspended',
      reason: { code: 'locked', text: 'process 100 writes here' },
    })
    await first.store.append('observation', { n: 3 })
    await first.store.close('test')
    await pass(second.clock, 60)
    expect((await waiting).ok).toBe(true)
    await second.store.close('test')
    expect((await recordsOf(disk.files)).flatMap(({ body }) => body['n'] ?? [])).toEqual([1, 3, 2])
    expect((await outcome(disk.files)).problems).toEqual([])
  })

  it('one that was killed leaves a lock that the next takes over at once', async () => {
    const disk = createMemoryDisk()
    await kit(disk.files).store.append('observation', { n: 1 })
    // The number was given to another process since.
    const next = kit(disk.files, { host: testHost(101, new Map([[100, 'start-later']])) })
    expect((await next.store.append('observation', { n: 2 })).ok).toBe(true)
    await next.store.close('test')
  })

  it('the lock of another namespace is taken over only after silence', async () => {
    const disk = createMemoryDisk()
    const other = kit(disk.files, { host: { ...testHost(1), namespace: 'pid:[2]' } })
    await other.store.append('observation', { n: 1 })
    const { store, clock } = kit(disk.files, { host: testHost(1) })
    for (let minute = 0; minute < 5; minute++) {
      await pass(clock, 60)
      await other.store.append('heartbeat', { minute })
      expect(store.status()).toMatchObject({ state: 'suspended', reason: { code: 'locked' } })
    }
    await pass(clock, 300)
    expect(store.status().state).toBe('writing')
    // The other one notices as soon as it would begin a segment, and writes no more.
    await store.close('test')
  })

  it('one whose lock was taken over stops', async () => {
    const disk = createMemoryDisk()
    const { store } = kit(disk.files, { segmentBytes: 900 })
    await store.append('observation', { n: 1 })
    disk.put(`${directory}/lock`, Buffer.from('{}'))
    void store.append('observation', { n: 2 })
    void store.append('observation', { n: 3 })
    expect(await store.checkpoint()).toBeNull()
    expect(store.status()).toMatchObject({ state: 'suspended', reason: { code: 'locked' } })
    await store.close('test')
  })
})
