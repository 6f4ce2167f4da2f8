/** The scenarios again, to the end: what the records of the network make of each verdict, in each format of a flow log. */
import { afterAll, describe, expect, it } from 'vitest'
import { type Compared, comparedIn, confusionMatrix, recordsErrors } from '../../agent/cli/lab-matrix.ts'
import { type RecordFormat, recordFormats } from '../../agent/lab-records.ts'
import { type LabRound, labRounds } from '../../agent/lab-rounds.ts'
import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'

const program = readerWithin()
const formats = Object.keys(recordFormats) as RecordFormat[]
const all: { format: RecordFormat; rows: Compared[] }[] = []

async function play(file: string, format: RecordFormat): Promise<{ rounds: LabRound[]; rows: Compared[] }> {
  const scenario = await loadScenario(file)
  const rounds: LabRound[] = []
  const rows: Compared[] = []
  const options = {
    program: null,
    records: { format, program },
    machine: systemHost(process.env),
    version: 'test',
  }
  for await (const round of labRounds(scenario, options)) {
    rounds.push(round)
    rows.push(...comparedIn(round, file))
    for (const { hostname, state } of round.expect) {
      const seen = round.targets.flatMap(({ names }) => names).find((name) => name.hostname === hostname)
      expect(seen?.state, `${file} ${round.step ?? ''} ${hostname}`).toBe(state)
    }
  }
  all.push({ format, rows })
  return { rounds, rows }
}

const names = (round: LabRound | undefined): NameVerdict[] =>
  round?.recorded?.flatMap((target) => target.names) ?? []

const told = (rows: readonly Compared[]) => JSON.stringify(rows, null, 1)

function isRight(rows: readonly Compared[]): void {
  expect(recordsErrors(rows), told(rows)).toEqual({ falselyPrivate: 0, falselyConfirmed: 0, lost: 0 })
  for (const { truth, recorded } of rows) {
    const state = recorded?.verdict
    expect(state).toBeDefined()
    if (state === 'public' || state === 'mixed') expect(truth, told(rows)).toBe(state)
    // what is said to be confirmed is what the packets did
    if (recorded?.confirmation === 'confirmed') expect(state, told(rows)).toBe(truth)
  }
}

describe.concurrent('every scenario, with one format each in turn', async () => {
  for (const [n, file] of (await shippedScenarios()).entries()) {
    const format = formats[n % formats.length] ?? 'full'
    it(`${file}, ${format}`, async () => {
      const { rows } = await play(file, format)
      isRight(rows)
      if (format !== 'default') return
      // a log that can't say which way is as good as none
      for (const { verdict, proof, recorded } of rows)
        expect(recorded).toEqual({ verdict, proof, confirmation: 'unavailable' })
    }, 60_000)
  }
})

