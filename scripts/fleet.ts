/**
 * Fleets of agents in one account and region against what AWS allows it: `node scripts/fleet.ts [--seed N] [--json]
 * [--agents N,N…]`. What the figures mean: docs/fleet.md.
 */
import { parseArgs } from 'node:util'
import { type Source, createScenes, happenings } from './fleet/scenes.ts'
import { simulate } from './fleet/simulate.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    agents: { type: 'string', default: '100,600,1000,10000' },
    json: { type: 'boolean', default: false },
  },
})
const sizes = values.agents.split(',').map(Number)
const sources: readonly Source[] = ['aws', 'shared']
const scenes = await createScenes()
const shown = (seconds: number | null): string =>
  seconds === null ? 'never' : seconds === Infinity ? 'none' : `${Math.round(seconds)} s`
const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`

const rows: string[][] = [
  [
    'agents',
    'source',
    'what',
    'requests/s',
    'peak/s',
    'throttled',
    'age p50',
    'p99',
    'max',
    'too old',
    'worst',
    'whole after',
  ],
]
for (const agents of sizes) {
  for (const source of sources) {
    for (const happening of happenings) {
      const outcome = simulate(scenes.scene(agents, source, happening, Number(values.seed)))
      if (values.json) process.stdout.write(`${JSON.stringify({ agents, source, happening, ...outcome })}\n`)
      const { age, recoveredSeconds } = outcome
      rows.push([
        String(agents),
        source,
        happening,
        outcome.perSecond.toFixed(1),
        outcome.peakPerSecond.toFixed(1),
        percent(outcome.throttled / Math.max(1, outcome.requests)),
        shown(age.p50),
        shown(age.p99),
        shown(age.max),
        percent(outcome.blindShare),
        percent(outcome.blindWorst),
        shown(recoveredSeconds),
      ])
    }
  }
}
if (!values.json) {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows) {
    process.stdout.write(
      `${row.map((cell, n) => (n > 0 && n < 3 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join('  ')}\n`,
    )
  }
}
