import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** The import table of docs/architecture.md: which room may import which. */
const table: Record<string, readonly string[]> = {
  model: [],
  net: ['model'],
  aws: ['model', 'net'],
  verdict: ['model', 'net', 'aws'],
  probes: ['model', 'net', 'aws'],
  ledger: ['model'],
  exporters: ['model'],
  agent: ['model', 'net', 'aws', 'verdict', 'probes', 'ledger', 'exporters', 'agent', 'lab'],
  lab: ['model'],
}

/** Parts of aws/ that do I/O or hold clients; the verdict may not know them. */
const impureAws = [
  'imds',
  'clients',
  'credentials',
  'snapshot-api',
  'snapshot-files',
  'snapshot-write',
  'attest-clients',
  'bucket-policy-api',
  'request-signing',
  'trail-api',
]

interface Import {
  file: string
  from: string
  to: string
  typeOnly: boolean
  specifier: string
}

function sources(room: string): string[] {
  // A room that has nothing in it yet is not in a checkout.
  if (!existsSync(join(root, room))) return []
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.ts'))
    .map((e) => join(e.parentPath, e.name))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found: Import[] = []
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s)?([^'"]*?from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g
  for (const match of text.matchAll(pattern)) {
    const specifier = match[4] ?? match[5] ?? ''
    const target = specifier.startsWith('.') ? relative(root, resolve(dirname(file), specifier)) : null
    const inner = match[3] ?? ''
    const names =
      /\{([^}]*)\}/
        .exec(inner)?.[1]
        ?.split(',')
        .map((n) => n.trim())
        .filter(Boolean) ?? []
    const typeOnly = match[2] !== undefined || (names.length > 0 && names.every((n) => n.startsWith('type ')))
    found.push({
      file: relative(root, file),
      from: relative(root, file).split('/')[0] ?? '',
      to: target?.split('/')[0] ?? 'package',
      typeOnly,
      specifier: target ?? specifier,
    })
  }
  return found
}

const all = Object.keys(table).flatMap((room) => sources(room).flatMap(importsOf))

describe('rooms', () => {
  it('finds imports at all', () => {
    expect(all.length).toBeGreaterThan(50)
    expect(all.some((i) => i.from === 'verdict' && i.to === 'net')).toBe(true)
  })

  it('import only what the table allows', () => {
    const broken = all.filter(
      (i) =>
        i.to !== 'package' &&
        i.to !== i.from &&
        i.specifier !== 'package.json' &&
        !(table[i.from] ?? []).includes(i.to),
    )
    expect(broken.map((i) => `${i.file} imports ${i.specifier}`)).toEqual([])
  })

  it('the lab takes types only from the model', () => {
    const broken = all.filter((i) => i.from === 'lab' && i.to === 'model' && !i.typeOnly)
    expect(broken.map((i) => `${i.file} imports ${i.specifier}`)).toEqual([])
  })

  it('the verdict knows only the pure parts of aws/ and does no I/O', () => {
    const broken = all.filter(
      (i) =>
        i.from === 'verdict' &&
        ((i.to === 'aws' && impureAws.some((p) => i.specifier === `aws/${p}.ts`)) || i.to === 'package'),
    )
    expect(broken.map((i) => `${i.file} imports ${i.specifier}`)).toEqual([])
    for (const file of sources('verdict')) {
      expect(readFileSync(file, 'utf8'), file).not.toMatch(
        /Date\.now|performance\.|Math\.random|process\.|new Date\(\)/,
      )
    }
  })

  it('relative imports name the file with its ending, and files are no barrels', () => {
    const broken = all.filter((i) => i.to !== 'package' && !/\.(ts|json)$/.test(i.specifier))
    expect(broken.map((i) => `${i.file} imports ${i.specifier}`)).toEqual([])
    expect(
      Object.keys(table)
        .flatMap(sources)
        .filter((f) => f.endsWith('/index.ts')),
    ).toEqual([])
  })

  it('only the resolver, the tests and the strict parser touch netmask', () => {
    expect(all.filter((i) => i.specifier === 'netmask' && i.from !== 'net').map((i) => i.file)).toEqual([])
  })
})
