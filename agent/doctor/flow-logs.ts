import type { CaptureInterface } from '../../model/capture.ts'
import { type CoverageFinding, type NamedFlowLog, coverageOf } from '../../probes/flowlog-coverage.ts'
import { clockProblem } from '../evidence/clock-offset.ts'
import { costsOf } from '../config/cost.ts'
import type { Config } from '../config/config.ts'
import { type FlowlogState, loadFlowlogState } from '../evidence/flowlog-state.ts'
import { type Finding, type Patient, counted, duration, ok, warn } from './finding.ts'

const area = 'flow logs'

/** The flow log that the configuration names, if it does. */
export function namedFlowLog(
  { logGroup, s3, format }: Config['flowLogs'],
  where: { account: string | null; region: string | null },
): NamedFlowLog | null {
  const source = logGroup !== null ? { logGroup } : s3
  return source === null ? null : { source, format, ...where }
}

/** Which flow logs see this host's packets, whether they can be read, what they lack; and how the last reading went. */
export async function flowLogFindings(patient: Patient, stateDirectory: string | null): Promise<Finding[]> {
  const { config, snapshot, where, host } = patient
  if (!config.flowLogs.enabled) {
    const text = 'not read: no connection can be confirmed by them'
    return [ok(area, `${text} (flow_logs: { enabled: true } reads them)`)]
  }
  const { accountId, region, interfaces } = where.vantage
  const named = namedFlowLog(config.flowLogs, { account: snapshot?.account ?? accountId, region })
  const places = interfaces.map((own) => {
    const at: CaptureInterface = {
      interfaceId: own.id,
      role: 'client',
      natGatewayId: null,
      endpointId: null,
      addresses: [...own.ipv4, ...own.ipv6],
    }
    return coverageOf(snapshot, at, { subnetId: own.subnetId, vpcId: own.vpcId }, named)
  })
  const seen = new Set<string>()
  const findings = places.flatMap((coverage) => coverage.findings)
  const distinct = findings.filter(({ text }) => !seen.has(text) && seen.add(text))
  const whole = places.filter(({ findings: own }) => own.length === 0).length
  const state = stateDirectory === null ? null : await loadFlowlogState(stateDirectory)
  return [
    ...(interfaces.length === 0
      ? [warn(area, "which network interfaces are this host's is not known", 'see the lines on the vantage')]
      : []),
    ...(whole > 0 ? [ok(area, `${counted(whole, 'network interface')} whole in sight of a flow log`)] : []),
    ...distinct.map(coverageFinding),
    ...readingFindings(state, host.clock.wallMs(), config.flowLogs.everySeconds),
    ...costsOf(config).map(({ text }) => ok(area, text)),
  ]
}

function coverageFinding({ severity, text, command }: CoverageFinding): Finding {
  if (severity === 'note') return ok(area, text)
  return warn(area, text, command ?? 'see aws ec2 describe-flow-logs')
}

function readingFindings(state: FlowlogState | null, nowMs: number, everySeconds: number): Finding[] {
  if (state === null) {
    return [ok(area, 'the agent has kept no word on a reading yet: they are not read here')]
  }
  const ageSeconds = Math.max(0, (nowMs - state.atMs) / 1000)
  const read = `last read ${duration(ageSeconds)} ago`
  const findings: Finding[] =
    ageSeconds > 5 * everySeconds + 120
      ? [warn(area, `${read}: that is long ago`, 'is the agent running? see its log')]
      : [ok(area, read)]
  const clockIsOff = clockProblem(state.clockOffsetSeconds)
  if (clockIsOff !== null) findings.push(warn(area, clockIsOff, 'see timedatectl, or chronyc tracking'))
  for (const { id, events, newestEndSeconds, truncated, badFiles, badLines, failure } of state.readings) {
    if (failure !== null) findings.push(warn(area, `${id}: ${failure.detail}`, failure.nextStep))
    if (truncated !== null) {
      const next = 'a flow log of the interface alone has fewer records than that of a VPC'
      findings.push(warn(area, `${id}: more records than one reading takes (${truncated})`, next))
    }
    if (badFiles + badLines > 0) {
      const what = `${counted(badFiles, 'file')} and ${counted(badLines, 'line')} could not be read`
      findings.push(warn(area, `${id}: ${what}`, 'see the format of the flow log, and who else writes there'))
    }
    if (failure === null && newestEndSeconds !== null) {
      const age = duration(Math.max(0, nowMs / 1000 - newestEndSeconds))
      findings.push(ok(area, `${id}: ${counted(events, 'record')}, the youngest ${age} old`))
    }
  }
  return findings
}
