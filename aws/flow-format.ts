import type { FlowFormat, FlowKind } from '../model/flow.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { defaultFields, defaultTransitGatewayFields, fieldsWanted, flowField } from './flow-fields.ts'

export type FlowFormatReading = { ok: true; format: FlowFormat } | { ok: false; problem: string }

const longestText = 8192
const mostFields = 128
const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * Reads a format: the `${field-name}` tokens of `DescribeFlowLogs.LogFormat`, or the bare names of a file's header line.
 * Null, absent or empty as the API leaves it out: the default format of `kind`. Names are taken in any case and with `_`
 * (as Parquet files have them); unknown ones are kept. Never throws.
 */
export function readFlowFormat(
  text: string | null | undefined,
  kind: 'vpc' | 'transit_gateway' = 'vpc',
): FlowFormatReading {
  if (text === null || text === undefined)
    return { ok: true, format: formatOf(kind === 'vpc' ? defaultFields : defaultTransitGatewayFields) }
  if (text.length > longestText)
    return problem(`the format has ${text.length} characters, at most ${longestText} are read`)
  const tokens = text.split(/\s+/).filter((token) => token !== '')
  if (tokens.length === 0)
    return problem('the format is empty; expected field names or ${field-name} tokens, separated by spaces')
  if (tokens.length > mostFields)
    return problem(`the format has ${tokens.length} fields, at most ${mostFields} are read`)
  const quoted = tokens.filter((token) => token.startsWith('${')).length
  if (quoted > 0 && quoted < tokens.length)
    return problem('the format mixes ${field-name} tokens and bare names; expected one kind only')
  const fields: string[] = []
  const seen = new Set<string>()
  for (const token of tokens) {
    const name = quoted > 0 ? /^\$\{([^{}]*)\}$/.exec(token)?.[1] : token
    if (name === undefined || !namePattern.test(name))
      return problem(`${shown(token)} is no field; expected names such as "srcaddr" or "\${srcaddr}"`)
    const field = canonicalField(name)
    if (seen.has(field)) return problem(`the field ${shown(field)} is there twice`)
    seen.add(field)
    fields.push(field)
  }
  return { ok: true, format: formatOf(fields) }
}

/** AWS's spelling of a column's name where it is a known field (`account_id` of a Parquet file), else the name itself. */
export function canonicalField(name: string): string {
  const likely = name.toLowerCase().replaceAll('_', '-')
  return flowField(likely) === null ? name : likely
}

function formatOf(fields: readonly string[]): FlowFormat {
  return { kind: kindOf(fields), fields: [...fields], text: printFlowFormat(fields) }
}

function kindOf(fields: readonly string[]): FlowKind {
  if (fields.some((field) => field.startsWith('tgw-') || flowField(field)?.version === 6))
    return 'transit_gateway'
  return fields.some((field) => field.startsWith('ecs-')) ? 'ecs' : 'vpc'
}

/** The `${field-name}` form of a list of fields, as `CreateFlowLogs --log-format` takes it. */
export function printFlowFormat(fields: readonly string[]): string {
  return fields.map((field) => `\${${field}}`).join(' ')
}

/**
 * The format that a file's first line tells, or null if that line is a record: a header holds nothing but names, and most
 * of them are known.
 */
export function flowHeader(line: string): FlowFormat | null {
  const read = readFlowFormat(line)
  if (!read.ok || line.includes('${')) return null
  const known = read.format.fields.filter((field) => flowField(field) !== null).length
  return known * 2 > read.format.fields.length ? read.format : null
}

/** A field that a format lacks, and what can't be told without it. */
export interface LackingField {
  field: string
  /** `join`: records can't be told to belong to a connection; `path`: they don't say which way it took; `detail`: less. */
  weight: 'join' | 'path' | 'detail'
  decides: string
}

const uses: Readonly<Record<string, readonly [LackingField['weight'], string]>> = {
  'interface-id': [
    'path',
    'whose records these are: those of a NAT gateway and of its client mean different things',
  ],
  srcaddr: ['join', 'where the packets came from'],
  dstaddr: ['join', 'where the packets went'],
  srcport: ['join', 'which connection this was'],
  dstport: ['join', 'which connection this was'],
  protocol: ['join', 'which connection this was'],
  packets: ['detail', 'how much went that way'],
  bytes: ['detail', 'how much went that way'],
  start: ['join', 'when the packets were seen'],
  end: ['join', 'when the packets were seen'],
  action: ['path', 'whether the packets were let through'],
  'log-status': ['path', 'whether records were lost: without it no record is no sign of anything'],
  'pkt-srcaddr': ['join', "the sender behind an interface's primary address: secondary addresses and pods"],
  'pkt-dstaddr': ['path', 'the real destination behind a NAT gateway or a transit gateway'],
  'tcp-flags': ['detail', 'whether the connection was established'],
  'pkt-dst-aws-service': ['detail', 'which AWS service a public address belongs to'],
  'flow-direction': ['path', 'whether the packets left: a traffic path is told for those only'],
  'traffic-path': ['path', 'gateway endpoint (7) or internet gateway (8)'],
  'reject-reason': ['detail', 'whether VPC Block Public Access rejected the packets'],
  'interface-type': ['detail', 'whether the record is of a NAT gateway, an endpoint or a transit gateway'],
  'next-hop-interface-id': ['path', 'which interface took the packets: that of an endpoint or another'],
  'next-hop-interface-type': ['path', 'interface endpoint, NAT gateway or transit gateway as the next hop'],
  'next-hop-vpc-id': ['detail', 'in which VPC the next hop is'],
  'resource-id': ['detail', 'which regional NAT gateway made a record: it has no interface'],
}

const byWeight = { join: 0, path: 1, detail: 2 }

/**
 * Which of the fields worth asking for (`fieldsWanted`) a format lacks, and what each would decide; what matters most
 * first. A transit gateway's log can never have all of them.
 */
export function lacking(format: FlowFormat): LackingField[] {
  return fieldsWanted
    .filter((field) => !format.fields.includes(field))
    .flatMap((field) => {
      const use = uses[field]
      return use === undefined ? [] : [{ field, weight: use[0], decides: use[1] }]
    })
    .toSorted((a, b) => byWeight[a.weight] - byWeight[b.weight])
}

/** The highest version among the known fields of a format, which AWS writes into each of its records. */
export function flowFormatVersion(format: FlowFormat): number {
  return Math.max(2, ...format.fields.map((field) => flowField(field)?.version ?? 2))
}

function problem(text: string): FlowFormatReading {
  return { ok: false, problem: text }
}

function shown(text: string): string {
  return JSON.stringify(safeText(redact(text), 80))
}
