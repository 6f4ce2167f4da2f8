import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../agent/config/load.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import type { Metric } from '../../exporters/metric.ts'
import { startLab } from '../../lab/lab.ts'
import { loadScenario } from '../../lab/scenario.ts'
import { sectionsOf } from '../../scripts/docs/markdown.ts'
import { outdated, playedSections, tableSections } from '../../scripts/docs/pages.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((f) => `docs/${f}`),
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

describe('commands', () => {
  const shells = pages.flatMap((page) => ['sh', 'text'].flatMap((language) => blocks(page, language)))
  const lines = shells.flatMap((block) => block.split('\n').map((line) => line.replace(/^\$ /, '').trim()))
  const called = [...new Set(lines.filter((line) => /^(?:\.\/bin\/)?pathproof\s/.test(line)))]

  it('are found at all', () => {
    expect(called.length).toBeGreaterThan(8)
  })

  it('of the program exist, with the options that are shown', async () => {
    const helps = new Map<string, string>()
    const help = async (words: string[]): Promise<string> => {
      const key = words.join(' ')
      const known = helps.get(key)
      if (known !== undefined) return known
      const { stdout } = await run(join(root, 'bin/pathproof'), [...words, '--help'])
      helps.set(key, stdout)
      return stdout
    }
    const groups = Object.keys({ config: true, ledger: true })
    for (const line of called) {
      const [, ...argv] = line
        .replace(/\s+#.*$/, '')
        .replace(/\s>.*$/, '')
        .split(/\s+/)
      const [first = '', second = ''] = argv
      const words = groups.includes(first) ? [first, second] : [first]
      const text = await help(words)
      expect(text, line).toContain(`Usage: pathproof ${words.join(' ')}`)
      for (const option of argv.filter((word) => word.startsWith('--'))) {
        expect(text, line).toMatch(new RegExp(`^  (?:-\\w, )?${option.split('=')[0]}\\b`, 'm'))
      }
    }
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
      for (const _ of [1, 2]) await run('sh', [join(directory, 'snapshot.sh'), dump], { env: environment })
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

describe('systemd/pathproof.service', () => {
  it('is understood by systemd', async ({ skip }) => {
    const version = await run('systemd-analyze', ['--version']).catch(() => null)
    if (version === null) return skip('there is no systemd-analyze here')
    const directory = await mkdtemp(join(tmpdir(), 'pathproof-unit-'))
    try {
      // The program need not be installed where the unit expects it.
      const unit = read('systemd/pathproof.service').replaceAll('/opt/pathproof/', `${root}/`)
      const file = join(directory, 'pathproof.service')
      await writeFile(file, unit)
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file])
      // What it says of other units of this machine is not ours.
      const own = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('pathproof'))
      expect(own).toEqual([])
    } finally {
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
