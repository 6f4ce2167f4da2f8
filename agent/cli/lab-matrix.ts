import { startLab } from '../../lab/lab.ts'
import { loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import { type PathState, pathStates } from '../../model/path.ts'
import { check } from '../check.ts'
import { targetsOf } from '../config/targets.ts'
import { labConfig } from '../lab-config.ts'
import { machine } from '../machine.ts'
import { version } from '../version.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'

/** One name in one state of one scenario: what the agent said, and what the packets did. */
interface Compared {
  scenario: string
  hostname: string
  truth: PathState
  verdict: PathState
  because: string
}

async function compare(io: Io, files: readonly string[]): Promise<Compared[]> {
  const rows: Compared[] = []
  for (const file of files) {
    const scenario = await loadScenario(file)
    const lab = await startLab(scenario, {
      mode: 'mapped',
      clock: { wallMs: () => io.nowMs() },
      timed: false,
    })
    try {
      for (const step of [null, ...scenario.steps.map((s) => s.name)]) {
        if (step !== null) await lab.apply(step)
        const loaded = labConfig(lab, { every: '30s', listen: '127.0.0.1:0', nowMs: io.nowMs() })
        if (!loaded.ok) throw new Error(`${file}: ${loaded.problems.map((p) => p.problem).join('; ')}`)
        const results = check(targetsOf(loaded.config).targets, loaded.config, null, {
          host: lab.hostAccess(machine(io.environment)),
          version,
          readText: () => Promise.resolve(null),
          hostRoots: lab.hostRoots,
          signal: AbortSignal.timeout(60_000),
          onSnapshot: () => undefined,
        })
        for await (const { verdict } of results) {
          for (const name of verdict.names) {
            rows.push({
              scenario: step === null ? file : `${file} + ${step}`,
              hostname: name.hostname,
              truth: lab.truth(name.hostname).state,
              verdict: name.state,
              because: name.because[0] ?? '',
            })
          }
        }
      }
    } finally {
      await lab.close()
    }
  }
  return rows
}

/** Plays every scenario (or the `only` one) and prints verdicts against truth. Exit code 1 if anything was called private that is not. */
export async function confusionMatrix(io: Io, only: string | null = null): Promise<number> {
  const rows = await compare(io, only === null ? await shippedScenarios() : [only])
  const width = Math.max(...rows.map((r) => r.scenario.length))
  for (const r of rows) {
    io.stdout(
      `${r.scenario.padEnd(width)}  ${r.hostname.padEnd(48)}  truth ${r.truth.padEnd(12)}  verdict ${r.verdict.padEnd(12)}  ${r.because}\n`,
    )
  }
  io.stdout(`\n${'truth \\ verdict'.padEnd(16)}${pathStates.map((s) => s.padStart(14)).join('')}\n`)
  for (const truth of pathStates) {
    const counts = pathStates.map((v) => rows.filter((r) => r.truth === truth && r.verdict === v).length)
    if (counts.some((c) => c > 0))
      io.stdout(`${truth.padEnd(16)}${counts.map((c) => String(c).padStart(14)).join('')}\n`)
  }
  const wrong = rows.filter((r) => r.verdict === 'private' && r.truth !== 'private')
  io.stdout(`\n${rows.length} names, ${wrong.length} called private that are not\n`)
  return wrong.length > 0 ? exit.failed : exit.met
}
