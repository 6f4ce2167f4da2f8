function cell(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}

/**
 * Optimal string alignment distance (Damerau-Levenshtein without overlapping edits): insertions, deletions,
 * substitutions and swaps of neighbours that turn `a` into `b`. Above `limit` the answer is `limit + 1`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(cell(above, j) + 1, cell(row, j - 1) + 1, cell(above, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, cell(before, j - 2) + 1)
      }
      row.push(cost)
    }
    before = above
    above = row
  }
  return Math.min(cell(above, b.length), limit + 1)
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll('-', '_')
}

/**
 * The candidate that was probably meant by `word`: at most two edits away (one for words of up to three letters), the
 * nearest first, then the first in the list. Case, `-` and `_` make no difference. Null if nothing is near.
 */
export function closest(word: string, candidates: readonly string[]): string | null {
  if (word.length > 64) return null
  const limit = word.length <= 3 ? 1 : 2
  let best: string | null = null
  let bestDistance = limit + 1
  for (const candidate of candidates) {
    const distance = editDistance(fold(word), fold(candidate), limit)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
