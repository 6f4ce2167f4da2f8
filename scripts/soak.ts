/**
 * A day of the daemon under random faults, on a driven clock:
 *
 *     npm run soak -- [--hours 24] [--targets 20] [--every 30] [--seed N]
 *
 * Prints the seed, what was played and what became of each slot, memory, descriptors, handles and timers. Ends with 1 if
 * anything leaks, a slot is unaccounted for, or something that is public was called private.
 */
import { parseArgs } from 'node:util'
import { mebi, soak } from '../test/faults/soak.ts'

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} ${text}: expected a positive number`)
  return value
}

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    targets: { type: 'string', default: '20' },
    every: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const options = {
  hours: positive(values.hours, 'hours'),
  targets: positive(values.targets, 'targets'),
  everySeconds: positive(values.every, 'every'),
  seed: positive(values.seed, 'seed'),
}
console.log(
  `seed ${options.seed}: ${options.hours} simulated hours, ${options.targets} targets every ${options.everySeconds} s`,
)
const result = await soak({ ...options, onHour: (text) => console.error(text) })
const { slots, memory, descriptors, slope, problems } = result
const { overlap = 0, suspended = 0, late = 0 } = slots.skipped
console.log(
  `slots: ${slots.planned} planned = ${slots.made} made (${slots.failed} failed) + ${slots.aborted} aborted + ${overlap} overlapped + ${suspended} slept through + ${late} late`,
)
console.log(
  `heap after collection: ${mebi(memory.heap[0])} after warm-up, ${mebi(memory.heap[1])} at the end`,
)
console.log(`rss: ${mebi(memory.rss[0])} after warm-up, ${mebi(memory.rss[1])} at the end`)
console.log(
  slope === null
    ? 'slope: too short to say'
    : `slope per simulated hour: heap ${mebi(slope.heap)}, rss ${mebi(slope.rss)}`,
)
console.log(`descriptors: ${descriptors[0]} after warm-up, ${descriptors[1]} at the end`)
console.log(
  `handles: ${JSON.stringify(result.resources[0])} after warm-up, ${JSON.stringify(result.resources[1])} at the end`,
)
console.log(
  `timers left after the stop: ${result.timersLeft}; scrapes: ${result.scrapes}; log: ${JSON.stringify(result.events)}`,
)
console.log(`ledger: ${result.ledger.outcome} by its key, ${result.ledger.records} records`)
const all = Object.entries(result.faults).toSorted((a, b) => b[1] - a[1])
for (const [name, count] of all) console.log(`${String(count).padStart(6)}  ${name}`)
console.log(`${all.reduce((sum, [, count]) => sum + count, 0)} faults in ${result.wallSeconds.toFixed(0)} s`)
for (const problem of problems) console.log(`PROBLEM: ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0
