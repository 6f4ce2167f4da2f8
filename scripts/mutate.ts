// Breaks one thing of the rules at a time and sees whether a test turns red.
//   npm run mutate              every row of the rule table, and every condition in verdict/ and the resolver
//   npm run mutate -- --rows    the rows only (what continuous integration runs)
// Prints the mutants that survived; exits 1 if a row survived.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathClasses } from '../model/path.ts'
import { rows } from '../verdict/rules/rows.ts'

interface Mutant {
  file: string
  what: string
  row: boolean
  mutate(text: string): string
}

const root = resolve(import.meta.dirname, '..')
const rowsOnly = process.argv.includes('--rows')
const rooms = ['model', 'net', 'aws', 'verdict', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']

function rowMutants(): Mutant[] {
  const file = 'verdict/rules/rows.ts'
  return Object.entries(rows).flatMap(([id, row]) => {
    const put =
      (leaves: readonly string[], rank: string = row.rank) =>
      (text: string) => {
        const at = text.indexOf(`'${id}': row(`)
        const end = text.indexOf('\n  }', at) // the end of the table, in case the row is the last one
        const next = text.indexOf("\n  '", at + 1)
        const stop = next === -1 ? end : Math.min(next, end === -1 ? next : end)
        return `${text.slice(0, at)}'${id}': row('${rank}', only(${leaves.map((c) => `'${c}'`).join(', ')})),${text.slice(stop)}`
      }
    const leaves = row.leaves as readonly string[]
    const missing = pathClasses.filter((c) => !leaves.includes(c))
    const mutants: Mutant[] = leaves.map((c) => ({
      file,
      what: `${id} without ${c}`,
      row: true,
      mutate: put(leaves.filter((l) => l !== c)),
    }))
    for (const c of missing)
      mutants.push({ file, what: `${id} with ${c}`, row: true, mutate: put([...leaves, c]) })
    mutants.push({
      file,
      what: `${id} of another rank`,
      row: true,
      mutate: put(leaves, row.rank === 'configured' ? 'consistent' : 'configured'),
    })
    return mutants
  })
}

const swaps: [RegExp, string][] = [
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ > /g, ' <= '],
  [/ < /g, ' >= '],
  [/ >= /g, ' < '],
  [/ <= /g, ' > '],
  [/\.every\(/g, '.some('],
  [/\.some\(/g, '.every('],
  [/if \(!/g, 'if ('],
]

function conditionMutants(): Mutant[] {
  const files = [
    ...readdirSync(join(root, 'verdict'), { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.ts') && !f.endsWith('rows.ts') && !f.endsWith('advice.ts'))
      .map((f) => `verdict/${f}`),
    'aws/route.ts',
    'aws/route-rank.ts',
    'aws/route-table-of-subnet.ts',
  ]
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    return lines.flatMap((line, index) => {
      if (/^\s*(\/\/|\*|\/\*|import|export (type|interface))/.test(line)) return []
      return swaps.flatMap(([from, to]) =>
        [...line.matchAll(from)].map((match): Mutant => {
          const changed = line.slice(0, match.index) + to + line.slice(match.index + match[0].length)
          return {
            file,
            row: false,
            what: `${file}:${index + 1}: ${changed.trim().slice(0, 120)}`,
            mutate: () => lines.with(index, changed).join('\n'),
          }
        }),
      )
    })
  })
}

async function survives(directory: string): Promise<boolean> {
  const child = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--bail=1',
      '--reporter=dot',
      'test/verdict',
      ...(rowsOnly ? [] : ['test/aws/route']),
    ],
    { cwd: directory, stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } },
  )
  // A mutant that never ends has been noticed as well.
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const code = await new Promise<number | null>((done) => void child.on('close', done))
  clearTimeout(timer)
  return code === 0
}

async function work(mutants: Mutant[], survivors: Mutant[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-mutate-'))
  try {
    for (const room of rooms) cpSync(join(root, room), join(directory, room), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
    for (let mutant = mutants.shift(); mutant !== undefined; mutant = mutants.shift()) {
      const path = join(directory, mutant.file)
      const text = readFileSync(path, 'utf8')
      const mutated = mutant.mutate(text)
      if (mutated === text) throw new Error(`the mutant changes nothing: ${mutant.what}`)
      writeFileSync(path, mutated)
      if (await survives(directory)) {
        survivors.push(mutant)
        console.log(`survived: ${mutant.what}`)
      }
      writeFileSync(path, text)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const mutants = [...rowMutants(), ...(rowsOnly ? [] : conditionMutants())]
const total = mutants.length
const survivors: Mutant[] = []
await Promise.all([work(mutants, survivors), work(mutants, survivors)])
const rowSurvivors = survivors.filter((m) => m.row).length
console.log(
  `${total} mutants, ${total - survivors.length} killed, ${survivors.length} survived (${rowSurvivors} of them rows)`,
)
process.exitCode = rowSurvivors > 0 ? 1 : 0
