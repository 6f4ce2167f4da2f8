import { execFile } from 'node:child_process'
import { nothing } from './deadline.ts'
import { limit } from './limit.ts'

/** What a command of the host said: `code` is its exit code, null if it was killed (for its time or its output). */
export type CommandResult =
  | { ran: true; code: number | null; stdout: string; stderr: string }
  /** Not installed, or not to be started. */
  | { ran: false; code: string }

/** Runs a command without a shell; `input` goes to its standard input. Never rejects. */
export type RunCommand = (file: string, args: readonly string[], input?: string) => Promise<CommandResult>

export interface RunOptions {
  timeoutSeconds: number
  maxOutputBytes: number
  /** Processes under way at once; the others wait, and their time does not run yet. */
  atOnce: number
}

/** Where the system's tools are, whatever PATH the service manager gives. */
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Nothing of the agent's environment but PATH; messages in English. */
export function commandEnvironment(): { PATH: string; LC_ALL: string } {
  const own = process.env['PATH']
  return { PATH: own ? `${systemPath}:${own}` : systemPath, LC_ALL: 'C' }
}

/** Runs the host's own commands: English messages (LC_ALL=C), nothing of the agent's environment but PATH, bounded in time and output. */
export function systemCommand(options: RunOptions): RunCommand {
  const slots = limit(options.atOnce)
  return (file, args, input = '') => slots.run(() => start(file, args, input, options))
}

function start(
  file: string,
  args: readonly string[],
  input: string,
  options: RunOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const spawnOptions = {
      env: commandEnvironment(),
      timeout: options.timeoutSeconds * 1000,
      maxBuffer: options.maxOutputBytes,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    } as const
    try {
      const child = execFile(file, [...args], spawnOptions, (error, stdout, stderr) => {
        const code: unknown = error ? error.code : 0
        const cut = code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
        if (typeof code === 'string' && !cut) resolve({ ran: false, code })
        else resolve({ ran: true, code: typeof code === 'number' ? code : null, stdout, stderr })
      })
      // a command that was not started, or has ended, closes the pipe: that is no news
      child.stdin?.on('error', nothing)
      child.stdin?.end(input)
    } catch (error) {
      const code = (error as { code?: unknown }).code
      resolve({ ran: false, code: typeof code === 'string' ? code : 'UNKNOWN' })
    }
  })
}
