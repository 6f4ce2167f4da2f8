import { createInterface } from 'node:readline'
import type { Io } from './cli/io.ts'

/** Reads only once somebody asks for a line: an open pipe that nobody reads would keep the process alive. */
async function* linesOf(stdin: NodeJS.ReadStream): AsyncGenerator<string> {
  yield* createInterface({ input: stdin, crlfDelay: Infinity })
}

/** This process's own streams. NO_COLOR and FORCE_COLOR count as usual (no-color.org). */
export function terminalIo(): Io {
  const { env, stdin, stdout, stderr } = process
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  return {
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    stdin: stdin.isTTY ? null : linesOf(stdin),
    color: forced || (stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'),
    tty: stdout.isTTY,
    nowMs: () => Date.now(),
    environment: env,
  }
}
