/**
 * The ledger under what nobody should do to it:
 *
 *     npm run soak:ledger -- [--tamperings 10000] [--kills 1000] [--seed N]
 *
 * Changes a closed ledger in random ways and looks whether both verifiers find it; kills a writing process at random
 * moments and looks whether anything that it acknowledged is gone. Prints the seed; ends with 1 if anything was missed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { verifyLedger } from '../ledger/verify.ts'
import type { Verification } from '../ledger/verification.ts'
import { directory, keys, seeded, signer } from '../test/ledger/kit.ts'
import { type Killed, killedWriter, wrongAfter } from '../test/ledger/kill.ts'
import { batch } from '../test/ledger/python.ts'
import { closedLedger, diskOf, same, tamperings } from '../test/ledger/tamper.ts'

function count(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${text}: expected a whole number`)
  return value
}

const { values } = parseArgs({
  options: {
    tamperings: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const seed = count(values.seed, 'seed')
const random = seeded(seed)
console.log(`seed ${seed}`)
const missed: string[] = []

function showsIt({ problems, unsignedTail, torn, checkpoints }: Verification): boolean {
  return (
    problems.length > 0 || unsignedTail > 0 || torn !== null || checkpoints.some(({ by }) => by.length === 0)
  )
}

async function tamper(wanted: number): Promise<void> {
  const ledger = await closedLedger()
  const python = batch(['--key', signer.vkey])
  const before = await python.said(ledger)
  const names = Object.keys(tamperings)
  const done = new Map<string, number>()
  for (let round = 0, made = 0; made < wanted; round++) {
    const name = names[round % names.length] ?? ''
    const files = await tamperings[name]?.(ledger, random)
    if (files === undefined || same(files, ledger)) continue
    made++
    done.set(name, (done.get(name) ?? 0) + 1)
    const result = await verifyLedger(diskOf(files).files, directory, { keys })
    // A first line that claims a newer format is refused by its number: nothing is said to be intact.
    if (!(result.ok ? showsIt(result.seen) : true))
      missed.push(`round ${round}, ${name}: not found by ledger verify`)
    if ((await python.said(files)) === before)
      missed.push(`round ${round}, ${name}: not found by verify-ledger.py`)
  }
  await python.end()
  for (const [name, n] of done) console.log(`${String(n).padStart(6)}  ${name}`)
  console.log(`${wanted} tamperings, ${missed.length} missed`)
}

async function kill(wanted: number): Promise<void> {
  let folder = ''
  let state: Killed = { acknowledged: new Map(), next: 0 }
  let acknowledged = 0
  let recovered = 0
  const finish = async (): Promise<void> => {
    missed.push(...(await wrongAfter(folder, state)))
    acknowledged += state.acknowledged.size
    await rm(folder, { recursive: true, force: true })
  }
  for (let round = 0; round < wanted; round++) {
    if (round % 50 === 0) {
      if (folder !== '') await finish()
      folder = await mkdtemp(join(tmpdir(), 'pathproof-soak-ledger-'))
      state = { acknowledged: new Map(), next: 0 }
    }
    // Now and then before it has written anything: while it opens, and recovers from the kill before.
    const early = random() < 0.3
    await killedWriter(folder, state, early ? 0 : 1 + Math.floor(random() * 150), random() * 400)
    if (round % 10 === 0) missed.push(...(await wrongAfter(folder, state)))
    recovered++
  }
  if (folder !== '') await finish()
  console.log(`${recovered} kills, ${acknowledged} acknowledged records looked for`)
}

const started = performance.now()
await tamper(count(values.tamperings, 'tamperings'))
await kill(count(values.kills, 'kills'))
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`)
for (const text of new Set(missed)) console.log(`MISSED: ${text}`)
process.exitCode = missed.length > 0 ? 1 : 0
