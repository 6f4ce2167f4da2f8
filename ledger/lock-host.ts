import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, readlink } from 'node:fs/promises'
import { type Server, connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { codeOf } from './files.ts'
import type { LockHost } from './lock.ts'

/** `sun_path` has 108 bytes with its end (unix(7)). */
const longestSocketPath = 107

/** This process, as a lock names it; other processes are asked for in /proc, or by signal 0 where there is none. */
export async function realLockHost(bootId: string): Promise<LockHost> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => 'none')
  return {
    hostname: hostname(),
    bootId,
    namespace,
    pid: process.pid,
    async startOf(pid) {
      try {
        const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
        // The name of the program may hold anything; the fields behind its last bracket can't (proc_pid_stat(5)).
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown'
      } catch {
        return signalled(pid) ? 'unknown' : null
      }
    },
    token: randomUUID,
    async listen(path) {
      try {
        return await shortened(path, async (short, handle) => {
          const server = await listening(short)
          return {
            async close() {
              await new Promise<void>((resolve) => server.close(() => resolve()))
              await handle?.close()
            },
          }
        })
      } catch {
        return null
      }
    },
    async listens(path) {
      try {
        return await shortened(path, async (short, handle) => {
          const code = await connected(short)
          await handle?.close()
          if (code === null) return 'yes'
          return code === 'ECONNREFUSED' ? 'no' : 'unknown'
        })
      } catch {
        return 'unknown'
      }
    },
  }
}

function signalled(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

/** The directory may lie deeper than the path of a socket can be long: then by a descriptor of it (Linux). */
async function shortened<T>(
  path: string,
  use: (short: string, handle: FileHandle | null) => Promise<T>,
): Promise<T> {
  if (Buffer.byteLength(path) <= longestSocketPath) return await use(path, null)
  const handle = await open(dirname(path))
  try {
    return await use(`/proc/self/fd/${handle.fd}/${basename(path)}`, handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** It must not keep the process alive, and serves nobody. */
function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.on('error', reject)
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** Null: somebody listens; else the code of the failure. The kernel connects also while a process is stopped or busy. */
function connected(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.on('error', (error) => {
      const code = codeOf(error)
      // A full queue of connections has an owner.
      resolve(code === 'EAGAIN' ? null : code)
    })
  })
}
