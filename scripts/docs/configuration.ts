import { configJsonSchema } from '../../agent/config/json-schema.ts'
import { exampleConfig } from '../../agent/config/example.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { notActive } from '../../agent/config/not-active.ts'
import { code, table } from './markdown.ts'
import { valuesOf } from './schema-node.ts'
import type { Node } from './schema-node.ts'

const typeOf = (node: Node): string => valuesOf(node, { value: code, comma: ', ', or: '; or ' })

function defaultOf(node: Node, required: boolean): string {
  const { default: value } = node
  if (required) return 'required'
  if (value === undefined || JSON.stringify(value) === '{}') return ''
  return code(typeof value === 'string' ? value : JSON.stringify(value))
}

function examplesOf({ examples = [] }: Node): string {
  return examples.length === 0 ? '' : ` For example ${examples.map((e) => code(String(e))).join(', ')}.`
}

function* rowsOf(node: Node, path: string): Generator<string[]> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const list = child.items?.properties !== undefined
    const at = `${path === '' ? '' : `${path}.`}${key}${list ? '[]' : ''}`
    const required = node.required?.includes(key) ?? false
    yield [
      code(at),
      typeOf(child),
      defaultOf(child, required),
      `${child.description ?? ''}${examplesOf(child)}`,
    ]
    yield* rowsOf(child.items ?? child, at)
  }
}

/** Every key of the configuration, from its JSON Schema. */
export function configurationSection(): string {
  return table(['Key', 'Values', 'Default', 'Meaning'], [...rowsOf(configJsonSchema() as Node, '')])
}

/** The example with everything in it switched on that can be. */
function everything(source: string): string {
  const asked: [string, string][] = [
    ['min_proof: configured', 'min_proof: attested'],
    ['require_first_leg: any', 'require_first_leg: direct_connect'],
    ['telemetry_path: /metrics', 'telemetry_path: /other'],
    ['source: directory\n  directory: /var/lib/pathproof/snapshot', source],
  ]
  let text = exampleConfig.replace(/^( *)#(?=[a-z_0-9]+:)/gm, '$1')
  for (const [from, to] of asked) {
    if (!text.includes(from)) throw new Error(`the example configuration has no "${from}" any more`)
    text = text.replace(from, to)
  }
  return text
}

/** What can be configured and has no effect in this version, as `config check` says it. */
export function notActiveSection(nowMs: number): string {
  const sources = [
    'source: aws',
    'source: file\n  file: /x',
    'source: s3\n  s3: { bucket: my-bucket, key: k }',
  ]
  const found = new Map<string, string>()
  for (const source of [...sources, 'source: directory\n  directory: /x']) {
    const loaded = parseConfig(everything(source), 'example', nowMs)
    if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.path}: ${p.problem}`).join('\n'))
    for (const { path, text } of notActive(loaded.config)) {
      const key = path.replace(/\[\d+\]/g, '[]')
      found.set(
        `${key} ${text}`,
        `- ${code(key)}: ${text.replace(/ is not active in this version$/, '').replace(/ (for|of) (artifacts|dc1)\b/, '')}`,
      )
    }
  }
  if (found.size === 0) return 'Nothing: all of it is acted on.'
  return [...found.values()].toSorted().join('\n')
}
