import { adviseOnName } from '../../aws/name-advice.ts'
import { type NameInput, readNameInput } from '../../aws/name-input.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type CommandSpec, helpForPrograms, helpText } from './usage.ts'

/** What the command touches of the outside. */
export interface NameIo {
  stdout: (text: string) => void
  stderr: (text: string) => void
  /** Lines; null: standard input is a terminal. */
  stdin: AsyncIterable<string> | null
  color: boolean
  /** Unix milliseconds, for expired signatures. */
  nowMs: number
}

const schema = 'pathproof.name/1'
const longestInput = 16_384
const longestRedacted = 1_048_576
const longestShown = 2048

const spec = {
  name: 'name',
  summary:
    'Reads host names and (presigned) URLs: which service, style of name, region, bucket and endpoint they mean, and what that says about the path. No network is used. Without arguments, one name or URL per line is read from standard input.',
  options: {
    json: { type: 'boolean', help: `one JSON document per input, one per line (schema ${schema})` },
  },
  positionals: { label: '[NAME|URL…]', min: 0, max: Infinity, help: 'quote URLs: the shell splits at &' },
  examples: [
    'pathproof name my-bucket.s3.amazonaws.com',
    'pathproof name "https://my-bucket.s3.amazonaws.com/key?X-Amz-Algorithm=…"',
    'pathproof name --json sts.amazonaws.com kinesis.eu-west-1.amazonaws.com',
    "cut -d' ' -f3 access.log | pathproof name --json",
  ],
  notes:
    'Exit codes: 0 all inputs were read, 64 wrong usage, 65 some input was malformed (the others were answered).',
} as const satisfies CommandSpec

/**
 * `pathproof name`: answers for each argument, or for each line of standard input. Exit code 0, 64 (usage) or 65
 * (malformed inputs among others). No signature, credential or token of an input reaches any output.
 */
export async function nameCommand(argv: string[], io: NameIo): Promise<number> {
  if (argv[0] === helpForPrograms) {
    io.stdout(`${JSON.stringify({ spec })}\n`)
    return 0
  }
  const usage = readArguments(argv)
  if ('help' in usage) {
    io.stdout(helpText(spec))
    return 0
  }
  if ('error' in usage) {
    io.stderr(`pathproof name: ${usage.error}\nNext step: pathproof name --help\n`)
    return 64
  }
  const { json, inputs } = usage
  let malformed = 0
  const answer = (input: string): void => {
    const read = readOne(input)
    if (!read.ok) malformed++
    if (json)
      io.stdout(
        `${JSON.stringify(read.ok ? documentOf(input, read.input, io.nowMs) : errorOf(input, read.error))}\n`,
      )
    else if (read.ok) io.stdout(textOf(input, read.input, io))
    else io.stderr(`pathproof name: ${input.trim() === '' ? '""' : shown(input)}: ${read.error}\n`)
  }
  if (inputs.length > 0) {
    for (const input of inputs) answer(input)
  } else if (io.stdin === null) {
    io.stderr(
      'pathproof name: no name given, and standard input is a terminal\nNext step: pathproof name --help\n',
    )
    return 64
  } else {
    for await (const line of io.stdin) {
      const input = line.replace(/\r?\n?$/, '')
      if (input.trim() !== '') answer(input)
    }
  }
  return malformed > 0 ? 65 : 0
}

type Arguments = { json: boolean; inputs: string[] } | { help: true } | { error: string }

function readArguments(argv: string[]): Arguments {
  const inputs: string[] = []
  let json = false
  let options = true
  for (const argument of argv) {
    if (!options || !argument.startsWith('-') || argument === '-') inputs.push(argument)
    else if (argument === '--') options = false
    else if (argument === '--json') json = true
    else if (argument === '--help' || argument === '-h') return { help: true }
    else return { error: `unknown option ${shown(argument)}` }
  }
  if (inputs.includes('-')) {
    return inputs.length === 1
      ? { json, inputs: [] }
      : { error: '"-" (standard input) stands alone, without other names' }
  }
  return { json, inputs }
}

