import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { needs, titled } from '../support/needs.ts'
import { verified } from './kit.ts'
import { type Killed, killedWriter, wrongAfter } from './kill.ts'

const run = promisify(execFile)
const noNamespaces = await needs('namespaces')
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-ledger-real-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a real process', () => {
  it('that is killed again and again loses nothing that it acknowledged', async () => {
    const directory = join(folder, 'killed')
    const state: Killed = { acknowledged: new Map(), next: 0 }
    for (const acknowledgements of [40, 1, 200, 7]) {
      await killedWriter(directory, state, acknowledgements, 0)
      expect(await wrongAfter(directory, state)).toEqual([])
    }
    expect(state.acknowledged.size).toBeGreaterThanOrEqual(248)
    const { recoveries } = await verified(realFiles(), undefined, directory)
    expect(recoveries.length).toBe(3)
  })
})

describe(titled('a disk that is really full', noNamespaces), () => {
  it.skipIf(noNamespaces !== null)(
    'stops the ledger, and leaves a gap record when it has room again',
    async () => {
      const child = `set -e; d=${folder}/full; mkdir "$d"; mount -t tmpfs -o size=1m tmpfs "$d"
      head -c 600000 /dev/zero > "$d/filler"; exec "$0" "$1" full "$d/ledger" "$d/filler"`
      const script = resolve(import.meta.dirname, 'real-life.ts')
      const { stdout } = await run('unshare', ['-Urm', 'sh', '-c', child, process.execPath, script])
      const result = JSON.parse(stdout) as Record<string, never>
      const { reason, kept, lost, given, there, problems, gaps, who } = result as Record<string, unknown>
      expect({ reason, problems, who }).toEqual({ reason: 'ENOSPC', problems: [], who: 'verified' })
      expect(lost).toBeGreaterThan(0)
      expect(kept).toBeGreaterThan(0)
      expect(Number(lost) + Number(there)).toBe(given)
      expect(gaps).toMatchObject([{ reason: expect.stringContaining('ENOSPC') }])
    },
  )
})
