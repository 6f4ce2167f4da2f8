import { execFileSync } from 'node:child_process'
import {
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it, test } from 'vitest'
import { sleep } from '../../agent/machine.ts'
import type { Delivered } from '../../exporters/delivery.ts'
import { createDelivery } from '../../exporters/delivery.ts'
import { type StateEvent, eventSchema } from '../../exporters/events.ts'
import {
  type Exporter,
  type ExporterDeps,
  type ExporterName,
  dropReasons,
  exporterNames,
} from '../../exporters/exporter.ts'
import { createLines } from '../../exporters/lines.ts'
import { type ExporterItems, exporters } from '../../exporters/table.ts'

const directory = mkdtempSync(join(tmpdir(), 'pathproof-exporters-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const event = (sequence: number, reason = 'x'): StateEvent => ({
  schema: eventSchema,
  sequence,
  at: '2026-01-01T00:00:00.000Z',
  event: 'egress',
  check: 'c',
  before: null,
  state: 'open',
  because: reason,
})

const datum = (value: number): ExporterItems['cloudwatch'] => ({
  metric: 'PathPrivate',
  target: 't',
  value,
  atMs: 1_700_000_000_000,
})

/** Counts what is dropped; all waits are ended by hand. */
function surroundings() {
  const drops = new Map<string, number>(dropReasons.map((reason) => [reason, 0]))
  const waits: { seconds: number; end(): void }[] = []
  const deps: ExporterDeps = {
    dropped: (reason, count) => void drops.set(reason, (drops.get(reason) ?? Number.NaN) + count),
    wait: (seconds, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
        waits.push({ seconds, end: resolve })
      }),
  }
  const lapse = (seconds: number): void => {
    for (const wait of waits.splice(0)) if (wait.seconds <= seconds) wait.end()
  }
  return { deps, drops, lapse, total: () => drops.values().reduce((sum, count) => sum + count, 0) }
}

type Behaviour = 'good' | 'hangs' | 'throws' | 'slow'

interface Case {
  exporter: Exporter<unknown>
  item(index: number): unknown
  delivered(): number
}

/** Each exporter over a sink that behaves so; `release` lets what is slow go on. */
const cases: { [Name in ExporterName]: (how: Behaviour, gate: Promise<void>, deps: ExporterDeps) => Case } = {
  events(how, gate, deps) {
    let lines = 0
    const exporter = exporters.events(
      {
        lines: {
          async append(bytes) {
            if (how === 'throws') throw Object.assign(new Error('full'), { code: 'ENOSPC' })
            if (how === 'hangs') await new Promise(() => undefined)
            if (how === 'slow') await gate
            lines += bytes.toString().split('\n').length - 1
          },
          reopen: () => undefined,
          close: () => (how === 'hangs' ? new Promise(() => undefined) : Promise.resolve()),
        },
      },
      deps,
    )
    return { exporter: exporter as Exporter<unknown>, item: event, delivered: () => lines }
  },
  cloudwatch(how, gate, deps) {
    let values = 0
    const exporter = exporters.cloudwatch(
      {
        deadlineSeconds: 20,
        async put(data): Promise<Delivered> {
          expect(data.length).toBeLessThanOrEqual(1000)
          if (how === 'throws') throw new Error('no process')
          if (how === 'hangs') await new Promise(() => undefined)
          if (how === 'slow') await gate
          values += data.length
          return { kind: 'delivered' }
        },
      },
      deps,
    )
    return { exporter: exporter as Exporter<unknown>, item: datum, delivered: () => values }
  },
}

