import {
  LineCounter,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml'
import type { Document, Pair, ParsedNode, YAMLError } from 'yaml'
import { maxConfigBytes } from './defaults.ts'
import type { Finding, Path } from './problems.ts'
import { shown } from './problems.ts'

/** A place in the text, both counted from 1; 0 stands for the file as a whole. */
export interface Place {
  line: number
  col: number
}

/** A trouble of the text itself, with its place. */
export interface TextTrouble extends Place {
  problem: string
  expected: string
  suggestion: string | null
}

/** The text as plain data, and the way back from a path in the data to its place in the text. */
export type Source =
  | { ok: true; value: unknown; placeOf(finding: Pick<Finding, 'path' | 'atKey'>): Place }
  | { ok: false; troubles: TextTrouble[] }

const maxAliases = 50
const maxDepth = 20
/** No map of the format has nearly as many. */
const maxKeys = 200

// a terminal obeys these, or shows two different texts alike; line feeds are allowed in block scalars
const unsafe =
  /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\uD800-\uDFFF]|[\u{E0000}-\u{E0FFF}]/u

const yamlProblems: Partial<Record<YAMLError['code'], [problem: string, expected: string]>> = {
  TAB_AS_INDENT: ['a tab is used to indent', 'blanks'],
  MULTIPLE_DOCS: ['a second document begins here', 'one document'],
  TAG_RESOLVE_FAILED: ['an unknown tag', 'plain values without tags'],
  DUPLICATE_KEY: ['the key stands here twice', 'each key once'],
  BAD_ALIAS: ['a malformed alias', 'the name of an anchor after "*"'],
  MISSING_CHAR: ['something is not closed here, or a ":" is missing', 'valid YAML'],
  BAD_INDENT: ['the indentation does not fit', 'the same indentation for everything on one level'],
  BAD_DQ_ESCAPE: ['an unknown escape in double quotes', 'a known escape, or single quotes'],
  MULTILINE_IMPLICIT_KEY: ['a key or text over several lines', 'a key on one line, followed by ": "'],
  BLOCK_AS_IMPLICIT_KEY: ['two ":" on one line', 'one key on a line, values with ": " in quotes'],
  RESOURCE_EXHAUSTION: ['is nested too deeply', `at most ${maxDepth} levels`],
  UNEXPECTED_TOKEN: ['something that does not belong here', 'valid YAML'],
}

function trouble(place: Place, problem: string, expected: string): TextTrouble {
  return { ...place, problem, expected, suggestion: null }
}

function refused(problem: string, expected: string): Source {
  return { ok: false, troubles: [trouble({ line: 0, col: 0 }, problem, expected)] }
}

/**
 * Reads one YAML 1.2 document (core schema) to plain data. Refused, with their places: more than 1 MiB, broken YAML, tabs as
 * indentation, several documents, tags, keys that stand twice or are no text, merge keys, more than 50 uses of anchors, more
 * than 20 levels or 200 keys in a map, control characters and terminal escapes in keys and values, and anything that is not a map at the top.
 * Never throws.
 */
export function readSource(text: string): Source {
  // UTF-8 never needs fewer bytes than UTF-16 has units
  if (text.length > maxConfigBytes || Buffer.byteLength(text) > maxConfigBytes) {
    return refused('is larger than 1 MiB', 'at most 1048576 bytes')
  }
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text
  const deep = deepBrackets(plain)
  if (deep !== null) return { ok: false, troubles: [deep] }
  const counter = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(plain, {
      version: '1.2',
      schema: 'core',
      merge: false,
      // its own check is quadratic in the number of keys
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: counter,
      logLevel: 'error',
    })
  } catch {
    return refused('is nested too deeply', `at most ${maxDepth} levels`)
  }
  const at = (offset: number): Place => counter.linePos(offset)
  const complaints = [...document.errors, ...document.warnings].map((error) => {
    const [problem, expected] = yamlProblems[error.code] ?? ['this is not YAML', 'valid YAML']
    return trouble(at(error.pos[0]), problem, expected)
  })
  const troubles = complaints.length > 0 ? complaints : nodeTroubles(document, at)
  if (troubles.length > 0) return { ok: false, troubles }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return refused('is empty', 'at least "version: 1"')
  }
  if (!isMap(document.contents)) {
    const kind = isSeq(document.contents) ? 'a list' : 'a single value'
    return {
      ok: false,
      troubles: [trouble(at(document.contents.range[0]), `the file is ${kind}`, 'a map, "version: 1" first')],
    }
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases })
    return {
      ok: true,
      value,
      placeOf: (finding) => at(offsetOf(document, finding.path, finding.atKey ?? false)),
    }
  } catch {
    return refused(
      'uses its anchors too often, or an anchor that does not exist',
      `at most ${maxAliases} uses`,
    )
  }
}

