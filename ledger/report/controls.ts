import data from './controls.json' with { type: 'json' }
import { type CheckName, type CheckResult, type ControlReport, checkNames } from './model.ts'

/** Day on which a person last read the mapping against the texts of the frameworks. */
export const controlsReviewed: string = data.reviewed

function isCheck(name: string): name is CheckName {
  return (checkNames as readonly string[]).includes(name)
}

/** Every control that the evidence supports, with what the checks behind it found in the period. */
export function controlsFor(checks: Readonly<Record<CheckName, CheckResult>>): ControlReport[] {
  return data.frameworks.flatMap(({ framework, version, controls }) =>
    controls.map(({ id, title, why, checks: names }) => ({
      framework,
      version,
      id,
      title,
      why,
      supportedBy: names.filter(isCheck).map((check) => ({ check, result: checks[check] })),
    })),
  )
}

/** How a check reads. */
export const checkWords: Readonly<Record<CheckName, string>> = {
  path_required: 'paths as required',
  no_public_path: 'no public path',
  continuous_observation: 'observed without a gap',
  egress_closed: 'ways out closed',
  posture: 'facts of the account and the host',
  flow_census: 'flows of other programs',
  waivers: 'waivers',
  record_integrity: 'integrity of the record',
  clock: 'clock',
}
