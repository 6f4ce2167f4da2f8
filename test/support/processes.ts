import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createFeed, type Feed } from './feed.ts'

export const root = resolve(import.meta.dirname, '../..')
export const binary = join(root, 'bin', 'pathproof')

export interface Started {
  child: ChildProcess
  /** What it has written so far. */
  stdout(): string
  stderr(): string
  /** Pieces of both streams, as they come. */
  output: Feed<string>
  /** Exit code, or the name of the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>
}

export interface StartOptions {
  env?: Record<string, string | undefined>
  /** Left out: there is none (/dev/null). `open`: a pipe that stays open and says nothing. */
  stdin?: string | 'open'
  cwd?: string
}

const running = new Set<ChildProcess>()

/** What a process of this program gets of the environment of the tests, so that it compiles nothing anew. */
export const compiled = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }

/** Starts a program with the pinned runtime first in PATH; nothing of a terminal. */
export function start(command: string, args: readonly string[], options: StartOptions = {}): Started {
  const { env = {}, stdin, cwd = root } = options
  const child = spawn(command, args, {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      ...compiled,
      ...env,
    },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  const output = createFeed<string>((pieces) => pieces.join(''))
  const streams = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      streams[name] += text
      output.push(text)
    })
  }
  if (stdin !== undefined && stdin !== 'open') child.stdin?.end(stdin)
  child.stdin?.on('error', () => undefined)
  const ended = new Promise<number | NodeJS.Signals>((done, failed) => {
    child.on('error', failed)
    child.on('close', (code, signal) => {
      running.delete(child)
      const how = code ?? signal ?? -1
      output.end(`it has ended with ${how}`)
      done(how)
    })
  })
  ended.catch(() => undefined)
  return { child, stdout: () => streams.stdout, stderr: () => streams.stderr, output, ended }
}

export interface Ran {
  code: number | NodeJS.Signals
  stdout: string
  stderr: string
}

/** Runs `pathproof` to its end. */
export async function pathproof(args: readonly string[], options: StartOptions = {}): Promise<Ran> {
  const started = start(binary, args, options)
  const code = await started.ended
  return { code, stdout: started.stdout(), stderr: started.stderr() }
}

/** Ends, by their ids, the processes that a test has left behind. */
export async function endAll(): Promise<void> {
  const closed = [...running].map((child) => new Promise((done) => child.once('close', done)))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(closed)
}

/** The documents of `--json`, one line each. */
export function documents(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
