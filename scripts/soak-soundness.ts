/**
 * Judges a great many random worlds and compares with what is true in them:
 *
 *     node scripts/soak-soundness.ts [--worlds 1000000] [--lives 50000] [--flows 20000] [--seed 1] [--print 3] [--workers 2]
 *
 * A world is one look at a random account. A life is some cycles of one: rotating answers, changes between two readings,
 * permissions that come and go, records that contradict the account, and the taint of that. Some worlds are judged again
 * with the flow records that their network would have kept (`--flows`). Prints truth by verdict, the
 * share decided where the evidence suffices, and how often each feature was met. Ends with 1 if anything was called
 * private that is not.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { features, featuresOf } from '../lab/world/features.ts'
import { emptyFlowTally, flowText, type FlowTally, tryFlow } from '../test/soundness/flow-harness.ts'
import { emptyTally, matrixText, type Tally, tryWorld } from '../test/soundness/harness.ts'
import { emptyLifeTally, lifeText, type LifeTally, tryLife } from '../test/soundness/life.ts'

/** What one thread is to do: seeds from `first` on, `step` apart, below the ends. */
interface Share {
  first: number
  step: number
  worldsEnd: number
  livesEnd: number
  flowsEnd: number
}

interface Sum {
  tally: Tally
  lives: LifeTally
  flows: FlowTally
  samples: number
  met: Map<string, number>
}

type Message = { done: number; wrong: string[] } | { sum: Sum }

/** Reading features costs more than judging: a sample tells the shares well enough. */
const sampled = 50
const told = 1000

function work({ first, step, worldsEnd, livesEnd, flowsEnd }: Share, tell: (message: Message) => void): void {
  const sum: Sum = {
    tally: emptyTally(),
    lives: emptyLifeTally(),
    flows: emptyFlowTally(),
    samples: 0,
    met: new Map(),
  }
  let done = 0
  let known = 0
  const progress = (last = false): void => {
    const all = [...sum.tally.wrong, ...sum.lives.wrong, ...sum.flows.wrong]
    if (!last && done < told && all.length === known) return
    tell({ done, wrong: all.length === known ? [] : all.slice(known - all.length) })
    known = all.length
    done = 0
  }
  for (let seed = first, n = 0; seed < worldsEnd; seed += step, n += 1) {
    const seen = tryWorld(seed, sum.tally)
    done += 1
    if (n % sampled === 0) {
      sum.samples += 1
      for (const name of featuresOf(seen)) sum.met.set(name, (sum.met.get(name) ?? 0) + 1)
    }
    if (seed < livesEnd) tryLife(seed, sum.lives)
    if (seed < flowsEnd) tryFlow(seed, sum.flows, seen)
    progress()
  }
  progress(true)
  tell({ sum })
}

function addCounts(to: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [key, count] of from) to.set(key, (to.get(key) ?? 0) + count)
}

/** Adds every number of `from` to that of `to`, and lists to lists. */
function add<T extends Tally | LifeTally | FlowTally>(to: T, from: T): void {
  for (const key of Object.keys(from) as (keyof T)[]) {
    const [mine, theirs] = [to[key], from[key]]
    if (typeof mine === 'number' && typeof theirs === 'number') to[key] = (mine + theirs) as T[keyof T]
    else if (mine instanceof Map && theirs instanceof Map) addCounts(mine, theirs)
    else if (Array.isArray(mine) && Array.isArray(theirs)) mine.push(...theirs)
  }
}

function whole(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${text}: expected a whole number`)
  return value
}

const percent = (part: number, all: number): string => `${((100 * part) / Math.max(1, all)).toFixed(2)} %`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '1000000' },
      lives: { type: 'string' },
      flows: { type: 'string' },
      seed: { type: 'string', default: '1' },
      print: { type: 'string', default: '3' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const worlds = whole(values.worlds, 'worlds')
  const lives = Math.min(
    worlds,
    values.lives === undefined ? Math.ceil(worlds / 20) : whole(values.lives, 'lives'),
  )
  const flows = Math.min(
    worlds,
    values.flows === undefined ? Math.ceil(worlds / 50) : whole(values.flows, 'flows'),
  )
  const seed = whole(values.seed, 'seed')
  const print = whole(values.print, 'print')
  const workers = Math.max(1, whole(values.workers, 'workers'))

  const startedMs = performance.now()
  let done = 0
  let shown = 0
  let announced = 0
  const rate = () => Math.round((done / (performance.now() - startedMs)) * 1000)
  const sums: Sum[] = []
  const take = (message: Message): void => {
    if ('sum' in message) return void sums.push(message.sum)
    done += message.done
    for (const wrong of message.wrong) if (shown++ < print) console.log(`\nFALSE PRIVATE, ${wrong}\n`)
    if (done - announced < 20_000) return
    announced = done
    console.error(`${done} worlds, ${rate()} per second, ${shown} false private`)
  }
  await Promise.all(
    Array.from({ length: workers }, (_, n) => {
      const share: Share = {
        first: seed + n,
        step: workers,
        worldsEnd: seed + worlds,
        livesEnd: seed + lives,
        flowsEnd: seed + flows,
      }
      const worker = new Worker(new URL(import.meta.url), { workerData: share })
      worker.on('message', take)
      return new Promise<void>((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended: ${code}`))))
      })
    }),
  )

  const tally = emptyTally()
  const lived = emptyLifeTally()
  const recorded = emptyFlowTally()
  const met = new Map(Object.keys(features).map((name) => [name, 0]))
  let samples = 0
  for (const sum of sums) {
    add(tally, sum.tally)
    add(lived, sum.lives)
    add(recorded, sum.flows)
    addCounts(met, sum.met)
    samples += sum.samples
  }
  const seconds = (performance.now() - startedMs) / 1000
  console.log(matrixText(tally))
  console.log(
    `\n${worlds} worlds from seed ${seed} in ${seconds.toFixed(0)} s by ${workers} threads, ${Math.round(worlds / seconds)} per second; ` +
      `${tally.wrong.length} with a false private, ${tally.falsePublic} false public`,
  )
  console.log(`evidence suffices in ${percent(tally.sufficientWorlds, tally.worlds)} of the worlds`)
  console.log(
    `of ${tally.sufficient} attempts whose evidence suffices ${percent(tally.decided, tally.sufficient)} are decided`,
  )
  console.log(`\n${lifeText(lived)}\n`)
  console.log(`${flowText(recorded)}\n`)
  for (const [name, count] of [...met].toSorted((a, b) => a[1] - b[1])) {
    console.log(`${percent(count, samples).padStart(9)}  ${name}`)
  }
  return tally.wrong.length + lived.wrong.length + recorded.wrong.length > 0 ? 1 : 0
}

if (isMainThread) process.exitCode = await main()
else work(workerData as Share, (message) => parentPort?.postMessage(message))
