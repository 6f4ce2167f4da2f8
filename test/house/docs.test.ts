import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Io } from '../../agent/cli/io.ts'
import { type CommandSpec, helpForPrograms, parseCommand } from '../../agent/cli/usage.ts'
import { configJsonSchema } from '../../agent/config/json-schema.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import type { Metric } from '../../exporters/metric.ts'
import { startLab } from '../../lab/lab.ts'
import { loadScenario } from '../../lab/scenario.ts'
import { sectionsOf } from '../../scripts/docs/markdown.ts'
import { outdated, playedSections, tableSections } from '../../scripts/docs/pages.ts'
import { say } from '../support/io.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** Files below a folder, as paths from the root. */
const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...below('docs'),
  ...below('deploy').filter((file) => file.endsWith('.md') && !file.includes('/.terraform/')),
]
const read = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Blocks of one language, in order. */
function blocks(page: string, language: string): string[] {
  return [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (m) => m[1] ?? '',
  )
}

/** As GitHub makes them: lower case, letters, digits, hyphens and underscores, spaces to hyphens; the second alike gets `-1`. */
function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const match of read(page)
    .replace(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    anchors.add(before === 0 ? anchor : `${anchor}-${before}`)
  }
  return anchors
}

describe('links', () => {
  const links = pages.flatMap((page) =>
    [
      ...read(page)
        .replace(/^```[\s\S]*?^```/gm, '')
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map((m) => ({ page, to: m[1] ?? '' })),
  )

  it('are found at all', () => {
    expect(links.filter(({ page }) => page === 'README.md').length).toBeGreaterThan(10)
  })

  it('lead to files and headings that exist', () => {
    const broken = links.filter(({ page, to }) => {
      if (/^https?:/.test(to)) return false
      const [path = '', anchor] = to.split('#')
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path))
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !anchorsOf(file).has(anchor)
    })
    expect(broken.map(({ page, to }) => `${page}: ${to}`)).toEqual([])
  })

  it('so do the files that are named in passing', () => {
    const named =
      /`((?:model|net|aws|verdict|probes|exporters|agent|lab|scripts|test|deploy|systemd|bin)\/[\w./-]*)`/g
    const all = pages.flatMap((page) =>
      [...read(page).matchAll(named)].map((m) => ({ page, file: m[1] ?? '' })),
    )
    expect(all.length).toBeGreaterThan(40)
    const missing = all.filter(({ file }) => !/NN-/.test(file) && !existsSync(join(root, file)))
    expect(missing.map(({ page, file }) => `${page}: ${file}`)).toEqual([])
  })
})

describe('generated parts', () => {
  const told = (late: readonly { page: string; name: string }[]) =>
    late.map(({ page, name }) => `${page}: "${name}" is out of date. Next step: node scripts/docs.ts`)

  it('equal the tables of the program', async () => {
    expect(told(await outdated(await tableSections()))).toEqual([])
  })

  it('equal what the program prints on the lab', async () => {
    expect(told(await outdated(await playedSections()))).toEqual([])
  })

  it('are all written by somebody', async () => {
    const written = [
      ...(await tableSections()),
      { page: 'README.md', name: 'check' },
      { page: 'README.md', name: 'check-mended' },
      { page: 'docs/lab.md', name: 'matrix' },
      { page: 'docs/lab.md', name: 'matrix-records' },
    ]
    const marked = pages.flatMap((page) => sectionsOf(read(page)).map((name) => `${page} ${name}`))
    expect(marked.toSorted()).toEqual(written.map(({ page, name }) => `${page} ${name}`).toSorted())
  })
})

