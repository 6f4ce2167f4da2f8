import { spawn } from 'node:child_process'
import { fstatSync, writeSync } from 'node:fs'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How messages reach the service manager: by a descriptor that it opened (`OpenFile=` of the unit, systemd 253 and newer), by
 * the program `systemd-notify` (older ones), or not at all, for nobody listens.
 */
export type NotifyWay = 'descriptor' | 'program' | 'none'

/** What the service manager is told; sd_notify(3). Nothing here throws, and a message that is lost is only counted. */
export interface Notifier {
  way(): NotifyWay
  /** The agent serves. `status` is one line for `systemctl status`. */
  ready(status: string): void
  /** It reads its configuration anew; `ready` ends that, whatever came of it. */
  reloading(): void
  stopping(): void
  /** It makes progress. */
  alive(status: string): void
  /** Messages that could not be delivered. */
  lost(): number
  /** Resolves when all messages are delivered or lost. */
  settled(): Promise<void>
}

export interface NotifyDeps {
  environment: Environment
  pid: number
  /** CLOCK_MONOTONIC in microseconds, as the service manager counts them. */
  monotonicUsec(): bigint
  /** Left out: this machine. */
  io?: NotifyIo
}

export interface NotifyIo {
  isSocket(descriptor: number): boolean
  /** @throws if it can't be written */
  write(descriptor: number, message: string): void
  /** Sends by `systemd-notify`; rejects if it can't be started or fails. */
  send(message: readonly string[], environment: Environment): Promise<void>
}

const descriptorName = 'notify'
/** sd_listen_fds(3): the first descriptor that is passed. */
const firstDescriptor = 3
const mostDescriptors = 64
const helperMs = 5000

/** The number of the descriptor that the service manager passed under the name `notify`, null if it passed none. */
export function passedDescriptor(environment: Environment, pid: number): number | null {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment
  // they are meant for one process, and its children inherit them
  if (LISTEN_PID !== String(pid) || !/^\d{1,4}$/.test(LISTEN_FDS ?? '')) return null
  const passed = Math.min(Number(LISTEN_FDS), mostDescriptors)
  const at = (LISTEN_FDNAMES ?? '').split(':').slice(0, passed).indexOf(descriptorName)
  return at < 0 ? null : firstDescriptor + at
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, 200)
}

export function createNotifier(deps: NotifyDeps): Notifier {
  const { environment, pid } = deps
  const io = deps.io ?? systemIo
  let descriptor = passedDescriptor(environment, pid)
  if (descriptor !== null && !io.isSocket(descriptor)) descriptor = null
  const socket = environment['NOTIFY_SOCKET'] ?? ''
  // '/': a path, '@': an abstract name; anything else is none of systemd's
  const program = /^[/@]./.test(socket)
  let lost = 0
  let sent: Promise<void> = Promise.resolve()

  const way = (): NotifyWay => (descriptor !== null ? 'descriptor' : program ? 'program' : 'none')

  const send = (lines: readonly string[]): void => {
    if (descriptor !== null) {
      try {
        io.write(descriptor, lines.join('\n'))
        return
      } catch {
        // the socket behind it is gone, for example when the service manager executed itself anew
        descriptor = null
      }
    }
    if (!program) {
      if (deps.environment['LISTEN_FDNAMES'] !== undefined) lost++
      return
    }
    // one after the other: READY must not overtake RELOADING
    sent = sent
      .then(() => io.send(lines, { NOTIFY_SOCKET: socket, PATH: environment['PATH'] }))
      .catch(() => void lost++)
  }

  return {
    way,
    ready: (status) => send(['READY=1', `STATUS=${oneLine(status)}`]),
    reloading: () => send(['RELOADING=1', `MONOTONIC_USEC=${deps.monotonicUsec()}`]),
    stopping: () => send(['STOPPING=1']),
    alive: (status) => send(['WATCHDOG=1', `STATUS=${oneLine(status)}`]),
    lost: () => lost,
    settled: () => sent,
  }
}

const systemIo: NotifyIo = {
  isSocket(descriptor) {
    try {
      return fstatSync(descriptor).isSocket()
    } catch {
      return false
    }
  },
  write: (descriptor, message) => void writeSync(descriptor, message),
  send: (message, environment) =>
    new Promise((resolve, reject) => {
      const child = spawn('systemd-notify', [...message], {
        env: { ...environment },
        stdio: 'ignore',
        timeout: helperMs,
        killSignal: 'SIGKILL',
      })
      child.on('error', reject)
      child.on('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`systemd-notify ended with ${code}`)),
      )
    }),
}