describe.concurrent('what records make of a verdict, in the format that is asked for', () => {
  it.each([
    ['01-gateway-endpoint', 'gateway_endpoint', 'private', 'flow.gateway_endpoint'],
    ['05-internet-gateway', 'internet_gateway', 'public', 'flow.internet_gateway'],
    ['04-nat-only', 'nat_gateway', 'public', 'flow.nat_gateway'],
    ['07-nat-before-endpoint', 'nat_gateway_endpoint', 'private', 'flow.nat_gateway_endpoint'],
    ['08-interface-endpoint', 'interface_endpoint', 'private', 'flow.next_hop_endpoint'],
  ])('%s: %s, %s, by %s', async (file, only, state, rule) => {
    const { rounds, rows } = await play(file, 'full')
    isRight(rows)
    const [name] = names(rounds[0])
    expect(name).toMatchObject({ state, proof: 'observed', confirmation: 'confirmed' })
    const [confirmed] = name?.attempts.filter(({ confirmation }) => confirmation === 'confirmed') ?? []
    expect(confirmed?.possible).toEqual([only])
    expect(confirmed?.evidence.map((e) => e.rule)).toContain(rule)
  })

  it('an endpoint of the VPC is confirmed without next hops as well: at its own interface', async () => {
    const { rounds } = await play('08-interface-endpoint', 'v5')
    for (const name of names(rounds[0])) {
      expect(name).toMatchObject({ state: 'private', proof: 'observed', confirmation: 'confirmed' })
      const rules = name.attempts.flatMap((attempt) => attempt.evidence.map((e) => e.rule))
      expect(rules).toContain('flow.at_endpoint')
      expect(rules).not.toContain('flow.next_hop_endpoint')
    }
  })

  it('a NAT gateway carries public names and, to an endpoint behind it, private ones; neither taints the other', async () => {
    const { rounds, rows } = await play('19-nat-of-every-kind', 'full')
    isRight(rows)
    const of = (hostname: string) => names(rounds[0]).find((name) => name.hostname === hostname)
    const confirmed = { proof: 'observed', confirmation: 'confirmed', tainted: false }
    expect(of('artifacts-lab.s3.us-east-1.amazonaws.com')).toMatchObject({ state: 'private', ...confirmed })
    expect(of('kms.us-east-1.amazonaws.com')).toMatchObject({ state: 'public', ...confirmed })
  })

  it('records that are refused confirm nothing and lose nothing, and say so', async () => {
    const { rounds, rows } = await play('44-api-denied', 'full')
    isRight(rows)
    expect(rounds.map((round) => names(round)[0]?.confirmation)).toEqual([
      'confirmed',
      'no_record',
      'confirmed',
    ])
    expect(rounds[1]?.problems.join('\n')).toMatch(/logs:FilterLogEvents/)
  })
})

afterAll(() => {
  const rows = all.flatMap((one) => (one.format === 'default' ? [] : one.rows))
  const of = (wanted: Compared['truth']) => rows.filter(({ truth }) => truth === wanted)
  const confirmed = (some: readonly Compared[]) =>
    some.filter(({ recorded }) => recorded?.confirmation === 'confirmed').length
  // useful as well as right: most of what is private or public is confirmed
  expect(confirmed(of('private'))).toBeGreaterThan(of('private').length * 0.6)
  expect(confirmed(of('public'))).toBeGreaterThan(of('public').length * 0.3)
})

it('the matrix prints both, before and after, and counts what is wrong', async () => {
  let text = ''
  const io = {
    stdout: (more: string) => void (text += more),
    stderr: () => undefined,
    stdin: null,
    color: false,
    tty: false,
    nowMs: Date.now,
    environment: process.env,
  }
  const options = { only: '45-route-withdrawn', records: { format: 'full', program } } as const
  expect(await confusionMatrix(io, options)).toBe(0)
  const lines = text.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  expect(lines[0]).toMatch(
    /truth private verdict private proof configured confirmation pending with records: verdict private proof observed confirmation confirmed/,
  )
  expect(lines).toContain('configured, pending 2 1 0 0 0')
  expect(lines).toContain('observed, confirmed 2 1 0 0 0')
  expect(text).toMatch(/3 names, 3 confirmed; 0 called private that are not, 0 connections confirmed/)
})

it('what would be wrong is counted: a private verdict lost, and one that is not so', () => {
  const said = { verdict: 'private', proof: 'configured', confirmation: 'pending' } as const
  const row = {
    scenario: 's',
    hostname: 'h',
    because: '',
    falselyConfirmed: 0,
    truth: 'private',
    ...said,
    recorded: { verdict: 'undetermined', proof: '-', confirmation: 'no_record' },
  } as const
  expect(recordsErrors([row])).toEqual({ falselyPrivate: 0, falselyConfirmed: 0, lost: 1 })
  expect(recordsErrors([{ ...row, truth: 'public', falselyConfirmed: 2 }])).toEqual({
    falselyPrivate: 1,
    falselyConfirmed: 2,
    lost: 0,
  })
})
