import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { effectiveDocument } from '../../agent/config/effective.ts'
import { exampleConfig } from '../../agent/config/example.ts'
import { configJsonSchema, configJsonSchemaText } from '../../agent/config/json-schema.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'

const nowMs = Date.UTC(2026, 10, 20)
const root = new URL('../../', import.meta.url)
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configJsonSchema())

/** The example with everything switched on. */
const everything = exampleConfig.replace(/^( *)#(?=[a-z])/gm, '$1')

function problems(text: string): string[] {
  const read = parseConfig(text, 'example', nowMs)
  return read.ok ? read.warnings.map(problemText) : read.problems.map(problemText)
}

describe('the example', () => {
  test('is accepted without a warning, by the program and by the JSON Schema', () => {
    expect(problems(exampleConfig)).toEqual([])
    expect(validate(parse(exampleConfig))).toBe(true)
  })

  test('is accepted with everything switched on', () => {
    expect(problems(everything)).toEqual([])
    expect(validate(parse(everything))).toBe(true)
  })

  test('shows every key of the schema', () => {
    const words = new Set(everything.match(/[a-z0-9_]+(?=:)/g))
    // keys that exclude others, or that have an obvious sibling in the example
    const elsewhere = new Set(['address', 'gateway', 'file', 's3', 'key', 'kms_key', 'previous_kms_key'])
    expect(keysOf(configJsonSchema()).filter((key) => !words.has(key) && !elsewhere.has(key))).toEqual([])
  })

  test('explains every key that stands on a line of its own', () => {
    const lines = exampleConfig.split('\n')
    const silent = lines.filter(
      (line, index) =>
        /^ *#?[a-z- ]*[a-z0-9_]+: \S/.test(line) && !/^ *# /.test(line) && !explained(lines, index),
    )
    expect(silent).toEqual([])
  })

  test('is the file that packages install', () => {
    expect(readFileSync(new URL('deploy/pathproof.yml', root), 'utf8')).toBe(exampleConfig)
  })
})

/** A comment above, with at most the lines of the same thought between. */
function explained(lines: string[], index: number): boolean {
  for (let above = index - 1; above >= Math.max(0, index - 4); above--) {
    const line = lines[above] ?? ''
    if (/^ *# /.test(line)) return true
    if (line === '') return false
  }
  return false
}

/** The keys of all maps in a JSON Schema. */
function keysOf(schema: unknown): string[] {
  return nodesOf(schema).flatMap(({ node }) => Object.keys((node['properties'] ?? {}) as object))
}

function nodesOf(schema: unknown, place = '$'): { place: string; node: Record<string, unknown> }[] {
  if (typeof schema !== 'object' || schema === null) return []
  const node = schema as Record<string, unknown>
  const properties = Object.entries((node['properties'] ?? {}) as object).flatMap(([key, inner]) =>
    nodesOf(inner, `${place}.${key}`),
  )
  const branches = ((node['anyOf'] ?? []) as unknown[]).flatMap((inner) => nodesOf(inner, `${place}|`))
  return [{ place, node }, ...properties, ...branches, ...nodesOf(node['items'], `${place}[]`)]
}

describe('the JSON Schema', () => {
  test('is the file in the repository', () => {
    expect(readFileSync(new URL('pathproof.schema.json', root), 'utf8')).toBe(configJsonSchemaText())
  })

  test('is of draft 2020-12', () => {
    expect(configJsonSchema()['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
  })

  test('describes every key', () => {
    const nodes = nodesOf(configJsonSchema()).filter(({ place }) => !/[|\]]$/.test(place))
    expect(nodes.length).toBeGreaterThan(80)
    const silent = nodes.filter(
      ({ node }) => typeof node['description'] !== 'string' || !/^\S.*\.$/.test(node['description']),
    )
    expect(silent.map(({ place }) => place)).toEqual([])
  })

  test('takes no unknown key anywhere', () => {
    const maps = nodesOf(configJsonSchema()).filter(({ node }) => node['type'] === 'object')
    expect(maps.length).toBeGreaterThan(15)
    expect(maps.filter(({ node }) => node['additionalProperties'] !== false)).toEqual([])
  })

  test('shows the defaults that the program takes', () => {
    const read = parseConfig('version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com }]', 'x', nowMs)
    if (!read.ok) throw new Error('refused')
    const effective = effectiveDocument(read.config)
    const topology = nodesOf(configJsonSchema()).filter(({ place }) =>
      /^\$\.(topology|web|limits)\.\w+$/.test(place),
    )
    for (const { place, node } of topology) {
      if (node['default'] === undefined) continue
      const [, section = '', key = ''] = place.split('.')
      const shown = (effective[section] as Record<string, unknown>)[key]
      expect(String(shown).replace('1m', '60s'), place).toBe(
        Array.isArray(node['default']) ? '' : String(node['default']),
      )
    }
  })
})
