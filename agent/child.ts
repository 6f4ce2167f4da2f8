import { spawn } from 'node:child_process'
import { isSea } from 'node:sea'

/**
 * How this program is started once more: the executable and its first arguments. Or the reader within this process, where
 * its memory does not matter: it gets the request, its environment and the argument that names its job, and gives what it
 * would have written.
 */
export type ProgramCommand =
  | { file: string; args: readonly string[] }
  | { within(input: string, environment: NodeJS.ProcessEnv, job: string): Promise<string> }

/** This very program, from source, from its bundle, or as a single executable. */
export function ownProgram(): Extract<ProgramCommand, { file: string }> {
  const [, script = ''] = process.argv
  return { file: process.execPath, args: isSea() ? [] : [script] }
}

export interface ReaderDeps {
  program: ProgramCommand
  /** Environment of the reader: the SDK finds credentials and endpoints by it. */
  environment: Readonly<Record<string, string | undefined>>
  /** Whether the host is known to have no metadata service: then it is not waited for. */
  metadata: boolean
  signal: AbortSignal
  /** A line that the reader wrote to its standard error; foreign text. */
  onLine(line: string): void
  /** Beyond the deadline of a reading, for the reader's start and the writing of its answer. Default 15. */
  graceSeconds?: number
  /** A reader that writes more has gone wrong. Default 512 MiB. */
  mostBytes?: number
}

export interface ProgramLimits {
  deadlineSeconds: number
  mostBytes: number
}

const mostErrorBytes = 16 * 1024

export type Ended = { ok: true; text: string } | { ok: false; code: string; because: string }

/**
 * Starts this program for the job that its hidden argument `job` names, gives it `input` and waits for its end. It is killed
 * at the deadline, when the signal fires, and when it writes too much. Never rejects.
 */
export function runProgram(
  job: string,
  input: string,
  limits: ProgramLimits,
  deps: ReaderDeps,
): Promise<Ended> {
  const { program, signal, onLine } = deps
  const { deadlineSeconds, mostBytes } = limits
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, code: 'aborted', because: 'the agent stops' })
    if ('within' in program) {
      const failed = (): void => resolve({ ok: false, code: 'crashed', because: 'it failed' })
      return void program
        .within(input, readerEnvironment(deps), job)
        .then((text) => resolve({ ok: true, text }), failed)
    }
    const child = spawn(program.file, [...program.args, job], {
      env: readerEnvironment(deps),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let killedBecause: { code: string; because: string } | null = null
    const chunks: Buffer[] = []
    let bytes = 0
    let errors = ''
    const kill = (code: string, because: string): void => {
      killedBecause ??= { code, because }
      child.kill('SIGKILL')
      // what the reader itself had started may hold the pipes open beyond its end
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const stop = (): void => kill('aborted', 'the agent stops')
    const timer = setTimeout(
      () => kill('timeout', `it had not ended after ${deadlineSeconds} s`),
      deadlineSeconds * 1000,
    )
    const done = (ended: Ended): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      for (const line of errors.split('\n')) if (line.trim() !== '') onLine(line)
      resolve(ended)
    }
    signal.addEventListener('abort', stop, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) kill('too_large', `it wrote more than ${mostBytes} bytes`)
      else chunks.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < mostErrorBytes) errors += chunk.toString().slice(0, mostErrorBytes - errors.length)
    })
    // a reader that ends before it has read its request says so by its exit code
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.on('error', (error: NodeJS.ErrnoException) =>
      done({
        ok: false,
        code: 'not_started',
        because: `it could not be started (${error.code ?? 'unknown'})`,
      }),
    )
    child.on('close', (code, killer) => {
      if (killedBecause !== null) return done({ ok: false, ...killedBecause })
      if (code === 0) return done({ ok: true, text: Buffer.concat(chunks).toString('utf8') })
      const how = code === null ? `it was ended by ${killer ?? 'a signal'}` : `it ended with code ${code}`
      done({ ok: false, code: 'crashed', because: how })
    })
  })
}

function readerEnvironment({ environment, metadata }: ReaderDeps): NodeJS.ProcessEnv {
  return {
    ...environment,
    AWS_EC2_METADATA_V1_DISABLED: 'true',
    ...(!metadata && { AWS_EC2_METADATA_DISABLED: 'true' }),
  }
}
