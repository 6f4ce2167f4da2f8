import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import type { NameTruth } from '../../lab/truth.ts'
import { type PathState, pathStates, sideOf } from '../../model/path.ts'
import { safeText } from '../../model/text.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import type { ProgramCommand } from '../child.ts'
import type { RecordFormat } from '../lab-records.ts'
import { type LabRound, labRounds } from '../lab-rounds.ts'
import { machine } from '../machine.ts'
import { version } from '../version.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'

/** What the agent said of a name. */
interface Said {
  verdict: PathState
  proof: string
  confirmation: string
}

/** One name in one state of one scenario: what the agent said, and what the packets did. */
export interface Compared extends Said {
  scenario: string
  hostname: string
  truth: PathState
  because: string
  /** The same connections with what the network recorded of them; null: that was not asked for. */
  recorded: Said | null
  /** Connections whose records are said to bear out another side than that of their packets. */
  falselyConfirmed: number
}

export interface MatrixOptions {
  /** A scenario's name or file; null: all that come with the lab. */
  only?: string | null
  /** Reads the account by its EC2 API; null: from the lab's directory of AWS CLI output. */
  program?: ProgramCommand | null
  /** With flow logs of a format in the scenarios' VPCs, and who reads them; null: without. */
  records?: { format: RecordFormat; program: ProgramCommand } | null
  /** Only the counts, without a line for each name. */
  brief?: boolean
}

/** Most of the time is spent in waiting for connections that are never answered. */
const atOnce = 4

const said = ({ state, proof, confirmedProof, confirmation }: NameVerdict): Said => ({
  verdict: state,
  proof: confirmedProof ?? proof ?? '-',
  confirmation,
})

/** Connections whose records are said to bear out what was not the way of their packets. */
export function falselyConfirmed(verdict: NameVerdict, truth: NameTruth): number {
  return verdict.attempts.filter(({ address, confirmation, state }) => {
    const way = truth.addresses.find((known) => known.address === address)
    if (confirmation !== 'confirmed' || way === undefined) return false
    if (state === 'blocked') return way.delivered
    return (state === 'private' || state === 'public') && sideOf[way.class] !== state
  }).length
}

/** The names of one round against the truth of its packets. */
export function comparedIn(round: LabRound, scenario: string): Compared[] {
  const recorded = new Map(round.recorded?.flatMap(({ names }) => names).map((n) => [n.hostname, n]))
  return round.targets.flatMap(({ names }) =>
    names.map((name) => {
      const truth = round.lab.truth(name.hostname)
      const later = recorded.get(name.hostname) ?? null
      return {
        scenario: round.step === null ? scenario : `${scenario} + ${round.step}`,
        hostname: name.hostname,
        truth: truth.state,
        ...said(name),
        because: (later ?? name).because[0] ?? '',
        recorded: later && said(later),
        falselyConfirmed: falselyConfirmed(later ?? name, truth),
      }
    }),
  )
}

async function compare(
  io: Io,
  file: string,
  { program = null, records = null }: MatrixOptions,
): Promise<Compared[]> {
  const scenario = await loadScenario(file)
  const rows: Compared[] = []
  const options = { program, records, machine: machine(io.environment), version }
  for await (const round of labRounds(scenario, options)) {
    // what a scenario means to deny is no surprise; what the reader itself could not do is one
    const broken = round.problems.find((problem) => problem.includes('gave no answer'))
    if (broken !== undefined) throw new Error(`${file}: ${broken}`)
    rows.push(...comparedIn(round, file))
  }
  return rows
}

/** All scenarios, some at once; the rows come in the order of the scenarios. */
async function compareAll(io: Io, files: readonly string[], options: MatrixOptions): Promise<Compared[]> {
  const rows: Compared[][] = []
  let next = 0
  const take = async (): Promise<void> => {
    for (let n = next++; n < files.length; n = next++) rows[n] = await compare(io, files[n] ?? '', options)
  }
  await Promise.all(Array.from({ length: atOnce }, take))
  return rows.flat()
}

function table(corner: string, columns: readonly string[], rows: readonly [string, number[]][]): string {
  const width = Math.max(corner.length, ...rows.map(([first]) => first.length)) + 2
  const line = (first: string, cells: readonly (string | number)[]) =>
    `${first.padEnd(width)}${cells.map((cell) => String(cell).padStart(14)).join('')}\n`
  return line(corner, columns) + rows.map(([first, counts]) => line(first, counts)).join('')
}

