/** The queries for Athena, run by DuckDB over a ledger's own segments, against what `pathproof report` says of it. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportCommand } from '../../agent/cli/report.ts'
import { keysOf } from '../../agent/ledger/anchors.ts'
import { realFiles } from '../../ledger/files.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, origin, signer } from '../ledger/kit.ts'
import { say } from '../support/io.ts'
import { attemptBody, targetBody, verdictBody } from '../support/ledger-records.ts'

const deploy = resolve(import.meta.dirname, '../../deploy/athena')
const queries = readdirSync(join(deploy, 'queries')).sort()

interface Told {
  records: { count: number; first: { seq: number }; last: { seq: number } }
  targets: {
    target: string
    looks: { made: number; undetermined: number; connections: number }
    days: { day: string; made: number; connections: number }[]
    episodes: {
      from: string
      looks: number
      kind: string
      evidence: { address: string; because: string }[]
    }[]
  }[]
  waivers: { target: string; reason: string; ticket: string | null; until: string }[]
  configurations: { version: string; configuration: string | null }[]
}

let folder = ''
let report: Told
let connection: DuckDBConnection

/** Two days of two targets: one is public for a while, one has a waiver. Small segments, so that several are sealed. */
async function write(directory: string): Promise<void> {
  const clock = createHandClock(1_000, Date.UTC(2026, 10, 20, 22))
  const { store } = kit(realFiles(), { directory, segmentBytes: 64 * 1024 }, clock)
  const nowMs = () => clock.wallMs()
  const waiver = { reason: 'legacy SDK', ticket: 'NET-12', untilMs: Date.UTC(2026, 11, 31) }
  await store.append('lifecycle', { event: 'started', version: '0.1.0', configuration: 'c1' })
  for (const target of ['web', 'old']) await store.append('target', targetBody(target, 30))
  let id = 0
  const stands: Record<string, string> = {}
  const verdict = async (target: string, state: 'private' | 'public' | 'undetermined') => {
    stands[target] = `v${++id}`
    const made = [`a${id}`]
    if (state === 'public')
      await store.append(
        'attempt_verdict',
        attemptBody({ id: `a${id}`, hostname: `${target}.s3.eu-west-1.amazonaws.com`, state, atMs: nowMs() }),
      )
    const old = target === 'old' ? { waiver } : {}
    await store.append(
      'target_verdict',
      verdictBody({ target, id: stands[target], state, atMs: nowMs(), made, ...old }),
    )
  }
  const repeat = () =>
    store.append('verdict_repeat', {
      looks: Object.entries(stands).map(([target, of]) => ({
        target,
        of,
        atMs: nowMs(),
        lifeSeconds: 95,
        made: [
          [`r${++id}`, '52.218.0.1', 40_000 + id],
          ...(target === 'old' ? [[`r${++id}`, '52.218.0.2', 41_000]] : []),
        ],
      })),
    })
  await store.append('heartbeat', { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
  await verdict('web', 'private')
  await verdict('old', 'private')
  for (let look = 0; look < 480; look++) {
    await clock.advance(30_000)
    if (look === 100) await verdict('web', 'public')
    else if (look === 140) await verdict('web', 'private')
    else if (look === 200) await verdict('old', 'undetermined')
    else if (look === 210) await verdict('old', 'private')
    else await repeat()
  }
  await clock.advance(20_000)
  await store.close('done')
}

const rows = async (name: string): Promise<Record<string, unknown>[]> => {
  const sql = readFileSync(join(deploy, 'queries', name), 'utf8').replaceAll('ORIGIN', origin)
  const result = await connection.runAndReadAll(sql)
  return result
    .getRowObjects()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
      ),
    )
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pathproof-athena-'))
  const directory = join(folder, 'ledger')
  await write(directory)
  expect(
    readdirSync(join(directory, 'segments')).filter((name) => name.endsWith('.gz')).length,
  ).toBeGreaterThan(2)
  const said = await say((io) => reportCommand(['--key', signer.vkey, '--format', 'json', directory], io))
  report = JSON.parse(said.stdout) as Told
  connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    readFileSync(join(deploy, 'duckdb.sql'), 'utf8')
      .replaceAll('DIRECTORY', directory)
      .replaceAll('ORIGIN', origin),
  )
}, 60_000)
afterAll(() => {
  connection.closeSync()
  rmSync(folder, { recursive: true, force: true })
})

const sum = (of: readonly Record<string, unknown>[], key: string): number =>
  of.reduce((all, row) => all + Number(row[key]), 0)
const of = (all: readonly Record<string, unknown>[], target: string) =>
  all.filter((row) => row['target'] === target)

