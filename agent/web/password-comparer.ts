import { setPriority } from 'node:os'
import bcrypt from 'bcryptjs'

const longestInput = 32 * 1024

/** The whole life of the process that compares a password. Gives the exit code: 0 answered, 1 the request could not be understood. */
export async function runPasswordComparer(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
): Promise<number> {
  let text = ''
  for await (const chunk of input) {
    text += String(chunk)
    if (text.length > longestInput) return 1
  }
  const { password, hash } = asked(text)
  if (password === null || hash === null) return 1
  try {
    setPriority(19)
  } catch {
    // then at its own
  }
  await output(`${await bcrypt.compare(password, hash)}\n`)
  return 0
}

function asked(text: string): { password: string | null; hash: string | null } {
  try {
    const { password, hash } = JSON.parse(text) as Record<string, unknown>
    return {
      password: typeof password === 'string' ? password : null,
      hash: typeof hash === 'string' ? hash : null,
    }
  } catch {
    return { password: null, hash: null }
  }
}
