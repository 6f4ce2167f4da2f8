import { isFields } from './ip-command.ts'
import type { BatchLine, Fields, Selectors } from './ip-command.ts'

export interface RuleReading {
  /** False if a rule has parts that are not known here. */
  readable: boolean
  /** One per rule that asks for something that the plain question does not have. */
  variants: Selectors[]
}

/** Parts of a rule that the kernel weighs itself when asked for the route of (destination, source), or that choose nothing. */
const weighed = new Set([
  'priority',
  'not',
  'src',
  'srclen',
  'dst',
  'dstlen',
  'iif',
  'iif_detached',
  'oif',
  'oif_detached',
  'tos',
  'dsfield',
  'dscp',
  'l3mdev',
  'table',
  'action',
  'type',
  'goto',
  'unresolved',
  'suppress_prefixlen',
  'suppress_ifgroup',
  'protocol',
  'proto',
  'flow_from',
  'flow_to',
  'realms',
  'nop',
])

const selectorNames = new Set([
  'fwmark',
  'fwmask',
  'uid_start',
  'uid_end',
  'ipproto',
  'sport',
  'sport_start',
  'sport_end',
  'dport',
  'dport_start',
  'dport_end',
])

/** A number or a word of our own making; null for what could be anything else on a command line. */
function word(value: unknown): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return String(value)
  return typeof value === 'string' && /^[a-z0-9-]{1,32}$/i.test(value) && !value.startsWith('-')
    ? value
    : null
}

/** The selectors that make a packet match the rule; null: none that a TCP connection of `uid` could have. */
function variantOf(rule: Fields, uid: number | null): Selectors | 'unreadable' | null {
  const inverted = 'not' in rule
  const selectors: Selectors = {}
  const set = (name: keyof Selectors, value: unknown) => {
    const text = word(value)
    if (text !== null) selectors[name] = text
    return text !== null
  }
  if ('fwmark' in rule && !set('mark', rule['fwmark'])) return 'unreadable'
  if ('ipproto' in rule) {
    if (!set('ipproto', rule['ipproto'])) return 'unreadable'
    if (selectors.ipproto !== 'tcp' && selectors.ipproto !== '6') {
      if (!inverted) return null
      selectors.ipproto = 'tcp'
    }
  }
  for (const port of ['sport', 'dport'] as const) {
    const value = rule[port] ?? rule[`${port}_start`]
    if (value === undefined) continue
    if (!set(port, value)) return 'unreadable'
    selectors.ipproto ??= 'tcp'
  }
  if ('uid_start' in rule) {
    const [start, end] = [Number(rule['uid_start']), Number(rule['uid_end'] ?? rule['uid_start'])]
    if (!Number.isInteger(start) || !Number.isInteger(end)) return 'unreadable'
    if (uid === null || inverted || (uid >= start && uid <= end)) set('uid', start)
    else return null
  }
  return selectors
}

/**
 * Reads `ip -j rule`. A rule with mark, port, protocol or uid selectors gives the question to ask again with them set; it is
 * left out where no TCP connection of `uid` can match it. `readable` is false if a rule could not be understood. Never throws.
 */
export function parseRules(line: BatchLine, uid: number | null): RuleReading {
  if (!line.ok || !Array.isArray(line.json)) return { readable: false, variants: [] }
  const variants: Selectors[] = []
  let readable = true
  for (const rule of line.json as unknown[]) {
    if (!isFields(rule)) {
      readable = false
      continue
    }
    const names = Object.keys(rule)
    if (names.some((name) => !weighed.has(name) && !selectorNames.has(name))) readable = false
    if (!names.some((name) => selectorNames.has(name))) continue
    const variant = variantOf(rule, uid)
    if (variant === 'unreadable') readable = false
    else if (variant !== null) variants.push(variant)
  }
  return { readable, variants }
}
