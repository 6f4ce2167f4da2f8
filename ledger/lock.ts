import { canonical, readCanonical } from './canonical.ts'
import { codeOf, type LedgerFiles, readWhole } from './files.ts'

/** Who runs here, and how to ask whether another still does. */
export interface LockHost {
  hostname: string
  bootId: string
  /** Of process ids: a number means nothing in another namespace (`/proc/self/ns/pid`). */
  namespace: string
  pid: number
  /**
   * When a process began, as any text that two processes of one number can't share; null: there is no such process,
   * `unknown`: that can't be told.
   */
  startOf(pid: number): Promise<string | null>
  /** A word that nobody else draws. */
  token(): string
  /**
   * Listens on a new Unix socket at this path until it is closed or the process ends, however it ends. Null: that can't be had
   * there. Left out: no sockets.
   */
  listen?(path: string): Promise<{ close(): Promise<void> } | null>
  /** Whether anybody listens on that socket. `unknown`: it is not there, or that can't be told. */
  listens?(path: string): Promise<'yes' | 'no' | 'unknown'>
}

export interface Lock {
  /** False once somebody took it over. */
  held(): Promise<boolean>
  /** Gives it back, as far as it is still held. Never rejects. */
  release(): Promise<void>
}

/** How a lock looked at the last try that met it: one whose owner can't be asked is given up only if nothing moves. */
export interface Sighting {
  text: string
  growth: string
  sinceMs: number
}

export type LockResult = { ok: true; lock: Lock } | { ok: false; text: string; sighting: Sighting | null }

/** An owner in another namespace that wrote nothing for so long is gone; a daemon writes a heartbeat every minute. */
const silentMs = 150_000
const maxBytes = 4096

interface Owner {
  hostname: string
  boot_id: string
  namespace: string
  pid: number
  started: string
  token: string
  /** Name of the socket on which the owner listens while it lives, beside the lock; null or left out: it has none. */
  socket?: string | null
}

function ownerOf(text: string): Owner | null {
  const read = readCanonical(text)
  const value = read.ok ? (read.value as Partial<Owner> | null) : null
  const whole =
    typeof value?.pid === 'number' &&
    [value.hostname, value.boot_id, value.namespace, value.started, value.token].every(
      (word) => typeof word === 'string',
    )
  return whole ? (value as Owner) : null
}

const busy = { ok: false, text: 'another process takes the lock at this moment', sighting: null } as const

/**
 * Whether a process of this boot and namespace has ended. Its number may be another process's by now; of one that can't be
 * looked at (`ProtectProc=invisible`) the socket tells: the kernel closes it with the process.
 */
async function isGone(
  owner: Owner,
  host: LockHost,
  listens: 'yes' | 'no' | 'unknown',
  silent: boolean,
): Promise<boolean> {
  if (listens === 'yes') return false
  const started = await host.startOf(owner.pid)
  if (started === null) return true
  if (started !== 'unknown' && owner.started !== 'unknown') return started !== owner.started
  return listens === 'no' || silent
}

/** The socket of an owner, if the name that its lock tells is one that a lock can have: it must not lead elsewhere. */
function socketOf(path: string, { socket }: Owner): string | null {
  return typeof socket === 'string' && /^lock\.[\w-]{1,64}\.sock$/.test(socket)
    ? `${path.slice(0, path.lastIndexOf('/') + 1)}${socket}`
    : null
}

/**
 * Takes the lock of a ledger: a file that names a process, its start, its boot, and a socket on which it listens. A lock of a
 * process that is gone is taken over. Whether one of another host or namespace lives can't be asked, unless it answers: it is
 * taken over after 150 s in which neither it nor `growth` (any text that changes as its owner writes) moved; `sighting`
 * carries that from try to try. Rejects only if the files do.
 */
