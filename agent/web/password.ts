import { type ReaderDeps, runProgram } from '../child.ts'

/** The first argument by which this program becomes the comparer of passwords. It is no command for people. */
export const passwordArgument = '__compare-password'

/** Of a cost of 14 on a slow processor, at the lowest priority. */
const deadlineSeconds = 30

/** Whether `password` is what `hash` (bcrypt) was made of. Rejects where that can't be found out. */
export type ComparePassword = (password: string, hash: string) => Promise<boolean>

/**
 * Compares in a process of its own, at the lowest priority: bcrypt takes a tenth of a second of a processor and more, which
 * this process must not lose while it times handshakes. The password goes by standard input, nothing of the environment with it.
 */
export function comparePassword(
  program: ReaderDeps['program'],
  signal: AbortSignal,
  onLine: (line: string) => void,
): ComparePassword {
  return async (password, hash) => {
    const ended = await runProgram(
      passwordArgument,
      JSON.stringify({ password, hash }),
      { deadlineSeconds, mostBytes: 1024 },
      { program, environment: {}, metadata: false, signal, onLine },
    )
    if (!ended.ok) throw new Error(`the process that compares passwords gave no answer: ${ended.because}`)
    const answer = ended.text.trim()
    if (answer !== 'true' && answer !== 'false') throw new Error('what compares passwords gave no answer')
    return answer === 'true'
  }
}
