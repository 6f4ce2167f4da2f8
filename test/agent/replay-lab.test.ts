import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReplay } from '../../agent/ledger/replay.ts'
import { canonical } from '../../ledger/canonical.ts'
import { realFiles } from '../../ledger/files.ts'
import { readLedger } from '../../ledger/read.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import type { Lab } from '../../lab/lab.ts'
import { defaultTargets, startLabDaemon, surroundings } from '../support/lab-daemon.ts'

let home = ''
const records: LedgerRecord[] = []
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pathproof-replay-'))
  const running = await startLabDaemon({
    scenario: 'gateway-endpoint',
    document: (lab: Lab) => ({
      ...surroundings(lab),
      targets: defaultTargets(lab),
      ledger: { directory: join(home, 'ledger') },
    }),
  })
  await running.verdicts.until('some looks', (all) => (all.length >= 6 ? true : null))
  await running.daemon.stop(1)
  await running.stop()
  for await (const line of readLedger(realFiles(), join(home, 'ledger')))
    if (line.ok) records.push(line.record)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

type Body = Record<string, unknown>
const copied = (): LedgerRecord[] => JSON.parse(JSON.stringify(records)) as LedgerRecord[]
const bodyOf = ({ body }: LedgerRecord): Body => body as Body

function replayed(some: readonly LedgerRecord[]) {
  const replay = createReplay()
  for (const record of some) replay.take(record)
  return replay.result()
}

/** The ledger as it were if the account had said otherwise: hashes agree again. */
function accountOtherwise(part: string, change: (items: Body[]) => Body[]): LedgerRecord[] {
  const some = copied()
  const snapshot = some.find(({ kind }) => kind === 'snapshot')
  const contents = bodyOf(snapshot!)['contents'] as Record<string, string>
  const recordOf = (hash: unknown) =>
    some.find(({ kind, body }) => kind === 'content' && body['hash'] === hash)!
  const listOf = (hash: unknown) => JSON.parse(String(recordOf(hash).body['text'])) as Body[]
  // A long list is one of the hashes of shorter ones.
  const record = recordOf(contents[part])
  const items = listOf(contents[part]).flatMap((item) => (typeof item === 'string' ? listOf(item) : [item]))
  const written = canonical(change(items))
  if (!written.ok) throw new Error(written.problem)
  const hash = createHash('sha256').update(written.text).digest('hex')
  Object.assign(bodyOf(record), { hash, text: written.text })
  for (const one of some)
    if (one.kind === 'snapshot') (bodyOf(one)['contents'] as Record<string, string>)[part] = hash
  return some
}

describe('judging anew what the daemon left', () => {
  it('routes and addresses are judged by the readings that are kept, and everything stays', () => {
    const result = replayed(records)
    expect(result).toMatchObject({ changes: [], notJudged: {} })
    expect(result.wholly).toBeGreaterThan(0)
    expect(result.wholly + (result.asStored['rows of routes and addresses: it was not dialled'] ?? 0)).toBe(
      result.attempts,
    )
  })

  it('the account that the ledger shows decides, and not the evidence that the verdict names', () => {
    const public1 = accountOtherwise('routeTables', (tables) =>
      tables.map((table) => ({
        ...table,
        routes: (table['routes'] as Body[]).map((route) =>
          (route['target'] as Body)['kind'] === 'vpc_endpoint'
            ? { ...route, target: { kind: 'internet_gateway', id: 'igw-0a' } }
            : route,
        ),
      })),
    )
    const { changes } = replayed(public1)
    expect(changes.length).toBeGreaterThan(0)
    expect(changes.every(({ worse }) => worse)).toBe(true)
    expect(changes.some(({ of }) => of === 'target')).toBe(true)
  })

  it('evidence that was put in by somebody does not stand', () => {
    const some = copied()
    for (const record of some) {
      if (record.kind !== 'attempt_verdict' || record.body['dialled'] !== true) continue
      for (const one of record.body['evidence'] as Body[])
        if (one['rank'] === 'configured') Object.assign(one, { possible: ['internet_gateway', 'blocked'] })
      Object.assign(bodyOf(record), { state: 'public', wouldBe: 'public', possible: ['internet_gateway'] })
    }
    const { changes } = replayed(some)
    expect(changes.some(({ of, now }) => of === 'attempt' && now.includes('gateway_endpoint'))).toBe(true)
  })

  it.each([
    ['a content', ({ kind }: LedgerRecord) => kind !== 'content', /reading of the account are not on hand/],
    ['the reading', ({ kind }: LedgerRecord) => kind !== 'snapshot', /made under is not kept/],
    ['what is declared', ({ kind }: LedgerRecord) => kind !== 'surroundings', /declared is not kept/],
    ['the vantage', ({ kind }: LedgerRecord) => kind !== 'vantage', /where the host stood is not kept/],
    ['the observations', ({ kind }: LedgerRecord) => kind !== 'observation', /its observation is not kept/],
  ])('without %s the rows stay as stored, and that is said', (_what, stays, said) => {
    const result = replayed(records.filter(stays))
    expect(result.wholly).toBe(0)
    expect(result.changes).toEqual([])
    expect(Object.keys(result.asStored).some((reason) => said.test(reason))).toBe(true)
  })

  it('a text that has not its hash counts as missing', () => {
    const some = copied()
    for (const record of some)
      if (record.kind === 'content')
        Object.assign(bodyOf(record), { text: String(record.body['text']).replaceAll('vpce-', 'vpce-0') })
    expect(replayed(some).wholly).toBe(0)
  })

  it('a reading at which the tables were too old is no evidence again', () => {
    const some = copied()
    for (const record of some) {
      if (record.kind !== 'snapshot' && record.kind !== 'reading') continue
      const { routeTables } = record.body['readings'] as Record<string, Body>
      Object.assign(routeTables!, { atMs: Number(routeTables!['atMs']) - 3_600_000 })
    }
    const { changes } = replayed(some)
    expect(changes.some(({ of, now }) => of === 'attempt' && now.startsWith('undetermined'))).toBe(true)
  })
})
