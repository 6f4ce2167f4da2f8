import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'

const inWords: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ENOTDIR: 'a part of this path is no directory',
  EISDIR: 'this is a directory, expected a file',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'this path is too long',
}

/**
 * What went wrong with a file or directory that the user named, as `PATH: what`, fit to be shown. Any other error, and
 * whatever else was thrown, gives its own message.
 */
export function troubleOf(error: unknown): string {
  const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown }
  const words = typeof code === 'string' && Object.hasOwn(inWords, code) ? inWords[code] : undefined
  const text =
    words !== undefined && typeof path === 'string'
      ? `${path === '' ? '""' : path}: ${words}`
      : error instanceof Error
        ? error.message
        : String(error)
  return safeText(redact(safeText(text, 4096)), 300)
}
