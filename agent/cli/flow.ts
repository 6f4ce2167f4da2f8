import { lacking, printFlowFormat, flowHeader, readFlowFormat } from '../../aws/flow-format.ts'
import { fieldsWanted } from '../../aws/flow-fields.ts'
import { parseFlowLine } from '../../aws/flow-record.ts'
import { type FlowFacts, type FlowFormat, type FlowRecord, flowFacts } from '../../model/flow.ts'
import { type PathClass, pathClasses } from '../../model/path.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { possibleOfRecord } from '../../verdict/rules/flow.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const schema = 'pathproof.flow/1'

const spec = {
  name: 'flow',
  summary:
    'Reads records of VPC flow logs, one per line of standard input: their fields, and which paths each of them leaves possible by itself. No network is used.',
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      help: "field names or ${field-name} tokens, as in DescribeFlowLogs (in single quotes: the shell replaces ${…}); without it a header line tells, else AWS's default format",
    },
    json: { type: 'boolean', help: `one JSON document per record, one per line (schema ${schema})` },
  },
  examples: [
    'zcat *.log.gz | pathproof flow',
    "pathproof flow --json --format '${version} ${srcaddr} ${dstaddr} ${flow-direction} ${traffic-path}' < records",
    'aws logs filter-log-events --log-group-name flows --query "events[].[message]" --output text | pathproof flow --json',
  ],
  notes:
    'Exit codes: 0 all lines were read, 64 wrong usage, 65 some line was malformed (the others were answered).',
} as const satisfies CommandSpec

const longestColumn = 2048
const longestLine = 500
const longestRedacted = 65_536

/** What may be shown of an input. Redacted before it is cut, so that no half of a secret is left over. */
function shown(text: string, length: number): string {
  return safeText(redact(safeText(text, longestRedacted)), length)
}

/**
 * `pathproof flow`: answers for each line of standard input; blank lines are left out, header lines set the format unless
 * `--format` does. Exit codes 0, 64, 65.
 */
export async function flowCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { format: wanted, json = false } = parsed.values
  const given = readFlowFormat(wanted)
  const wrong = (problem: string): number => {
    io.stderr(`pathproof flow: ${problem}\nNext step: pathproof flow --help\n`)
    return exit.usage
  }
  if (!given.ok) return wrong(`--format: ${given.problem} (in double quotes the shell replaces \${…})`)
  if (io.stdin === null) return wrong('records are read from standard input, which is a terminal')

  let format = given.format
  let noted: string | null = null
  let number = 0
  let malformed = 0
  for await (const text of io.stdin) {
    number++
    const line = text.replace(/\r?\n?$/, '')
    if (line.trim() === '') continue
    const header = flowHeader(line)
    if (header !== null && wanted === undefined) {
      format = header
      continue
    }
    if (header !== null && header.text === format.text) continue
    if (!json && noted !== format.text) {
      noted = format.text
      io.stderr(noteOn(format))
    }
    const read = parseFlowLine(line, format)
    if (read.ok) {
      const judged = possibleOfRecord(read.record)
      io.stdout(
        json ? documentOf(read.record, judged) : textOf(number, flowFacts(read.record), judged, io.color),
      )
      continue
    }
    malformed++
    const expected =
      header === null ? '' : ' (it looks like a header line with other fields than --format has)'
    const error = `${read.problem}${expected}`
    if (json)
      io.stdout(`${JSON.stringify({ schema, error, line: shown(line, longestLine), lineNumber: number })}\n`)
    else io.stderr(`pathproof flow: line ${number}: ${error}\n`)
  }
  return malformed > 0 ? exit.malformed : 0
}

interface Judged {
  possible: PathClass[] | null
  because: string
}

function documentOf(record: FlowRecord, { possible, because }: Judged): string {
  const fields = Object.fromEntries(
    Object.entries(record.fields).map(([field, value]) => [
      field,
      typeof value === 'string' ? shown(value, longestColumn) : value,
    ]),
  )
  return `${JSON.stringify({ schema, fields, possible, because: shown(because, longestColumn) })}\n`
}

/** What a person should know of the format before the first record. */
function noteOn(format: FlowFormat): string {
  if (format.kind === 'transit_gateway')
    return "pathproof flow: note: these are a transit gateway's records, which tell neither an action nor a traffic path; those of the VPC's own flow log do\n"
  const fields = lacking(format)
    .filter((missing) => missing.weight !== 'detail')
    .map((missing) => missing.field)
  if (fields.length === 0) return ''
  return `pathproof flow: note: the format lacks ${fields.join(', ')}; a flow log that decides more has the format\n  ${printFlowFormat(fieldsWanted)}\n`
}

const protocols: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' }

function textOf(line: number, facts: FlowFacts, { possible, because }: Judged, color: boolean): string {
  const bold = (text: string): string => (color ? `\u001B[1m${text}\u001B[22m` : text)
  const what = [
    facts.protocol === null ? null : (protocols[facts.protocol] ?? `protocol ${facts.protocol}`),
    facts.direction,
    facts.trafficPath === null ? null : `traffic path ${facts.trafficPath}`,
    facts.nextHopType === null ? null : `next hop ${facts.nextHopType}`,
    facts.pktDstService ?? facts.pktSrcService,
    facts.action ?? facts.logStatus,
    facts.interfaceId ?? facts.resourceId,
    facts.startSeconds === null ? null : timeOf(facts.startSeconds),
  ].filter((part) => part !== null)
  const lines = [
    `line ${line}: ${endsOf(facts)}`,
    `  ${what.length === 0 ? 'nothing that this program knows' : what.join(', ')}`,
    `  possible: ${possibleText(possible)}`,
    `  ${because}`,
  ].map((text) => shown(text, longestColumn))
  return `${[bold(lines[0] ?? ''), ...lines.slice(1)].join('\n')}\n`
}

function endsOf(facts: FlowFacts): string {
  const end = (address: string | null, packet: string | null, port: number | null): string => {
    if (address === null && packet === null) return '-'
    const known = address ?? packet ?? ''
    const whole = port === null ? known : `${known.includes(':') ? `[${known}]` : known}:${port}`
    return packet === null || packet === known ? whole : `${whole} (in the packet ${packet})`
  }
  const from = end(facts.srcaddr, facts.pktSrcaddr, facts.srcport)
  const to = end(facts.dstaddr, facts.pktDstaddr, facts.dstport)
  return from === '-' && to === '-' ? 'no packets' : `${from} → ${to}`
}

function possibleText(possible: PathClass[] | null): string {
  if (possible === null) return 'it is no record of packets'
  return possible.length === pathClasses.length ? 'every path: it decides nothing' : possible.join(' or ')
}

/** The parser keeps times below the year 10000. */
function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
