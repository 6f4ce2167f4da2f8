import { type Lab, startLab } from '../lab/lab.ts'
import type { Expectation, Scenario } from '../lab/scenario.ts'
import type { HostAccess } from '../model/host.ts'
import type { Snapshot } from '../model/topology.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import { check } from './check.ts'
import { targetsOf } from './config/targets.ts'
import type { ProgramCommand } from './child.ts'
import { type LabConfigOptions, labConfig } from './lab-config.ts'
import { type RecordFormat, lookWithRecords, movedClock, withFlowLogs } from './lab-records.ts'

/** One look at a lab: at first, or after one of its steps. Its lab is open until the next round is asked for. */
export interface LabRound {
  /** Null: at first. */
  step: string | null
  expect: readonly Expectation[]
  lab: Lab
  targets: TargetVerdict[]
  /** The same attempts with what the network recorded of them; null: that was not asked for. */
  recorded: TargetVerdict[] | null
  /** What was read of the account; null: nothing. */
  snapshot: Snapshot | null
  /** What went wrong in the reading, one line each. */
  problems: readonly string[]
}

export interface LabRoundsOptions {
  /** By its EC2 API as well as by the directory of AWS CLI output; null: by the directory. */
  program: ProgramCommand | null
  /** Where the account is read instead; asked before each look, for what must be put there first. */
  source?: (lab: Lab) => Promise<LabConfigOptions['source']>
  /** With flow logs of a format in the scenario's VPCs, read by this program, as time goes by in the lab. Left out: without. */
  records?: { format: RecordFormat; program: ProgramCommand } | null
  /** The real machine, whose network the lab takes over. */
  machine: HostAccess
  version: string
  /** The maker of this machine by its firmware, with a line feed; null: it says nothing. */
  vendor?: string | null
  /** For each round. Default 60. */
  timeoutSeconds?: number
}

/**
 * Plays a scenario on loopback, at first and after each of its steps, and looks at all of its names as `check` does.
 * @throws if the scenario's own configuration is refused
 */
export async function* labRounds(scenario: Scenario, options: LabRoundsOptions): AsyncGenerator<LabRound> {
  const { machine, program, records = null, version, vendor = null, timeoutSeconds = 60 } = options
  const clock = movedClock(machine.clock)
  const played = records === null ? scenario : withFlowLogs(scenario, records.format)
  const lab = await startLab(played, { mode: 'mapped', clock, timed: false })
  try {
    const rounds = [{ name: null, expect: scenario.expect }, ...scenario.steps]
    for (const { name: step, expect } of rounds) {
      if (step !== null) await lab.apply(step)
      const loaded = labConfig(lab, {
        every: records === null ? '30s' : '15m',
        listen: '127.0.0.1:0',
        nowMs: clock.wallMs(),
        source: (await options.source?.(lab)) ?? (program === null ? 'directory' : 'aws'),
      })
      if (!loaded.ok) throw new Error(`${scenario.name}: ${loaded.problems.map((p) => p.problem).join('; ')}`)
      const round: LabRound = {
        step,
        expect,
        lab,
        targets: [],
        recorded: null,
        snapshot: null,
        problems: [],
      }
      const deps = {
        host: { ...lab.hostAccess(machine), clock },
        version,
        readText: () => Promise.resolve(vendor),
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      }
      if (records !== null) {
        const look = await lookWithRecords(lab, loaded.config, { ...deps, program: records.program })
        yield { ...round, ...look }
        continue
      }
      const looks = check(targetsOf(loaded.config).targets, loaded.config, null, {
        ...deps,
        hostRoots: lab.hostRoots,
        ...(program === null ? {} : { program }),
        onSnapshot(snapshot, problems) {
          Object.assign(round, { snapshot, problems })
        },
      })
      for await (const { verdict } of looks) round.targets.push(verdict)
      yield round
    }
  } finally {
    await lab.close()
  }
}