/** Words of simple commands as a shell reads them: quotes, comments, joined lines; redirections are left out. */
function simpleCommands(script: string): string[][] {
  const commands: string[][] = []
  const text = script.replaceAll('\\\n', ' ')
  const tokens =
    /[ \t]*(?:(#[^\n]*)|(\n|;|&&|\|\|?)|\d?(?:>>?|<)\s*\S+|((?:'[^']*'|"[^"]*"|[^\s'"|;&<>])+|.))/gy
  let words: string[] = []
  const end = () => {
    if (words.length > 0) commands.push(words)
    words = []
  }
  for (const [, comment, separator, word] of text.replace(/^\$ /gm, '').matchAll(tokens)) {
    if (comment !== undefined) continue
    if (separator !== undefined) end()
    else if (word !== undefined) words.push(word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'))
  }
  end()
  return commands
}

describe('commands', () => {
  const isOurs = ([program = '']: string[]) => /^(?:\.\/bin\/)?pathproof$/.test(program)
  const shown = pages.flatMap((page) =>
    ['sh', 'text'].flatMap((language) =>
      blocks(page, language)
        .flatMap(simpleCommands)
        .filter(isOurs)
        .map((words) => ({ page, words: words.slice(1) })),
    ),
  )
  const inline = pages.flatMap((page) =>
    [
      ...read(page)
        .replace(/^```[\s\S]*?^```/gm, '')
        .matchAll(/`((?:\.\/bin\/)?pathproof [^`]+)`/g),
    ].map((m) => ({ page, words: simpleCommands((m[1] ?? '').replaceAll('\n', ' '))[0]?.slice(1) ?? [] })),
  )

  type Command = (argv: string[], io: Io) => Promise<number>
  type Told = { spec: CommandSpec } | { group: string; commands: Record<string, string> }
  const asked = new Map<string, Promise<Told>>()
  const tell = (words: string[]): Promise<Told> => {
    const key = words.join(' ')
    const known = asked.get(key)
    if (known !== undefined) return known
    const [name = '', ...rest] = words
    const told = import(`../../agent/cli/${name}.ts`).then(async (room: Record<string, Command>) => {
      const command = room[`${name}Command`]
      if (command === undefined) throw new Error(`no command ${name}`)
      const { stdout } = await say((io) => command([...rest, helpForPrograms], io))
      // JSON knows no Infinity.
      return JSON.parse(stdout, (key, value: unknown) =>
        key === 'max' && value === null ? Infinity : value,
      ) as Told
    })
    asked.set(key, told)
    return told
  }
  /** The table of the command that these words call, and its arguments; null: they name a group alone, or nothing. */
  async function commandOf(words: string[]): Promise<{ spec: CommandSpec; argv: string[] } | null> {
    const path: string[] = []
    for (const word of words) {
      path.push(word)
      const told = await tell(path)
      if ('spec' in told) return { spec: told.spec, argv: words.slice(path.length) }
    }
    return null
  }

  it('are found at all', () => {
    expect(shown.length).toBeGreaterThan(40)
    expect(inline.length).toBeGreaterThan(30)
    expect(simpleCommands(`$ a --b 'c d' "e" > f \\\n g | h # i\n# j\nk && l <m\nn='o'`)).toEqual([
      ['a', '--b', 'c d', 'e', 'g'],
      ['h'],
      ['k'],
      ['l'],
      ['n=o'],
    ])
  })

  it('of the program are accepted as they are shown', async () => {
    const refused = await Promise.all(
      shown.map(async ({ page, words }) => {
        if (/^--(?:version|licenses|help)$/.test(words[0] ?? '')) return []
        const command = await commandOf(words).catch(() => null)
        if (command === null) return [`${page}: pathproof ${words.join(' ')}: no command`]
        const parsed = parseCommand(command.spec, command.argv)
        return parsed.ok || parsed.code === 0 ? [] : [`${page}: pathproof ${words.join(' ')}: ${parsed.text}`]
      }),
    )
    expect(refused.flat()).toEqual([])
  })

  it('that are named in passing have the options that are named', async () => {
    const wrong = await Promise.all(
      inline.map(async ({ page, words }) => {
        const line = `${page}: pathproof ${words.join(' ')}`
        // `pathproof COMMAND --help`: any of them.
        if (/^[A-Z-]/.test(words[0] ?? '')) return []
        const command = await commandOf(words).catch(() => null)
        if (command === null) return words.length <= 1 ? [] : [`${line}: no command`]
        const unknown = command.argv
          .filter((word) => word.startsWith('--'))
          .map((word) => word.slice(2).split('=')[0] ?? '')
          .filter((option) => option !== 'help' && !Object.hasOwn(command.spec.options, option))
        return unknown.map((option) => `${line}: --${option}`)
      }),
    )
    expect(wrong.flat()).toEqual([])
  })

  it('of npm exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const used = pages.flatMap((page) =>
      [...read(page).matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:-]+)/g)].map((m) => m[1] ?? ''),
    )
    expect(used.length).toBeGreaterThan(5)
    expect(used.filter((name) => !(name in scripts))).toEqual([])
  })
})

describe('metrics', () => {
  const metrics: readonly Metric[] = catalogue
  const exported = new Set(
    metrics.flatMap(({ name, type, available }) =>
      !available
        ? []
        : type === 'histogram'
          ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
          : [name],
    ),
  )
  const files = [...pages, ...below('deploy')].filter((file) => /\.(?:md|ya?ml|json|libsonnet)$/.test(file))
  // Not those in the names of recording rules.
  const named = files.flatMap((file) =>
    [...new Set(read(file).match(/(?<![:\w])pathproof_[a-z]\w*(?![\w:])/g) ?? [])].map((name) => ({
      file,
      name,
    })),
  )

  it('that pages, runbooks, rules and dashboards name are exported', () => {
    for (const folder of ['docs/', 'deploy/grafana/', 'deploy/prometheus/', 'deploy/mixin/'])
      expect(named.filter(({ file }) => file.startsWith(folder)).length, folder).toBeGreaterThan(5)
    const unknown = named.filter(({ name }) => !exported.has(name) && !name.endsWith('_'))
    expect(unknown.map(({ file, name }) => `${file}: ${name}`)).toEqual([])
  })

  it('that are named by their beginning are some', () => {
    const beginnings = named.filter(({ name }) => name.endsWith('_'))
    const unknown = beginnings.filter(({ name }) => ![...exported].some((metric) => metric.startsWith(name)))
    expect(unknown.map(({ file, name }) => `${file}: ${name}`)).toEqual([])
  })
})

