/**
 * `read` with a memory of its last answers, for functions whose answer depends on nothing but the text: at most `most` answers
 * (then all are forgotten), and none for texts longer than `longest` characters. Callers share an answer and must not change it. What
 * `read` throws is passed on and not kept.
 */
export function remembering<T>(
  read: (text: string) => T,
  { most, longest }: { most: number; longest: number },
): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    if (text.length > longest) return read(text)
    const before = known.get(text)
    if (before !== undefined || known.has(text)) return before as T
    const answer = read(text)
    if (known.size >= most) known.clear()
    known.set(text, answer)
    return answer
  }
}
