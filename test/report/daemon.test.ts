import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { reportCommand } from '../../agent/cli/report.ts'
import { findLocalKey, localSigner } from '../../agent/ledger/key.ts'
import type { Report } from '../../ledger/report/model.ts'
import { say } from '../support/io.ts'
import { defaultTargets, startLabDaemon, surroundings } from '../support/lab-daemon.ts'

const origin = 'example.com/pathproof/test'
let home = ''

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pathproof-report-daemon-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

/** What the targets of the scenario are. */
const truth: Readonly<Record<string, string>> = { artifacts: 'private', sts: 'public' }

it('the ledger of a daemon is reported as what it saw', async () => {
  const scenario = 'gateway-endpoint'
  const directory = join(home, scenario)
  const keyFile = join(home, `${scenario}.pem`)
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  const found = await findLocalKey({}, keyFile)
  if (!found.ok) throw new Error(found.because)
  const { vkey } = localSigner(found.key, origin)
  const running = await startLabDaemon({
    scenario,
    document: (lab) => ({
      ...surroundings(lab),
      targets: defaultTargets(lab),
      ledger: { directory, name: origin, key_file: keyFile },
    }),
  })
  const targets = Object.keys(truth)
  try {
    await running.verdicts.until('some looks', (all) =>
      targets.every((one) => all.filter(({ target }) => target === one).length >= 4) ? true : null,
    )
    await running.daemon.stop(1)
  } finally {
    await running.stop()
  }
  const said = await say((io) => reportCommand(['--key', vkey, '--format', 'json', directory], io))
  const report = JSON.parse(said.stdout) as Report
  expect(report.assurance).toMatchObject({ outcome: 'verified', signers: [vkey] })
  expect(report.records?.unreadable).toBe(0)
  expect(report.targets.map(({ target }) => target)).toEqual(targets)
  for (const target of report.targets) {
    const state = truth[target.target] ?? ''
    expect(target.timeline.map(({ mark }) => mark)).toContain(state)
    expect(target.looks.made).toBeGreaterThanOrEqual(2)
    expect(target.schedule).toBe('every 5 s')
    expect(target.share.privateSeconds > 0).toBe(state === 'private')
    expect(target.episodes.length > 0).toBe(state === 'public')
    for (const episode of target.episodes) {
      expect(episode.evidence.length).toBeGreaterThan(0)
      expect(episode.cause.length).toBeGreaterThan(0)
      expect(episode.fix.length).toBeGreaterThan(0)
    }
  }
  expect(report.targets.map(({ conclusion }) => conclusion)).toEqual(['not_fully_shown', 'public'])
  expect(said.code).toBe(3)
  const page = await say((io) => reportCommand(['--key', vkey, directory], io))
  expect(page.stdout).toContain('public path seen')
})
