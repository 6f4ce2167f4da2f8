import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ledgerReplayCommand } from '../../agent/cli/ledger-replay.ts'
import { findLocalKey, localSigner } from '../../agent/ledger/key.ts'
import { realFiles } from '../../ledger/files.ts'
import { parseVkey } from '../../ledger/note.ts'
import { readLedger } from '../../ledger/read.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import type { Lab } from '../../lab/lab.ts'
import { say } from '../support/io.ts'
import {
  type RunningDaemon,
  config,
  defaultTargets,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'

let home = ''
let running: RunningDaemon[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pathproof-ledger-'))
})
afterEach(async () => {
  for (const one of running) await one.stop()
  running = []
  rmSync(home, { recursive: true, force: true })
})

const origin = 'example.com/pathproof/test'

function makeKey(): string {
  const file = join(home, 'key.pem')
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', file])
  return file
}

async function vkeyOf(file: string) {
  const found = await findLocalKey({}, file)
  if (!found.ok) throw new Error(found.because)
  const key = parseVkey(localSigner(found.key, origin).vkey)
  if (key === null) throw new Error('no verifier key')
  return key
}

async function begin(ledger: object, more: object = {}): Promise<RunningDaemon> {
  const started = await startLabDaemon({
    scenario: 'gateway-endpoint',
    document: (lab: Lab) => ({
      ...surroundings(lab),
      targets: defaultTargets(lab),
      ledger: { directory: join(home, 'ledger'), name: origin, ...ledger },
      ...more,
    }),
  })
  running.push(started)
  return started
}

async function records(): Promise<LedgerRecord[]> {
  const all: LedgerRecord[] = []
  for await (const line of readLedger(realFiles(), join(home, 'ledger'))) {
    if (!line.ok) throw new Error(line.problem)
    all.push(line.record)
  }
  return all
}

const looks = (all: readonly unknown[], count: number): boolean => all.length >= count

