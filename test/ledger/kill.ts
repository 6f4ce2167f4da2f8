import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { realFiles } from '../../ledger/files.ts'
import { recordsOf, verified } from './kit.ts'

const script = resolve(import.meta.dirname, 'real-life.ts')

export interface Killed {
  /** Number in the ledger → what was written, of every record that was acknowledged. */
  acknowledged: Map<number, number>
  /** The next number to write. */
  next: number
}

/** Starts a writer on the directory, lets it acknowledge some records (0: it is killed while it starts), kills it. */
export async function killedWriter(
  directory: string,
  state: Killed,
  acknowledgements: number,
  delayMs: number,
): Promise<void> {
  const child = spawn(process.execPath, [script, 'write', directory, String(state.next)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((done) => child.on('close', () => done()))
  let timer: NodeJS.Timeout | null = null
  const kill = (): void => void child.kill('SIGKILL')
  if (acknowledgements === 0) timer = setTimeout(kill, delayMs)
  let count = 0
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line may be cut by the kill itself.
    const [, seq, n] = /^(\d+) (\d+)$/.exec(line) ?? []
    if (n === undefined) continue
    if (seq !== undefined && Number(n) >= state.next) state.acknowledged.set(Number(seq), Number(n))
    if (++count === acknowledgements) kill()
  }
  if (timer !== null) clearTimeout(timer)
  await ended
  // Numbers that were written and not told are not used again.
  state.next = Math.max(state.next, ...state.acknowledged.values()) + 1000
}

/** What must hold of the directory after any number of kills: the sentences of what does not. */
export async function wrongAfter(directory: string, { acknowledged }: Killed): Promise<string[]> {
  const wrong: string[] = []
  const seen = await verified(realFiles(), undefined, directory)
  for (const { kind, text } of seen.problems) if (kind !== 'no_ledger') wrong.push(text)
  const there = new Map((await recordsOf(realFiles(), directory)).map(({ seq, body }) => [seq, body['n']]))
  for (const [seq, n] of acknowledged)
    if (there.get(seq) !== n) wrong.push(`record ${seq} was acknowledged with ${n} and is ${there.get(seq)}`)
  return wrong
}
