import { cron } from '../watch/cron.ts'
import type { Config } from '../config/config.ts'

/** All that the rules depend on. A feature that is off is null or false: it has no alerts. Durations in seconds. */
export interface RuleParameters {
  /** The label `job` under which the agents are scraped. */
  job: string
  /** Where the runbooks lie: an absolute URL without a slash at its end. */
  runbookBase: string
  /** Longest time between two verdicts on a name that is still in order. */
  staleSeconds: number
  /** How long a path may be undetermined before anybody is told. */
  undeterminedSeconds: number
  /** How long paths in order may wait for the proof that a requirement asks for. */
  unprovenSeconds: number
  waivers: boolean
  compared: boolean
  firstLeg: boolean
  egress: { everySeconds: number } | null
  topology: { maxAgeSeconds: number; otherMaxAgeSeconds: number }
  /** Further accounts that are read by a role. */
  also: { maxAgeSeconds: number } | null
  flowLogs: { everySeconds: number } | null
  /** `keyed`: the configuration names a key, so that checkpoints must come. */
  ledger: { keyed: boolean; checkpointEverySeconds: number; anchors: boolean } | null
  exporters: boolean
}

export interface RuleOptions {
  job: string
  runbookBase: string
}

/** Where packages install the runbooks. */
export const defaultRuleOptions: RuleOptions = {
  job: 'pathproof',
  runbookBase: 'file:///usr/share/doc/pathproof/runbooks',
}

/**
 * Reads what was given on a command line; what is left out is the default. A job is any label value without quotes, backslashes
 * and control characters, for it is put into PromQL; a base is an absolute URL, without a template's braces.
 */
export function readRuleOptions(given: {
  job?: string | undefined
  runbookBase?: string | undefined
}): { ok: true; options: RuleOptions } | { ok: false; problem: string } {
  const { job = defaultRuleOptions.job, runbookBase = defaultRuleOptions.runbookBase } = given
  if (!/^[\p{L}\p{N} ._/:@+-]{1,100}$/u.test(job))
    return { ok: false, problem: '--job is not a name of a job of letters, digits and . _ / : @ + -' }
  if (!URL.canParse(runbookBase) || !/^(?:https?|file):\/\/[^\s{}"'`\\]{1,300}$/.test(runbookBase))
    return { ok: false, problem: '--runbook.base-url is not an http, https or file URL' }
  return { ok: true, options: { job, runbookBase } }
}

/** The longest aggregation interval of a flow log, twice, and what AWS takes to deliver: after that no record is expected. */
export const flowRecordsSeconds = 2 * 600 + 15 * 60

const dayMs = 86_400_000
const mostSlots = 5000

/** The longest time between two slots of a cron expression (UTC) within 62 days, by its first `mostSlots`. */
function longestGapSeconds(expression: string): number {
  const slots = cron(expression)
  const startMs = Date.UTC(2027, 0, 1)
  let longest = 0
  let at = slots.nextMs(startMs)
  for (let count = 0; at !== null && count < mostSlots; count++) {
    const next = slots.nextMs(at)
    if (next === null || next - startMs > 62 * dayMs) break
    longest = Math.max(longest, next - at)
    at = next
  }
  return longest === 0 ? 31 * 86_400 : longest / 1000
}

const inMinutes = (seconds: number): number => Math.ceil(seconds / 60) * 60

/**
 * What the rules have to know of a configuration. One rules file serves all agents of a job: where their configurations differ,
 * take the one with the most features and the longest intervals.
 */
export function ruleParameters(config: Config, { job, runbookBase }: RuleOptions): RuleParameters {
  const { targets, topology, flowLogs, ledger, egress, exporters } = config
  const lives = targets.map(({ everySeconds, cron: expression, timeoutSeconds }) =>
    everySeconds === null
      ? (expression === null ? 0 : longestGapSeconds(expression)) + 2 * timeoutSeconds
      : 3 * everySeconds + 2 * timeoutSeconds,
  )
  const confirmed = targets.some(({ minProof }) => minProof !== 'configured')
  const roles = topology.also.some(({ roleArn }) => roleArn !== null)
  return {
    job,
    runbookBase: runbookBase.replace(/\/+$/, ''),
    // Two minutes more than a verdict lives: scrapes and evaluations come late as well.
    staleSeconds: inMinutes(Math.max(120, ...lives) + 120),
    undeterminedSeconds: 600,
    unprovenSeconds: confirmed ? inMinutes(flowRecordsSeconds + flowLogs.everySeconds) : 300,
    waivers: targets.some(({ waiver }) => waiver !== null),
    compared: targets.some(({ compareResolvers }) => compareResolvers.length > 0),
    firstLeg: config.sites.length > 0 || config.trace !== null || config.directConnect !== null,
    egress: egress.mustFail.length > 0 ? { everySeconds: egress.everySeconds } : null,
    topology: {
      maxAgeSeconds: topology.maxAgeSeconds,
      otherMaxAgeSeconds: topology.otherMaxAgeSeconds,
    },
    also: roles ? { maxAgeSeconds: topology.otherMaxAgeSeconds } : null,
    flowLogs: flowLogs.enabled ? { everySeconds: flowLogs.everySeconds } : null,
    ledger:
      ledger === null
        ? null
        : {
            keyed: ledger.keyFile !== null || ledger.kmsKey !== null,
            checkpointEverySeconds: ledger.checkpointEverySeconds,
            anchors:
              (ledger.anchors?.cloudwatchLogs ?? null) !== null || (ledger.anchors?.s3 ?? null) !== null,
          },
    exporters: exporters.cloudwatch !== null || exporters.events !== null,
  }
}

/** The same with every feature, at the defaults of those that are off: what is shipped for a fleet of unlike agents. */
export function everyRule(config: Config, options: RuleOptions): RuleParameters {
  const own = ruleParameters(config, options)
  return {
    ...own,
    unprovenSeconds: Math.max(
      own.unprovenSeconds,
      inMinutes(flowRecordsSeconds + config.flowLogs.everySeconds),
    ),
    waivers: true,
    compared: true,
    firstLeg: true,
    egress: own.egress ?? { everySeconds: config.egress.everySeconds },
    also: own.also ?? { maxAgeSeconds: config.topology.otherMaxAgeSeconds },
    flowLogs: own.flowLogs ?? { everySeconds: config.flowLogs.everySeconds },
    ledger: own.ledger ?? { keyed: false, checkpointEverySeconds: 300, anchors: true },
    exporters: true,
  }
}
