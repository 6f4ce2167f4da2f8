import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createBallast } from '../../ledger/ballast.ts'
import { needs, titled } from '../support/needs.ts'
import { createMemoryDisk } from './memory-disk.ts'

const run = promisify(execFile)
const noNamespaces = await needs('namespaces')
const script = resolve(import.meta.dirname, 'disk-life.ts')

async function lived(scenario: string): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'pathproof-disk-'))
  try {
    const { stdout } = await run('unshare', ['-Urm', process.execPath, script, scenario, folder])
    return JSON.parse(stdout) as Record<string, unknown>
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const intact = { problems: [], who: 'verified', closed: true, missing: 0, tried: 'suspended' }

describe(titled('a small disk of its own', noNamespaces), () => {
  it.skipIf(noNamespaces !== null)(
    'that is full: the ballast goes, that is declared, and it is made again',
    async () => {
      const { gaps, lost, ...seen } = await lived('full')
      expect(seen).toEqual({
        ...intact,
        code: 'ENOSPC',
        ballast: [true, false, true],
        suspensions: ['ENOSPC'],
      })
      expect(lost).toBeGreaterThan(0)
      expect(gaps).toEqual([['ENOSPC+queue_full', lost]])
    },
  )

  it.skipIf(noNamespaces !== null)('without inodes: likewise, at the next segment', async () => {
    const { gaps, lost, ...seen } = await lived('inodes')
    expect(seen).toEqual({ ...intact, code: 'ENOSPC', ballast: [true, false, true], suspensions: ['ENOSPC'] })
    expect(gaps).toEqual([['ENOSPC+queue_full', lost]])
  })

  it.skipIf(noNamespaces !== null)('that becomes read-only under it and comes back', async () => {
    const { gaps, lost, code, ...seen } = await lived('covered')
    expect(seen).toEqual({ ...intact, ballast: [true, false, true], suspensions: [] })
    expect(['EROFS', 'damaged']).toContain(code)
    expect((gaps as [string, number][]).map(([, count]) => count)).toEqual([lost])
  })

  it.skipIf(noNamespaces !== null)('that is read-only at the start and is not later', async () => {
    const { gaps, lost, ...seen } = await lived('read-only')
    expect(seen).toEqual({ ...intact, code: 'EROFS', ballast: [false, false, true], suspensions: [] })
    expect((gaps as [string, number][]).map(([, count]) => count)).toEqual([lost])
  })
})

describe('the ballast', () => {
  it('is made whole or not at all, and not where it would take the room that is left', async () => {
    const disk = createMemoryDisk()
    const roomy = createBallast(disk.files, '/ledger', 300_000)
    await disk.files.makeDirectory('/ledger')
    expect(await roomy.ensure()).toBe(true)
    expect(disk.content('/ledger/ballast')?.length).toBe(300_000)
    expect([await roomy.ensure(), await roomy.free(), await roomy.free()]).toEqual([true, true, false])
    const free = async () => 599_999
    const small = createBallast({ ...disk.files, free }, '/ledger', 300_000)
    expect([await small.ensure(), await small.free()]).toEqual([false, false])
    const none = createBallast(disk.files, '/ledger', 0)
    expect([await none.ensure(), await none.free()]).toEqual([false, false])
    const create = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    expect(await createBallast({ ...disk.files, create }, '/ledger', 10).ensure()).toBe(false)
  })

  it('of another size is made anew, and a part of one does not stay', async () => {
    const disk = createMemoryDisk()
    await disk.files.makeDirectory('/ledger')
    disk.put('/ledger/ballast', Buffer.alloc(1000))
    const one = createBallast(disk.files, '/ledger', 300_000)
    expect(await one.ensure()).toBe(true)
    expect(disk.content('/ledger/ballast')?.length).toBe(300_000)
    await one.free()
    disk.fail((step) => (step === 'append' ? 'ENOSPC' : null))
    expect(await one.ensure()).toBe(false)
    expect(disk.content('/ledger/ballast')).toBeNull()
  })
})
