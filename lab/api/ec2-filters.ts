/** Filters of the Describe actions (EC2 user guide, "List and filter using the CLI and API"). */
import type { Filter } from './call.ts'
import { type Json, valuesAt } from './json.ts'
import { type ApiProblem, problem } from './problem.ts'

/** Filter's name → where its value stands in an item. */
export type FilterPaths = Readonly<Record<string, string>>

export interface FilterRules {
  paths: FilterPaths
  /** Member that holds an item's tags; null: the action documents no filters by tag. */
  tags: 'Tags' | 'TagSet' | null
}

const maxFilters = 50
const maxValues = 200

/** The items that pass all filters: of each, any value. Or the error, if a filter is not one of the action's. */
export function filtered(
  items: readonly Json[],
  filters: readonly Filter[],
  rules: FilterRules,
): Json[] | ApiProblem {
  const tooMany = filters.length > maxFilters || filters.some(({ values }) => values.length > maxValues)
  if (tooMany)
    return problem(400, 'FilterLimitExceeded', 'The request uses too many filters or filter values.')
  const tests: ((item: Json) => boolean)[] = []
  for (const { name, values } of filters) {
    const read = readerOf(name, rules)
    if (read === null) return problem(400, 'InvalidParameterValue', `The filter '${name}' is invalid`)
    if (values.length === 0)
      return problem(400, 'InvalidParameterValue', `The filter '${name}' has no values`)
    const patterns = values.map(patternOf)
    tests.push((item) => read(item).some((value) => patterns.some((pattern) => pattern.test(value))))
  }
  return items.filter((item) => tests.every((test) => test(item)))
}

function readerOf(name: string, { paths, tags }: FilterRules): ((item: Json) => string[]) | null {
  const path = Object.hasOwn(paths, name) ? paths[name] : undefined
  if (path !== undefined) return (item) => valuesAt(item, path).map(String)
  if (tags === null) return null
  if (name === 'tag-key') return (item) => valuesAt(item, `${tags}.Key`).map(String)
  if (!name.startsWith('tag:')) return null
  const wanted = name.slice('tag:'.length)
  return (item) =>
    valuesAt(item, tags).flatMap((tag) => {
      const { Key: key, Value: value } = tag as { Key?: unknown; Value?: unknown }
      return key === wanted ? [String(value ?? '')] : []
    })
}

/** `*` stands for any text, `?` for one character, a backslash takes their meaning away. Letters count as they are. */
function patternOf(value: string): RegExp {
  const source = value.replaceAll(/\\([*?\\])|([*?])|([^\w])/gu, (_all, literal, wild, other) => {
    if (wild === '*') return '[^]*'
    if (wild === '?') return '[^]'
    return escaped(String(literal ?? other))
  })
  return new RegExp(`^${source}$`, 'u')
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
