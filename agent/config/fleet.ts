import type { Config } from './config.ts'
import { formatDuration } from './units.ts'

/** What EC2 lets one account ask of one non-mutating action in a region (EC2 developer guide, "Request throttling"). */
export const ec2Allowance = { burst: 100, perSecond: 20 } as const

/** GET requests for keys below one prefix (S3 user guide, "Best practices design patterns"). */
export const s3GetsPerSecond = 5500

/** `FilterLogEvents` of one account, by region (CloudWatch Logs user guide, "CloudWatch Logs quotas"); it can't be raised. */
const filterLogEvents: Readonly<Record<string, number>> = {
  'us-east-1': 25,
  'ap-northeast-3': 5,
  'ap-southeast-3': 5,
  'ca-west-1': 5,
  'eu-central-1': 5,
  'il-central-1': 5,
}
const filterLogEventsElsewhere = 10

/** `LookupEvents` of one account in a region (CloudTrail user guide, "Quotas"). */
const lookupEventsPerSecond = 2

/**
 * Requests of the busiest actions in one reading of everything but the route tables: AWS's own prefix lists are S3's and
 * DynamoDB's in both families and S3 Express's, and a peering is asked for by each of its sides.
 */
export const requestsOfRest = { GetManagedPrefixListEntries: 5, DescribeVpcPeeringConnections: 2 } as const

/** Up to this share of an allowance everything else in the account still finds room. */
const goodShare = 0.5
/** Beyond it a fleet that starts at once is not whole again in ten minutes, or never (scripts/fleet.ts). */
const mostShare = 0.85

export interface FleetFinding {
  /** `ok`: it fits; `warning`: it works, and leaves others little; `refused`: it does not work. */
  level: 'ok' | 'warning' | 'refused'
  /** The key of the configuration. */
  path: string
  text: string
  /** What carries such a fleet; null: nothing else is needed. */
  expected: string | null
}

const rounded = (value: number): string =>
  value >= 10 ? String(Math.round(value)) : String(Math.round(value * 10) / 10)

const levelOf = (share: number): FleetFinding['level'] =>
  share <= goodShare ? 'ok' : share <= mostShare ? 'warning' : 'refused'

/** The most agents that ask so often and stay within a good share of an allowance. */
export function carriedBy(perSecondOfOne: number, allowance: number): number {
  return Math.floor((goodShare * allowance) / perSecondOfOne + 1e-9)
}

interface Load {
  path: string
  /** What is asked, for people. */
  what: string
  perSecondOfOne: number
  allowance: number
  /** What to do beyond it. */
  instead: string
  /** The worst that is said of it: where the configuration alone does not show that it is asked. */
  atMost?: 'warning'
}

/**
 * Whether `agents` agents of this configuration, all in one account and region, stay within what AWS allows it. One finding for
 * each way in which they ask.
 */
export function fleetFit(
  config: Pick<Config, 'topology' | 'flowLogs' | 'cloudtrail' | 'targets'>,
  agents: number,
): FleetFinding[] {
  return loadsOf(config).map(({ path, what, perSecondOfOne, allowance, instead, atMost }) => {
    const perSecond = agents * perSecondOfOne
    const found = levelOf(perSecond / allowance)
    const level = found === 'refused' ? (atMost ?? found) : found
    const most = carriedBy(perSecondOfOne, allowance)
    const sums = `${agents} agents make ${rounded(perSecond)} ${what} a second, of ${allowance} that AWS allows an account in a region`
    return {
      level,
      path,
      text: `${sums}; half of that carries ${most} agents`,
      expected: level === 'ok' ? null : instead,
    }
  })
}

function loadsOf({ topology, flowLogs, cloudtrail, targets }: Parameters<typeof fleetFit>[0]): Load[] {
  const loads: Load[] = []
  const { refreshSeconds, otherRefreshSeconds } = topology
  if (topology.source === 'aws') {
    const perAction: [string, number][] = [
      ['DescribeRouteTables', 1 / refreshSeconds],
      ...Object.entries(requestsOfRest).map(([action, requests]): [string, number] => [
        action,
        requests / otherRefreshSeconds,
      ]),
    ]
    const [action, perSecondOfOne] = perAction.sort(([, a], [, b]) => b - a)[0] ?? ['', 0]
    loads.push({
      path: 'topology.source',
      what: `requests of ${action}`,
      perSecondOfOne,
      allowance: ec2Allowance.perSecond,
      instead: 'one writer (pathproof snapshot --share … --every 30s) and topology.source: file or s3',
    })
  }
  if (topology.source === 's3') {
    loads.push({
      path: 'topology.s3',
      what: 'GET requests',
      perSecondOfOne: 1 / refreshSeconds,
      allowance: s3GetsPerSecond,
      instead: `topology.refresh above ${formatDuration(refreshSeconds)}, or one key for each part of the fleet`,
    })
  }
  if (flowLogs.enabled && flowLogs.s3 === null) {
    const regions = targets.flatMap(({ region }) => region ?? [])
    const quotas = regions.map((region) => filterLogEvents[region] ?? filterLogEventsElsewhere)
    loads.push({
      path: 'flow_logs',
      what: 'requests of FilterLogEvents, one for each network interface,',
      perSecondOfOne: 1 / flowLogs.everySeconds,
      allowance: quotas.length === 0 ? filterLogEventsElsewhere : Math.min(...quotas),
      instead: 'flow logs that are delivered to S3, or flow_logs.every longer',
      // where they are delivered to is only known to the account
      ...(flowLogs.logGroup === null && { atMost: 'warning' as const }),
    })
  }
  if (cloudtrail !== null) {
    loads.push({
      path: 'cloudtrail',
      what: 'requests of LookupEvents',
      perSecondOfOne: 1 / cloudtrail.everySeconds,
      allowance: lookupEventsPerSecond,
      instead: 'cloudtrail on some of the hosts only, or cloudtrail.every longer',
    })
  }
  return loads
}
