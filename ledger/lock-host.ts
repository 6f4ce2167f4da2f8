import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf } from './files.ts'
import type { LockHost } from './lock.ts'

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
  }
}

function signalled(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}
