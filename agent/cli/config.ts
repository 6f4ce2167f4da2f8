import { costsOf } from '../config/cost.ts'
import { type FleetFinding, fleetFit } from '../config/fleet.ts'
import { ledgerSize } from '../config/ledger-size.ts'
import { effectiveConfig, effectiveDocument } from '../config/effective.ts'
import { exampleConfig } from '../config/example.ts'
import { configJsonSchemaText } from '../config/json-schema.ts'
import { loadConfig, parseConfig } from '../config/load.ts'
import type { LoadResult } from '../config/load.ts'
import { notActive } from '../config/not-active.ts'
import { problemText } from '../config/problems.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { readPlace } from '../account/shared-snapshot-place.ts'
import { actionsOfRoles, iamPolicy } from '../iam/iam.ts'
import { sharePolicy } from '../iam/share.ts'
import { ruleGroups } from '../rules/rules.ts'
import { defaultRuleOptions, everyRule, readRuleOptions, ruleParameters } from '../rules/parameters.ts'
import { rulesYaml } from '../rules/yaml.ts'
import { loadWebConfig, webProblemText } from '../web/files.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { chooseCommand, parseCommand } from './usage.ts'
import type { CommandSpec } from './usage.ts'

/** Where packages install the configuration. */
export const defaultConfigFile = '/etc/pathproof/pathproof.yml'

const schema = 'pathproof.config/1'

const summaries = {
  check: 'reads a configuration and says all that is wrong with it',
  show: 'prints the configuration with every default written out, without secrets',
  schema: 'prints the JSON Schema (draft 2020-12) of the configuration',
  example: 'prints an example, commented line by line',
  iam: 'prints the least IAM policy under which everything works that is enabled',
  rules: 'prints alerts and recording rules for Prometheus that fit the configuration',
}

const fileOptions = {
  'config.file': { type: 'string', value: 'FILE', help: `the configuration (default ${defaultConfigFile})` },
  json: { type: 'boolean', help: `one JSON document (schema ${schema})` },
} as const

const filePositional = { label: '[FILE]', min: 0, max: 1, help: 'the same as --config.file' }

const specs = {
  check: {
    name: 'config check',
    summary:
      'Reads a configuration and prints all that is wrong with it, with line and column, or the sums of what it asks for.\nThe network is not used.',
    options: {
      ...fileOptions,
      'web.config.file': { type: 'string', value: 'FILE', help: 'a web configuration, checked as well' },
      'fleet-size': {
        type: 'string',
        value: 'N',
        help: 'whether so many agents of this configuration, in one account and region, stay within what AWS allows it',
      },
    },
    positionals: filePositional,
    examples: [
      'pathproof config check',
      'pathproof config check --fleet-size 1000 ./pathproof.yml',
      'pathproof config check ./pathproof.yml',
      'pathproof config check --json ./pathproof.yml',
      'pathproof config check --web.config.file ./web.yml ./pathproof.yml',
    ],
    notes:
      'Exit codes: 0 the configuration is good (there may be warnings), 64 wrong usage, 78 something is wrong, or such a fleet does not work.',
  },
  show: {
    name: 'config show',
    summary:
      'Prints the effective configuration: every default written out, durations in one form, secrets removed.',
    options: fileOptions,
    positionals: filePositional,
    examples: ['pathproof config show', 'pathproof config show --json ./pathproof.yml'],
    notes: 'Exit codes: 0 printed, 64 wrong usage, 78 the configuration is wrong.',
  },
  schema: {
    name: 'config schema',
    summary: 'Prints the JSON Schema (draft 2020-12) of the configuration, for editors and other programs.',
    options: {},
    examples: ['pathproof config schema > pathproof.schema.json'],
  },
  example: {
    name: 'config example',
    summary: 'Prints an example configuration, commented line by line.',
    options: {},
    examples: ['pathproof config example > pathproof.yml'],
  },
  iam: {
    name: 'config iam',
    summary:
      'Prints the least IAM policy (JSON) under which everything works that the configuration enables. Without a configuration: that of the defaults.',
    options: {
      'config.file': {
        type: 'string',
        value: 'FILE',
        help: 'the configuration (default: none, all defaults)',
      },
      share: {
        type: 'string',
        value: 'PLACE',
        help: 'the policy of the writer of a shared snapshot instead, pathproof snapshot --share PLACE',
      },
    },
    positionals: filePositional,
    examples: [
      'pathproof config iam',
      'pathproof config iam ./pathproof.yml > policy.json',
      'pathproof config iam --share s3://my-bucket/pathproof/eu-west-1',
    ],
    notes:
      'Credentials themselves may need more: a role that is assumed is allowed by its own trust policy.\nExit codes: 0 printed, 64 wrong usage, 78 the configuration is wrong.',
  },
  rules: {
    name: 'config rules',
    summary:
      'Prints alerting and recording rules for Prometheus: those of the features that the configuration enables, with thresholds from its intervals and ages. Without a configuration: those of the defaults.',
    options: {
      'config.file': {
        type: 'string',
        value: 'FILE',
        help: 'the configuration (default: none, all defaults)',
      },
      all: { type: 'boolean', help: 'those of every feature, for a fleet of unlike agents' },
      job: {
        type: 'string',
        value: 'NAME',
        help: `the job under which agents are scraped (default ${defaultRuleOptions.job})`,
      },
      'runbook.base-url': {
        type: 'string',
        value: 'URL',
        help: `where the runbooks lie (default ${defaultRuleOptions.runbookBase})`,
      },
    },
    positionals: filePositional,
    examples: [
      'pathproof config rules ./pathproof.yml > pathproof.rules.yml',
      'pathproof config rules --all --runbook.base-url https://wiki.example.com/pathproof',
    ],
    notes:
      'Check what is printed with: promtool check rules FILE\nExit codes: 0 printed, 64 wrong usage, 78 the configuration is wrong.',
  },
} as const satisfies Record<keyof typeof summaries, CommandSpec>