describe.each(exporterNames)('the contract: %s', (name) => {
  const start = (how: Behaviour) => {
    const around = surroundings()
    const gate = Promise.withResolvers<void>()
    return { ...around, ...cases[name](how, gate.promise, around.deps), release: gate.resolve }
  }
  const fill = (of: ReturnType<typeof start>, count: number) => {
    for (let index = 0; index < count; index++) of.exporter.accept(of.item(index))
  }

  it('delivers all, and what was accepted before it was opened', async () => {
    const of = start('good')
    fill(of, 10)
    of.exporter.open()
    fill(of, 2000)
    await of.exporter.flush(60)
    expect([of.delivered(), of.total(), of.exporter.trouble()]).toEqual([2010, 0, null])
    await of.exporter.close(60)
    fill(of, 3)
    expect([of.drops.get('closed'), of.delivered()]).toEqual([3, 2010])
  })

  it.each(['hangs', 'throws'] as const)(
    'a sink that %s: nobody waits, memory is bounded, every drop is counted',
    async (how) => {
      const of = start(how)
      of.exporter.open()
      const before = process.memoryUsage().heapUsed
      fill(of, 100_000)
      await Promise.resolve()
      expect(of.drops.get('queue_full')).toBeGreaterThan(70_000)
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024)
      of.lapse(30)
      await expect.poll(() => of.exporter.trouble()).not.toBeNull()
      const closing = of.exporter.close(5)
      await Promise.resolve()
      of.lapse(5)
      // the handle of a sink that hangs is waited for as well, briefly
      await expect.poll(() => of.total()).toBe(100_000)
      of.lapse(5)
      await closing
      expect(of.delivered()).toBe(0)
    },
  )

  it('a slow sink gets what fits, in order, and the rest is counted', async () => {
    const of = start('slow')
    of.exporter.open()
    fill(of, 50_000)
    of.release()
    await of.exporter.flush(60)
    expect(of.delivered() + of.total()).toBe(50_000)
    expect(of.delivered()).toBeGreaterThan(1000)
    await of.exporter.close(1)
  })

  it('closing twice, flushing nothing and closing what was never opened come to an end', async () => {
    const of = start('good')
    await of.exporter.flush(1)
    fill(of, 2)
    await of.exporter.close(1)
    await of.exporter.close(1)
    expect(of.total()).toBe(2)
  })
})

test('whatever a sink does, each item is delivered once or counted once', async () => {
  const outcome = fc.constantFrom<Delivered | 'throw'>(
    { kind: 'delivered' },
    { kind: 'again', because: 'again' },
    { kind: 'never', reason: 'rejected', because: 'never' },
    'throw',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(outcome, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      async (outcomes, sizes, mostTries) => {
        const { deps, total } = surroundings()
        const left = [...outcomes]
        const delivered: number[] = []
        const exporter = createDelivery<{ at: number; bytes: number }>(
          {
            mostItems: 20,
            mostBytes: 400,
            bytesOf: ({ bytes }) => bytes,
            batchItems: 4,
            batchBytes: 50,
            async deliver(batch) {
              const next = left.shift() ?? { kind: 'delivered' as const }
              if (next === 'throw') throw new Error('thrown')
              if (next.kind === 'delivered') delivered.push(...batch.map(({ at }) => at))
              return next
            },
            deadlineSeconds: 1,
            mostTries,
            againSeconds: [0, 0],
          },
          { ...deps, wait: () => new Promise((resolve) => void setImmediate(resolve)) },
        )
        exporter.open()
        for (const [at, bytes] of sizes.entries()) {
          exporter.accept({ at, bytes })
          if (at % 7 === 0) await Promise.resolve()
        }
        for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => void setImmediate(resolve))
        await exporter.close(1)
        expect(delivered.length + total()).toBe(sizes.length)
        expect(delivered).toEqual([...new Set(delivered)].sort((a, b) => a - b))
      },
    ),
    { numRuns: 100 },
  )
})

