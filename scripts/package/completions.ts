// Completions for bash, zsh and fish, from the table of commands.
import type { CommandSpec } from '../../agent/cli/usage.ts'
import type { CommandTable } from './commands.ts'

const note = (shell: string): string =>
  `# ${shell} completion of pathproof; generated from its table of commands\n`

/** A word as any of the shells takes it within single quotes. */
function plain(text: string): string {
  return text
    .replace(/[^\w .,:;/()+=%@-]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

const takesFile = ({ value = '' }: CommandSpec['options'][string]): boolean =>
  /FILE|KEY|CHECKPOINT/.test(value)
const takesFolder = ({ value = '' }: CommandSpec['options'][string]): boolean => /DIR/.test(value)

function optionsOf(spec: CommandSpec): string[] {
  return [...Object.keys(spec.options).map((name) => `--${name}`), '--help']
}

/** Words of the first and the second level. */
function words(table: CommandTable): { name: string; next: string[] }[] {
  return table.groups.map(({ name, commands }) => ({ name, next: Object.keys(commands) }))
}

function valueOptions(spec: CommandSpec, of: (option: CommandSpec['options'][string]) => boolean): string[] {
  return Object.entries(spec.options)
    .filter(([, option]) => option.type === 'string' && of(option))
    .map(([name]) => `--${name}`)
}

export function bashCompletion(table: CommandTable): string {
  const commands = table.commands.map((spec) => {
    const branch = (of: string[], then: string): string =>
      of.length === 0 ? '' : `        ${of.join('|')}) ${then}; return ;;\n`
    const other = valueOptions(spec, (option) => !takesFile(option) && !takesFolder(option))
    const positional = /DIR/.test(spec.positionals?.label ?? '')
      ? 'mapfile -t COMPREPLY < <(compgen -d -- "$cur")'
      : /FILE/.test(spec.positionals?.label ?? '')
        ? 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")'
        : ':'
    return (
      `    '${spec.name}')\n      case $previous in\n` +
      branch(valueOptions(spec, takesFile), 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")') +
      branch(valueOptions(spec, takesFolder), 'mapfile -t COMPREPLY < <(compgen -d -- "$cur")') +
      branch(other, ':') +
      `      esac\n      if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '${optionsOf(spec).join(' ')}' -- "$cur")\n      else ${positional}; fi ;;\n`
    )
  })
  const groups = words(table).map(({ name, next }) => {
    const top = name === '' ? ' --help --version --licenses' : ' --help'
    return `    '${name}') mapfile -t COMPREPLY < <(compgen -W '${next.join(' ')}${top}' -- "$cur") ;;\n`
  })
  const nested = words(table)
    .filter(({ name }) => name !== '')
    .map(({ name }) => name)
  return (
    `${note('bash')}# shellcheck shell=bash\n_pathproof() {\n  local cur=\${COMP_WORDS[COMP_CWORD]} previous='' at='' word index\n` +
    `  COMPREPLY=()\n  ((COMP_CWORD > 0)) && previous=\${COMP_WORDS[COMP_CWORD - 1]}\n` +
    `  for ((index = 1; index < COMP_CWORD && index < 3; index++)); do\n    word=\${COMP_WORDS[index]}\n    [[ $word == -* ]] && break\n` +
    `    if [[ $at == '' ]]; then at=$word\n    else case $at in ${nested.join('|')}) at+=" $word" ;; esac; fi\n  done\n` +
    `  case $at in\n${groups.join('')}${commands.join('')}  esac\n}\n` +
    `complete -o filenames -o bashdefault -F _pathproof pathproof\n`
  )
}

export function zshCompletion(table: CommandTable): string {
  const describe = (commands: Readonly<Record<string, string>>): string =>
    Object.entries(commands)
      .map(([name, what]) => `'${name}:${plain(what).replaceAll(':', ' ')}'`)
      .join(' ')
  const commands = table.commands.map((spec) => {
    const options = Object.entries(spec.options).map(([name, option]) => {
      const action = takesFolder(option) ? '_files -/' : takesFile(option) ? '_files' : ' '
      const value =
        option.type === 'string' ? `:${plain(option.value ?? 'TEXT').replaceAll(':', ' ')}:${action}` : ''
      return `'${option.multiple === true ? '*' : ''}--${name}[${plain(option.help).replace(/[[\]:]/g, ' ')}]${value}'`
    })
    return `    '${spec.name}') _arguments ${[...options, "'--help[this text]'", "'*::argument:_files'"].join(' ')} ;;\n`
  })
  const groups = table.groups.map(
    ({ name, commands: next }) =>
      `    '${name}') local -a commands; commands=(${describe(next)}); _describe command commands ;;\n`,
  )
  const nested = table.groups.filter(({ name }) => name !== '').map(({ name }) => name)
  return (
    `#compdef pathproof\n${note('zsh')}_pathproof() {\n  local at='' index used=1\n` +
    `  for ((index = 2; index < CURRENT && index < 4; index++)); do\n    [[ \${words[index]} == -* ]] && break\n` +
    `    if [[ $at == '' ]]; then at=\${words[index]}; used=$index\n    elif [[ ' ${nested.join(' ')} ' == *" $at "* ]]; then at+=" \${words[index]}"; used=$index; fi\n  done\n` +
    `  words=("\${(@)words[used,-1]}"); ((CURRENT -= used - 1))\n` +
    `  case $at in\n${groups.join('')}${commands.join('')}  esac\n}\n_pathproof "$@"\n`
  )
}

export function fishCompletion(table: CommandTable): string {
  const lines: string[] = ['complete -c pathproof -f']
  const nested = new Set(table.groups.map(({ name }) => name))
  const top = table.groups.find(({ name }) => name === '')
  for (const [name, what] of Object.entries(top?.commands ?? {}))
    lines.push(`complete -c pathproof -n __fish_use_subcommand -a ${name} -d '${plain(what)}'`)
  for (const { name, commands } of table.groups) {
    if (name === '') continue
    const none = Object.keys(commands).map((next) => `not __fish_seen_subcommand_from ${next}`)
    for (const [next, what] of Object.entries(commands))
      lines.push(
        `complete -c pathproof -n '__fish_seen_subcommand_from ${name}; and ${none.join('; and ')}' -a ${next} -d '${plain(what)}'`,
      )
  }
  for (const spec of table.commands) {
    const [first = '', second] = spec.name.split(' ')
    const when =
      nested.has(first) && second !== undefined
        ? `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
        : `__fish_seen_subcommand_from ${first}`
    for (const [name, option] of Object.entries(spec.options)) {
      const value =
        option.type === 'string' ? (takesFile(option) || takesFolder(option) ? ' -r -F' : ' -x') : ''
      lines.push(`complete -c pathproof -n '${when}' -l ${name}${value} -d '${plain(option.help)}'`)
    }
  }
  return `${note('fish')}${lines.join('\n')}\n`
}
