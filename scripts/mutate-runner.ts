// The process that mutate.ts asks whether the tests notice a change: the arguments are the
// directory of a copy of the sources, and the tests. A message names the file that was changed; the answer, what is red.
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BaseSequencer, type TestSpecification, createVitest } from 'vitest/node'

const [directory = '', ...tests] = process.argv.slice(2)
process.chdir(directory)
// Property tests draw the same few cases for each mutant: whether one dies must not be luck.
const setup = join(directory, 'mutate-setup.ts')
writeFileSync(
  setup,
  "import fc from 'fast-check'\nfc.configureGlobal({ seed: 20261120, endOnFailure: true, numRuns: 100 })\n",
)
/** Leaves the files in the order in which they are given. */
class AsGiven extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files)
  }
}

const vitest = await createVitest('test', {
  root: directory,
  config: false,
  testTimeout: 60_000,
  watch: false,
  pool: 'threads',
  isolate: false,
  maxWorkers: 1,
  fileParallelism: false,
  bail: 1,
  reporters: [{}],
  cache: false,
  setupFiles: [setup],
  sequence: { sequencer: AsGiven },
})
/** The file that was broken last and has been mended since. */
let before = directory
const specifications = await vitest.globTestSpecifications(tests)

process.on('message', (message: { file: string }) => void answer(message.file))
process.on('disconnect', () => process.exit())

const slow = /eliminate|propert/
/** Those first that are about this very file, then the table of rows; those that draw many cases last. */
function inOrder(file: string): TestSpecification[] {
  const about = basename(file, '.ts')
  const weight = ({ moduleId }: TestSpecification): number => {
    const test = basename(moduleId)
    return test.startsWith(about) ? 0 : test.startsWith('rows') ? 1 : slow.test(test) ? 3 : 2
  }
  return specifications.toSorted((a, b) => weight(a) - weight(b))
}

/** Runs the tests after `file` has changed, and tells which are red. */
async function answer(file: string): Promise<void> {
  for (const changed of new Set([before, file])) vitest.invalidateFile(changed)
  before = file
  const run = await vitest.runTestSpecifications(inOrder(file))
  const red = run.testModules.flatMap((module) => {
    const tests = [...module.children.allTests('failed')].map((test) => test.fullName)
    return tests.length > 0 || module.ok() ? tests : [module.relativeModuleId]
  })
  if (run.testModules.length === 0) red.push('no test was run')
  process.send?.([...red, ...run.unhandledErrors.map(String)])
}
