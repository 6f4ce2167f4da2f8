/** Patterns of policies: `*` is any text, `?` any one character. Source: IAM user guide, "Using wildcards in ARNs". */

/** The whole text, with regard to case. Linear in the product of the lengths, whatever the pattern. */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0
  let p = 0
  let star = -1
  let mark = 0
  while (at < text.length) {
    const sign = pattern[p]
    if (sign === '*') {
      star = p
      mark = at
      p += 1
    } else if (sign !== undefined && (sign === '?' || sign === text[at])) {
      p += 1
      at += 1
    } else if (star >= 0) {
      mark += 1
      at = mark
      p = star + 1
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}

/** Each of an ARN's six parts by itself: a wildcard does not go over a colon, but in the last part it goes over all. */
export function matchesArn(text: string, pattern: string): boolean {
  const [own, wanted] = [partsOf(text), partsOf(pattern)]
  if (own === null || wanted === null) return false
  return own.every((part, n) => matchesPattern(part, wanted[n] ?? ''))
}

function partsOf(arn: string): string[] | null {
  const parts = arn.split(':')
  return parts.length < 6 ? null : [...parts.slice(0, 5), parts.slice(5).join(':')]
}
