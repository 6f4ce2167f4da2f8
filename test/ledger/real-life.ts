/**
 * A process that writes a real ledger until it is killed, or until a disk is full and has room again:
 *
 *     node test/ledger/real-life.ts write DIRECTORY FIRST     prints `SEQ N` for each acknowledged record
 *     node test/ledger/real-life.ts full DIRECTORY FILLER     prints what became of it as JSON
 */
import { writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import type { StoreOptions } from '../../ledger/store.ts'
import { openStore } from '../../ledger/store.ts'
import type { LedgerEvent } from '../../ledger/types.ts'
import { origin, recordsOf, signer, verified } from './kit.ts'

const clock = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  setTimer(ms: number, fn: () => void) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

async function open(directory: string, options: Partial<StoreOptions>) {
  return openStore({
    directory,
    files: realFiles(),
    origin,
    agentId: 'host-1',
    bootId: 'boot-1',
    signers: [signer],
    host: await realLockHost('boot-1'),
    clock,
    segmentBytes: 30_000,
    retentionSeconds: 400 * 86_400,
    commitSeconds: 0,
    checkpointSeconds: 0.02,
    ...options,
  })
}

async function write(directory: string, first: number): Promise<never> {
  const store = await open(directory, {})
  const pad = 'x'.repeat(300)
  for (let n = first; ; n += 3) {
    // Some at once: they are written and synchronised together.
    const some = [n, n + 1, n + 2]
    const appended = await Promise.all(some.map((m) => store.append('observation', { n: m, pad })))
    for (const [index, result] of appended.entries())
      if (result.ok) writeSync(1, `${result.seq} ${some[index]}\n`)
  }
}

async function full(directory: string, filler: string): Promise<void> {
  const events: LedgerEvent[] = []
  const waiting = new Map<string, () => void>()
  const seen = (type: string) => new Promise<void>((resolve) => void waiting.set(type, resolve))
  const store = await open(directory, {
    segmentBytes: 64 * 1024 * 1024,
    checkpointSeconds: 0,
    queueBytes: 100_000,
    event(event) {
      events.push(event)
      waiting.get(event.type)?.()
    },
  })
  const suspended = seen('suspended')
  let over = false
  void suspended.then(() => {
    over = true
  })
  let n = 0
  while (!over)
    await Promise.race([store.append('observation', { n: n++, pad: 'x'.repeat(2000) }), suspended])
  const at = store.status()
  const later = Array.from({ length: 200 }, () =>
    store.append('observation', { n: n++, pad: 'x'.repeat(2000) }),
  )
  const resumed = seen('resumed')
  await rm(filler)
  await resumed
  const kept = (await Promise.all(later)).filter(({ ok }) => ok).length
  await store.close('end')
  const { problems, gaps, signer: who } = await verified(realFiles(), undefined, directory)
  const numbers = (await recordsOf(realFiles(), directory)).flatMap(
    ({ body }) => (body['n'] as number | undefined) ?? [],
  )
  const result = {
    reason: at.reason?.code,
    kept,
    lost: store.status().lost,
    given: n,
    there: numbers.length,
    problems,
    gaps,
    who,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

const [command, directory = '', last = ''] = process.argv.slice(2)
if (command === 'write') await write(directory, Number(last))
if (command === 'full') await full(directory, last)
