/** Why a value has no canonical form. */
export interface NotCanonical {
  ok: false
  /** Where, as a path like `$.names[2].note`, and what stands there. */
  problem: string
}

/** Deeper nesting is refused: hostile data must not exhaust the stack. */
const maxDepth = 64

/**
 * JSON in the one form of RFC 8785: names sorted by UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them. Refuses what that form can't express or two readers could read differently: NaN, infinities,
 * bigint, lone surrogates, functions, symbols, values of classes, holes and `undefined` in lists. A field that is
 * `undefined` is left out, as JSON does. At most 64 levels.
 */
export function canonical(value: unknown): { ok: true; text: string } | NotCanonical {
  const problems: string[] = []

  function write(item: unknown, path: string, depth: number): string {
    if (problems.length > 0) return ''
    if (item === null || typeof item === 'boolean') return String(item)
    if (typeof item === 'number')
      return Number.isFinite(item) ? JSON.stringify(item) : refuse(path, String(item))
    if (typeof item === 'string')
      return item.isWellFormed() ? JSON.stringify(item) : refuse(path, 'a lone surrogate')
    if (typeof item !== 'object') return refuse(path, typeof item)
    if (depth >= maxDepth) return refuse(path, `more than ${maxDepth} levels`)
    if (Array.isArray(item)) {
      const list = Array.from(item, (entry, index) => write(entry, `${path}[${index}]`, depth + 1))
      return `[${list.join(',')}]`
    }
    const prototype: unknown = Object.getPrototypeOf(item)
    if (prototype !== Object.prototype && prototype !== null) return refuse(path, 'a value of a class')
    const fields: string[] = []
    // Without a comparison function, sort() goes by UTF-16 code units: RFC 8785 section 3.2.3.
    for (const name of Object.keys(item).sort()) {
      const field = (item as Record<string, unknown>)[name]
      if (field === undefined) continue
      if (!name.isWellFormed()) return refuse(path, 'a name with a lone surrogate')
      fields.push(`${JSON.stringify(name)}:${write(field, `${path}.${name}`, depth + 1)}`)
    }
    return `{${fields.join(',')}}`
  }

  function refuse(path: string, what: string): string {
    problems.push(`${path.slice(0, 200).toWellFormed()}: ${what}`)
    return ''
  }

  const text = write(value, '$', 0)
  return problems[0] === undefined ? { ok: true, text } : { ok: false, problem: problems[0] }
}

/**
 * Reads JSON that must already be in its canonical form, byte for byte: so it has one reading only (no double names, no
 * other spelling of a number). Anything else is refused.
 */
export function readCanonical(text: string): { ok: true; value: unknown } | NotCanonical {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, problem: '$: not JSON' }
  }
  const again = canonical(value)
  if (!again.ok) return again
  if (again.text !== text) return { ok: false, problem: '$: not in canonical form' }
  return { ok: true, value }
}