const counted = (rows: readonly Said[], verdict: PathState): number =>
  rows.filter((row) => row.verdict === verdict).length

/** Truth against verdict, and verdict against its ground. */
function tables(rows: readonly (Said & { truth: PathState })[]): string {
  const confusion = pathStates
    .map((truth) => rows.filter((row) => row.truth === truth))
    .filter((of) => of.length > 0)
    .map((of): [string, number[]] => [of[0]?.truth ?? '', pathStates.map((v) => counted(of, v))])
  const groundOf = ({ proof, confirmation }: Said) => `${proof}, ${confirmation}`
  const grounded = [...new Set(rows.map(groundOf))].toSorted().map((ground): [string, number[]] => [
    ground,
    pathStates.map((v) =>
      counted(
        rows.filter((row) => groundOf(row) === ground),
        v,
      ),
    ),
  ])
  return `\n${table('truth \\ verdict', pathStates, confusion)}\n${table('proof, confirmation \\ verdict', pathStates, grounded)}`
}

const falselyPrivate = ({ verdict, truth }: Said & { truth: PathState }): boolean =>
  verdict === 'private' && truth !== 'private'

/** How many names of a run with records are wrong, and what records took from true private verdicts. */
export function recordsErrors(rows: readonly Compared[]): {
  falselyPrivate: number
  falselyConfirmed: number
  lost: number
} {
  const later = rows.flatMap((row) => (row.recorded === null ? [] : [{ ...row, ...row.recorded }]))
  return {
    falselyPrivate: [...rows, ...later].filter(falselyPrivate).length,
    falselyConfirmed: rows.reduce((sum, row) => sum + row.falselyConfirmed, 0),
    lost: rows.filter(
      ({ verdict, truth, recorded }) =>
        verdict === 'private' && truth === 'private' && recorded !== null && recorded.verdict !== 'private',
    ).length,
  }
}

function lineOf({ verdict, proof, confirmation }: Said): string {
  return `verdict ${verdict.padEnd(12)}  proof ${proof.padEnd(10)}  confirmation ${confirmation.padEnd(11)}`
}

/**
 * Plays every scenario (or the one) and prints verdicts against truth, with their proof and how far records of the network
 * confirm them; with records, before and after these have come. Exit code 1 if anything was called private that is not,
 * if records are said to confirm what is not so, or if they took away a private verdict that was true.
 */
export async function confusionMatrix(io: Io, options: MatrixOptions = {}): Promise<number> {
  const { only = null, records = null, brief = false } = options
  const rows = await compareAll(io, only === null ? await shippedScenarios() : [only], options)
  const widthOf = (key: 'scenario' | 'hostname') => Math.max(0, ...rows.map((row) => row[key].length))
  const widths = { scenario: widthOf('scenario'), hostname: widthOf('hostname') }
  for (const row of brief ? [] : rows) {
    const { truth, because, recorded } = row
    const places = `${row.scenario.padEnd(widths.scenario)}  ${row.hostname.padEnd(widths.hostname)}`
    const after = recorded === null ? '' : `  with records: ${lineOf(recorded)}`
    io.stdout(`${places}  truth ${truth.padEnd(12)}  ${lineOf(row)}${after}  ${safeText(because, 400)}\n`)
  }
  if (records === null) {
    io.stdout(tables(rows))
    const wrong = rows.filter(falselyPrivate)
    io.stdout(`\n${rows.length} names, ${wrong.length} called private that are not\n`)
    return wrong.length > 0 ? exit.failed : exit.met
  }
  const later = rows.flatMap((row) => (row.recorded === null ? [] : [{ ...row, ...row.recorded }]))
  io.stdout(`${brief ? '' : '\n'}before any record has come\n${tables(rows)}`)
  io.stdout(`\nwith the records of flow logs, format: ${records.format}\n${tables(later)}`)
  const errors = recordsErrors(rows)
  const confirmed = later.filter(({ confirmation }) => confirmation === 'confirmed').length
  io.stdout(
    `\n${rows.length} names, ${confirmed} confirmed; ${errors.falselyPrivate} called private that are not, ${errors.falselyConfirmed} connections confirmed on another side than their packets', ${errors.lost} true private verdicts lost\n`,
  )
  return Object.values(errors).some((count) => count > 0) ? exit.failed : exit.met
}