describe('the daemon with a ledger', () => {
  it('writes what it judges, repeats in short, and leaves a ledger that verifies', async () => {
    const file = makeKey()
    const { daemon, verdicts, get, metric } = await begin({ key_file: file })
    await verdicts.until('some looks', (all) => (looks(all, 8) ? true : null))
    const page = JSON.parse((await get('/api/v1/ledger')).text) as { origin: string; key: { source: string } }
    expect([page.origin, page.key.source]).toEqual([origin, 'file'])
    expect(await metric('pathproof_ledger_writable')).toBe(1)
    await daemon.stop(1)

    const seen = await verifyLedger(realFiles(), join(home, 'ledger'), {
      keys: [await vkeyOf(file)],
      anchors: [],
    })
    if (!seen.ok) throw new Error('newer')
    expect(seen.seen.problems).toEqual([])
    expect(outcomeOf(seen.seen)).toBe('ok')
    expect(seen.seen.closed).toBe(true)
    const again = await say((io) => ledgerReplayCommand([join(home, 'ledger')], io))
    expect(again.stdout).toContain('no verdict changes')
    expect(again.code, again.stdout).toBe(0)
    const all = await records()
    const kinds = new Set(all.map(({ kind }) => kind))
    for (const kind of [
      'segment',
      'lifecycle',
      'configuration',
      'target',
      'vantage',
      'snapshot',
      'signing',
      'heartbeat',
      'attempt_verdict',
      'observation',
      'target_verdict',
      'verdict_repeat',
      'close',
    ])
      expect(kinds, kind).toContain(kind)
    const of = (kind: string) => all.filter((one) => one.kind === kind).map(({ body }) => body)
    expect(of('lifecycle').map((body) => body['event'])).toEqual(['started', 'configured', 'stopped'])
    // One verdict in full for each target, and whatever it refers to stands in the ledger as well.
    const targets = new Set(of('target').map((body) => body['target']))
    expect(of('target_verdict').length).toBeLessThan(targets.size * 3)
    const ids = new Set(of('attempt_verdict').map((body) => body['id']))
    for (const verdict of of('target_verdict'))
      for (const name of verdict['names'] as { attempts: string[] }[])
        for (const id of name.attempts) expect(ids).toContain(id)
    const verdictIds = new Set(of('target_verdict').map((body) => body['id']))
    const repeats = of('verdict_repeat').flatMap((body) => body['looks'] as { of: string; made: unknown[] }[])
    expect(repeats.length).toBeGreaterThan(0)
    for (const repeat of repeats) {
      expect(verdictIds).toContain(repeat.of)
      expect(repeat.made.length).toBeGreaterThan(0)
    }
  })

  it('without a key it goes on unsigned, and says so', async () => {
    const { daemon, verdicts, get, log, metric } = await begin({ key_file: join(home, 'missing.pem') })
    await verdicts.until('a look', (all) => (looks(all, 2) ? true : null))
    const said = await log.until(
      'the key',
      (all) => all.find(({ event }) => event === 'ledger_not_signed') ?? null,
    )
    expect(said).toMatchObject({ level: 'error', because: `${join(home, 'missing.pem')}: ENOENT` })
    expect((await get('/')).text).toContain('checkpoints of the ledger are not signed')
    expect(await metric('pathproof_ledger_writable')).toBe(1)
    await daemon.stop(1)
    const seen = await verifyLedger(realFiles(), join(home, 'ledger'))
    if (!seen.ok) throw new Error('newer')
    expect(seen.seen.problems).toEqual([])
    expect(outcomeOf(seen.seen)).toBe('doubt')
    const signing = (await records()).find(({ kind }) => kind === 'signing')
    expect(signing?.body).toMatchObject({ signed: false, source: 'none' })
  })

  it('two on one directory: the second does not write, and judges all the same', async () => {
    const file = makeKey()
    const first = await begin({ key_file: file })
    await first.log.until('open', (all) => all.find(({ event }) => event === 'ledger_opened') ?? null)
    const second = await begin({ key_file: file })
    const locked = await second.log.until(
      'locked',
      (all) => all.find(({ event }) => event === 'ledger_suspended') ?? null,
    )
    expect(locked).toMatchObject({ code: 'locked' })
    await second.verdicts.until('verdicts', (all) => (looks(all, 4) ? true : null))
    expect(await second.metric('pathproof_ledger_writable')).toBe(0)
    expect(await second.metric('pathproof_requirement_met{target="artifacts"}')).toBe(1)
    expect((await second.get('/')).text).toContain('the ledger is not written')
    await second.daemon.stop(0)
    await first.daemon.stop(1)
    const seen = await verifyLedger(realFiles(), join(home, 'ledger'), { keys: [await vkeyOf(file)] })
    expect(seen.ok && outcomeOf(seen.seen)).toBe('ok')
  })

  it('a ledger that is switched on, changed and switched off by a reload', async () => {
    const file = makeKey()
    let lab: Lab | null = null
    const documents = (ledger: object | null) =>
      config({
        ...surroundings(lab as unknown as Lab),
        targets: defaultTargets(lab as unknown as Lab),
        ...(ledger !== null && {
          ledger: { directory: join(home, 'ledger'), name: origin, key_file: file, ...ledger },
        }),
      })
    const next: (object | null)[] = [{}, { checkpoint_every: '2m' }, null]
    const started = await startLabDaemon({
      scenario: 'gateway-endpoint',
      document(made) {
        lab = made
        return { ...surroundings(made), targets: defaultTargets(made) }
      },
      loadAgain: () => Promise.resolve({ ok: true, config: documents(next.shift() ?? null) }),
    })
    running.push(started)
    const { daemon, verdicts, log, metric, get } = started
    await verdicts.until('a look', (all) => (looks(all, 2) ? true : null))
    expect(await metric('pathproof_ledger_records')).toBeNull()
    expect((await get('/api/v1/ledger')).status).toBe(404)
    await daemon.reload()
    await log.until('open', (all) => all.find(({ event }) => event === 'ledger_opened') ?? null)
    await daemon.reload()
    await log.until('open again', (all) => all.filter(({ event }) => event === 'ledger_opened')[1] ?? null)
    expect(await metric('pathproof_ledger_records')).toBeGreaterThan(5)
    await daemon.reload()
    await daemon.stop(1)
    expect(await metric('pathproof_ledger_records').catch(() => null)).toBeNull()
    const all = await records()
    expect(all.filter(({ kind }) => kind === 'close').map(({ body }) => body['reason'])).toEqual([
      'configuration',
      'configuration',
    ])
    for (const kind of ['vantage', 'snapshot', 'target', 'configuration'])
      expect(
        all.some((one) => one.kind === kind),
        kind,
      ).toBe(true)
    const seen = await verifyLedger(realFiles(), join(home, 'ledger'), { keys: [await vkeyOf(file)] })
    expect(seen.ok && outcomeOf(seen.seen)).toBe('ok')
  })
})