function readOne(input: string): ReturnType<typeof readNameInput> {
  if (input.length > longestInput) {
    return { ok: false, error: `${input.length} characters, at most ${longestInput} are read` }
  }
  const read = readNameInput(input)
  return read.ok ? read : { ok: false, error: redact(safeText(read.error, 400)) }
}

/** What may be shown of an input: nothing that a terminal obeys, no secrets. */
function shown(input: string): string {
  if (input.length > longestRedacted) return `(${input.length} characters)`
  // Redacted before it is cut, so that no half of a secret is left over.
  return safeText(redact(safeText(input, longestRedacted)), longestShown)
}

function documentOf(input: string, read: NameInput, nowMs: number): Record<string, unknown> {
  const { name, presigned } = read
  return {
    schema,
    input: shown(input),
    hostname: name.hostname,
    service: name.service,
    style: name.style,
    region: name.region,
    partition: name.partition,
    bucket: name.bucket,
    accessPoint: name.accessPoint,
    account: name.account,
    endpointId: name.endpointId,
    zone: name.zone,
    dualstack: name.dualstack,
    fips: name.fips,
    port: read.port,
    presigned: presigned.presigned,
    signatureVersion: presigned.signatureVersion,
    signingRegion: presigned.signingRegion,
    expiresAt: presigned.expiresAt,
    advice: adviseOnName(read, nowMs),
  }
}

function errorOf(input: string, error: string): Record<string, unknown> {
  return { schema, error, input: shown(input) }
}

function textOf(input: string, read: NameInput, io: NameIo): string {
  const { name, presigned } = read
  const bold = (text: string): string => (io.color ? `\u001B[1m${text}\u001B[22m` : text)
  const lines: [string, string | null][] = [
    [
      'service',
      name.service ?? (name.family === null ? 'none of AWS' : `none: an IPv${name.family} address`),
    ],
    ['style', name.service === null ? null : name.style.replace('_', ' ')],
    ['region', name.service === null ? null : (name.region ?? 'not in the name')],
    ['partition', name.partition],
    ['bucket', name.bucket === null ? null : `${name.bucket}${read.pathStyle ? ' (in the path)' : ''}`],
    ['access point', name.accessPoint],
    ['account', name.account],
    ['endpoint', name.endpointId],
    ['zone', name.zone],
    ['also', alsoOf(read)],
    ['signature', signatureOf(presigned, io.nowMs)],
  ]
  const told = lines.filter((line): line is [string, string] => line[1] !== null)
  const facts = told.map(([label, value]) => `  ${label.padEnd(13)}${value}\n`).join('')
  const advice = adviseOnName(read, io.nowMs).map((text) => `${wrap(text, '  → ', '    ')}\n`)
  const origin = shown(input) === name.hostname ? '' : `  ${'read from'.padEnd(13)}${shown(input)}\n`
  return `${bold(name.hostname)}\n${origin}${facts}${advice.join('')}\n`
}

function alsoOf({ name, port }: NameInput): string | null {
  const also = [
    name.fips ? 'FIPS' : '',
    name.dualstack ? 'IPv4 and IPv6' : '',
    port === null ? '' : `port ${port}`,
  ]
  return also.some((text) => text !== '') ? also.filter((text) => text !== '').join(', ') : null
}

function signatureOf(presigned: NameInput['presigned'], nowMs: number): string | null {
  if (presigned.signatureVersion === null) return null
  const version = { v2: 'SigV2', v4: 'SigV4', v4a: 'SigV4A' }[presigned.signatureVersion]
  const region = presigned.signingRegion === '*' ? ' for a set of regions' : ` for ${presigned.signingRegion}`
  const where = presigned.signingRegion === null ? '' : region
  const { expiresAt } = presigned
  const over = expiresAt !== null && Date.parse(expiresAt) <= nowMs
  return `${version}${where}, ${expiresAt === null ? 'expiry unknown' : `${over ? 'expired' : 'expires'} ${expiresAt}`}`
}

function wrap(text: string, first: string, next: string): string {
  const lines: string[] = []
  let line = first
  for (const word of text.split(' ')) {
    const empty = line === first || line === next
    if (!empty && line.length + word.length >= 110) {
      lines.push(line)
      line = next
    }
    line += line === first || line === next ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}