/** The parser's way out of a thousand open brackets takes quadratic time: they are refused before it sees them. */
function deepBrackets(text: string): TextTrouble | null {
  let depth = 0
  for (const match of text.matchAll(/[[\]{}]/g)) {
    depth += match[0] === '[' || match[0] === '{' ? 1 : -1
    if (depth < 0) depth = 0
    if (depth <= 500) continue
    const before = text.slice(0, match.index)
    const line = before.split('\n').length
    return trouble(
      { line, col: match.index - before.lastIndexOf('\n') },
      'is nested too deeply',
      `at most ${maxDepth} levels`,
    )
  }
  return null
}

function nodeTroubles(document: Document.Parsed, at: (offset: number) => Place): TextTrouble[] {
  const troubles: TextTrouble[] = []
  let aliases = 0
  const add = (node: unknown, problem: string, expected: string) => {
    const offset = start(node) ?? 0
    troubles.push(trouble(at(offset), problem, expected))
  }
  visit(document, {
    Node(_, node, ancestors) {
      if (ancestors.filter(isCollection).length <= maxDepth) return undefined
      add(node, 'is nested too deeply', `at most ${maxDepth} levels`)
      return visit.BREAK
    },
    Alias(_, node, ancestors) {
      aliases++
      if (aliases > maxAliases) {
        add(node, 'uses its anchors too often', `at most ${maxAliases} uses`)
        return visit.BREAK
      }
      const target = node.resolve(document)
      if (target === undefined) add(node, 'an alias without its anchor', 'an anchor of this name before it')
      else if (ancestors.includes(target))
        add(node, 'an alias of what it stands in', 'an anchor that ends before it')
      return undefined
    },
    Scalar(_, node) {
      if (typeof node.value === 'string' && unsafe.test(node.value)) {
        add(node, 'has control or invisible characters', 'visible characters only')
      }
    },
    Map(_, node) {
      if (node.items.length > maxKeys) {
        add(node, `has ${node.items.length} keys`, `at most ${maxKeys}`)
        return visit.BREAK
      }
      const lines = new Map<unknown, number>()
      for (const { key } of node.items) {
        const offset = start(key) ?? 0
        if (!isScalar(key) || typeof key.value !== 'string') {
          add(key, 'a key that is not a text', 'a name')
        } else if (key.value === '<<') {
          add(key, 'merge keys are not part of YAML 1.2', 'the keys themselves')
        } else if (lines.has(key.value)) {
          add(
            key,
            `the key ${shown(key.value)} stands twice, first on line ${lines.get(key.value)}`,
            'each key once',
          )
        } else {
          lines.set(key.value, at(offset).line)
        }
      }
      return undefined
    },
  })
  return troubles
}

function start(node: unknown): number | undefined {
  return (node as ParsedNode | null)?.range?.[0]
}

/** The offset of the node at `path`; of the nearest parent, if the node is not there. */
function offsetOf(document: Document.Parsed, path: Path, atKey: boolean): number {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)
  let node: unknown = document.contents
  let offset = start(node) ?? 0
  for (const [index, part] of path.entries()) {
    const parent = resolved(node)
    let pair: Pair | undefined
    if (isMap(parent)) {
      pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === part)
      if (pair === undefined) return offset
      node = pair.value
    } else if (isSeq(parent) && typeof part === 'number' && part < parent.items.length) {
      node = parent.items[part]
    } else {
      return offset
    }
    const last = index === path.length - 1
    // a value that is left out has no place of its own
    const nothing = isScalar(node) && node.value === null && node.source === ''
    const place = pair && ((last && atKey) || nothing) ? start(pair.key) : start(node)
    offset = place ?? offset
  }
  return offset
}
