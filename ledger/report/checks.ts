import { type Findings, isException } from './findings.ts'
import type { CheckName, CheckResult } from './model.ts'
import { durationText, outcomeWords, percentText } from './words.ts'

/** What was found in the period, by the kinds of evidence that controls are mapped to. */
export function checksOf(findings: Findings): Record<CheckName, CheckResult> {
  const broken = findings.assurance.outcome === 'broken'
  const found: Record<CheckName, CheckResult> = {
    path_required: pathRequired(findings),
    no_public_path: noPublicPath(findings),
    continuous_observation: observation(findings),
    egress_closed: egressClosed(findings),
    posture: posture(findings),
    flow_census: census(findings),
    waivers: waivers(findings),
    record_integrity: integrity(findings),
    clock: clock(findings),
  }
  if (!broken) return found
  // From a ledger that was changed nothing good follows; what is bad in it stays.
  const names = Object.keys(found) as CheckName[]
  for (const name of names)
    if (found[name].result === 'no_exception')
      found[name] = { result: 'incomplete', sentence: 'The ledger does not verify: nothing follows from it.' }
  return found
}

const many = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`

function pathRequired({ targets }: Findings): CheckResult {
  const asked = targets.filter(({ conclusion }) => conclusion !== 'nothing_required')
  if (asked.length === 0) return { result: 'no_data', sentence: 'Nothing is required of any target.' }
  const bad = asked.filter(({ conclusion }) => conclusion === 'public' || conclusion === 'not_met')
  if (bad.length > 0)
    return {
      result: 'exception',
      sentence: `${bad.length} of ${many(asked.length, 'target', 'targets')} not always as required.`,
    }
  const whole = asked.filter(({ conclusion }) => conclusion === 'met_throughout')
  return whole.length === asked.length
    ? {
        result: 'no_exception',
        sentence: `${many(asked.length, 'target', 'targets')}, each as required at every moment.`,
      }
    : {
        result: 'incomplete',
        sentence: `${whole.length} of ${many(asked.length, 'target', 'targets')} shown as required at every moment.`,
      }
}

function noPublicPath({ targets, strays, census }: Findings): CheckResult {
  const seen = targets.flatMap(({ episodes }) => episodes).filter((one) => one.kind !== 'not_met')
  const bad = seen.filter(isException).length + strays.length
  const flows = census.rows.filter(isPublicFlow).reduce((sum, row) => sum + row.flows, 0)
  if (bad > 0 || flows > 0)
    return {
      result: 'exception',
      sentence: `Public paths: ${many(bad, 'time', 'times')} by own connections${flows > 0 ? `, ${many(flows, 'flow', 'flows')} of other programs to AWS services through an internet gateway` : ''}.`,
    }
  if (seen.length > 0)
    return {
      result: 'incomplete',
      sentence: `Public ${many(seen.length, 'time', 'times')}, allowed by the requirement or a waiver.`,
    }
  const whole =
    targets.length > 0 &&
    targets.every(
      ({ share }) => share.privateSeconds > 0 && share.gapSeconds + share.undeterminedSeconds === 0,
    )
  if (targets.length === 0) return { result: 'no_data', sentence: 'No target was watched.' }
  return whole
    ? {
        result: 'no_exception',
        sentence: 'No public path was seen, and none was possible by the evidence at any moment.',
      }
    : {
        result: 'incomplete',
        sentence: 'No public path was seen, but not every moment was observed and settled.',
      }
}

/** Other programs' flows to AWS services by an internet gateway (flow logs' traffic path 8). */
function isPublicFlow(row: Findings['census']['rows'][number]): boolean {
  return (
    row.trafficPath === 8 && row.service !== null && row.action !== 'REJECT' && row.direction !== 'ingress'
  )
}

/** Flows to AWS services that may have gone through an internet gateway: only a gateway endpoint, or a private address, rules that out. */
function isUnsettledFlow(row: Findings['census']['rows'][number]): boolean {
  const { service, action, direction, trafficPath, public: isPublic } = row
  if (service === null || action === 'REJECT' || direction === 'ingress') return false
  return trafficPath !== 7 && trafficPath !== 8 && isPublic !== false
}

function observation({ targets, interruptions, fromMs, toMs }: Findings): CheckResult {
  if (targets.length === 0) return { result: 'no_data', sentence: 'No target was watched.' }
  const least = Math.min(...targets.map(({ share }) => share.observed))
  const missed = targets.reduce((sum, { looks }) => sum + (looks.missed ?? 0), 0)
  const text = `Observed for at least ${percentText(least)} of the period; ${many(missed, 'planned look', 'planned looks')} missed, ${many(interruptions.length, 'interruption', 'interruptions')}.`
  // By interval, what was planned can be off by one a day.
  const spare = targets.length * (Math.ceil((toMs - fromMs) / 86_400_000) + 1)
  const whole = least >= 1 && interruptions.length === 0 && missed <= spare
  return { result: whole ? 'no_exception' : 'incomplete', sentence: text }
}

/** Each check is told of once a day, with the first look of the day's records. */
const longestSilenceSeconds = 26 * 3600

function egressClosed({ egress, interruptions }: Findings): CheckResult {
  if (egress.length === 0) return { result: 'no_data', sentence: 'No way out is tested.' }
  const open = egress.filter((one) => one.openTimes.length > 0)
  if (open.length > 0)
    return {
      result: 'exception',
      sentence: `${open.length} of ${many(egress.length, 'way out', 'ways out')} that must be closed found open.`,
    }
  const doubtful = egress.filter(
    (one) =>
      one.untestable > 0 ||
      one.state !== 'blocked' ||
      one.rounds === 0 ||
      one.longestSilenceSeconds > longestSilenceSeconds,
  )
  return doubtful.length === 0 && interruptions.length === 0
    ? {
        result: 'no_exception',
        sentence: `${many(egress.length, 'way out', 'ways out')} closed whenever tested.`,
      }
    : { result: 'incomplete', sentence: `No way out found open, but not all could be tested all the time.` }
}

function posture({ posture: { now, changes }, interruptions }: Findings): CheckResult {
  if (now.length === 0) return { result: 'no_data', sentence: 'The account was not read.' }
  const failed = new Set(
    [...now, ...changes].filter(({ state }) => state === 'fail').map(({ check }) => check),
  )
  if (failed.size > 0)
    return { result: 'exception', sentence: `Not as wanted: ${[...failed].sort().join(', ')}.` }
  const unknown = new Set(
    [...now, ...changes].filter(({ state }) => state !== 'pass').map(({ check }) => check),
  )
  if (unknown.size > 0)
    return {
      result: 'incomplete',
      sentence: `Not known, or not all the time: ${[...unknown].sort().join(', ')}.`,
    }
  return interruptions.length > 0
    ? {
        result: 'incomplete',
        sentence: `All ${now.length} facts of the account and the host as wanted whenever they were read, but not all the time.`,
      }
    : { result: 'no_exception', sentence: `All ${now.length} facts of the account and the host as wanted.` }
}

function census({ census: { windows, coveredSeconds, rows, other }, fromMs, toMs }: Findings): CheckResult {
  if (windows === 0) return { result: 'no_data', sentence: 'Flows of other programs were not counted.' }
  const flows = rows.reduce((sum, row) => sum + row.flows, 0)
  const open = rows.filter(isPublicFlow).reduce((sum, row) => sum + row.flows, 0)
  const unsettled = rows.filter(isUnsettledFlow).reduce((sum, row) => sum + row.flows, 0) + other.flows
  const text = `${many(flows, 'flow', 'flows')} counted over ${durationText(coveredSeconds)}, ${open} of them to AWS services through an internet gateway${unsettled > 0 ? `, of ${unsettled} the way is not told` : ''}.`
  if (open > 0) return { result: 'exception', sentence: text }
  const whole = coveredSeconds * 1000 >= toMs - fromMs && unsettled === 0
  return { result: whole ? 'no_exception' : 'incomplete', sentence: text }
}

function waivers({ waivers: all }: Findings): CheckResult {
  const expired = all.filter(({ state }) => state === 'expired')
  if (expired.length > 0)
    return {
      result: 'exception',
      sentence: `Waivers that have expired and are still named: ${expired.map(({ target }) => target).join(', ')}.`,
    }
  if (all.length === 0) return { result: 'no_exception', sentence: 'There are no waivers.' }
  const bare = all.filter(({ ticket }) => ticket === null)
  return bare.length > 0
    ? {
        result: 'incomplete',
        sentence: `${bare.length} of ${many(all.length, 'waiver', 'waivers')} without a ticket.`,
      }
    : {
        result: 'no_exception',
        sentence: `${many(all.length, 'waiver', 'waivers')}, each with a reason, a ticket and an end.`,
      }
}

function integrity({ assurance }: Findings): CheckResult {
  const result = (
    {
      verified: 'no_exception',
      broken: 'exception',
      not_checked: 'no_data',
      gaps: 'incomplete',
      signer_unknown: 'incomplete',
    } as const
  )[assurance.outcome]
  const { earlier = 0 } = assurance
  const over =
    earlier === 0
      ? ''
      : ` Before the period it declares ${many(earlier, 'loss or recovery', 'losses and recoveries')}, after which everything was told anew.`
  return { result, sentence: `The ledger is ${outcomeWords[assurance.outcome]}.${over}` }
}

/** Beyond this, records of others can't be joined to attempts, and times of the report are not to be trusted. */
const largestOffsetSeconds = 60

function clock({
  clock: { heartbeats, offsetKnown, largestOffsetSeconds: largest, setBacks },
}: Findings): CheckResult {
  if (setBacks > 0)
    return { result: 'exception', sentence: `The clock was set back ${many(setBacks, 'time', 'times')}.` }
  if (largest === null)
    return { result: 'no_data', sentence: 'This host’s clock was never compared with AWS’s.' }
  if (largest > largestOffsetSeconds)
    return {
      result: 'exception',
      sentence: `This host’s clock was up to ${durationText(largest)} off AWS’s.`,
    }
  return {
    result: offsetKnown < heartbeats ? 'incomplete' : 'no_exception',
    sentence: `This host’s clock was at most ${durationText(largest)} off AWS’s in ${offsetKnown} of ${heartbeats} comparisons.`,
  }
}
