import { type HostnameParse, parseHostname } from '../aws/hostname.ts'

/** The names of targets come again in every cycle; what a text says never changes. */
const known = new Map<string, HostnameParse>()
const mostKnown = 8192
/** RFC 1035 2.3.4. Longer texts are no names, and are not worth their room. */
const longest = 253

/** As `parseHostname`, remembered: for names that come again and again. The result is shared and not to be changed. */
export function readKnownHostname(text: string): HostnameParse {
  const before = known.get(text)
  if (before !== undefined) return before
  const parsed = parseHostname(text)
  if (text.length > longest) return parsed
  if (known.size >= mostKnown) known.clear()
  known.set(text, parsed)
  return parsed
}
