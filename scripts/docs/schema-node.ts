/** A node of the configuration's JSON Schema, as far as it is read here. */
export interface Node {
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Node[]
  default?: unknown
  description?: string
  properties?: Record<string, Node>
  required?: string[]
  items?: Node
  minimum?: number
  maximum?: number
  examples?: unknown[]
}

/** How the values of a key are written down. */
export interface Wording {
  /** A literal value. */
  value(text: string): string
  /** Between the values of a list. */
  comma: string
  /** Between alternatives. */
  or: string
}

/** What a key takes: its values, its range, or its type. */
export function valuesOf(node: Node, wording: Wording): string {
  const { value, comma, or } = wording
  if (node.const !== undefined) return value(String(node.const))
  if (node.enum !== undefined) return node.enum.map((each) => value(String(each))).join(comma)
  if (node.anyOf !== undefined) return node.anyOf.map((each) => valuesOf(each, wording)).join(or)
  if (node.type === 'array')
    return node.items?.properties === undefined ? `list of ${valuesOf(node.items ?? {}, wording)}` : 'list'
  if (node.type === 'object') return 'map'
  if (node.type === 'integer' && node.minimum !== undefined) return `${node.minimum} to ${node.maximum}`
  return node.type === 'boolean' ? [value('true'), value('false')].join(comma) : (node.type ?? 'any')
}
