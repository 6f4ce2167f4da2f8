import { fileURLToPath } from 'node:url'
import { check } from '../../agent/check.ts'
import type { Io } from '../../agent/cli/io.ts'
import { type MatrixOptions, confusionMatrix } from '../../agent/cli/lab-matrix.ts'
import { renderTarget } from '../../agent/cli/render-check.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { labConfig } from '../../agent/lab-config.ts'
import { machine } from '../../agent/machine.ts'
import { version } from '../../agent/version.ts'
import { startLab } from '../../lab/lab.ts'
import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import { readerWithin } from '../../test/support/reader-within.ts'
import { code, fenced, table } from './markdown.ts'

const link = 'https://my-bucket.s3.amazonaws.com/file.jpg'
const readme = fileURLToPath(new URL('readme.yaml', import.meta.url))

/** The scenarios that come with the lab, each with its story. */
export async function scenariosSection(): Promise<string> {
  const rows: string[][] = []
  for (const name of await shippedScenarios()) {
    const { title, story } = await loadScenario(name)
    rows.push([code(name), title, story.trim()])
  }
  return table(['Scenario', 'Title', 'What is played'], rows)
}

/** What `pathproof lab --matrix` prints. */
export const matrixSection = (): Promise<string> => matrixText({})

/** What `pathproof lab --matrix --records` counts, the records read in this process. */
export const recordsMatrixSection = (): Promise<string> =>
  matrixText({ records: { format: 'full', program: readerWithin() }, brief: true })

async function matrixText(options: MatrixOptions): Promise<string> {
  let text = ''
  const io: Io = {
    stdout(more) {
      text += more
    },
    stderr: () => undefined,
    stdin: null,
    color: false,
    tty: false,
    nowMs: Date.now,
    environment: {},
  }
  await confusionMatrix(io, options)
  return fenced(text.replace(/ +$/gm, ''))
}

/**
 * What `check` prints for the question of the README: before it is mended, and after. The lab plays the network; its
 * authority stands in for the public roots, and the output says so.
 */
export async function checkSections(): Promise<{ before: string; after: string }> {
  const scenario = await loadScenario(readme)
  const lab = await startLab(scenario, { mode: 'mapped', clock: { wallMs: Date.now }, timed: false })
  const look = async (): Promise<string> => {
    const loaded = labConfig(lab, { every: '30s', listen: '127.0.0.1:0', nowMs: Date.now() })
    if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
    const results = check(targetsOf(loaded.config).targets, loaded.config, null, {
      host: lab.hostAccess(machine({})),
      version,
      readText: () => Promise.resolve(null),
      hostRoots: () => [],
      signal: AbortSignal.timeout(60_000),
      onSnapshot: () => undefined,
    })
    let text = `$ pathproof check --snapshot dump ${link}\n`
    for await (const { verdict, staleWouldBe } of results)
      text += renderTarget(verdict, { color: false, staleWouldBe })
    return fenced(text)
  }
  try {
    const before = await look()
    await lab.apply('mended')
    return { before, after: await look() }
  } finally {
    await lab.close()
  }
}

/** Output without what differs from run to run: local ports and durations. */
export function steady(text: string): string {
  return text.replace(/ port \d+/g, ' port N').replace(/\d+\.\d ms/g, 'N ms')
}