export async function takeLock(
  files: LedgerFiles,
  path: string,
  host: LockHost,
  now: { monotonicMs: number; growth: string; sighting: Sighting | null },
): Promise<LockResult> {
  const token = host.token()
  const started = (await host.startOf(host.pid)) ?? 'unknown'
  const { hostname, bootId, namespace, pid } = host
  const found = await readText(files, path)
  if (found !== null) {
    const owner = ownerOf(found)
    const near = owner !== null && owner.hostname === hostname
    const same = near && owner.boot_id === bootId && owner.namespace === namespace
    const sighting =
      now.sighting?.text === found && now.sighting.growth === now.growth
        ? now.sighting
        : { text: found, growth: now.growth, sinceMs: now.monotonicMs }
    const silent = now.monotonicMs - sighting.sinceMs >= silentMs
    // Sockets are a kernel's own: those of another boot say nothing.
    const socket = owner?.boot_id === bootId ? socketOf(path, owner) : null
    const listens = socket === null ? 'unknown' : ((await host.listens?.(socket)) ?? 'unknown')
    const gone = same
      ? await isGone(owner, host, listens, silent)
      : listens !== 'yes' && ((near && owner.boot_id !== bootId) || silent)
    if (!gone)
      return {
        ok: false,
        text:
          owner === null ? 'there is a lock whose owner is not named' : `process ${owner.pid} writes here`,
        sighting,
      }
    // Renamed first: of two that find the same dead lock only one can move it away.
    const aside = `${path}.${token}.stale`
    try {
      await files.rename(path, aside)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return busy
      throw error
    }
    const moved = await readText(files, aside)
    await files.remove(aside)
    if (moved !== found) {
      // Another one was faster and had its own lock there already: it gets that back.
      if (moved !== null) await writeNew(files, path, moved).catch(() => undefined)
      return busy
    }
    if (socket !== null) await files.remove(socket).catch(() => undefined)
  }
  const name = `lock.${token}.sock`
  const heard = (await host.listen?.(`${path.slice(0, path.lastIndexOf('/') + 1)}${name}`)) ?? null
  const hushed = async (): Promise<void> => void (await heard?.close().catch(() => undefined))
  const socket = heard === null ? null : name
  const written = canonical({ hostname, boot_id: bootId, namespace, pid, started, token, socket })
  if (!written.ok) throw new Error(`the lock can't be written: ${written.problem}`)
  try {
    await writeNew(files, path, written.text)
  } catch (error) {
    await hushed()
    if (codeOf(error) === 'EEXIST') return busy
    throw error
  }
  await removeOld(files, path, name, host)
  const held = async (): Promise<boolean> => (await readText(files, path)) === written.text
  return {
    ok: true,
    lock: {
      held,
      async release() {
        try {
          if (await held()) await files.remove(path)
        } catch {
          // A lock that stays behind names a process that is gone: the next one takes it over.
        }
        await hushed()
      },
    },
  }
}

async function writeNew(files: LedgerFiles, path: string, text: string): Promise<void> {
  const file = await files.create(path)
  try {
    await file.append(Buffer.from(text))
  } catch (error) {
    // On a full disk: a lock that names nobody would keep everybody out.
    await files.remove(path).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}

/** Sockets that processes left that were killed before they had the lock. */
async function removeOld(files: LedgerFiles, path: string, own: string, host: LockHost): Promise<void> {
  if (host.listens === undefined) return
  const folder = path.slice(0, path.lastIndexOf('/'))
  try {
    for (const name of await files.list(folder)) {
      if (name === own || !/^lock\.[\w-]{1,64}\.sock$/.test(name)) continue
      const socket = `${folder}/${name}`
      if ((await host.listens(socket)) === 'no') await files.remove(socket)
    }
  } catch {
    // They are of no consequence.
  }
}

async function readText(files: LedgerFiles, path: string): Promise<string | null> {
  try {
    return (await readWhole(files, path, maxBytes))?.toString('utf8') ?? null
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
