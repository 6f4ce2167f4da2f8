import { fieldsWanted } from '../aws/flow-fields.ts'
import { type LackingField, lacking, printFlowFormat, readFlowFormat } from '../aws/flow-format.ts'
import type { RecordsSource } from '../aws/flow-query.ts'
import type { CaptureInterface } from '../model/capture.ts'
import type { FlowFormat } from '../model/flow.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import type { FlowLog, Snapshot } from '../model/topology.ts'

/** Where an interface lies, as its metadata service says it, for a snapshot that does not show it. */
export interface InterfacePlace {
  subnetId: string | null
  vpcId: string | null
}

/** A flow log that the configuration names, for an account that does not let itself be asked (`flow_logs`). */
export interface NamedFlowLog {
  source: { logGroup: string } | { bucket: string; prefix: string | null }
  /** Null: the default format. */
  format: string | null
  account: string | null
  region: string | null
}

/** One flow log that sees the packets of an interface. */
export interface CoveringLog {
  /** `fl-…`; null: only named by the configuration. */
  flowLogId: string | null
  level: 'interface' | 'subnet' | 'vpc' | 'nat_gateway' | 'named'
  /** Whether it is alive and delivers; null: AWS does not say so yet. */
  delivers: boolean | null
  /** Where it can be read; null: nowhere. */
  source: RecordsSource | null
  /** As `DescribeFlowLogs` gives it, for a query; null: the default. */
  formatText: string | null
  /** Null: it can't be read. */
  format: FlowFormat | null
  aggregationSeconds: number
  trafficType: 'ALL' | 'ACCEPT' | 'REJECT' | null
  /** Fields worth having that the format lacks. */
  lacking: LackingField[]
}

export interface CoverageFinding {
  /** `gap`: no record can come; `limit`: records come and do not say all; `note`: they could come sooner or cheaper. */
  severity: 'gap' | 'limit' | 'note'
  /** The flow log or interface that it is about. */
  about: string
  text: string
  /** A command that mends it, or null. */
  command: string | null
}

export interface Coverage {
  at: CaptureInterface
  logs: CoveringLog[]
  findings: CoverageFinding[]
}

/** AWS's longest, and its default. */
const longestAggregationSeconds = 600

/**
 * Which flow logs see the packets of an interface (its own log, that of its subnet, that of its VPC; of a regional NAT
 * gateway its own and that of the VPC), whether each delivers, where it can be read and what its format lacks; and what of
 * this someone should know, in words. Names and error texts of AWS are foreign text, made safe here. Pure.
 */
export function coverageOf(
  snapshot: Snapshot | null,
  at: CaptureInterface,
  place: InterfacePlace | null = null,
  named: NamedFlowLog | null = null,
): Coverage {
  const findings: CoverageFinding[] = []
  const part = snapshot?.parts.flowLogs
  const known = snapshot !== null && part?.read === true
  const where = placeOf(snapshot, at, place)
  const logs = known
    ? snapshot.flowLogs.flatMap((log) => {
        const level = levelOf(log, at, where)
        return level === null ? [] : [coveringLog(log, level, at, snapshot, findings)]
      })
    : []
  if (named !== null && !logs.some(({ source }) => source !== null)) logs.push(namedLog(named, at, findings))
  if (!known && named === null) {
    const why = part?.read === false ? `: ${safeText(redact(part.detail), 200)}` : ''
    findings.push({
      severity: 'gap',
      about: nameOf(at),
      text: `which flow logs there are is not known${why}; flow_logs.log_group or flow_logs.s3 can name one`,
      command: null,
    })
  } else if (logs.length === 0) {
    findings.push({
      severity: 'gap',
      about: nameOf(at),
      text: `no flow log sees the packets of ${describe(at)}: its connections can't be confirmed`,
      command: createCommand(at, null),
    })
  } else if (!logs.some(({ delivers, source }) => delivers !== false && source !== null)) {
    findings.push({
      severity: 'gap',
      about: nameOf(at),
      text: `no flow log of ${describe(at)} delivers to where it can be read: its connections can't be confirmed`,
      command: createCommand(at, null),
    })
  }
  return { at, logs, findings }
}

function placeOf(
  snapshot: Snapshot | null,
  { interfaceId, natGatewayId }: CaptureInterface,
  place: InterfacePlace | null,
): InterfacePlace {
  const own = snapshot?.networkInterfaces.find(({ id }) => id === interfaceId)
  if (own !== undefined) return { subnetId: own.subnetId, vpcId: own.vpcId }
  const nat = snapshot?.natGateways.find(({ id }) => id === natGatewayId)
  if (nat !== undefined) return { subnetId: nat.subnetId, vpcId: nat.vpcId }
  return place ?? { subnetId: null, vpcId: null }
}

