/** Runs the product's judge on what an agent could see of a random world, and compares with that world's truth. */
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { generate, type Scene } from '../../lab/world/generate.ts'
import type { SeenFiles } from '../../lab/world/observe-account.ts'
import { observe, type Observed, type SeenAttempt, type SeenName } from '../../lab/world/observe.ts'
import { type PathClass, sideOf } from '../../model/path.ts'
import type { Snapshot, Topology } from '../../model/topology.ts'
import type { AttemptVerdict, NameVerdict } from '../../model/verdict.ts'
import { type AttemptContext, judgeAttempt, noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'

export function topologyOf(seen: Observed): Topology {
  const decode = (files: SeenFiles, account: string): Snapshot =>
    decodeSnapshot(files, { source: 'lab', account, region: seen.world.region })
  return {
    vantage: seen.vantage,
    readings: seen.readings.map((files) => decode(files, seen.world.account)),
    others: seen.others.map((files) => decode(files, '999988887777')),
    trustedEndpoints: seen.trustedEndpoints,
    sites: seen.sites,
    limits: seen.limits,
  }
}

export function contextOf(seen: Observed, attempt: SeenAttempt): AttemptContext {
  return {
    ...noContext,
    timeoutsInARow: attempt.timeoutsInARow,
    othersConnected: attempt.othersConnected,
    families: seen.families,
  }
}

export interface JudgedAttempt {
  seen: SeenAttempt
  verdict: AttemptVerdict
}

export interface JudgedName {
  seen: SeenName
  verdict: NameVerdict
  attempts: JudgedAttempt[]
}

export function judgeAll(seen: Observed, topology: Topology = topologyOf(seen)): JudgedName[] {
  return seen.names.map((name) => {
    const verdict = judgeName(
      {
        hostname: name.hostname,
        style: 'other',
        resolvers: name.resolvers,
        dns: name.dns,
        families: seen.families,
        attempts: name.attempts.map((item) => ({ attempt: item.attempt, context: contextOf(seen, item) })),
        tainted: [],
      },
      topology,
    )
    const attempts = name.attempts.map((item) => {
      const own = verdict.attempts.find(({ id }) => id === item.attempt.stamp.id)
      return { seen: item, verdict: own ?? judgeAttempt(item.attempt, topology, contextOf(seen, item)) }
    })
    return { seen: name, verdict, attempts }
  })
}

/** Truly on the private side; a relay is not. */
function isPrivate(how: PathClass): boolean {
  return sideOf[how] === 'private'
}

/** Every `private` that is not true: of an attempt, or of a name that has an answer which leads elsewhere. */
export function falsePrivates(judged: readonly JudgedName[]): string[] {
  const wrong: string[] = []
  for (const { seen, verdict, attempts } of judged) {
    for (const { seen: one, verdict: own } of attempts) {
      // What did not connect is harmless: no packet of it went anywhere.
      const claimed = own.state === 'private' || (own.wouldBe === 'private' && one.truth.delivered)
      if (claimed && !isPrivate(one.truth.class)) {
        wrong.push(
          `${own.state === 'private' ? 'attempt' : 'would-be'} ${own.address}: truly ${one.truth.class}`,
        )
      }
    }
    const leak = seen.truths.find(({ delivered, class: how }) => delivered && !isPrivate(how))
    if (verdict.state === 'private' && leak !== undefined) {
      wrong.push(`name ${seen.hostname}: an answer truly goes by ${leak.class} (${leak.hops.join(', ')})`)
    }
  }
  return wrong
}

/** All that a person needs to find out who is wrong. */
export function explain(
  seed: number,
  judged: readonly JudgedName[],
  wrong: readonly string[],
  seen: Observed,
): string {
  const lines = [`seed ${seed}: ${wrong.join('; ')}`]
  lines.push(
    `timing ${seen.timing}; damages ${seen.damages.join(', ') || 'none'}; vantage ${seen.vantage.kind}`,
  )
  lines.push(
    `host ${seen.world.host.kind}: ${seen.world.host.devices.map(({ name, kind }) => `${name} ${kind}`).join(', ')}`,
  )
  lines.push(`trusted ${JSON.stringify(seen.trustedEndpoints)}; fate ${JSON.stringify(seen.world.fate)}`)
  for (const table of seen.world.tables.filter(({ vpc }) => vpc === 'vpc-0a000001')) {
    const routes = table.routes.map(({ to, via, state, origin }) => `${to}->${via} ${state} ${origin}`)
    lines.push(`${table.id}${table.main ? ' main' : ''} [${table.subnets.join(' ')}]: ${routes.join('; ')}`)
  }
  for (const { seen: name, verdict, attempts } of judged) {
    lines.push(`${name.hostname} is ${verdict.state}: ${verdict.because.join('; ')}`)
    for (const { seen: one, verdict: own } of attempts) {
      lines.push(
        `  ${own.localAddress} -> ${own.address} ${one.attempt.outcome.reached}: ${own.state}/${own.wouldBe} {${own.possible.join(' ')}}`,
      )
      lines.push(`    truth ${one.truth.class}: ${one.truth.hops.join(' | ')}`)
      for (const { rule, rank, possible, because } of own.evidence) {
        lines.push(`    ${rank} ${rule}: {${possible.join(' ')}} ${because}`)
      }
      for (const { rank, of, because } of own.conflicts)
        lines.push(`    conflict ${rank} of ${of}: ${because}`)
    }
  }
  return lines.join('\n')
}

export interface Tally {
  worlds: number
  /** Truth × verdict, of dialled attempts. */
  matrix: Map<string, number>
  sufficient: number
  decided: number
  /** Worlds in which some attempt suffices. */
  sufficientWorlds: number
  /** Verdicts `public` whose truth is private: harmless to safety, a nuisance all the same. */
  falsePublic: number
  wrong: string[]
}

export const emptyTally = (): Tally => ({
  worlds: 0,
  matrix: new Map(),
  sufficient: 0,
  decided: 0,
  sufficientWorlds: 0,
  falsePublic: 0,
  wrong: [],
})

/** Judges the world of one seed and adds it up. Returns what was seen, for counting features. */
export function tryWorld(seed: number, tally: Tally, scene: Scene = generate(seed)): Observed {
  const seen = observe(scene)
  const judged = judgeAll(seen)
  tally.worlds += 1
  let suffices = false
  for (const { attempts } of judged) {
    for (const { seen: one, verdict } of attempts) {
      if (verdict.dialled) {
        const cell = `${one.truth.class} ${verdict.state}`
        tally.matrix.set(cell, (tally.matrix.get(cell) ?? 0) + 1)
        if (verdict.state === 'public' && isPrivate(one.truth.class)) tally.falsePublic += 1
      }
      if (!one.suffices) continue
      suffices = true
      tally.sufficient += 1
      if (verdict.state !== 'undetermined') tally.decided += 1
    }
  }
  if (suffices) tally.sufficientWorlds += 1
  const wrong = falsePrivates(judged)
  if (wrong.length > 0) tally.wrong.push(explain(seed, judged, wrong, seen))
  return seen
}

const verdicts = ['private', 'public', 'blocked', 'undetermined']

function row(first: string, cells: string[]): string {
  return first.padEnd(22) + cells.map((cell) => cell.padStart(14)).join('')
}

/** The confusion matrix as text: truth by rows, verdicts by columns. */
export function matrixText({ matrix }: Tally): string {
  const truths = [...new Set([...matrix.keys()].map((cell) => cell.split(' ')[0] ?? ''))].toSorted()
  return [
    row('truth \\ verdict', verdicts),
    ...truths.map((truth) =>
      row(
        truth,
        verdicts.map((verdict) => String(matrix.get(`${truth} ${verdict}`) ?? 0)),
      ),
    ),
  ].join('\n')
}
