import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, signer } from '../ledger/kit.ts'
import { quarter } from '../support/ledger-quarter.ts'
import { documents, endAll, root, start } from '../support/processes.ts'

let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-same-bytes-'))
  const clock = createHandClock()
  const { store } = kit(realFiles(), { directory }, clock)
  const startMs = clock.wallMs()
  for (const { kind, body, wallMs } of quarter({ startMs, days: 40, targets: 5, everySeconds: 7200 })) {
    if (wallMs > clock.wallMs()) await clock.advance(wallMs - clock.wallMs())
    if (!['segment', 'recovery', 'gap', 'close'].includes(kind)) await store.append(kind, body)
  }
  await store.close('done')
})
afterAll(() => rm(directory, { recursive: true, force: true }))
afterEach(endAll)

const places = [
  { TZ: 'UTC', LANG: 'C', LC_ALL: 'C' },
  { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'America/St_Johns', LANG: 'ar_EG.UTF-8', LC_ALL: 'ar_EG.UTF-8' },
]

it('the same ledger, keys and period give the same bytes in every format, wherever that is', async () => {
  const program = join(root, 'test/support/inside/all-formats.ts')
  const argv = [program, directory, signer.vkey, '2026-11-21']
  const made = places.map(async (env) => {
    const running = start(process.execPath, argv, { env })
    expect(await running.ended, running.stderr()).toBe(0)
    return documents(running.stdout())
  })
  const [first, ...others] = await Promise.all(made)
  expect(first?.map(({ format }) => format)).toEqual(['html', 'json', 'csv', 'oscal', 'ocsf'])
  for (const one of first ?? []) {
    expect(one).toMatchObject({ code: 3, stderr: '' })
    expect(one['bytes']).toBeGreaterThan(10_000)
  }
  for (const other of others) expect(other).toEqual(first)
})