function levelOf(log: FlowLog, at: CaptureInterface, where: InterfacePlace): CoveringLog['level'] | null {
  const { resourceId } = log
  if (resourceId === '') return null
  if (resourceId === at.interfaceId) return 'interface'
  if (at.interfaceId === null && resourceId === at.natGatewayId) return 'nat_gateway'
  if (resourceId === where.subnetId) return 'subnet'
  return resourceId === where.vpcId ? 'vpc' : null
}

function coveringLog(
  log: FlowLog,
  level: CoveringLog['level'],
  at: CaptureInterface,
  snapshot: Snapshot,
  findings: CoverageFinding[],
): CoveringLog {
  const about = safeText(log.id, 40)
  const say = (severity: CoverageFinding['severity'], text: string, command: string | null = null): void => {
    findings.push({ severity, about, text: `flow log ${about} ${text}`, command })
  }
  const delivers = deliversOf(log)
  if (delivers === false) {
    const error = log.deliverError === null ? '' : `: ${safeText(redact(log.deliverError), 200)}`
    const state = `${log.status || 'state unknown'}, ${log.deliverStatus ?? 'not delivered yet'}`
    say(
      'gap',
      `does not deliver (${safeText(state, 80)}${error})`,
      `aws ec2 describe-flow-logs --flow-log-ids ${idOf(log.id)}`,
    )
  }
  const { source, unreadable } = sourceOf(log, at, snapshot)
  if (unreadable !== null) say('gap', unreadable)
  const trafficType = oneOf(log.trafficType, ['ALL', 'ACCEPT', 'REJECT'])
  if (trafficType === 'ACCEPT') say('limit', 'records accepted packets only: it can show no rejected ones')
  if (trafficType === 'REJECT') say('gap', 'records rejected packets only: it can confirm no connection')
  const aggregationSeconds = log.maxAggregationSeconds ?? longestAggregationSeconds
  if (aggregationSeconds > 60) {
    say(
      'note',
      `sums up ${aggregationSeconds} s in a record at most: with 60 s a connection is confirmed sooner`,
    )
  }
  const read = readFlowFormat(log.logFormat)
  const lacks = read.ok ? lacking(read.format) : []
  if (!read.ok) say('gap', `has a format that can't be read: ${read.problem}`)
  else sayLacking(say, lacks, createCommand(null, log))
  return {
    flowLogId: log.id,
    level,
    delivers,
    source,
    formatText: log.logFormat,
    format: read.ok ? read.format : null,
    aggregationSeconds,
    trafficType,
    lacking: lacks,
  }
}

function sayLacking(
  say: (severity: CoverageFinding['severity'], text: string, command: string | null) => void,
  lacks: readonly LackingField[],
  command: string | null,
): void {
  const join = lacks.filter(({ weight }) => weight === 'join')
  const path = lacks.filter(({ weight }) => weight === 'path')
  const words = (fields: readonly LackingField[]): string =>
    fields.map(({ field, decides }) => `${field} (${decides})`).join('; ')
  const again = 'a format can not be changed: make a new flow log beside it'
  if (join.length > 0)
    say('limit', `lacks what joins a record to a connection: ${words(join)}; ${again}`, command)
  if (path.length > 0) say('limit', `lacks what decides the path: ${words(path)}; ${again}`, command)
}

function deliversOf({ status, deliverStatus }: FlowLog): boolean | null {
  if (deliverStatus === 'FAILED' || (status !== '' && status !== 'ACTIVE')) return false
  return deliverStatus === 'SUCCESS' ? true : null
}

function oneOf<const T extends string>(value: string | null, known: readonly T[]): T | null {
  return known.find((candidate) => candidate === value) ?? null
}

type Readable = { source: RecordsSource | null; unreadable: string | null }

function sourceOf(log: FlowLog, at: CaptureInterface, { account, region }: Snapshot): Readable {
  const type = log.destinationType ?? (log.logGroupName === null ? null : 'cloud-watch-logs')
  if (type === 'cloud-watch-logs') {
    const group = log.logGroupName ?? groupOfArn(log.destination)
    if (group === null || !/^[A-Za-z0-9._/#-]{1,512}$/.test(group)) return unreadable('names no log group')
    return { source: logsOf(group, at), unreadable: null }
  }
  if (type === 's3') {
    const match = /^arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.{0,900}))?$/.exec(
      log.destination ?? '',
    )
    if (match === null) return unreadable('names no bucket')
    if (account === null || region === null)
      return unreadable('delivers to S3 by account and region, which are not known')
    return {
      source: {
        kind: 's3',
        bucket: match[1] ?? '',
        prefix: (match[2] ?? '').replace(/^\/+|\/+$/g, ''),
        account,
        region,
        hive: log.hivePartitions === true,
        hourly: log.hourlyPartitions === true,
        flowLogId: log.id,
      },
      unreadable: null,
    }
  }
  return unreadable(
    type === 'kinesis-data-firehose'
      ? 'delivers to Data Firehose, where it can not be read: only CloudWatch Logs and S3 are'
      : `delivers to ${type === null ? 'an unknown place' : safeText(type, 40)}, where it can not be read`,
  )
}