/** `text` for `n` things: `1 target`, `2 targets`. */
function counted(n: number, singular: string): string {
  return `${n} ${singular}${n === 1 ? '' : 's'}`
}

function checkText(
  file: string,
  loaded: Extract<LoadResult, { ok: true }>,
  fleet: readonly FleetFinding[] | null,
): string {
  const { config, fit, hash, warnings } = loaded
  const perMinute = Math.round(fit.connectsPerMinute * 10) / 10
  const waiting = Math.ceil(fit.waiting)
  const targets =
    config.targets.length === 0 ? 'no targets (discovered on EC2)' : counted(config.targets.length, 'target')
  const lines = [
    `ok: ${safeText(file, 300)}: ${targets}, ${counted(fit.names, 'name')}, ${counted(config.resolvers.length, 'resolver')}, ${perMinute} connects per minute`,
    `schedule: at most ${counted(waiting, 'connection')} at once when nothing answers, of ${config.limits.connects} allowed`,
    `hash: ${hash}`,
    ...warnings.map((warning) => `warning: ${problemText(warning)}`),
    ...costsOf(config).map(({ text }) => text),
    ...[ledgerSize(config)?.text ?? []].flat(),
    ...(fleet ?? []).flatMap(({ level, path, text, expected }) => [
      `fleet: ${level}: ${path}: ${text}${expected === null ? '' : `; better: ${expected}`}`,
    ]),
    ...(fleet?.length === 0
      ? ['fleet: ok: nothing in this configuration asks AWS for what a fleet would share']
      : []),
    ...notActive(config).map(({ path, text }) => `note: ${path}: ${safeText(text, 300)}`),
  ]
  return `${lines.join('\n')}\n`
}

function checkDocument(file: string, loaded: LoadResult, fleet: readonly FleetFinding[] | null): unknown {
  const head = { schema, command: 'check', file: safeText(file, 300), ok: loaded.ok }
  if (!loaded.ok) return { ...head, problems: loaded.problems }
  const { config, fit, hash, warnings } = loaded
  return {
    ...head,
    problems: [],
    warnings,
    notActive: notActive(config),
    costs: costsOf(config),
    ledger: ledgerSize(config),
    fleet,
    hash,
    targets: config.targets.length,
    names: fit.names,
    resolvers: config.resolvers.length,
    connectsPerMinute: fit.connectsPerMinute,
    connectsAtOnce: fit.waiting,
  }
}

async function checkOrShow(command: 'check' | 'show', argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(specs[command], argv)
  if (!parsed.ok) return stop(parsed, io)
  const [positional] = parsed.positionals
  const option = parsed.values['config.file']
  if (positional !== undefined && option !== undefined) {
    io.stderr(
      `pathproof config ${command}: FILE and --config.file are both given\nNext step: give one of them\n`,
    )
    return exit.usage
  }
  const file = positional ?? option ?? defaultConfigFile
  const json = parsed.values.json === true
  const size = (parsed.values as { 'fleet-size'?: string })['fleet-size']
  if (size !== undefined && !/^[1-9][0-9]{0,6}$/.test(size)) {
    io.stderr(
      `pathproof config check: --fleet-size ${safeText(size, 80)}: expected how many agents, like 1000\n`,
    )
    return exit.usage
  }
  const webFile = (parsed.values as { 'web.config.file'?: string })['web.config.file']
  const web = webFile === undefined ? null : loadWebConfig(webFile)
  if (web?.ok === false) {
    const head = { schema, command, file: safeText(webFile, 300), ok: false }
    io.stdout(
      json ? `${JSON.stringify({ ...head, problems: web.problems })}\n` : `${webProblemText(web.problems)}\n`,
    )
    return exit.configuration
  }
  const loaded = await loadConfig(file, io.nowMs())
  const fleet = size === undefined || !loaded.ok ? null : fleetFit(loaded.config, Number(size))
  if (json) {
    const document =
      command === 'check' || !loaded.ok
        ? checkDocument(file, loaded, fleet)
        : {
            schema,
            command,
            file: safeText(file, 300),
            hash: loaded.hash,
            config: effectiveDocument(loaded.config),
          }
    io.stdout(`${JSON.stringify(document)}\n`)
  } else if (!loaded.ok) {
    // What `check` was asked for are the problems; for `show` they are the reason why there is no result.
    const print = command === 'check' ? io.stdout : io.stderr
    for (const problem of loaded.problems) print(`${problemText(problem)}\n`)
  } else {
    io.stdout(command === 'check' ? checkText(file, loaded, fleet) : effectiveConfig(loaded.config))
  }
  const refused = fleet?.some(({ level }) => level === 'refused') === true
  return loaded.ok && !refused ? exit.met : exit.configuration
}