describe('ten questions of an auditor', () => {
  it('are ten, and each has an answer here', () => expect(queries.length).toBe(10))

  it('records: all of them, the first and the last', async () => {
    const found = await rows('01-records-by-kind.sql')
    expect(sum(found, 'records')).toBe(report.records.count)
    expect(Math.min(...found.map((row) => Number(row['first_seq'])))).toBe(report.records.first.seq)
    expect(Math.max(...found.map((row) => Number(row['last_seq'])))).toBe(report.records.last.seq)
  })

  it('looks and connections of each target, by state and by day', async () => {
    const looks = await rows('02-looks-by-state.sql')
    const connections = await rows('03-connections-by-target.sql')
    const days = await rows('10-looks-by-day.sql')
    expect(report.targets.map(({ target }) => target).sort()).toEqual(['old', 'web'])
    for (const { target, looks: told, days: toldDays } of report.targets) {
      expect(sum(of(looks, target), 'looks')).toBe(told.made)
      expect(
        sum(
          of(looks, target).filter(({ state }) => state === 'undetermined'),
          'looks',
        ),
      ).toBe(told.undetermined)
      expect(sum(of(connections, target), 'connections')).toBe(told.connections)
      expect(
        of(days, target).map(({ day_number: day, looks: made, connections: tried }) => [
          new Date(Number(day) * 86_400_000).toISOString().slice(0, 10),
          made,
          tried,
        ]),
      ).toEqual(toldDays.map((day) => [day.day, day.made, day.connections]))
    }
  })

  it('public paths: when, how often seen, by which address and rule', async () => {
    const found = await rows('04-public-looks.sql')
    const episodes = report.targets.flatMap(({ target, episodes: all }) =>
      all.filter(({ kind }) => kind === 'public').map((episode) => ({ target, ...episode })),
    )
    expect(episodes.length).toBe(1)
    expect(found.map((row) => [row['target'], Number(row['first_look_ms']), Number(row['looks'])])).toEqual(
      episodes.map(({ target, from, looks }) => [target, Date.parse(from), looks]),
    )
    const addresses = await rows('05-public-addresses.sql')
    expect(addresses.map(({ address, because }) => ({ address, because }))).toEqual(
      episodes.flatMap(({ evidence }) => evidence.map(({ address, because }) => ({ address, because }))),
    )
  })

  it('waivers, configurations', async () => {
    const waivers = await rows('06-waivers.sql')
    expect(
      waivers.map((row) => [
        row['target'],
        row['waiver_reason'],
        row['waiver_ticket'],
        Number(row['waiver_until_ms']),
      ]),
    ).toEqual(
      report.waivers.map(({ target, reason, ticket, until }) => [target, reason, ticket, Date.parse(until)]),
    )
    expect(waivers.length).toBe(1)
    const found = await rows('09-configurations.sql')
    expect(
      found
        .filter(({ event }) => event === 'started')
        .map(({ version, configuration }) => [version, configuration]),
    ).toEqual(report.configurations.map(({ version, configuration }) => [version, configuration]))
  })

  it('nothing is missing and nothing declared; a segment that is gone shows', async () => {
    expect(await rows('07-missing-records.sql')).toEqual([])
    expect(await rows('08-declared-gaps.sql')).toEqual([])
    const sealed = readdirSync(join(folder, 'ledger', 'segments'))
      .filter((name) => name.endsWith('.gz'))
      .sort()
    rmSync(join(folder, 'ledger', 'segments', sealed[1] ?? ''))
    const [hole] = await rows('07-missing-records.sql')
    expect(Number(hole?.['before_seq']) + 1).toBe(Number.parseInt(sealed[1] ?? '', 10))
  })
})

describe('the table of Athena', () => {
  const table = readFileSync(join(deploy, 'table.sql'), 'utf8')
  it('looks where the anchors put segments', () => {
    const template = /'storage\.location\.template' = 's3:\/\/BUCKET\/PREFIX\/(\S+)'/.exec(table)?.[1] ?? ''
    expect(template.replace('${origin}', origin)).toBe(
      `${keysOf('PREFIX', origin).slice('PREFIX/'.length)}segments/`,
    )
  })

  it('has every field of a line', () => {
    const columns = [...table.matchAll(/^ {2}([a-z_]+) (?:int|bigint|string),?$/gm)].map(([, name]) => name)
    expect(columns.sort()).toEqual([
      'agent_id',
      'body',
      'boot_id',
      'kind',
      'mono_us',
      'prev',
      'seq',
      'ts',
      'v',
    ])
  })

  it('the views of both say the same but for how a list is taken apart', () => {
    const views = (file: string) =>
      [
        ...readFileSync(join(deploy, file), 'utf8').matchAll(/CREATE OR REPLACE VIEW (\w+) AS\n([\s\S]*?);/g),
      ].map(([, name, sql]) => ({
        name,
        columns: [...(sql ?? '').matchAll(/ AS (?!look$)([a-z_]+),?$/gm)].map(([, as]) => as),
      }))
    const [athena, duckdb] = ['views.sql', 'duckdb.sql'].map((file) => views(file).slice(1))
    expect(duckdb).toEqual(athena)
    expect(athena?.map(({ name }) => name)).toEqual(['pathproof_verdicts', 'pathproof_looks'])
  })
})