/** Its streams are named after the interface; what those of a regional NAT gateway are called is not documented. */
function logsOf(logGroup: string, at: CaptureInterface): RecordsSource {
  return { kind: 'logs', logGroup, streamPrefix: at.interfaceId ?? at.natGatewayId ?? 'eni-' }
}

const unreadable = (why: string): Readable => ({ source: null, unreadable: why })

function groupOfArn(arn: string | null): string | null {
  return /^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:([^:]+)(?::\*)?$/.exec(arn ?? '')?.[1] ?? null
}

/** The log that the configuration names: nothing is known of it but what stands there. */
function namedLog(named: NamedFlowLog, at: CaptureInterface, findings: CoverageFinding[]): CoveringLog {
  const read = readFlowFormat(named.format)
  const say = (severity: CoverageFinding['severity'], text: string): void => {
    findings.push({
      severity,
      about: 'flow_logs',
      text: `the flow log that the configuration names ${text}`,
      command: null,
    })
  }
  if (!read.ok) say('gap', `has a format that can't be read: ${read.problem}`)
  else sayLacking(say, lacking(read.format), null)
  let source: RecordsSource | null = null
  if ('logGroup' in named.source) {
    source = logsOf(named.source.logGroup, at)
  } else if (named.account !== null && named.region !== null) {
    const { bucket, prefix } = named.source
    const { account, region } = named
    source = {
      kind: 's3',
      bucket,
      prefix: prefix ?? '',
      account,
      region,
      hive: false,
      hourly: false,
      flowLogId: null,
    }
  } else say('gap', `lies in S3 by account and region, which are not known for ${describe(at)}`)
  return {
    flowLogId: null,
    level: 'named',
    delivers: null,
    source,
    formatText: named.format,
    format: read.ok ? read.format : null,
    aggregationSeconds: longestAggregationSeconds,
    trafficType: null,
    lacking: read.ok ? lacking(read.format) : [],
  }
}

function nameOf({ interfaceId, natGatewayId, endpointId }: CaptureInterface): string {
  return safeText(interfaceId ?? natGatewayId ?? endpointId ?? 'unknown', 40)
}

function describe(at: CaptureInterface): string {
  const name = nameOf(at)
  if (at.role === 'client') return `this host's interface ${name}`
  if (at.role === 'endpoint') return `the endpoint's interface ${name}`
  return at.interfaceId === null ? `the regional NAT gateway ${name}` : `the NAT gateway's interface ${name}`
}

/** An id as it may stand in a command that somebody pastes into a shell. */
function idOf(text: string): string {
  return /^[A-Za-z0-9-]{1,64}$/.test(text) ? text : 'ID'
}

/** The command that makes a flow log with the format that decides: for an interface, or beside a log, to the same place. */
function createCommand(at: CaptureInterface | null, like: FlowLog | null): string {
  const id = idOf(like?.resourceId ?? at?.interfaceId ?? at?.natGatewayId ?? 'ID')
  const kinds = { vpc: 'VPC', subnet: 'Subnet', eni: 'NetworkInterface', nat: 'RegionalNatGateway' } as const
  const type = kinds[id.split('-')[0] as keyof typeof kinds] ?? 'NetworkInterface'
  const arn = /^arn:[A-Za-z0-9:/._#-]{1,600}$/.test(like?.destination ?? '') ? like?.destination : null
  const to =
    like?.destinationType === 's3' && arn != null
      ? `--log-destination-type s3 --log-destination ${arn}`
      : `--log-destination-type cloud-watch-logs --log-group-name ${groupFor(like)} --deliver-logs-permission-arn ROLE_ARN`
  return `aws ec2 create-flow-logs --resource-type ${type} --resource-ids ${id} --traffic-type ALL --max-aggregation-interval 60 ${to} --log-format '${printFlowFormat(fieldsWanted)}'`
}

function groupFor(like: FlowLog | null): string {
  const group = like?.logGroupName ?? ''
  return /^[A-Za-z0-9._/#-]{1,512}$/.test(group) ? group : '/vpc/flow-logs'
}
