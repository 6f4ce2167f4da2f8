// The man pages, from the table of commands and the schema of the configuration. Notation: groff_man(7).
import { valuesOf } from '../docs/schema-node.ts'
import type { Node } from '../docs/schema-node.ts'
import type { CommandTable } from './commands.ts'

const lineStart = /^([.'])/gm

/** Text as roff takes it literally. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', "'")
    .replaceAll('…', '...')
    .replaceAll('×', 'x')
    .replaceAll('→', '\\->')
    .replaceAll('≥', '>=')
    .replaceAll('≤', '<=')
    .replaceAll("'", '\\(aq')
    .replace(lineStart, '\\&$1')
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`
const italic = (text: string): string => `\\fI${roff(text)}\\fR`

/** Paragraphs of a text that may hold several lines. */
const paragraphs = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(roff)
    .join('\n.br\n')

function header(title: string, section: number, epoch: number, version: string, what: string): string {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10)
  return `.TH ${title} ${section} "${date}" "pathproof ${version}" "${what}"\n.nh\n.ad l\n`
}

const files: readonly [string, string][] = [
  ['/etc/pathproof/pathproof.yml', 'the configuration; see pathproof.yml(5)'],
  ['/etc/default/pathproof, /etc/sysconfig/pathproof', 'PATHPROOF_OPTIONS and AWS variables for the service'],
  [
    '/var/lib/pathproof',
    'what outlives a restart: what contradicted, the last reading of the account, the ledger if one is kept',
  ],
  ['/usr/share/pathproof', 'the JSON Schema of the configuration, alert rules and dashboards'],
  ['/usr/share/doc/pathproof', 'the documentation, drop-ins for the unit, licences'],
]

const environment: readonly [string, string][] = [
  [
    'AWS_REGION, AWS_PROFILE, AWS_CONFIG_FILE, ...',
    'as the AWS SDK reads them, in the processes that ask the APIs; the agent itself holds no credentials',
  ],
  ['STATE_DIRECTORY', 'where state is kept; systemd sets it. Without it nothing outlives a restart'],
  ['CREDENTIALS_DIRECTORY', 'where systemd puts the credential ledger-key'],
  [
    'NOTIFY_SOCKET, LISTEN_FDS, WATCHDOG_USEC',
    'set by systemd: readiness, reloads and progress are told to it',
  ],
  ['NO_COLOR, FORCE_COLOR', 'whether results are coloured'],
  ['NODE_OPTIONS', 'has no effect on the packaged program'],
]

const exits: readonly [string, string][] = [
  ['0', 'the requirement is met; for route and name: answered'],
  ['1', 'failed to run'],
  ['3', 'not met: public, mixed, or blocked where private is required; a ledger that was tampered with'],
  ['4', 'undetermined; a ledger with declared gaps, or whose signer is unknown'],
  ['64', 'wrong usage'],
  ['65', 'malformed lines of input; the rest was processed'],
  ['78', 'the configuration is wrong'],
]

const listed = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([left, right]) => `.TP\n${bold(left)}\n${paragraphs(right)}\n`).join('')

/** pathproof(8). */
export function programPage(table: CommandTable, epoch: number, version: string): string {
  const summary = table.groups.find(({ name }) => name === '')?.summary ?? ''
  const commands = table.commands.map(({ name, summary: what, options, positionals, examples, notes }) => {
    const usage = `${bold('pathproof')} ${bold(name)} [${italic('OPTIONS')}]${positionals === undefined ? '' : ` ${italic(positionals.label)}`}`
    const rows = Object.entries(options).map(([option, { short, type, value, help }]) => {
      const names = [...(short === undefined ? [] : [`-${short}`]), `--${option}`].map(bold).join(', ')
      return `.TP\n${names}${type === 'string' ? ` ${italic(value ?? 'TEXT')}` : ''}\n${paragraphs(help)}\n`
    })
    const argument =
      positionals === undefined ? '' : `.TP\n${italic(positionals.label)}\n${paragraphs(positionals.help)}\n`
    return (
      `.SS ${roff(name)}\n${usage}\n.PP\n${paragraphs(what)}\n${argument}${rows.join('')}` +
      `.PP\n.nf\n${examples.map((example) => `    ${roff(example)}`).join('\n')}\n.fi\n` +
      (notes === undefined ? '' : `.PP\n${paragraphs(notes)}\n`)
    )
  })
  return (
    header('PATHPROOF', 8, epoch, version, 'System administration') +
    `.SH NAME\npathproof \\- proves whether connections to AWS services take a private path\n` +
    `.SH SYNOPSIS\n.B pathproof\n.I COMMAND\n.RI [ OPTIONS ]\n` +
    `.SH DESCRIPTION\n${paragraphs(summary)}\n.PP\n` +
    `${bold('private')} is said of this agent\\(aqs own connections, and only when it is proven; doubt is ${bold('undetermined')}.\n` +
    `.SH COMMANDS\nResults go to standard output, progress and logs to standard error.\nEvery command takes ${bold('--help')}; ${bold('pathproof --version')} and ${bold('pathproof --licenses')} stand alone.\n${commands.join('')}` +
    `.SH SIGNALS\n${listed([
      ['SIGHUP', 'run reads its configuration anew; one that is wrong is refused, and the old one stays'],
      ['SIGTERM, SIGINT', 'end it: runs under way may finish, the ledger gets a last checkpoint'],
    ])}` +
    `.SH EXIT STATUS\n${listed(exits)}.SH ENVIRONMENT\n${listed(environment)}.SH FILES\n${listed(files)}` +
    `.SH SEE ALSO\n.BR pathproof.yml (5),\n.BR systemd.exec (5),\n.BR ip\\-route (8)\n`
  )
}

const typeOf = (node: Node): string => valuesOf(node, { value: String, comma: ' | ', or: ', or ' })

function* keysOf(node: Node, path: string): Generator<string> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const at = `${path === '' ? '' : `${path}.`}${key}${child.items?.properties === undefined ? '' : '[]'}`
    const given =
      child.default === undefined || JSON.stringify(child.default) === '{}'
        ? ''
        : JSON.stringify(child.default)
    const standing =
      node.required?.includes(key) === true ? 'required' : given === '' ? '' : `default ${given}`
    const facts = [typeOf(child), standing].filter((text) => text !== '').join('; ')
    yield `.TP\n${bold(at)}\n${italic(facts)}\n${child.description === undefined ? '' : `.br\n${paragraphs(child.description)}\n`}`
    yield* keysOf(child.items ?? child, at)
  }
}

/** pathproof.yml(5), with `example` at its end. */
export function configurationPage(schema: object, example: string, epoch: number, version: string): string {
  return (
    header('PATHPROOF.YML', 5, epoch, version, 'File formats') +
    '.SH NAME\npathproof.yml \\- configuration of pathproof\n' +
    `.SH SYNOPSIS\n.I /etc/pathproof/pathproof.yml\n` +
    `.SH DESCRIPTION\nYAML, read strictly: unknown keys are errors, and all mistakes are told at once, with line and column, by ${bold('pathproof config check')}.\nDurations have units: 250ms, 30s, 5m, 1h30m.\nAfter a change: ${bold('systemctl reload pathproof')}.\n` +
    `.SH KEYS\n${[...keysOf(schema as Node, '')].join('')}` +
    `.SH EXAMPLE\n.nf\n${roff(example).trimEnd()}\n.fi\n` +
    '.SH SEE ALSO\n.BR pathproof (8)\n'
  )
}
