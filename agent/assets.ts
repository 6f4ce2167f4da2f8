import { readFile } from 'node:fs/promises'
import { getAsset, isSea } from 'node:sea'

/**
 * The licences of all that the program consists of, as the build wrote them: out of the single executable, or beside the bundle;
 * null in a checkout, where every package has its own.
 */
export async function licences(): Promise<string | null> {
  const name = 'THIRD-PARTY-LICENSES.txt'
  if (isSea()) return getAsset(name, 'utf8')
  try {
    return await readFile(new URL(name, import.meta.url), 'utf8')
  } catch {
    return null
  }
}
