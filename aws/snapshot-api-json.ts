/** The same for a call that gives one thing. */
export function cliJsonOne(key: string, item: unknown): string {
  return JSON.stringify({ [key]: plain(item) })
}

/**
 * The answer of a call as the AWS CLI prints it with `--output json`: one object with the list under its key, times as
 * `2026-01-31T12:00:00+00:00`. The pages' NextToken is gone: all of them are here.
 */
export function cliJson(key: string, items: readonly unknown[]): string {
  return JSON.stringify({ [key]: items.map(plain) })
}

function plain(value: unknown): unknown {
  if (value instanceof Date) return cliTime(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function cliTime(time: Date): string | null {
  if (Number.isNaN(time.getTime())) return null
  const [seconds, fraction] = time.toISOString().slice(0, -1).split('.')
  return `${seconds}${fraction === '000' ? '' : `.${fraction}000`}+00:00`
}
