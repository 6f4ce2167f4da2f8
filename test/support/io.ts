import type { Io } from '../../agent/cli/io.ts'

export interface Said {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command in this process; `lines` is its standard input, null a terminal. */
export async function say(
  command: (io: Io) => Promise<number>,
  {
    lines = null,
    color = false,
    nowMs = Date.now,
  }: { lines?: string[] | null; color?: boolean; nowMs?: () => number } = {},
): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  async function* stdin(): AsyncGenerator<string> {
    for (const line of lines ?? []) yield line
  }
  const code = await command({
    stdout: (text) => void (said.stdout += text),
    stderr: (text) => void (said.stderr += text),
    stdin: lines === null ? null : stdin(),
    color,
    tty: false,
    nowMs,
    environment: {},
  })
  return { code, ...said }
}
