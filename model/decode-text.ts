/** A text with all its escapes undone, and the way back from each character to where it stood. */
export interface DecodedText {
  text: string
  /** Offset in the original of the character at `index`. */
  startOf: (index: number) => number
  /** Offset in the original behind the character before `index`: where a range that ends there ends. */
  endOf: (index: number) => number
  /** How many times the character at `index` was encoded: 0 as it stands, 1 for `%3D`, 2 for `%253D`. */
  depthOf: (index: number) => number
}

const percent = 0x25
const backslash = 0x5c
const escapeCode = 0x1b

/**
 * Undoes percent-encoding (RFC 3986 2.1) of any depth and mix, and JavaScript's `\u0026` and `\x26`, byte by byte, and
 * leaves out what a terminal doesn't show (controls, colours, zero-width characters): all that could hide a word from
 * a search. One pass; time and memory are linear in the length.
 */
export function decodeText(text: string): DecodedText {
  if (
    !/[%\\\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/.test(
      text,
    )
  ) {
    return { text, startOf: (index) => index, endOf: (index) => index, depthOf: () => 0 }
  }
  const codes = new Uint16Array(text.length)
  const starts = new Int32Array(text.length + 1)
  const ends = new Int32Array(text.length + 1)
  const depths = new Uint16Array(text.length)
  let length = 0
  let index = 0
  while (index < text.length) {
    const skipped = hiddenAt(text, index)
    if (skipped > 0) {
      index += skipped
      continue
    }
    codes[length] = text.charCodeAt(index)
    starts[length] = index
    ends[length] = ++index
    depths[length] = 0
    length++
    for (;;) {
      // What has just been completed can be the last character of a longer escape: `%2%35`, `%25%32%35`.
      const size = escapeLength(codes, length)
      if (size === 0) break
      const first = length - size
      let depth = 0
      for (let i = first; i < length; i++) depth = Math.max(depth, depths[i] ?? 0)
      const digits = codes[first] === percent ? 1 : 2
      let code = 0
      for (let i = first + digits; i < length; i++) code = code * 16 + hexValue(codes[i] ?? 0)
      ends[first] = ends[length - 1] ?? 0
      codes[first] = code
      depths[first] = depth + 1
      length = first + 1
    }
  }
  return {
    text: textOf(codes.subarray(0, length)),
    startOf: (at) => (at < length ? (starts[at] ?? 0) : text.length),
    endOf: (at) => (at > 0 ? (ends[Math.min(at, length) - 1] ?? 0) : 0),
    depthOf: (at) => depths[at] ?? 0,
  }
}

/** Length of the escape that ends at `length`, 0 if none does. */
function escapeLength(codes: Uint16Array, length: number): number {
  if (length < 3 || hexValue(codes[length - 1] ?? 0) < 0 || hexValue(codes[length - 2] ?? 0) < 0) return 0
  if (codes[length - 3] === percent) return 3
  if (length >= 4 && codes[length - 3] === 0x78 && codes[length - 4] === backslash) return 4
  if (length < 6 || codes[length - 5] !== 0x75 || codes[length - 6] !== backslash) return 0
  return hexValue(codes[length - 3] ?? 0) >= 0 && hexValue(codes[length - 4] ?? 0) >= 0 ? 6 : 0
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  return -1
}

/** How many characters from `index` on a terminal would not show; tabs and line ends count as shown. */
function hiddenAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  if (code === escapeCode && text.charCodeAt(index + 1) === 0x5b) {
    for (let end = index + 2; end < Math.min(text.length, index + 34); end++) {
      const final = text.charCodeAt(end)
      if (final >= 0x40 && final <= 0x7e) return end - index + 1
      if (final < 0x20) break
    }
  }
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d ? 0 : 1
  if (code < 0x7f) return 0
  if (code < 0xa0 || code === 0xad || code === 0xfeff) return 1
  if (code >= 0x200b && code <= 0x200f) return 1
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ? 1 : 0
}

function textOf(codes: Uint16Array): string {
  const chunks: string[] = []
  for (let from = 0; from < codes.length; from += 8192) {
    chunks.push(String.fromCharCode(...codes.subarray(from, from + 8192)))
  }
  return chunks.join('')
}
