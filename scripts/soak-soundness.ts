/**
 * Judges a great many random worlds and compares with what is true in them:
 *
 *     node scripts/soak-soundness.ts [--worlds 1000000] [--seed 1] [--print 3]
 *
 * Prints truth by verdict, the share decided where the evidence suffices, and how often each feature was met. Ends
 * with 1 if anything was called private that is not.
 */
import { parseArgs } from 'node:util'
import { features, featuresOf } from '../lab/world/features.ts'
import { emptyTally, matrixText, tryWorld } from '../test/soundness/harness.ts'

function whole(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${text}: expected a whole number`)
  return value
}

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    print: { type: 'string', default: '3' },
  },
})
const worlds = whole(values.worlds, 'worlds')
const seed = whole(values.seed, 'seed')
const print = whole(values.print, 'print')

const tally = emptyTally()
const met = new Map(Object.keys(features).map((name) => [name, 0]))
const startedMs = performance.now()
// Reading features costs more than judging: a sample tells the shares well enough.
const sampled = 50
let samples = 0
let shown = 0
for (let n = 0; n < worlds; n += 1) {
  const seen = tryWorld(seed + n, tally)
  if (n % sampled === 0) {
    samples += 1
    for (const name of featuresOf(seen)) met.set(name, (met.get(name) ?? 0) + 1)
  }
  for (; shown < tally.wrong.length && shown < print; shown += 1)
    console.log(`\nFALSE PRIVATE, ${tally.wrong[shown]}\n`)
  if ((n + 1) % 20_000 === 0) {
    const perSecond = Math.round(((n + 1) / (performance.now() - startedMs)) * 1000)
    console.error(`${n + 1} worlds, ${perSecond} per second, ${tally.wrong.length} false private`)
  }
}

const percent = (part: number, all: number): string => `${((100 * part) / Math.max(1, all)).toFixed(2)} %`
console.log(matrixText(tally))
console.log(
  `\n${worlds} worlds from seed ${seed}; ${tally.wrong.length} with a false private, ${tally.falsePublic} false public`,
)
console.log(`evidence suffices in ${percent(tally.sufficientWorlds, tally.worlds)} of the worlds`)
console.log(
  `of ${tally.sufficient} attempts whose evidence suffices ${percent(tally.decided, tally.sufficient)} are decided\n`,
)
for (const [name, count] of [...met].toSorted((a, b) => a[1] - b[1])) {
  console.log(`${percent(count, samples).padStart(9)}  ${name}`)
}
process.exitCode = tally.wrong.length > 0 ? 1 : 0