describe('lines', () => {
  const never = () => new AbortController().signal
  const line = (text: string) => Buffer.from(`${text}\n`)

  it('appends, and goes on in a new file where the old one was moved away', async () => {
    const file = join(directory, 'events.jsonl')
    writeFileSync(file, 'before\n')
    const lines = createLines({ file }, sleep)
    await lines.append(line('1'), never())
    renameSync(file, `${file}.1`)
    await lines.append(line('2'), never())
    lines.reopen()
    await lines.append(line('3'), never())
    await lines.close()
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('before\n1\n2\n')
    expect(readFileSync(file, 'utf8')).toBe('3\n')
  })

  it('a FIFO without a reader is an error at once; with one that does not read, the signal ends it, and no line is torn', async () => {
    const fifo = join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    const lines = createLines({ file: fifo }, sleep)
    await expect(lines.append(line('a'), never())).rejects.toMatchObject({ code: 'ENXIO' })
    const reader = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const big = Buffer.from(`${'b'.repeat(200_000)}\n`)
    const stop = new AbortController()
    const stuck = lines.append(big, stop.signal)
    stop.abort()
    await expect(stuck).rejects.toMatchObject({ code: 'EAGAIN' })
    const seen: string[] = []
    const buffer = Buffer.alloc(1 << 20)
    const again = lines.append(big, never())
    let bytes = 0
    while (bytes < big.length) {
      const { bytesRead } = await reader.read(buffer, 0, buffer.length, null).catch(() => ({ bytesRead: 0 }))
      seen.push(buffer.toString('latin1', 0, bytesRead))
      bytes += bytesRead
    }
    await again
    expect(seen.join('')).toBe(big.toString())
    await reader.close()
    await expect(lines.append(line('c'), never())).rejects.toMatchObject({ code: 'EPIPE' })
    await lines.close()
  })

  it('a reader that goes away in the middle of a line: the next one gets all lines whole', async () => {
    const fifo = join(directory, 'fifo2')
    execFileSync('mkfifo', [fifo])
    const first = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const lines = createLines({ file: fifo }, sleep)
    const bytes = Buffer.from(`one\n${'b'.repeat(200_000)}\n`)
    const stop = new AbortController()
    const stuck = lines.append(bytes, stop.signal)
    stop.abort()
    await expect(stuck).rejects.toMatchObject({ code: 'EAGAIN' })
    await first.close()
    await expect(lines.append(bytes, never())).rejects.toMatchObject({ code: 'EPIPE' })
    const second = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const again = lines.append(bytes, never())
    const buffer = Buffer.alloc(1 << 20)
    let seen = ''
    while (seen.length < bytes.length) {
      const { bytesRead } = await second.read(buffer, 0, buffer.length, null).catch(() => ({ bytesRead: 0 }))
      seen += buffer.toString('latin1', 0, bytesRead)
    }
    await again
    expect(seen === bytes.toString()).toBe(true)
    await Promise.all([second.close(), lines.close()])
  })

  it('closed while it waits for a full pipe, it opens nothing again that nobody would close', async () => {
    const fifo = join(directory, 'fifo3')
    execFileSync('mkfifo', [fifo])
    const reader = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const waits: (() => void)[] = []
    const lines = createLines({ file: fifo }, () => new Promise((resolve) => void waits.push(resolve)))
    const stuck = lines.append(Buffer.from(`${'b'.repeat(200_000)}\n`), never())
    await expect.poll(() => waits.length).toBe(1)
    await lines.close()
    for (const go of waits) go()
    await expect(stuck).rejects.toThrow('closed')
    const of = (fd: string) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    }
    expect(readdirSync('/proc/self/fd').filter((fd) => of(fd) === fifo)).toEqual([String(reader.fd)])
    await reader.close()
  })

  it('a full disk and a missing directory are errors', async () => {
    const full = createLines({ file: '/dev/full' }, sleep)
    await expect(full.append(line('a'), never())).rejects.toMatchObject({ code: 'ENOSPC' })
    await full.close()
    const nowhere = createLines({ file: join(directory, 'no', 'where') }, sleep)
    await expect(nowhere.append(line('a'), never())).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