async function iam(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(specs.iam, argv)
  if (!parsed.ok) return stop(parsed, io)
  const [positional] = parsed.positionals
  const option = parsed.values['config.file']
  if (positional !== undefined && option !== undefined) {
    io.stderr('pathproof config iam: FILE and --config.file are both given\nNext step: give one of them\n')
    return exit.usage
  }
  const file = positional ?? option
  const loaded =
    file === undefined
      ? parseConfig('version: 1\n', 'defaults', io.nowMs())
      : await loadConfig(file, io.nowMs())
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr(`${problemText(problem)}\n`)
    return exit.configuration
  }
  const { share } = parsed.values
  const place = share === undefined ? null : readPlace(share)
  if (share !== undefined) {
    if (place === null) {
      io.stderr(
        `pathproof config iam: --share ${safeText(redact(share), 200)}: expected a file, or s3://BUCKET/KEY\nNext step: pathproof config iam --help\n`,
      )
      return exit.usage
    }
    io.stdout(`${JSON.stringify(sharePolicy(place, loaded.config), null, 2)}\n`)
    return exit.met
  }
  const policy = iamPolicy(loaded.config)
  if (policy === null)
    io.stderr('pathproof config iam: nothing in this configuration calls AWS: no policy is needed\n')
  else io.stdout(`${JSON.stringify(policy, null, 2)}\n`)
  const inRoles = actionsOfRoles(loaded.config)
  if (inRoles.length > 0)
    io.stderr(`the roles of topology.also must allow in their own accounts: ${inRoles.join(', ')}\n`)
  return exit.met
}

async function rules(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(specs.rules, argv)
  if (!parsed.ok) return stop(parsed, io)
  const { values } = parsed
  const [positional] = parsed.positionals
  const option = values['config.file']
  if (positional !== undefined && option !== undefined) {
    io.stderr('pathproof config rules: FILE and --config.file are both given\nNext step: give one of them\n')
    return exit.usage
  }
  const read = readRuleOptions({ job: values.job, runbookBase: values['runbook.base-url'] })
  if (!read.ok) {
    io.stderr(`pathproof config rules: ${read.problem}\nNext step: pathproof config rules --help\n`)
    return exit.usage
  }
  const file = positional ?? option
  const loaded =
    file === undefined
      ? parseConfig('version: 1\n', 'defaults', io.nowMs())
      : await loadConfig(file, io.nowMs())
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr(`${problemText(problem)}\n`)
    return exit.configuration
  }
  const all = values.all === true
  const parameters = (all ? everyRule : ruleParameters)(loaded.config, read.options)
  io.stdout(rulesYaml(ruleGroups(parameters), `pathproof config rules${all ? ' --all' : ''}`))
  return exit.met
}

function stop({ code, text }: { code: number; text: string }, io: Io): number {
  if (code === 0) io.stdout(text)
  else io.stderr(text)
  return code
}

/** `pathproof config check|show|schema|example|iam|rules`. Exit code 0, 64 (usage) or 78 (the configuration is wrong). */
export async function configCommand(argv: string[], io: Io): Promise<number> {
  const chosen = chooseCommand('config', 'Checks and prints the configuration.', summaries, argv)
  if (!chosen.ok) return stop(chosen, io)
  const { command } = chosen
  if (command === 'check' || command === 'show') return await checkOrShow(command, chosen.argv, io)
  if (command === 'iam') return await iam(chosen.argv, io)
  if (command === 'rules') return await rules(chosen.argv, io)
  const parsed = parseCommand(specs[command], chosen.argv)
  if (!parsed.ok) return stop(parsed, io)
  io.stdout(command === 'schema' ? configJsonSchemaText() : exampleConfig)
  return exit.met
}
