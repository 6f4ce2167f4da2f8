/**
 * A process with a ledger on a small disk of its own, in its own mount namespace, that comes to grief and back:
 *
 *     unshare -Urm node test/ledger/disk-life.ts full|inodes|covered|read-only FOLDER     prints what became of it as JSON
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { openStore } from '../../ledger/store.ts'
import type { LedgerEvent } from '../../ledger/types.ts'
import { origin, recordsOf, signer, verified } from './kit.ts'

const [scenario = '', folder = ''] = process.argv.slice(2)
const disk = `${folder}/disk`
const directory = `${disk}/ledger`
const mount = (...argv: string[]): void => void execFileSync('mount', argv)
mkdirSync(disk)
mount('-t', 'tmpfs', '-o', `size=6m,nr_inodes=${scenario === 'inodes' ? 60 : 1000}`, 'tmpfs', disk)
mkdirSync(directory)
if (scenario === 'read-only') mount('-o', 'remount,ro', disk)

const events: LedgerEvent[] = []
const waiting = new Map<string, () => void>()
const next = (type: LedgerEvent['type']) => new Promise<void>((resolve) => void waiting.set(type, resolve))
const suspended = next('suspended')
const store = openStore({
  directory,
  files: realFiles(),
  origin,
  agentId: 'host-1',
  bootId: 'boot-1',
  signers: [signer],
  host: await realLockHost('boot-1'),
  clock: {
    wallMs: Date.now,
    monotonicMs: () => performance.now(),
    // Tries that would wait for seconds come at once.
    setTimer(ms: number, fn: () => void) {
      const timer = setTimeout(fn, Math.min(ms, 20))
      return () => clearTimeout(timer)
    },
  },
  segmentBytes: scenario === 'inodes' ? 30_000 : 64 * 1024 * 1024,
  retentionSeconds: 400 * 86_400,
  commitSeconds: 0,
  checkpointSeconds: 0,
  ballastBytes: 1024 * 1024,
  queueBytes: 200_000,
  event(event) {
    events.push(event)
    waiting.get(event.type)?.()
  },
})
let given = 0
const write = (): Promise<unknown> => store.append('observation', { n: given++, pad: 'x'.repeat(2000) })

/** What takes the disk away, and what gives it back. */
const grief: Record<string, { begin(): void; end(): void }> = {
  full: {
    begin: () => writeFileSync(`${disk}/filler`, Buffer.alloc(3_500_000)),
    end: () => rmSync(`${disk}/filler`),
  },
  inodes: {
    begin() {
      try {
        for (let n = 0; ; n++) writeFileSync(`${disk}/${n}`, '')
      } catch {
        // All are used up.
      }
    },
    end() {
      for (let n = 0; n < 60; n++) rmSync(`${disk}/${n}`, { force: true })
    },
  },
  covered: {
    begin: () => mount('-t', 'tmpfs', '-o', 'ro', 'tmpfs', directory),
    end: () => void execFileSync('umount', [directory]),
  },
  'read-only': { begin: () => undefined, end: () => mount('-o', 'remount,rw', disk) },
}

if (scenario !== 'read-only') {
  await write()
  await store.checkpoint()
}
const before = await readdir(directory).catch(() => [])
grief[scenario]?.begin()
let over = false
void suspended.then(() => {
  over = true
})
while (!over) {
  await Promise.race([write(), suspended])
  if (scenario === 'covered') await Promise.race([store.checkpoint(), suspended])
}
const at = store.status()
const during = await readdir(directory).catch(() => [])
const later = Array.from({ length: 150 }, () => write())
// Some tries that fail.
await new Promise((resolve) => setTimeout(resolve, 200))
const tried = store.status().state
const resumed = scenario === 'read-only' ? next('opened') : next('resumed')
grief[scenario]?.end()
await resumed
await Promise.all(later)
await store.close('end')
const {
  problems,
  gaps,
  suspensions = [],
  signer: who,
  closed,
} = await verified(realFiles(), undefined, directory)
const records = await recordsOf(realFiles(), directory)
const result = {
  code: at.reason?.code,
  tried,
  ballast: [before, during, await readdir(directory)].map((names) => names.includes('ballast')),
  suspensions: suspensions.map(({ reason }) => reason),
  gaps: gaps.map(({ reason, lost }) => [reason, Object.values(lost).reduce((sum, count) => sum + count, 0)]),
  missing: given - records.filter(({ kind }) => kind === 'observation').length - store.status().lost,
  lost: store.status().lost,
  problems,
  who,
  closed,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
