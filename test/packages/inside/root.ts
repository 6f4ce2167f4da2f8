/** A Debian root that this process entered a namespace for: commands and the installed daemon in it, by chroot. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Root {
  folder: string
  /** Runs a command in it. @throws with what it said, if it fails */
  run(...argv: string[]): string
  /** The same, whatever its end. */
  attempt(...argv: string[]): { status: number | null; text: string }
  read(path: string): string
}

const environment = {
  // as systemd gives it to services
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
}

/** Mounts what a root needs of the kernel; the mounts end with this process's namespace. */
export function enterRoot(folder: string): Root {
  for (const device of ['null', 'urandom', 'random', 'zero'])
    execFileSync('mount', ['--bind', `/dev/${device}`, join(folder, 'dev', device)])
  execFileSync('mount', ['--rbind', '/proc', join(folder, 'proc')])
  const attempt: Root['attempt'] = (...argv) => {
    const { status, stdout, stderr } = spawnSync('chroot', [folder, ...argv], {
      encoding: 'utf8',
      env: environment,
    })
    return { status, text: stdout + stderr }
  }
  return {
    folder,
    attempt,
    run(...argv) {
      const { status, text } = attempt(...argv)
      if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}\n${text}`)
      return text
    },
    read: (path) => readFileSync(join(folder, path), 'utf8'),
  }
}

export interface Service {
  /** Messages to the service manager, first lines. */
  told(): string[]
  /** Resolves when one of them from `since` on is accepted. */
  until(what: string, found: (text: string) => boolean, since?: number): Promise<string>
  signal(signal: NodeJS.Signals): void
  ended: Promise<number | null>
  log(): string
}

const manager = join(import.meta.dirname, '..', '..', 'systemd', 'manager.py')

/**
 * Starts the service as its installed unit says: its command line, its environment files, its state directory, the descriptor for
 * messages. Only the sandbox is not systemd's.
 */
export async function startService(root: Root, socket: string): Promise<Service> {
  const unit = root.read('lib/systemd/system/pathproof.service')
  const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? ''
  const listener = spawn('python3', [manager, 'listen', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  listener.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  const messages = (): string[] =>
    text
      .split('\n')
      .slice(1, -1)
      .map((line) => (JSON.parse(line) as { text: string }).text)
  await poll('the socket of the service manager', () => text.includes('listening') || null)
  const shell = `set -a; . /etc/default/pathproof; exec ${command}`
  const daemon: ChildProcess = spawn(
    'python3',
    [manager, 'run', 'descriptor', socket, '--', 'chroot', root.folder, '/bin/sh', '-c', shell],
    {
      env: { ...environment, STATE_DIRECTORY: '/var/lib/pathproof', WATCHDOG_USEC: '60000000' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let log = ''
  daemon.stderr?.setEncoding('utf8').on('data', (piece: string) => (log += piece))
  const ended = new Promise<number | null>((resolve) =>
    daemon.on('close', (code) => {
      listener.kill('SIGTERM')
      resolve(code)
    }),
  )
  return {
    told: messages,
    log: () => log,
    async until(what, found, since = 0) {
      try {
        return await poll(what, () => messages().slice(since).find(found))
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${messages().join('\n')}\n${log.slice(-4000)}`)
      }
    },
    signal: (signal) => void daemon.kill(signal),
    ended,
  }
}

/** Asks until there is an answer. @throws after `seconds` */
export async function poll<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  seconds = 90,
): Promise<T> {
  const untilMs = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > untilMs) throw new Error(`waited ${seconds} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
