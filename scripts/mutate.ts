// Breaks one thing of the rules at a time and sees whether a test turns red.
//   npm run mutate              every row of the rule table, and every condition in verdict/ and the route resolver
//   npm run mutate -- --rows    the rows only (what continuous integration runs)
//   npm run mutate -- --only T        only mutants of which file and changed line hold the text T
//   npm run mutate -- --without FILE  as if this file of tests were not there
// Prints the mutants that survived. Exits 1 if one survived that mutate-equivalent.txt does not list with a reason, or
// if that list names one that does not survive.
import { type ChildProcess, fork } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Mutant, conditionMutants, rowMutants } from './mutate-mutants.ts'

const root = resolve(import.meta.dirname, '..')
const rowsOnly = process.argv.includes('--rows')
const option = (name: string): string =>
  process.argv.includes(name) ? (process.argv[process.argv.indexOf(name) + 1] ?? '') : ''
const only = option('--only')
const without = option('--without')
// Tests of the rules lean on a few things of other rooms.
const others = ['probes', 'ledger', 'exporters', 'agent', 'lab']
const settings = ['package.json', 'tsconfig.json']
const rooms = ['model', 'net', 'aws', 'verdict', 'test', ...others, ...settings]
const tests = rowsOnly ? ['test/verdict/'] : ['test/verdict/', 'test/aws/route']

interface Equivalent {
  file: string
  changed: string
  why: string
}

/** `file:`, `changed:` and `why:`, a line each; an empty line between two of them; `#` begins a comment. */
function equivalents(): Equivalent[] {
  const text = readFileSync(join(import.meta.dirname, 'mutate-equivalent.txt'), 'utf8')
  const blocks = text.replaceAll(/^#.*\n/gm, '').split(/\n\s*\n/)
  return blocks.flatMap((block): Equivalent[] => {
    if (block.trim() === '') return []
    const found = /^file: (.+)\nchanged: (.+)\nwhy: (.+)$/.exec(block.trim())
    if (found === null) throw new Error(`mutate-equivalent.txt: not file, changed and why:\n${block}`)
    const [, file = '', changed = '', why = ''] = found
    return [{ file, changed, why }]
  })
}

/** One process with vitest within, over a copy of the sources; it is killed where a mutant never ends. */
interface Runner {
  /** The tests that are red with `text` in `file`; one is enough. */
  red(file: string, text: string): Promise<string[]>
  close(): void
}

// Many times what the unbroken tests need, also on a busy machine.
const limitMs = 30_000

function startRunner(directory: string): Runner {
  const start = (): ChildProcess =>
    fork(join(import.meta.dirname, 'mutate-runner.ts'), [directory, ...tests], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  let child = start()
  const ask = (file: string): Promise<string[]> =>
    new Promise((done, failed) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        child.removeAllListeners()
        act()
      }
      // A mutant that never ends has been noticed as well.
      const timer = setTimeout(() => {
        settle(() => done(['(no end)']))
        child.kill('SIGKILL')
        child = start()
      }, limitMs)
      child.on('message', (red: string[]) => settle(() => done(red)))
      child.on('exit', (code) => settle(() => failed(new Error(`a runner ended with ${code}`))))
      child.send({ file })
    })
  return {
    async red(file, text) {
      const path = join(directory, file)
      const before = readFileSync(path, 'utf8')
      writeFileSync(path, text)
      try {
        return await ask(path)
      } finally {
        writeFileSync(path, before)
      }
    },
    close: () => void child.kill('SIGKILL'),
  }
}

function copyOfSources(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-mutate-'))
  for (const room of rooms) cpSync(join(root, room), join(directory, room), { recursive: true })
  if (without !== '') rmSync(join(directory, without))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  return directory
}

async function work(directory: string, queue: Mutant[], survivors: Mutant[]): Promise<void> {
  const runner = startRunner(directory)
  try {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      if ((await runner.red(mutant.file, mutant.text)).length > 0) continue
      survivors.push(mutant)
      if (!listed(mutant)) console.log(`survived: ${mutant.file}:${mutant.line}: ${mutant.changed}`)
    }
  } finally {
    runner.close()
  }
}

const known = rowsOnly ? [] : equivalents()
const listed = (m: Mutant): boolean => known.some((e) => e.file === m.file && e.changed === m.changed)
const directories = Array.from({ length: Math.min(2, availableParallelism()) }, copyOfSources)
try {
  const [first = root] = directories
  const everything = [...rowMutants(first), ...(rowsOnly ? [] : conditionMutants(first))]
  const mutants = everything.filter((m) => `${m.file}: ${m.changed}`.includes(only))
  const unbroken = startRunner(first)
  const [any] = everything
  if (any === undefined) throw new Error('there is nothing to mutate')
  const red = await unbroken.red(any.file, readFileSync(join(first, any.file), 'utf8'))
  unbroken.close()
  if (red.length > 0) throw new Error(`red before anything is broken: ${red.join('; ')}`)

  const survivors: Mutant[] = []
  const queue = [...mutants]
  await Promise.all(directories.map((directory) => work(directory, queue, survivors)))
  const unlisted = survivors.filter((m) => !listed(m))
  const stale =
    only !== ''
      ? []
      : known.filter((e) => !survivors.some((m) => e.file === m.file && e.changed === m.changed))
  for (const e of stale) console.log(`listed as equivalent, yet it does not survive: ${e.file}: ${e.changed}`)
  console.log(
    `${mutants.length} mutants, ${mutants.length - survivors.length} killed, ` +
      `${survivors.length - unlisted.length} equivalent, ${unlisted.length} survived`,
  )
  process.exitCode = unlisted.length + stale.length > 0 ? 1 : 0
} finally {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
}