describe('configuration snippets', () => {
  const own = new Set(Object.keys((configJsonSchema() as { properties: object }).properties))
  /** By a key that says whose file a snippet is of. */
  const others = ['groups', 'scrape_configs', 'route', 'receivers', 'tls_server_config', 'basic_auth_users']
  // Those of docs/lab.md are scenarios.
  const snippets = pages
    .filter((page) => page !== 'docs/lab.md')
    .flatMap((page) => blocks(page, 'yaml').map((text) => ({ page, text })))
  const keysOf = (text: string): string[] => {
    const value: unknown = parse(text, { uniqueKeys: false })
    return typeof value === 'object' && value !== null ? Object.keys(value) : []
  }
  const isOther = (text: string) => keysOf(text).some((key) => others.includes(key))

  it('are accepted, each by itself', () => {
    const ours = snippets.filter(({ text }) => !isOther(text))
    expect(ours.length).toBeGreaterThan(8)
    const refused = ours.flatMap(({ page, text }) => {
      const loaded = parseConfig(/^version:/m.test(text) ? text : `version: 1\n${text}`, page, Date.now())
      return loaded.ok ? [] : loaded.problems.map((problem) => `${page}: ${problem.path}: ${problem.problem}`)
    })
    expect(refused).toEqual([])
  })

  it('of other programs have no key of ours', () => {
    const mixed = snippets.filter(({ text }) => isOther(text) && keysOf(text).some((key) => own.has(key)))
    expect(mixed.map(({ page }) => page)).toEqual([])
  })
})

describe('README', () => {
  it('has an alert on metrics that are exported, with their labels', () => {
    const metrics: readonly Metric[] = catalogue
    const [alerts] = blocks('README.md', 'yaml').filter((block) => block.startsWith('groups:'))
    const { groups } = parse(alerts ?? '') as {
      groups: { rules: { expr: string; annotations?: Record<string, string> }[] }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    const used = rules.flatMap(({ expr }) => expr.match(/pathproof_\w+/g) ?? [])
    expect(used.length).toBeGreaterThan(0)
    for (const name of used) expect(metrics.find((m) => m.name === name)?.available, name).toBe(true)
    for (const { expr, annotations = {} } of rules) {
      const labels = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map((m) => m[1] ?? '')
      const on = /on \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/) ?? []
      for (const name of expr.match(/pathproof_\w+/g) ?? []) {
        const own = ['instance', 'job', ...(metrics.find((m) => m.name === name)?.labels ?? [])]
        for (const label of on) expect(own, `${label} of ${name}`).toContain(label)
      }
      const first = metrics.find((m) => m.name === expr.match(/pathproof_\w+/)?.[0])
      for (const label of labels) expect(['instance', 'job', ...(first?.labels ?? [])]).toContain(label)
    }
  })

  it('has a configuration that is accepted', () => {
    const [config] = blocks('README.md', 'yaml').filter((block) => block.startsWith('version:'))
    const loaded = parseConfig(config ?? '', 'README.md', Date.now())
    expect(loaded.ok ? [] : loaded.problems).toEqual([])
    expect(loaded.ok && loaded.config.targets.length).toBe(3)
  })

  it('names every runtime dependency, and none besides', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const section = /^## Dependencies$([\s\S]*?)^## /m.exec(read('README.md'))?.[1] ?? ''
    const named = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1])
    expect(named).toEqual(Object.keys(dependencies))
  })

  it('names every command, and none besides', async () => {
    const { stdout } = await run(join(root, 'bin/pathproof'), ['--help'])
    const listed = /Commands:\n([\s\S]*?)\n\n/
      .exec(stdout)?.[1]
      ?.split('\n')
      .map((line) => line.trim().split(/\s+/)[0])
    const section = /^## Commands$([\s\S]*?)^## /m.exec(read('README.md'))?.[1] ?? ''
    expect([...section.matchAll(/^\| `pathproof (\w+)` \|/gm)].map((m) => m[1])).toEqual(listed)
  })
})

