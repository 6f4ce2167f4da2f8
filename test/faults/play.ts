import { expect } from 'vitest'
import type { PathState } from '../../model/path.ts'
import type { LogLine, Stage } from './stage.ts'

/** What a series must show: its value, or by how much it must have grown, at least or exactly. */
export type Shown = number | 'absent' | { grewBy: number } | { grew: number } | { below: number }

/**
 * One thing that can go wrong, and the traces that it must leave. In the names of series `$` stands for the labels of the
 * name that is watched, and `%` for that of its target.
 */
export interface Fault {
  fault: string
  begin(stage: Stage): void | Promise<void>
  /** What the switches do not undo by themselves. */
  end?(stage: Stage): void | Promise<void>
  /** Another name, watched as well, that nothing goes wrong with. */
  beside?: string
  /** More of the configuration of the target; by default it is looked at every 30 s, for at most 2 s. */
  target?: object
  /** Cycles under the fault before one looks; default 1. */
  cycles?: number
  /** Of the name. */
  state: PathState
  /** One of the reasons that are given for the state. */
  because?: RegExp
  metrics: Readonly<Record<string, Shown>>
  /** A line of the log that it must leave. */
  log: { event: string } & Readonly<Record<string, unknown>>
}

/** Beyond this a name forgets the addresses that it was answered. */
const forgottenMs = 16 * 60_000

function expectShown(
  series: string,
  before: number | undefined,
  after: number | undefined,
  shown: Shown,
): void {
  if (shown === 'absent') {
    expect(after, series).toBeUndefined()
    return
  }
  expect(after, `${series} is not there`).toBeDefined()
  if (typeof shown === 'number') expect(after, series).toBe(shown)
  else if ('below' in shown) expect(after, series).toBeLessThan(shown.below)
  else {
    const growth = expect((after ?? 0) - (before ?? 0), `growth of ${series}`)
    if ('grew' in shown) growth.toBe(shown.grew)
    else growth.toBeGreaterThanOrEqual(shown.grewBy)
  }
}

export function expectLine(log: readonly LogLine[], wanted: Fault['log']): void {
  const fields = Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => [
      key,
      value instanceof RegExp ? (expect.stringMatching(value) as unknown) : value,
    ]),
  )
  expect(log).toContainEqual(expect.objectContaining(fields))
}

/** Series of one name, for every row: no gauge may say private where the state is another one. */
export async function expectMetrics(
  stage: Stage,
  name: { target: string; hostname: string },
  row: Pick<Fault, 'state' | 'metrics'>,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  const after = await stage.metrics()
  const labels = `target="${name.target}",hostname="${name.hostname}",style="regional"`
  const all: Record<string, Shown> = {
    'pathproof_path_private{$}': row.state === 'private' ? 1 : 0,
    [`pathproof_path_state{$,state="${row.state}"}`]: 1,
    'pathproof_requirement_met{%}': row.state === 'private' ? 1 : 0,
    ...row.metrics,
  }
  for (const [written, shown] of Object.entries(all)) {
    const series = written.replace('$', labels).replace('%', `target="${name.target}"`)
    expectShown(series, before.get(series), after.get(series), shown)
  }
}

/** A fault in the life of an agent that has proven its target private. */
export interface MidRun extends Omit<Fault, 'target' | 'beside' | 'cycles'> {
  /** Lets time go by under the fault; default: one cycle. */
  pass?(stage: Stage): Promise<void>
  /** What makes the account be read anew; null: it need not be. */
  reread: string | null
}

/** Plays one row on a target that is watched all the time: private before, as the row says, and private again after. */
export async function playMidRun(
  stage: Stage,
  row: MidRun,
  name: { target: string; hostname: string },
): Promise<void> {
  const state = () => stage.verdict(name.target)?.names[0]
  const provenPrivate = async (when: string): Promise<void> => {
    for (let look = 0; look < 8 && state()?.state !== 'private'; look++) {
      if (row.reread !== null) await stage.reread(row.reread)
      await stage.cycle()
    }
    expect(state()?.state, `${when}: ${state()?.because.join('; ')}`).toBe('private')
  }
  if (row.reread !== null) await stage.reread(row.reread)
  await stage.cycle()
  await provenPrivate('before')
  const before = await stage.metrics()
  const from = stage.log.length
  try {
    await row.begin(stage)
    await (row.pass ?? (() => stage.cycle()))(stage)
    expect(state()?.state, state()?.because.join('; ')).toBe(row.state)
    if (row.because !== undefined) expect(state()?.because.join('; ')).toMatch(row.because)
    await expectMetrics(stage, name, row, before)
    expectLine(stage.log.slice(from), row.log)
  } finally {
    stage.mend()
    await row.end?.(stage)
    await stage.daemon.settled()
  }
  await provenPrivate('mended')
}

/**
 * Plays one row: a target of its own is watched from the start under the fault; then the fault ends, and the target
 * must be proven private.
 */
export async function play(stage: Stage, row: Fault, number: number): Promise<void> {
  const target = `fault-${number}`
  const hostname = `${target}.s3.us-east-1.amazonaws.com`
  const before = await stage.metrics()
  const from = stage.log.length
  stage.mend()
  const beside = row.beside === undefined ? [] : [{ name: 'beside', hostname: row.beside, every: '30s' }]
  await stage.watch([{ name: target, hostname, every: '30s', timeout: '2s', ...row.target }, ...beside])
  if (row.beside !== undefined) stage.switches.only = hostname
  try {
    await row.begin(stage)
    for (let cycle = 0; cycle < (row.cycles ?? 1); cycle++) await stage.cycle()
    const verdict = stage.verdict(target)?.names[0]
    expect(verdict?.state, verdict?.because.join('; ')).toBe(row.state)
    if (row.because !== undefined) expect(verdict?.because.join('; ')).toMatch(row.because)
    await expectMetrics(stage, { target, hostname }, row, before)
    const lines = stage.log.slice(from)
    expectLine(lines, row.log)
    expectLine(lines, { event: 'verdict', target, hostname, state: row.state })
  } finally {
    stage.mend()
    await row.end?.(stage)
  }
  await stage.clock.sleep(forgottenMs)
  await stage.daemon.settled()
  const mended = () => stage.verdict(target)?.names[0]
  await stage.cycle()
  // the deadlines of some rows are short, and a handshake on a busy machine may miss one of them
  for (let look = 0; look < 7 && mended()?.state !== 'private'; look++) await stage.cycle()
  expect(mended()?.state, `mended: ${mended()?.because.join('; ')}`).toBe('private')
}
