// The half of a benchmark that runs in the bed's namespaces: node scripts/bench/inside.ts GROUP [ARGS]; prints JSON last.
import { measureDns } from './dns.ts'
import { measureLoad } from './load.ts'
import { measureRouteGone } from './product.ts'

const [group = '', ...args] = process.argv.slice(2)
const groups: Record<string, (args: string[]) => Promise<unknown>> = {
  dns: measureDns,
  load: measureLoad,
  gone: measureRouteGone,
}
const run = groups[group]
if (run === undefined) throw new Error(`no group ${group}`)
process.stdout.write(`${JSON.stringify(await run(args))}\n`)
process.exit(0)
