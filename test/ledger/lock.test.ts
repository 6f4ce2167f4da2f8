import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { type LockHost, type LockResult, takeLock } from '../../ledger/lock.ts'

const script = resolve(import.meta.dirname, 'lock-life.ts')
let folder = ''
let children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-lock-'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await rm(folder, { recursive: true, force: true })
})

/** Starts another process and waits for its word. */
async function other(
  directory = folder,
): Promise<{ said: string; kill(): Promise<void>; child: ChildProcess }> {
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const ended = new Promise<void>((done) => child.on('close', () => done()))
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  return {
    said: String(value),
    child,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const files = realFiles()
const at = (monotonicMs = 0, sighting: Extract<LockResult, { ok: false }>['sighting'] = null) => ({
  monotonicMs,
  growth: '',
  sighting,
})
/** As under `ProtectProc=invisible`: of other processes nothing can be told but by the socket. */
const blind = (host: LockHost): LockHost => ({
  ...host,
  startOf: async (pid) => (pid === host.pid ? await host.startOf(pid) : 'unknown'),
})
const sockets = async (directory = folder): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.sock'))

describe('the lock among real processes', () => {
  it('is held while its owner lives, and taken over as soon as that is killed', async () => {
    const owner = await other()
    expect(owner.said).toBe('taken')
    const host = await realLockHost('boot-1')
    const before = await takeLock(files, `${folder}/lock`, host, at())
    expect(before).toMatchObject({ ok: false, text: `process ${owner.child.pid} writes here` })
    expect((await other()).said).toBe(`process ${owner.child.pid} writes here`)
    await owner.kill()
    const after = await takeLock(files, `${folder}/lock`, host, at())
    expect(after.ok).toBe(true)
    expect(await sockets()).toHaveLength(1)
    if (after.ok) await after.lock.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('of an owner that can not be looked at, the socket tells whether it lives, at once and for as long as it does', async () => {
    const owner = await other()
    const host = blind(await realLockHost('boot-1'))
    const first = await takeLock(files, `${folder}/lock`, host, at())
    expect(first.ok).toBe(false)
    // Stopped and silent for an hour, it still holds it.
    owner.child.kill('SIGSTOP')
    const sighting = first.ok ? null : first.sighting
    expect((await takeLock(files, `${folder}/lock`, host, at(3_600_000, sighting))).ok).toBe(false)
    await owner.kill()
    expect((await takeLock(files, `${folder}/lock`, host, at())).ok).toBe(true)
  })

  it('a number that another process has by now keeps nobody out', async () => {
    // A process that lives, began at another time, and can be looked at or not.
    for (const look of [(host: LockHost) => host, blind]) {
      await (await other()).kill()
      const text = JSON.parse(await readFile(`${folder}/lock`, 'utf8')) as Record<string, unknown>
      await writeFile(`${folder}/lock`, JSON.stringify({ ...text, pid: process.ppid }))
      const taken = await takeLock(files, `${folder}/lock`, look(await realLockHost('boot-1')), at())
      expect(taken.ok).toBe(true)
      if (taken.ok) await taken.lock.release()
    }
  })

  it('without a socket (an older program) an owner that can not be looked at keeps it until it was silent for long', async () => {
    const owner = await other()
    await owner.kill()
    const { socket: _socket, ...text } = JSON.parse(await readFile(`${folder}/lock`, 'utf8')) as Record<
      string,
      unknown
    >
    await writeFile(`${folder}/lock`, JSON.stringify(text))
    const host = blind(await realLockHost('boot-1'))
    const first = await takeLock(files, `${folder}/lock`, host, at())
    const sighting = first.ok ? null : first.sighting
    expect([first.ok, (await takeLock(files, `${folder}/lock`, host, at(100_000, sighting))).ok]).toEqual([
      false,
      false,
    ])
    expect((await takeLock(files, `${folder}/lock`, host, at(200_000, sighting))).ok).toBe(true)
  })

  it('one of another pid namespace that answers is never taken over', async () => {
    const owner = await other()
    const host = { ...(await realLockHost('boot-1')), namespace: 'pid:[1]' }
    const first = await takeLock(files, `${folder}/lock`, host, at())
    const sighting = first.ok ? null : first.sighting
    expect((await takeLock(files, `${folder}/lock`, host, at(3_600_000, sighting))).ok).toBe(false)
    await owner.kill()
    const later = await takeLock(files, `${folder}/lock`, host, at(3_600_000, sighting))
    expect(later.ok).toBe(true)
    if (later.ok) await later.lock.release()
  })

  it('works in a directory whose path is too long for a socket', async () => {
    const deep = join(folder, 'x'.repeat(120), 'y'.repeat(60))
    await mkdir(deep, { recursive: true })
    const owner = await other(deep)
    expect(await sockets(deep)).toHaveLength(1)
    const host = blind(await realLockHost('boot-1'))
    expect((await takeLock(files, `${deep}/lock`, host, at())).ok).toBe(false)
    await owner.kill()
    const after = await takeLock(files, `${deep}/lock`, host, at())
    expect(after.ok).toBe(true)
    if (after.ok) await after.lock.release()
  })

  it('a lock that names a socket elsewhere leads nowhere', async () => {
    const host = await realLockHost('boot-1')
    const { hostname, bootId, namespace } = host
    const asked: string[] = []
    const lock = {
      boot_id: bootId,
      hostname,
      namespace,
      pid: 2 ** 30,
      socket: '../../etc/x.sock',
      started: '1',
      token: 't',
    }
    await writeFile(`${folder}/lock`, JSON.stringify(lock))
    const listens = async (path: string) => {
      asked.push(path)
      return 'yes' as const
    }
    expect((await takeLock(files, `${folder}/lock`, { ...host, listens }, at())).ok).toBe(true)
    expect(asked.filter((path) => path.includes('..'))).toEqual([])
  })

  it('of many that come at once one has it', async () => {
    const dead = await other()
    await dead.kill()
    const all = await Promise.all(Array.from({ length: 6 }, () => other()))
    const holding = all.filter(({ said }) => said === 'taken')
    expect(holding.length).toBeLessThanOrEqual(1)
    for (const one of all) await one.kill()
    const host = await realLockHost('boot-1')
    const taken = await takeLock(files, `${folder}/lock`, host, at())
    expect(taken.ok).toBe(true)
    expect(await sockets()).toHaveLength(1)
  })
})