describe('docs/architecture.md', () => {
  it('has the same table of rooms as its test', () => {
    const test = readFileSync(join(root, 'test/house/rooms.test.ts'), 'utf8')
    const literal = /const table[^=]*= \{\n([\s\S]*?)\n\}/.exec(test)?.[1] ?? ''
    const law = [...literal.matchAll(/^ {2}(\w+): \[(.*)\],$/gm)].map(([, room = '', list = '']) => [
      room,
      list
        .split(',')
        .map((word) => word.replace(/['\s]/g, ''))
        .filter((word) => word !== '' && word !== room),
    ])
    expect(law.length).toBeGreaterThan(5)
    const shown = [...read('docs/architecture.md').matchAll(/^\| `(\w+)\/` \|.*\| ([^|]*) \|$/gm)].map(
      ([, room = '', cell = '']) => [room, [...cell.matchAll(/`(\w+)`/g)].map((m) => m[1] ?? '')],
    )
    expect(shown).toEqual(law)
  })
})

describe('docs/snapshot.md', () => {
  it('has a script whose directory is read whole', async () => {
    const lab = await startLab(await loadScenario('gateway-endpoint'), {
      mode: 'mapped',
      clock: { wallMs: Date.now },
      timed: false,
    })
    const directory = await mkdtemp(join(tmpdir(), 'pathproof-docs-'))
    try {
      const [script] = blocks('docs/snapshot.md', 'sh').filter((block) => block.startsWith('#!'))
      await writeFile(join(directory, 'snapshot.sh'), script ?? '')
      // Stands for the AWS CLI: answers each call with the lab's own file.
      const fake = `#!/bin/sh
case "$1 $2" in
  'configure get') echo us-east-1 ;;
  'sts get-caller-identity') echo 123456789012 ;;
  'ec2 get-managed-prefix-list-entries') cat "$DUMP/get-managed-prefix-list-entries/$4.json" ;;
  *) case "$*" in
       *--query*) ls "$DUMP/get-managed-prefix-list-entries" | sed 's/[.]json$//' ;;
       *) cat "$DUMP/$2.json" ;;
     esac ;;
esac
`
      await writeFile(join(directory, 'aws'), fake, { mode: 0o755 })
      const environment = {
        ...process.env,
        PATH: `${directory}:${process.env['PATH']}`,
        DUMP: lab.snapshotDirectory,
      }
      const dump = join(directory, 'dump')
      // The second time over the first.
      for (const named of [dump, relative(directory, dump)])
        await run('sh', [join(directory, 'snapshot.sh'), named], { env: environment, cwd: directory })
      const there = await readFile(join(lab.snapshotDirectory, 'manifest.json'), 'utf8')
      const snapshot = await readSnapshotDirectory(dump, { nowMs: Date.now(), undated: 'refuse' })
      const own = await readSnapshotDirectory(lab.snapshotDirectory, { nowMs: Date.now(), undated: 'refuse' })
      expect(there).toContain('pathproof.snapshot/1')
      expect(snapshot.problems).toEqual(own.problems)
      for (const [part, status] of Object.entries(own.parts)) {
        const taken = snapshot.parts[part as keyof typeof snapshot.parts]
        expect([part, taken.read, taken.read && taken.dated]).toEqual([
          part,
          status.read,
          status.read && 'manifest',
        ])
      }
      expect(snapshot.routeTables).toEqual(own.routeTables)
      expect(snapshot.prefixLists.map((l) => l.entries)).toEqual(own.prefixLists.map((l) => l.entries))
    } finally {
      await lab.close()
      await rm(directory, { recursive: true, force: true })
    }
  })
})

describe('the tree', () => {
  it('speaks of itself alone: no paths of one machine, no numbers of a tracker', () => {
    const skipped = new Set(['.git', 'node_modules', 'dist', '.lab'])
    // Written so that this file does not match itself.
    const forbidden = [
      new RegExp('/wor' + 'k/'),
      new RegExp('\\biss' + 'ues? (?:no\\.? ?|number |#)?\\d', 'i'),
    ]
    const files = readdirSync(root, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((file) => !file.split('/').some((part) => skipped.has(part)))
    expect(files.length).toBeGreaterThan(300)
    const found = files.flatMap((file) => {
      if (!/\.(?:ts|mjs|md|ya?ml|json|service|txt|sh)$|^[^.]*$/.test(file) || file === 'package-lock.json')
        return []
      const text = readFileSync(join(root, file), 'utf8')
      return forbidden.flatMap((pattern) => {
        const match = pattern.exec(text)
        return match === null
          ? []
          : [`${file}: ${text.slice(Math.max(0, match.index - 40), match.index + 40).trim()}`]
      })
    })
    expect(found).toEqual([])
  })
})
